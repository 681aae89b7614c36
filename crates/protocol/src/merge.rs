//! Several deltas told as one, for a client that is behind.
//!
//! A client that reads slower than the model writes is told the same text in fewer, larger events. That is the adaptive
//! granularity of the live path: nobody has to choose it, and nothing is lost by it.

use std::borrow::Cow;

use bytestring::ByteString;
use stream::{Delta, Event, Sequence};

/// One event to tell, which may stand for several of the stream's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged<'a> {
    /// The sequence number of the first event that it stands for.
    pub first: Sequence,
    /// Of the last; the number it is told under.
    pub last: Sequence,
    /// What to tell.
    pub event: Cow<'a, Event>,
}

impl Merged<'_> {
    /// What to tell as `narthex:merged_from`: nothing, if it stands for itself alone.
    pub fn merged_from(&self) -> Option<Sequence> {
        (self.first < self.last).then_some(self.first)
    }
}

/// Joins consecutive deltas of the same text in `events`, which come in the order of the stream.
///
/// A joined event holds at most `max_bytes`, unless one delta alone is larger: that one is told as it is. With 0 nothing is
/// joined. An event that nothing joins is borrowed, not copied.
pub fn merge<'a, I>(events: I, max_bytes: usize) -> Merger<'a, I::IntoIter>
where
    I: IntoIterator<Item = (Sequence, &'a Event)>,
{
    Merger { events: events.into_iter(), max_bytes, ahead: None }
}

/// The iterator that [`merge`] makes.
#[derive(Debug, Clone)]
pub struct Merger<'a, I> {
    events: I,
    max_bytes: usize,
    ahead: Option<(Sequence, &'a Event)>,
}

impl<'a, I: Iterator<Item = (Sequence, &'a Event)>> Iterator for Merger<'a, I> {
    type Item = Merged<'a>;

    fn next(&mut self) -> Option<Merged<'a>> {
        let (first, event) = self.ahead.take().or_else(|| self.events.next())?;
        let alone = Merged { first, last: first, event: Cow::Borrowed(event) };
        let Event::Delta(delta) = event else { return Some(alone) };
        let mut joined = Joined::new(delta);
        let mut last = first;
        loop {
            self.ahead = self.events.next();
            match self.ahead {
                Some((sequence, Event::Delta(next))) if joined.takes(next, self.max_bytes) => {
                    joined.push(next);
                    last = sequence;
                }
                _ if last == first => return Some(alone),
                _ => return Some(Merged { first, last, event: Cow::Owned(joined.into_event()) }),
            }
        }
    }
}

/// The deltas that become one. Nothing is copied before there is something to join.
struct Joined<'a> {
    base: &'a Delta,
    text: Option<String>,
    /// A JSON array that is still open.
    logprobs: Option<String>,
}

impl<'a> Joined<'a> {
    const fn new(base: &'a Delta) -> Self {
        Self { base, text: None, logprobs: None }
    }

    fn takes(&self, next: &Delta, max_bytes: usize) -> bool {
        let so_far = match &self.text {
            None => weight(self.base),
            Some(text) => text.len() + self.logprobs.as_ref().map_or(0, String::len),
        };
        self.base.continues_with(next) && so_far + weight(next) <= max_bytes
    }

    fn push(&mut self, next: &Delta) {
        if self.text.is_none() {
            self.add(self.base);
        }
        self.add(next);
    }

    fn add(&mut self, delta: &Delta) {
        self.text.get_or_insert_default().push_str(&delta.text);
        let Some(array) = &delta.logprobs else { return };
        let elements =
            array.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or_default();
        let joined = self.logprobs.get_or_insert_with(|| "[".to_owned());
        if joined.len() > 1 && !elements.trim().is_empty() {
            joined.push(',');
        }
        joined.push_str(elements.trim());
    }

    fn into_event(self) -> Event {
        let Delta { kind, output_index, part_index, .. } = *self.base;
        let text = self.text.unwrap_or_default().into();
        let logprobs = self.logprobs.map(|open| ByteString::from(open + "]"));
        Event::Delta(Delta { kind, output_index, part_index, text, logprobs })
    }
}

fn weight(delta: &Delta) -> usize {
    delta.text.len() + delta.logprobs.as_ref().map_or(0, |logprobs| logprobs.len())
}
