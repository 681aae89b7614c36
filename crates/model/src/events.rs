//! What writers write: real records, with texts that betray who wrote them.
//!
//! A token's text is the whole text so far as its writer believes it to be, one digit for each token: the epoch in
//! which it was written. So `112` is the third token, written in epoch 2 by one who knew of two tokens of epoch 1. A
//! writer that carries on from anything else than what was shown gives itself away.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use bytestring::ByteString;
use stream::{Delta, DeltaKind, Epoch, Event, EventKind, Record, Sequence, Whole};

/// A record in a log. Shared, because every state that follows holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry(pub(crate) Arc<Record>);

impl Entry {
    pub(crate) fn opening(epoch: Epoch, next: Sequence) -> Self {
        Self(Arc::new(Record::opening(epoch, next)))
    }

    /// A record of one event: more in one would only spare the checker some orders.
    pub(crate) fn event(epoch: Epoch, first: Sequence, event: Event) -> Self {
        Self(Arc::new(Record { epoch, first, events: vec![event] }))
    }

    pub(crate) fn first_event(&self) -> Option<&Event> {
        self.0.events.first()
    }

    /// The text so far, if this is a token.
    pub(crate) fn text(&self) -> Option<&str> {
        match self.first_event() {
            Some(Event::Delta(delta)) => Some(&delta.text),
            _ => None,
        }
    }
}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0.epoch, self.0.first).hash(state);
        for event in &self.0.events {
            event.kind().hash(state);
            body(event).hash(state);
        }
    }
}

/// What an event says.
pub(crate) fn body(event: &Event) -> &str {
    match event {
        Event::Delta(delta) => &delta.text,
        Event::Whole(whole) => &whole.body,
    }
}

pub(crate) fn created() -> Event {
    Event::Whole(Whole { kind: EventKind::Created, body: ByteString::new() })
}

pub(crate) fn token(text: &str) -> Event {
    Event::Delta(Delta {
        kind: DeltaKind::OutputText,
        output_index: 0,
        part_index: 0,
        text: text.into(),
        logprobs: None,
    })
}

/// The end of a response: it says the text once more, as the real one does.
pub(crate) fn terminal(kind: EventKind, text: &str) -> Event {
    Event::Whole(Whole { kind, body: text.into() })
}
