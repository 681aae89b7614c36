//! What a trace tells of a delivery: from when a response was taken in, or resumed, to its last event here.

use stream::{Event, Record};
use trace::{Span, key};

/// The spans of one subscriber. They end with the terminal event, or when the subscriber leaves.
#[derive(Debug)]
pub(crate) struct Telling {
    deliver: Span,
    /// Around it, if the subscriber's request began the response.
    response: Span,
    tokens: u64,
}

impl Telling {
    /// Tells of a delivery as `deliver`, and of its end to `response`, too. Nothing, if they are not recorded: most subscribers need
    /// no room for it.
    pub(crate) fn new(response: Span, deliver: Span) -> Option<Box<Self>> {
        deliver.is_recorded().then(|| Box::new(Self { deliver, response, tokens: 0 }))
    }

    /// A record is on its way to the subscriber.
    pub(super) fn note(&mut self, record: &Record) {
        let tokens = record.events.iter().filter(|event| matches!(event, Event::Delta(_))).count() as u64;
        if self.tokens == 0 && tokens > 0 {
            self.deliver.event("first token");
        }
        self.tokens += tokens;
        if record.is_terminal() {
            let outcome = record.events.last().map_or("", |event| event.kind().name());
            self.response.set(key::OUTCOME, outcome);
            if outcome == "response.failed" {
                self.response.fail("response_failed");
            }
        }
    }

    /// The stream does not hold any more what was told.
    pub(super) fn lose(&mut self) {
        self.deliver.fail("stream_lost");
        self.response.fail("stream_lost");
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.deliver.set(key::TOKENS, self.tokens);
    }
}
