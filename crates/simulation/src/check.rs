//! What must hold when all is over, whatever has happened.

mod clients;
mod endings;

use std::{collections::BTreeMap, time::Duration};

use broker::Broker;
use protocol::StoredResponse;
use serde_json::Value;
use stream::ResponseId;
use tokio::time::Instant;

use self::endings::Ending;
use crate::{
    client::{Errand, MODELS, Seen},
    journal::Journal,
    ledger::{Entry, Ledger},
    model::Played,
    prompt::Prompt,
    story::Story,
};

/// How long a call of the model may go on after its response was cancelled, where nothing holds the news up.
const STOP_BOUND: Duration = Duration::from_millis(1500);

/// Where the broker fails, or the worker cannot reach it.
const SLOW_STOP_BOUND: Duration = Duration::from_secs(15);

/// A client, when all is over.
pub(crate) struct Witness {
    pub(crate) errand: Errand,
    pub(crate) seen: Seen,
    pub(crate) has_ended: bool,
}

/// All that is known when a run is over.
pub(crate) struct Evidence {
    pub(crate) journal: Journal,
    pub(crate) stories: BTreeMap<ResponseId, Story>,
    pub(crate) entries: BTreeMap<ResponseId, Entry>,
    pub(crate) witnesses: Vec<Witness>,
    pub(crate) calls: Vec<Played>,
    /// Whether no call of the broker failed and nobody was cut off.
    pub(crate) was_fair: bool,
}

impl Evidence {
    /// Reads what the broker holds.
    pub(crate) async fn stories(broker: &Broker, ledger: &Ledger) -> BTreeMap<ResponseId, Story> {
        let mut stories = BTreeMap::new();
        for id in ledger.entries().into_keys() {
            if let Some(story) = Story::read(broker, id).await {
                stories.insert(id, story);
            }
        }
        stories
    }

    /// Objects to everything that must not be.
    pub(crate) async fn judge(&self, broker: &Broker) {
        self.check_once();
        self.check_queue(broker).await;
        for (id, entry) in &self.entries {
            let Some(prompt) = &entry.prompt else { continue };
            self.journal.count("responses");
            let Some(story) = self.stories.get(id) else {
                self.object(entry, "was lost by the broker");
                continue;
            };
            for fault in &story.faults {
                self.object(entry, fault);
            }
            let Some(end) = story.end() else {
                self.object(entry, "has no end");
                continue;
            };
            let ending = Ending { evidence: self, story, entry, prompt, end: &end };
            ending.check();
            self.check_stored(broker, story, entry, &end).await;
            self.check_stopped(entry, prompt);
        }
        for witness in &self.witnesses {
            clients::check(self, witness);
        }
    }

    fn object(&self, entry: &Entry, what: impl std::fmt::Display) {
        self.journal.object(format!("r{} {what}", entry.number));
    }

    /// No request has two responses.
    fn check_once(&self) {
        let mut by_prompt: BTreeMap<&Prompt, &Entry> = BTreeMap::new();
        for entry in self.entries.values() {
            let Some(prompt) = &entry.prompt else { continue };
            if let Some(other) = by_prompt.insert(prompt, entry) {
                self.object(entry, format_args!("and r{} are of the same request", other.number));
            }
        }
    }

    /// Nothing is left in the queue, and only what killed its workers too often is kept.
    async fn check_queue(&self, broker: &Broker) {
        for (model, _) in MODELS {
            let depth = broker.jobs.depth(model).await.unwrap_or_default();
            let given_up =
                self.entries.values().filter(|entry| entry.model == model && entry.claims > 5).count();
            if depth.waiting + depth.claimed > 0 || depth.dead > given_up as u64 {
                self.journal.object(format!("the queue of {model} holds {depth:?}, given up: {given_up}"));
            }
        }
    }

    /// The store says what the stream says.
    async fn check_stored(&self, broker: &Broker, story: &Story, entry: &Entry, end: &Value) {
        if !story.header.store {
            return;
        }
        let stored = broker.store.get(&StoredResponse::key(story.id)).await.ok().flatten();
        let stored = stored.and_then(|stored| serde_json::from_slice::<StoredResponse>(&stored).ok());
        match stored {
            None => self.object(entry, "was not stored"),
            Some(stored) if stored.response != *end => {
                self.object(entry, format_args!("is stored as {}, but ended as {end}", stored.response));
            }
            Some(_) => {}
        }
    }

    /// Who was cancelled costs no more time at the model.
    fn check_stopped(&self, entry: &Entry, prompt: &Prompt) {
        let Some(cancelled) = entry.cancelled else { return };
        let bound = if self.was_fair { STOP_BOUND } else { SLOW_STOP_BOUND };
        for call in self.calls.iter().filter(|call| call.prompt == *prompt) {
            // One that stood still heard of it when it went on.
            let heard = call.worker.thawed().map_or(cancelled, |thawed| thawed.max(cancelled));
            let ended = [call.ended, call.worker.died()].into_iter().flatten().min();
            let busy = ended.unwrap_or_else(Instant::now);
            if call.begun.max(busy) > heard + bound {
                let late = busy - cancelled;
                self.object(entry, format_args!("kept the model busy after its cancel, for {late:?}"));
            }
        }
    }
}
