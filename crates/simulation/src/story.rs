//! What a stream says in the end: the one truth that all that was told is held against.

use broker::{Broker, Header};
use protocol::event_json;
use serde_json::Value;
use stream::{Delta, Event, EventKind, Record, ResponseId, Sequence};

/// One response's stream, read whole from the broker itself.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) id: ResponseId,
    pub(crate) header: Header,
    pub(crate) events: Vec<Event>,
    /// What is wrong with the stream itself.
    pub(crate) faults: Vec<String>,
}

impl Story {
    /// Reads the stream of `id`, if there is one.
    pub(crate) async fn read(broker: &Broker, id: ResponseId) -> Option<Self> {
        let header = broker.log.header(id).await.ok()??;
        let page = broker.log.read(id, 0, usize::MAX).await.ok()??;
        let mut story = Self { id, header, events: Vec::new(), faults: Vec::new() };
        let mut epoch = Default::default();
        for record in &page.records {
            if record.epoch < epoch {
                story.faults.push(format!("a record of epoch {} follows one of {epoch}", record.epoch));
            }
            epoch = record.epoch;
            story.add(record);
        }
        Some(story)
    }

    fn add(&mut self, record: &Record) {
        if record.first != self.events.len() as Sequence {
            self.faults.push(format!("event {} stands where {} should", record.first, self.events.len()));
        }
        if self.terminal().is_some() {
            self.faults.push("events follow the terminal one".to_owned());
        }
        self.events.extend(record.events.iter().cloned());
    }

    /// The terminal event, if it has come.
    pub(crate) fn terminal(&self) -> Option<&Event> {
        self.events.last().filter(|event| event.is_terminal())
    }

    /// The response as it ended.
    pub(crate) fn end(&self) -> Option<Value> {
        self.terminal().and_then(protocol::resource_of)
    }

    /// What went wrong, as the stream says it.
    pub(crate) fn error_code(&self) -> Option<String> {
        let told = self.events.iter().rev().find_map(protocol::read_error).and_then(|error| error.code);
        // Where no worker was, there is nothing but the end.
        told.or_else(|| Some(self.end()?["error"]["code"].as_str()?.to_owned()))
    }

    /// How an event that stands for `first` to `last` is told, or `None` if these cannot be told as one.
    pub(crate) fn told(&self, first: Sequence, last: Sequence, lane: Option<&str>) -> Option<String> {
        let events = self.events.get(usize::try_from(first).ok()?..=usize::try_from(last).ok()?)?;
        let event = events.split_last().and_then(|(event, before)| joined(before, event))?;
        let mut json = String::new();
        event_json(&mut json, self.id, last, &event, lane, (first < last).then_some(first));
        Some(json)
    }

    /// The texts that the deltas add up to, by the items they are of.
    pub(crate) fn texts(&self) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        for event in &self.events {
            match event {
                Event::Delta(delta) => {
                    texts.resize(texts.len().max(delta.output_index as usize + 1), String::new());
                    texts[delta.output_index as usize].push_str(&delta.text);
                }
                Event::Whole(_) => {}
            }
        }
        texts
    }
}

/// Deltas of one text become one; an error goes with the end that it leads to; nothing else is told together.
fn joined(before: &[Event], event: &Event) -> Option<Event> {
    match event {
        _ if before.is_empty() => Some(event.clone()),
        Event::Delta(last) => {
            let mut text = String::new();
            for event in before {
                let Event::Delta(delta) = event else { return None };
                if !delta.continues_with(last) {
                    return None;
                }
                text.push_str(&delta.text);
            }
            text.push_str(&last.text);
            Some(Event::Delta(Delta { text: text.into(), ..last.clone() }))
        }
        Event::Whole(_) => before.iter().all(|event| event.kind() == EventKind::Error).then(|| event.clone()),
    }
}
