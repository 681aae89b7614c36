//! The model server of the simulation: it says what the prompt asks for, at its own pace, and fails as the seed has it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use engine::{Call, Engine, Error, Fault, Finish, Output, Outputs};
use futures_util::{Stream, StreamExt as _, stream};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{
    dice::Dice,
    journal::Journal,
    life::Life,
    prompt::{Kind, Prompt, of_request},
};

/// The one model server that all workers call.
#[derive(Debug)]
pub(crate) struct Model {
    seed: u64,
    journal: Journal,
    /// How often a call goes wrong at the model.
    trouble: f64,
    /// How many prompts kill each worker that takes them on.
    poison: f64,
    calls: Mutex<Vec<Played>>,
}

/// A call of the model.
#[derive(Debug, Clone)]
pub(crate) struct Played {
    pub(crate) prompt: Prompt,
    pub(crate) worker: Life,
    pub(crate) begun: Instant,
    /// When it was over or given up. A worker that died has no more to do with it.
    pub(crate) ended: Option<Instant>,
    /// What went wrong at the model, if anything did.
    pub(crate) mishap: Option<Mishap>,
}

/// What goes wrong at a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// It has too much to do.
    Busy,
    /// It breaks off with an error after some pieces.
    BreaksOff(usize),
    /// It ends without saying so after some pieces.
    Ends(usize),
    /// It says no more after some pieces.
    Hangs(usize),
    /// What it says kills the worker, whichever it is.
    Kills,
}

impl Model {
    pub(crate) fn new(seed: u64, journal: Journal) -> Arc<Self> {
        let trouble = Dice::new(seed, "trouble at the model").rate(0.25);
        let mut dice = Dice::new(seed, "poison");
        let poison = if dice.chance(0.08) { dice.rate(0.5) } else { 0.0 };
        Arc::new(Self { seed, journal, trouble, poison, calls: Mutex::default() })
    }

    /// The model, as `worker` reaches it. Whether it can carry on from a prefix.
    pub(crate) fn engine(self: &Arc<Self>, worker: Life, continues: bool) -> Arc<dyn Engine> {
        Arc::new(Reached { model: Arc::clone(self), worker, continues })
    }

    /// All calls so far.
    pub(crate) fn calls(&self) -> Vec<Played> {
        self.calls.lock().clone()
    }

    /// Notes a call, and decides how it goes.
    fn begin(&self, prompt: &Prompt, worker: &Life, has_prefix: bool) -> (usize, Dice) {
        let mut calls = self.calls.lock();
        let before = calls.iter().filter(|call| call.prompt == *prompt).count();
        let mut dice = Dice::new(self.seed, &format!("call {before} for {prompt}"));
        let is_poison = Dice::new(self.seed, &format!("poison in {prompt}")).chance(self.poison);
        let mishap = is_poison.then_some(Mishap::Kills).or_else(|| {
            if !dice.chance(self.trouble) {
                return None;
            }
            let after = dice.number(0..=prompt.pieces) as usize;
            Some(*dice.pick(&[
                Mishap::Busy,
                Mishap::BreaksOff(after),
                Mishap::Ends(after),
                Mishap::Hangs(after),
            ]))
        });
        calls.push(Played {
            prompt: prompt.clone(),
            worker: worker.clone(),
            begun: Instant::now(),
            ended: None,
            mishap,
        });
        self.journal.count("model calls");
        if mishap.is_some() {
            self.journal.count("model mishaps");
        }
        self.journal.note(format_args!(
            "model: called by {} for {prompt}, prefix {has_prefix}, mishap {mishap:?}",
            worker.name()
        ));
        (calls.len() - 1, dice)
    }

    fn end(&self, call: usize) {
        self.calls.lock()[call].ended.get_or_insert_with(Instant::now);
    }
}

struct Reached {
    model: Arc<Model>,
    worker: Life,
    continues: bool,
}

#[async_trait]
impl Engine for Reached {
    async fn generate(&self, call: Call) -> Result<Outputs, Error> {
        self.worker.running().await;
        let Self { model, worker, continues } = self;
        let Some(prompt) = of_request(&call.request) else {
            model.journal.object("the model was asked what no client asked");
            return Err(Error::new(Fault::Refused, "Not understood.", "not a prompt"));
        };
        let Some(rest) = rest(&prompt, call.prefix.as_deref(), *continues) else {
            model.journal.object(format!(
                "the model was asked to carry on {prompt} from what it never said: {:?}",
                call.prefix
            ));
            return Err(Error::new(Fault::Refused, "Not understood.", "not a prefix"));
        };
        let (number, mut dice) = model.begin(&prompt, worker, call.prefix.is_some());
        let playing = Playing { model: Arc::clone(model), number };
        worker.guard(tokio::time::sleep(dice.skewed_millis(1..=2000))).await;
        let mishap = model.calls.lock()[number].mishap;
        if mishap == Some(Mishap::Kills) {
            model.journal.count("workers poisoned");
            worker.die();
            // It does not live to see the answer.
            worker.running().await;
        }
        if mishap == Some(Mishap::Busy) {
            let fault = Fault::Busy { retry_after: None };
            return Err(Error::new(fault, "The model has too much to do.", "busy"));
        }
        let outputs = outputs(rest, mishap, dice);
        Ok(Box::pin(Heard { worker: worker.clone(), outputs: outputs.boxed(), _playing: playing }))
    }

    async fn models(&self) -> Result<Option<Vec<String>>, Error> {
        Ok(None)
    }
}

/// What is left to be said after `prefix`, if that is how the answer begins.
fn rest(prompt: &Prompt, prefix: Option<&str>, continues: bool) -> Option<Vec<Output>> {
    let mut outputs = Vec::new();
    for (kind, pieces) in prompt.answer() {
        let mut told = match (kind, prefix) {
            ("reasoning", Some(_)) => continue,
            (_, Some(prefix)) if continues && prompt.is_plain() => prefix,
            (_, Some(_)) => return None,
            (_, None) => "",
        };
        if kind == "function_call" {
            outputs.push(Output::Call {
                index: 0,
                call_id: format!("call_{}", prompt.number),
                name: "act".into(),
            });
        }
        for piece in pieces {
            if let Some(later) = told.strip_prefix(piece.as_str()) {
                told = later;
                continue;
            }
            let piece = piece.strip_prefix(told)?.to_owned();
            told = "";
            outputs.push(match (prompt.kind, kind) {
                (_, "reasoning") => Output::Reasoning(piece.into()),
                (Kind::Call, _) => Output::Arguments { index: 0, text: piece.into() },
                _ => Output::Text { text: piece.into(), logprobs: None },
            });
        }
        if !told.is_empty() {
            return None;
        }
    }
    Some(outputs)
}

/// The outputs with their pauses, until the end or a mishap.
fn outputs(
    rest: Vec<Output>,
    mishap: Option<Mishap>,
    mut dice: Dice,
) -> impl Stream<Item = Result<Output, Error>> + Send + 'static {
    let pace = dice.skewed_millis(1..=400).as_millis() as u64;
    let bursts = if dice.chance(0.3) { 0.7 } else { 0.0 };
    let steps = rest.into_iter().chain([Output::Finish(Finish::Stop)]);
    // Nothing follows the finish, nor an error.
    stream::unfold(Some((steps, 0, dice)), move |state| async move {
        let (mut steps, at, mut dice) = state?;
        let pause = if dice.chance(bursts) { Duration::ZERO } else { dice.millis(0..=2 * pace) };
        tokio::time::sleep(pause).await;
        match mishap {
            Some(Mishap::BreaksOff(after)) if at >= after => {
                let error = Error::new(Fault::Unreachable, "The model broke off.", "broke off");
                return Some((Err(error), None));
            }
            Some(Mishap::Ends(after)) if at >= after => return None,
            Some(Mishap::Hangs(after)) if at >= after => std::future::pending().await,
            _ => {}
        }
        let output = steps.next()?;
        let state = (!matches!(output, Output::Finish(_))).then_some((steps, at + 1, dice));
        Some((Ok(output), state))
    })
}

/// A call in a worker's hands.
struct Heard {
    worker: Life,
    outputs: Outputs,
    _playing: Playing,
}

impl Stream for Heard {
    type Item = Result<Output, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(self.worker.poll_running(cx));
        self.outputs.as_mut().poll_next(cx)
    }
}

/// Notes the end of a call when it is dropped.
struct Playing {
    model: Arc<Model>,
    number: usize,
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.model.end(self.number);
    }
}
