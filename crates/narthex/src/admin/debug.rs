//! What a process says of its inside, on demand and to the operator alone: where its time goes, what its memory is, what its
//! runtime does. Nothing of it costs anything while nobody asks.

mod memory;
mod profile;
mod runtime;

use std::{sync::Arc, time::Duration};

use hyper::StatusCode;
use tokio::sync::Semaphore;

/// What there is, for whoever asks for anything else.
pub(super) const INDEX: &str = "here are /debug/pprof/profile?seconds=10 (for `go tool pprof`; &format=folded for flame graphs), \
                                /debug/memory and /debug/runtime\n";

/// For how long a profile is taken if nothing is said, and at most.
const DEFAULT_SECONDS: u64 = 10;
const MAX_SECONDS: u64 = 120;

/// The content type of an answer, and the answer.
pub(super) type Page = (StatusCode, &'static str, Vec<u8>);

/// Answers what is under `/debug`.
#[derive(Debug)]
pub(super) struct Debug {
    /// The profiler is one for the whole process.
    profiler: Arc<Semaphore>,
}

impl Default for Debug {
    fn default() -> Self {
        Self { profiler: Arc::new(Semaphore::new(1)) }
    }
}

impl Debug {
    pub(super) async fn answer(&self, path: &str, query: &str) -> Page {
        match path {
            "/debug/pprof/profile" => self.profile(query).await,
            "/debug/memory" => told(memory::page()),
            "/debug/runtime" => told(Ok(runtime::page())),
            _ => text(StatusCode::NOT_FOUND, INDEX),
        }
    }

    async fn profile(&self, query: &str) -> Page {
        let Ok((seconds, format)) = wish(query) else {
            let message = format!(
                "`seconds` is 1 to {MAX_SECONDS}, and `format` pprof or folded: /debug/pprof/profile?seconds=10&format=folded\n"
            );
            return text(StatusCode::BAD_REQUEST, &message);
        };
        let Ok(_alone) = Arc::clone(&self.profiler).try_acquire_owned() else {
            return text(StatusCode::CONFLICT, "a profile is being taken already: wait for it to end\n");
        };
        tracing::info!(seconds, "taking a processor profile");
        match profile::take(Duration::from_secs(seconds), format).await {
            Ok(bytes) => (StatusCode::OK, format.content_type(), bytes),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("no profile: {error}\n")),
        }
    }
}

/// What is asked for: the seconds, and the format.
fn wish(query: &str) -> Result<(u64, profile::Format), ()> {
    let (mut seconds, mut format) = (DEFAULT_SECONDS, profile::Format::Pprof);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match (name, value) {
            ("seconds", value) => seconds = value.parse().map_err(|_| ())?,
            ("format", "pprof") => format = profile::Format::Pprof,
            ("format", "folded") => format = profile::Format::Folded,
            _ => return Err(()),
        }
    }
    if (1..=MAX_SECONDS).contains(&seconds) { Ok((seconds, format)) } else { Err(()) }
}

fn told(page: Result<serde_json::Value, String>) -> Page {
    match page {
        Ok(page) => (StatusCode::OK, "application/json", format!("{page:#}\n").into_bytes()),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

fn text(status: StatusCode, text: &str) -> Page {
    (status, super::TEXT, text.as_bytes().to_vec())
}
