//! Everything that a client has heard of one stream, over however many connections, held against what it must be.
//!
//! The text of every prompt is known beforehand, so each piece is judged at the place where it is told. What was heard once is kept
//! as well: whoever hears it again, from the first event on, must hear the same. Pure: events go in, and what is wrong is noted.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    ops::Range,
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use crate::order::Order;

/// More missing numbers are not remembered by one reading; what comes of them is counted as repeated then.
const MAX_MISSING: u64 = 10_000;
/// Notes on what became of the stream's connections; the oldest are forgotten.
const MAX_NOTES: usize = 24;

/// One stream, as its client has it.
#[derive(Debug)]
pub(crate) struct Tape {
    pub(crate) order: Order,
    pub(crate) id: Option<String>,
    pub(crate) wrongs: Vec<Wrong>,
    /// What became of its connections.
    pub(crate) notes: Vec<String>,
    /// When each token came that follows on another, and how long after that.
    pub(crate) gaps: Vec<(Instant, Duration)>,
    /// The longest wait for an event that was not heard before.
    pub(crate) longest_stall: Duration,
    /// When that was over.
    pub(crate) longest_stall_until: Instant,
    shown: Vec<Shown>,
    /// How many bytes of the text were told.
    told: usize,
    ended: bool,
    heard: Instant,
}

/// What was told under one number.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    /// This part of the text.
    Text(Range<usize>),
    /// A part of the text, together with neighbours.
    Merged,
    /// An event with this content.
    Whole(u64),
}

/// How far one connection has told the stream.
#[derive(Debug)]
pub(crate) struct Reading {
    next: u64,
    told: usize,
    ended: bool,
    missing: BTreeSet<u64>,
    out_of_order: bool,
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) kind: WrongKind,
    pub(crate) events: u64,
    pub(crate) detail: String,
}

/// In what way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WrongKind {
    /// An event was never told.
    Lost,
    /// An event was told twice on one connection, or after one asked for what follows it.
    Repeated,
    /// An event was told after its successor.
    Reordered,
    /// An event says something else than it must, or than it did before.
    Altered,
    /// The response's usage is another than its input once and its output as it was told.
    Miscounted,
    /// The response did not complete; the code says why.
    Failed(String),
}

impl Reading {
    /// A connection that tells the stream from its beginning.
    pub(crate) const fn from_the_beginning() -> Self {
        Self { next: 0, told: 0, ended: false, missing: BTreeSet::new(), out_of_order: false }
    }
}

impl Tape {
    pub(crate) fn new(order: Order, now: Instant) -> Self {
        Self {
            order,
            id: None,
            wrongs: Vec::new(),
            notes: Vec::new(),
            gaps: Vec::new(),
            longest_stall: Duration::ZERO,
            longest_stall_until: now,
            shown: Vec::new(),
            told: 0,
            ended: false,
            heard: now,
        }
    }

    /// A connection that tells what follows on what was heard.
    pub(crate) fn resume(&self) -> Reading {
        Reading { next: self.shown.len() as u64, told: self.told, ..Reading::from_the_beginning() }
    }

    /// The number of the last event that was heard.
    pub(crate) fn last(&self) -> Option<u64> {
        (self.shown.len() as u64).checked_sub(1)
    }

    /// Whether nothing more can come of it: it has ended, or gone wrong.
    pub(crate) fn is_over(&self) -> bool {
        self.ended || !self.wrongs.is_empty()
    }

    /// How many different events were heard.
    pub(crate) fn events(&self) -> u64 {
        self.shown.len() as u64
    }

    /// How long nothing new was heard.
    pub(crate) fn silence(&self, now: Instant) -> Duration {
        now - self.heard
    }

    /// A line for whoever has to find out what happened.
    pub(crate) fn note(&mut self, at: Duration, text: impl std::fmt::Display) {
        if self.notes.len() == MAX_NOTES {
            self.notes.remove(0);
        }
        let heard = self.shown.len();
        self.notes.push(format!("{:9.3} after {heard} events: {text}", at.as_secs_f64()));
    }

    /// The response did not complete.
    pub(crate) fn fail(&mut self, code: &str, detail: impl Into<String>) {
        self.wrong(WrongKind::Failed(code.to_owned()), 1, detail);
    }

    /// A connection tells an event. Whether the stream ends with it.
    pub(crate) fn take(&mut self, reading: &mut Reading, event: &Value, now: Instant) -> bool {
        let kind = event["type"].as_str().unwrap_or_default();
        let Some(last) = event["sequence_number"].as_u64() else {
            self.wrong(WrongKind::Altered, 1, format!("an event without a number: {}", short(event)));
            return false;
        };
        let first = event["narthex:merged_from"].as_u64().unwrap_or(last).min(last);
        if reading.ended {
            self.wrong(WrongKind::Repeated, 1, format!("event {last} after the end: {}", short(event)));
            return false;
        }
        reading.ended = kind.starts_with("response.")
            && matches!(&kind["response.".len()..], "completed" | "failed" | "incomplete");
        if !self.has_its_place(reading, first, last) || self.is_altered() {
            // What follows on it would only say the same again.
            return reading.ended;
        }
        let shown = self.judge(reading, kind, event, first..last + 1);
        for number in first..=last {
            self.keep(number, &shown, event, now);
        }
        self.told = self.told.max(reading.told);
        self.ended |= reading.ended;
        reading.ended
    }

    /// A connection tells nothing more: what it left out is lost.
    pub(crate) fn close(&mut self, reading: Reading) {
        if let (Some(first), Some(last)) = (reading.missing.first(), reading.missing.last()) {
            let detail = format!("of the events {first} to {last}, told up to {}", reading.next);
            self.wrong(WrongKind::Lost, reading.missing.len() as u64, detail);
        }
    }

    /// Whether an event comes when it is its turn. Once one did not, contents are not judged any more.
    fn has_its_place(&mut self, reading: &mut Reading, first: u64, last: u64) -> bool {
        let expected = reading.next;
        if first > expected {
            reading.missing.extend((expected..first).take(MAX_MISSING as usize));
            reading.out_of_order = true;
        }
        for number in first..expected.min(last + 1) {
            reading.out_of_order = true;
            let kind =
                if reading.missing.remove(&number) { WrongKind::Reordered } else { WrongKind::Repeated };
            self.wrong(kind, 1, format!("event {number} when {expected} was next"));
        }
        reading.next = expected.max(last + 1);
        !reading.out_of_order
    }

    /// Holds an event against what it must say.
    fn judge(&mut self, reading: &mut Reading, kind: &str, event: &Value, numbers: Range<u64>) -> Shown {
        match kind {
            "response.output_text.delta" => {
                let delta = event["delta"].as_str().unwrap_or_default();
                let rest = self.order.text.get(reading.told..).unwrap_or_default();
                if !rest.starts_with(delta) {
                    let expected: String = rest.chars().take(delta.chars().count()).collect();
                    let detail =
                        format!("event {} says {delta:?} where the text is {expected:?}", numbers.start);
                    self.wrong(WrongKind::Altered, 1, detail);
                }
                let part = reading.told..reading.told + delta.len();
                reading.told = part.end;
                return if numbers.end - numbers.start == 1 { Shown::Text(part) } else { Shown::Merged };
            }
            "response.created" => self.judge_id(event),
            "response.output_text.done" => self.judge_text(reading, event, "/text"),
            "response.content_part.done" => self.judge_text(reading, event, "/part/text"),
            "response.output_item.done" => self.judge_text(reading, event, "/item/content/0/text"),
            "response.completed" => {
                self.judge_text(reading, event, "/response/output/0/content/0/text");
                self.judge_id(event);
                self.judge_usage(&event["response"]["usage"]);
            }
            "response.failed" | "response.incomplete" => {
                let code = event.pointer("/response/error/code").and_then(Value::as_str).unwrap_or(kind);
                self.fail(code, short(event));
            }
            _ => {}
        }
        Shown::Whole(digest(event))
    }

    fn judge_id(&mut self, event: &Value) {
        let id = event["response"]["id"].as_str().unwrap_or_default();
        let known = self.id.get_or_insert_with(|| id.to_owned());
        if known != id {
            let detail = format!("the key {} gave {known}, and then {id}", self.order.key);
            self.wrong(WrongKind::Altered, 1, detail);
        }
    }

    fn judge_usage(&mut self, usage: &Value) {
        let count = |name: &str| usage[name].as_u64().unwrap_or_default();
        let (found, expected) = ((count("input_tokens"), count("output_tokens")), self.order.usage());
        if found != expected {
            let detail = format!("input and output are {found:?} where they must be {expected:?}: {usage}");
            self.wrong(WrongKind::Miscounted, 1, detail);
        }
    }

    /// Holds a whole text against what was told, and that of a response that completed against all there is to tell.
    fn judge_text(&mut self, reading: &Reading, event: &Value, place: &str) {
        let text = event.pointer(place).and_then(Value::as_str).unwrap_or_default();
        let told = self.order.text.get(..reading.told).unwrap_or_default();
        let is_whole = reading.told == self.order.text.len();
        if text != told || event["type"] == "response.completed" && !is_whole {
            let detail = format!(
                "{} has {} bytes of text at {place}, where {} were told of {}",
                event["type"],
                text.len(),
                reading.told,
                self.order.text.len()
            );
            self.wrong(WrongKind::Altered, 1, detail);
        }
    }

    /// Keeps what is new, and holds what is not against what was heard before.
    fn keep(&mut self, number: u64, shown: &Shown, event: &Value, now: Instant) {
        let Some(before) = self.shown.get(number as usize) else {
            let is_text = |shown: &Shown| matches!(shown, Shown::Text(_) | Shown::Merged);
            // What is told as one came at once.
            if is_text(shown) && self.shown.last().is_some_and(is_text) && now > self.heard {
                self.gaps.push((now, now - self.heard));
            }
            self.shown.push(shown.clone());
            if now - self.heard > self.longest_stall {
                (self.longest_stall, self.longest_stall_until) = (now - self.heard, now);
            }
            self.heard = now;
            return;
        };
        let is_same = before == shown
            || matches!(
                (before, shown),
                (Shown::Merged, Shown::Text(_)) | (Shown::Text(_) | Shown::Merged, Shown::Merged)
            );
        if !is_same {
            let detail = format!("event {number} is another than before: {}", short(event));
            self.wrong(WrongKind::Altered, 1, detail);
        }
    }

    fn is_altered(&self) -> bool {
        self.wrongs.iter().any(|wrong| wrong.kind == WrongKind::Altered)
    }

    fn wrong(&mut self, kind: WrongKind, events: u64, detail: impl Into<String>) {
        self.wrongs.push(Wrong { kind, events, detail: detail.into() });
    }
}

/// What an event says, whatever lane it is told on.
fn digest(event: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (name, value) in event.as_object().into_iter().flatten().filter(|(name, _)| *name != "stream_id") {
        (name, value.to_string()).hash(&mut hasher);
    }
    hasher.finish()
}

fn short(event: &Value) -> String {
    event.to_string().chars().take(600).collect()
}

#[cfg(test)]
mod tests;
