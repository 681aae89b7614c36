//! What happened at the server, as tests ask for it.

use std::sync::Arc;

use hyper::HeaderMap;
use serde_json::{Value, json};
use tokio::sync::watch;

/// The requests that are remembered whole; beyond that the oldest are forgotten.
const REMEMBERED: usize = 1_000;

/// What happened at the server since it started.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Requests to produce something.
    pub requests: u64,
    /// Answers begun.
    pub started: u64,
    /// Answers told to the end, those with an error in their script included.
    pub finished: u64,
    /// Answers that the client did not want to hear to the end.
    pub aborted: u64,
    /// Answers that the script cut.
    pub cut: u64,
    /// Answers that are being told now.
    pub running: u64,
    /// Tokens told.
    pub tokens: u64,
    /// Connections accepted.
    pub connections: u64,
    /// The latest requests, oldest first.
    pub seen: Vec<Arc<Seen>>,
}

/// A request, as it came.
#[derive(Debug)]
pub struct Seen {
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON body; null if it was none.
    pub body: Value,
}

impl Stats {
    /// The latest request.
    pub fn last(&self) -> Option<&Seen> {
        self.seen.last().map(AsRef::as_ref)
    }

    /// A number by the name that it has in JSON.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        Some(match name {
            "requests" => self.requests,
            "started" => self.started,
            "finished" => self.finished,
            "aborted" => self.aborted,
            "cut" => self.cut,
            "running" => self.running,
            "tokens" => self.tokens,
            "connections" => self.connections,
            _ => return None,
        })
    }

    /// The numbers, and the bodies of the latest requests, as JSON.
    pub fn to_json(&self) -> Value {
        let seen: Vec<Value> = self.seen.iter().map(|seen| seen.to_json()).collect();
        json!({
            "requests": self.requests, "started": self.started, "finished": self.finished, "aborted": self.aborted,
            "cut": self.cut, "running": self.running, "tokens": self.tokens, "connections": self.connections,
            "seen": seen,
        })
    }

    pub(super) fn remember(&mut self, seen: Seen) {
        self.requests += 1;
        if self.seen.len() == REMEMBERED {
            self.seen.remove(0);
        }
        self.seen.push(Arc::new(seen));
    }
}

impl Seen {
    fn to_json(&self) -> Value {
        let headers: serde_json::Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
            .collect();
        json!({ "path": self.path, "headers": headers, "body": self.body })
    }
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Finished,
    Cut,
    Aborted,
}

/// Counts one answer: as running while it lives, and at its end as what became of it. An answer that is dropped before
/// it has an ending was aborted by the client.
#[derive(Debug)]
pub(super) struct Answer {
    stats: Arc<watch::Sender<Stats>>,
    ending: Ending,
}

impl Answer {
    pub(super) fn begin(stats: Arc<watch::Sender<Stats>>) -> Self {
        stats.send_modify(|stats| {
            stats.started += 1;
            stats.running += 1;
        });
        Self { stats, ending: Ending::Aborted }
    }

    pub(super) fn told_token(&self) {
        self.stats.send_modify(|stats| stats.tokens += 1);
    }

    pub(super) const fn end(&mut self, ending: Ending) {
        self.ending = ending;
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.stats.send_modify(|stats| {
            stats.running -= 1;
            match self.ending {
                Ending::Finished => stats.finished += 1,
                Ending::Cut => stats.cut += 1,
                Ending::Aborted => stats.aborted += 1,
            }
        });
    }
}
