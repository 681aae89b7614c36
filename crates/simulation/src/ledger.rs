//! What took effect at the broker, whatever its caller was told.

use std::collections::BTreeMap;

use broker::{AppendError, Appended, Claim, Job, Member, Stop};
use parking_lot::Mutex;
use stream::{Epoch, ResponseId};
use tokio::time::Instant;

use crate::{
    journal::Journal,
    prompt::{self, Prompt},
};

/// The ledger of one run.
pub(crate) struct Ledger {
    journal: Journal,
    entries: Mutex<BTreeMap<ResponseId, Entry>>,
}

/// What is known of one response.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    /// Which response of the run it is, from 1.
    pub(crate) number: usize,
    /// What its job asks for, once it has one.
    pub(crate) prompt: Option<Prompt>,
    pub(crate) model: String,
    /// How often its job was claimed.
    pub(crate) claims: u32,
    /// Whether a worker ever had its stream.
    pub(crate) was_taken: bool,
    /// The highest epoch that was opened.
    pub(crate) epoch: u32,
    /// When the cancel of a client took effect.
    pub(crate) cancelled: Option<Instant>,
}

impl Ledger {
    pub(crate) fn new(journal: Journal) -> Self {
        Self { journal, entries: Mutex::default() }
    }

    /// All responses, by their ids.
    pub(crate) fn entries(&self) -> BTreeMap<ResponseId, Entry> {
        self.entries.lock().clone()
    }

    fn with<T>(&self, id: ResponseId, change: impl FnOnce(&mut Entry) -> T) -> T {
        let mut entries = self.entries.lock();
        let number = entries.len() + 1;
        change(entries.entry(id).or_insert_with(|| Entry { number, ..Entry::default() }))
    }

    pub(crate) fn created(&self, id: ResponseId) {
        let number = self.with(id, |entry| entry.number);
        self.journal.note(format_args!("broker: r{number} is {id}"));
    }

    pub(crate) fn enqueued(&self, job: &Job) {
        let request = serde_json::from_slice::<protocol::Request>(&job.request).ok();
        let prompt = request.as_ref().and_then(prompt::of_request);
        let number = self.with(job.id, |entry| {
            entry.prompt.clone_from(&prompt);
            entry.model.clone_from(&job.header.model);
            entry.number
        });
        match prompt {
            Some(prompt) => self.journal.note(format_args!("broker: r{number} enqueued: {prompt}")),
            None => self.journal.object(format!("the job of r{number} is not what a client asked for")),
        }
    }

    pub(crate) fn claimed(&self, claim: &Claim, worker: &Member) {
        let number = self.with(claim.job.id, |entry| {
            entry.claims += 1;
            entry.number
        });
        self.journal.note(format_args!("broker: r{number} claimed by {worker}, attempt {}", claim.attempt));
    }

    pub(crate) fn opened(&self, id: ResponseId, epoch: Epoch, owner: &Member) {
        let number = self.with(id, |entry| {
            entry.epoch = entry.epoch.max(epoch.0);
            entry.was_taken |= owner.as_str().starts_with("worker");
            entry.number
        });
        if epoch.0 > 1 {
            self.journal.count("take-overs");
        }
        self.journal.note(format_args!("broker: r{number} opened by {owner}, epoch {epoch}"));
    }

    pub(crate) fn appended(&self, id: ResponseId, result: &Result<Appended, AppendError>) {
        match result {
            Ok(_) => self.journal.count("appends"),
            Err(AppendError::Fenced) => {
                self.journal.count("late writers fenced");
                let number = self.with(id, |entry| entry.number);
                self.journal.note(format_args!("broker: r{number}: a late append was fenced off"));
            }
            // A doubled append that comes after its successor, or after the end.
            Err(error) => self.journal.note(format_args!("broker: append refused: {error}")),
        }
    }

    /// A cancel took effect, on a stream that stood like this.
    pub(crate) fn cancelled(&self, id: ResponseId, before: Option<Stop>) {
        if before == Some(Stop::Cancelled) {
            return;
        }
        let number = self.with(id, |entry| {
            entry.cancelled.get_or_insert_with(Instant::now);
            entry.number
        });
        self.journal.note(format_args!("broker: r{number} cancelled"));
    }
}
