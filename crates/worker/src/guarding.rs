//! The output guard between the model and the composer: what the composer is told is what anyone will see.
//!
//! Each text is guarded on its own: a part of the answer, of a refusal or of reasoning, the arguments of each call. What is held
//! back of it is told before anything that closes it. What is held back when a call breaks off, or is stopped, was never said:
//! the next call carries on from what was shown.

use std::{collections::BTreeMap, sync::Arc};

use bytestring::ByteString;
use engine::{Finish, Output};
use guard::{Filter, Guard, JsonFilter};
use protocol::{Request, TextFormat};

use crate::{composer::Composer, metrics::Guarded};

/// What the outputs of one call of the model go through.
pub(crate) struct Guarding {
    guard: Arc<Guard>,
    guarded: Guarded,
    /// The text that the model is at.
    open: Option<(Part, Text)>,
    calls: BTreeMap<u32, Text>,
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Answer,
    Refusal,
    Reasoning,
    Summary(u32),
}

impl Part {
    fn says(self, text: ByteString) -> Output {
        match self {
            // Without log probabilities: they would spell out what is masked.
            Self::Answer => Output::Text { text, logprobs: None },
            Self::Refusal => Output::Refusal(text),
            Self::Reasoning => Output::Reasoning(text),
            Self::Summary(part) => Output::ReasoningSummary { part, text },
        }
    }
}

/// A text on its way through the guard.
enum Text {
    Plain(Filter),
    Json(JsonFilter),
}

impl Text {
    /// What can be told, now that `more` was said, or nothing more will be.
    fn pass(&mut self, more: Option<ByteString>, guarded: &Guarded) -> Passed {
        let (text, is_stopped) = match self {
            Self::Plain(filter) => {
                let text = match more {
                    Some(more) => filter.push(more),
                    None => filter.finish(),
                };
                guarded.count(filter.found());
                (text, filter.is_stopped())
            }
            Self::Json(filter) => {
                let text = match more {
                    Some(more) => filter.push(&more),
                    None => filter.finish(),
                };
                guarded.count(filter.found());
                (text, filter.is_stopped())
            }
        };
        Passed { text, is_stopped }
    }
}

struct Passed {
    text: ByteString,
    /// The guard found what ends the response; the text is the last of it.
    is_stopped: bool,
}

/// What came of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// The model may go on.
    More,
    /// It is done.
    Finished(Finish),
    /// The guard found what ends the response.
    Stopped,
}

impl From<Option<Finish>> for Told {
    fn from(finish: Option<Finish>) -> Self {
        finish.map_or(Self::More, Self::Finished)
    }
}

impl Guarding {
    /// For a call that begins, or carries on the answer of which `shown` was shown.
    pub(crate) fn begin(guard: &Arc<Guard>, guarded: Guarded, shown: Option<&str>) -> Self {
        let carried_on = |shown| (Part::Answer, Text::Plain(Filter::after(Arc::clone(guard), shown)));
        Self { guard: Arc::clone(guard), guarded, open: shown.map(carried_on), calls: BTreeMap::new() }
    }

    /// Tells `composer` of an output, as far as it may be shown.
    pub(crate) fn add(&mut self, output: Output, composer: &mut Composer, request: &Request) -> Told {
        let may_go_on = match output {
            Output::Text { text, .. } => self.say(Part::Answer, text, composer, request),
            Output::Refusal(text) => self.say(Part::Refusal, text, composer, request),
            Output::Reasoning(text) => self.say(Part::Reasoning, text, composer, request),
            Output::ReasoningSummary { part, text } => self.say(Part::Summary(part), text, composer, request),
            Output::Arguments { index, text } => self.argue(index, Some(text), composer, request),
            Output::Call { .. } | Output::Finish(_) | Output::Usage(_) => {
                return self.turn(output, composer, request);
            }
        };
        if may_go_on { Told::More } else { Told::Stopped }
    }

    /// An output without text; before it comes what was held back of the texts that it closes.
    fn turn(&mut self, output: Output, composer: &mut Composer, request: &Request) -> Told {
        let may_go_on = match output {
            Output::Call { .. } => self.close_text(composer, request),
            Output::Finish(_) => {
                let calls: Vec<_> = self.calls.keys().copied().collect();
                self.close_text(composer, request)
                    && calls.into_iter().all(|index| self.argue(index, None, composer, request))
            }
            _ => true,
        };
        if may_go_on { composer.add(output, request).into() } else { Told::Stopped }
    }

    /// Whether the model may go on.
    fn say(&mut self, part: Part, text: ByteString, composer: &mut Composer, request: &Request) -> bool {
        if self.open.as_ref().is_some_and(|(open, _)| *open != part) && !self.close_text(composer, request) {
            return false;
        }
        let (_, open) = self.open.get_or_insert_with(|| {
            let guard = Arc::clone(&self.guard);
            let is_json = part == Part::Answer && request.text.format != TextFormat::Text;
            (part, if is_json { Text::Json(JsonFilter::new(guard)) } else { Text::Plain(Filter::new(guard)) })
        });
        let Passed { text, is_stopped } = open.pass(Some(text), &self.guarded);
        composer.add(part.says(text), request);
        !is_stopped
    }

    /// Tells the rest of the open text. Whether the model may go on.
    fn close_text(&mut self, composer: &mut Composer, request: &Request) -> bool {
        let Some((part, mut open)) = self.open.take() else { return true };
        let Passed { text, is_stopped } = open.pass(None, &self.guarded);
        composer.add(part.says(text), request);
        !is_stopped
    }

    /// Arguments of a call, or their end. Whether the model may go on.
    fn argue(
        &mut self,
        index: u32,
        more: Option<ByteString>,
        composer: &mut Composer,
        request: &Request,
    ) -> bool {
        let begin = || Text::Json(JsonFilter::new(Arc::clone(&self.guard)));
        let Passed { text, is_stopped } =
            self.calls.entry(index).or_insert_with(begin).pass(more, &self.guarded);
        composer.add(Output::Arguments { index, text }, request);
        !is_stopped
    }
}
