//! An answer, told token by token and in time.

use std::{
    collections::VecDeque,
    iter::Peekable,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::Stream;
use protocol::Request;
use serde_json::{Value, json};
use tokio::{
    task::coop,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    answer::{Answer, Tokens},
    asked::{Asked, hash},
    phrases::{self, Mishap},
    tokens,
};
use crate::{Error, Fault, Finish, Output, Usage};

/// When tokens are due. Each is reckoned from the one before and not from when that was told, so that being late once
/// delays nothing after it.
pub(super) struct Pace {
    due: Instant,
    pause: Duration,
    /// One timer for the whole call; none when there is nothing to wait for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(super) fn new(first_token: Duration, pause: Duration) -> Self {
        let now = Instant::now();
        let due = later(now, first_token);
        let waits = !(first_token.is_zero() && pause.is_zero());
        Self { due, pause, timer: waits.then(|| Box::pin(sleep_until(due))) }
    }

    /// Ready when the next token is due, which then is the one after it.
    fn poll_token(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(timer) = &mut self.timer else { return Poll::Ready(()) };
        if self.due > Instant::now() {
            if timer.deadline() != self.due {
                timer.as_mut().reset(self.due);
            }
            ready!(timer.as_mut().poll(context));
        }
        self.due = later(self.due, self.pause);
        Poll::Ready(())
    }
}

/// A time that is too far away to be told is a year away.
fn later(time: Instant, by: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    time + by.min(YEAR)
}

/// The outputs of one call.
pub(super) struct Play {
    outputs: Peekable<Box<dyn Iterator<Item = Output> + Send>>,
    /// Tokens told, those of the prefix included.
    told: u64,
    max_tokens: u64,
    mishap: Option<(u64, Mishap)>,
    pace: Pace,
    input_tokens: u64,
    reasoning_tokens: u64,
    /// What is told after the last token; when it is empty, the call is over.
    ending: Option<VecDeque<Output>>,
}

impl Play {
    /// The outputs of `answer`, or what comes after `prefix` in them.
    ///
    /// # Errors
    /// When the prefix is not the beginning of the answer.
    pub(super) fn new(
        request: &Request,
        answer: Answer,
        prefix: &str,
        mishap: Option<(u64, Mishap)>,
        pace: Pace,
    ) -> Result<Self, Error> {
        let reasoning_tokens =
            tokens::split(&answer.reasoning).chain(tokens::split(&answer.summary)).count() as u64;
        let wants_logprobs = request.include.iter().any(|name| name == "message.output_text.logprobs")
            || request.top_logprobs.is_some_and(|top| top > 0);
        let logprobs = wants_logprobs.then_some(request.top_logprobs.unwrap_or(0));
        let thoughts = answer.thoughts();
        let mut answer = answer;
        let (outputs, told): (Box<dyn Iterator<Item = Output> + Send>, u64) = if prefix.is_empty() {
            (Box::new(thoughts.into_iter().chain(answer.outputs(logprobs))), 0)
        } else {
            // What was thought before the text was told with it.
            let skipped = skip(answer.text.as_mut(), prefix).ok_or_else(not_ours)?;
            let told = reasoning_tokens + skipped.count;
            (Box::new(text_outputs(skipped.rest, logprobs).chain(answer.outputs(logprobs))), told)
        };
        Ok(Self {
            outputs: outputs.peekable(),
            told,
            max_tokens: request.max_output_tokens.unwrap_or(u64::MAX),
            // Who carries on behind the place of a mishap is past it.
            mishap: mishap.filter(|(after, _)| prefix.is_empty() || told < *after),
            pace,
            input_tokens: Asked::input_tokens(request),
            reasoning_tokens,
            ending: None,
        })
    }

    fn end(&mut self, finish: Finish) {
        let usage = Usage {
            input_tokens: self.input_tokens,
            cached_tokens: 0,
            output_tokens: self.told,
            reasoning_tokens: self.reasoning_tokens.min(self.told),
        };
        self.ending = Some(VecDeque::from([Output::Usage(usage), Output::Finish(finish)]));
    }

    fn poll_output(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Output, Error>>> {
        if let Some(ending) = &mut self.ending {
            return Poll::Ready(ending.pop_front().map(Ok));
        }
        match self.mishap {
            // Nothing will ever wake it: that is what was asked for.
            Some((after, Mishap::Hang)) if self.told >= after => return Poll::Pending,
            Some((after, Mishap::Fail(fault))) if self.told >= after => {
                self.ending = Some(VecDeque::new());
                return Poll::Ready(Some(Err(phrases::error(fault))));
            }
            _ => {}
        }
        match self.outputs.peek() {
            None => self.end(Finish::Stop),
            Some(_) if self.told >= self.max_tokens => self.end(Finish::Length),
            Some(Output::Call { .. }) => return Poll::Ready(self.outputs.next().map(Ok)),
            Some(_) => {
                ready!(self.pace.poll_token(context));
                self.told += 1;
                return Poll::Ready(self.outputs.next().map(Ok));
            }
        }
        self.poll_output(context)
    }
}

impl Stream for Play {
    type Item = Result<Output, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Without a pace it is always ready, and would keep its thread from everybody else.
        let budget = ready!(coop::poll_proceed(context));
        let output = ready!(self.poll_output(context));
        budget.made_progress();
        Poll::Ready(output)
    }
}

impl Answer {
    fn thoughts(&self) -> Vec<Output> {
        let reasoning = tokens::split(&self.reasoning).map(|token| Output::Reasoning(token.into()));
        let summary = tokens::split(&self.summary)
            .map(|token| Output::ReasoningSummary { part: 0, text: token.into() });
        reasoning.chain(summary).collect()
    }

    fn outputs(self, logprobs: Option<u64>) -> impl Iterator<Item = Output> + Send {
        let refusal: Vec<Output> =
            tokens::split(&self.refusal).map(|token| Output::Refusal(token.into())).collect();
        let calls = (0..).zip(self.calls).flat_map(|(index, call)| {
            let begin = Output::Call { index, call_id: call.call_id, name: call.name };
            let arguments: Vec<Output> = tokens::split(&call.arguments)
                .map(|token| Output::Arguments { index, text: token.into() })
                .collect();
            [begin].into_iter().chain(arguments)
        });
        text_outputs(self.text, logprobs).chain(refusal).chain(calls)
    }
}

fn text_outputs(text: Tokens, logprobs: Option<u64>) -> impl Iterator<Item = Output> + Send {
    text.map(move |token| {
        let logprobs = logprobs.map(|top| json!([logprob(&token, top)]));
        Output::Text { text: token.into(), logprobs }
    })
}

/// The log probability of a token: made up, but always the same.
fn logprob(token: &str, top: u64) -> Value {
    let certainty = (hash(token) % 90) as f64 / 100.0;
    let of =
        |text: &str, logprob: f64| json!({ "token": text, "logprob": logprob, "bytes": text.as_bytes() });
    let others = ["the", "a", " light", " fire", " and", " word", " of", " to", " in", " it"];
    let mut value = of(token, -certainty);
    let first = of(token, -certainty);
    let others = (1..).zip(others.iter().cycle()).map(|(rank, text)| of(text, -certainty - f64::from(rank)));
    let top: Vec<Value> = [first].into_iter().chain(others).take(top.try_into().unwrap_or(0)).collect();
    value["top_logprobs"] = top.into();
    value
}

struct Skipped {
    /// Tokens in the prefix; one that is told in part counts with its rest.
    count: u64,
    /// The rest of the token in which the prefix ends.
    rest: Tokens,
}

/// Takes `prefix` off the beginning of a text.
fn skip(text: &mut (dyn Iterator<Item = String> + Send), mut prefix: &str) -> Option<Skipped> {
    let mut count = 0;
    while !prefix.is_empty() {
        let token = text.next()?;
        match prefix.strip_prefix(token.as_str()) {
            Some(rest) => prefix = rest,
            None => {
                let rest = token.strip_prefix(prefix)?.to_owned();
                return Some(Skipped { count, rest: Box::new([rest].into_iter()) });
            }
        }
        count += 1;
    }
    Some(Skipped { count, rest: Box::new(std::iter::empty()) })
}

fn not_ours() -> Error {
    let detail =
        "the prefix is not the beginning of this answer: another seed, or another version of the demo model";
    Error::new(Fault::Refused, "The demo model cannot carry on this text.", detail)
}
