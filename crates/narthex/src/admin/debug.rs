//! What a process says of its inside, on demand and to the operator alone: where its time goes, what its memory is, what its
//! runtime does. While nobody asks it costs nothing, but that jemalloc is ready to be asked.

#[cfg(target_os = "linux")]
mod heap;
mod memory;
mod pprof_format;
mod profile;
mod runtime;
mod stacks;

use std::{sync::Arc, time::Duration};

use hyper::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::stacks::{Format, Stacks};

/// What there is, for whoever asks for anything else.
pub(super) const INDEX: &str = "here are /debug/pprof/profile?seconds=10 (for `go tool pprof`; &format=folded for flame graphs), \
                                /debug/pprof/heap?seconds=10, /debug/memory and /debug/runtime\n";

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
            "/debug/pprof/profile" => self.profile(query, "profile", profile::take).await,
            #[cfg(target_os = "linux")]
            "/debug/pprof/heap" => self.profile(query, "heap", heap::take).await,
            "/debug/memory" => told(memory::page()),
            "/debug/runtime" => told(Ok(runtime::page())),
            _ => text(StatusCode::NOT_FOUND, INDEX),
        }
    }

    /// One profile at a time, of whichever kind.
    async fn profile<F>(
        &self,
        query: &str,
        kind: &'static str,
        take: impl FnOnce(Duration, OwnedSemaphorePermit) -> F,
    ) -> Page
    where
        F: Future<Output = Result<Stacks, String>>,
    {
        let Ok((seconds, format)) = wish(query) else {
            let message = format!(
                "`seconds` is 1 to {MAX_SECONDS}, and `format` pprof or folded: /debug/pprof/{kind}?seconds=10&format=folded\n"
            );
            return text(StatusCode::BAD_REQUEST, &message);
        };
        let Ok(alone) = Arc::clone(&self.profiler).try_acquire_owned() else {
            return text(StatusCode::CONFLICT, "a profile is being taken already: wait for it to end\n");
        };
        tracing::info!(seconds, kind, "taking a profile");
        match take(Duration::from_secs(seconds), alone).await {
            Ok(stacks) => (StatusCode::OK, format.content_type(), stacks.write(format)),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("no profile: {error}\n")),
        }
    }
}

/// What is asked for: the seconds, and the format.
fn wish(query: &str) -> Result<(u64, Format), ()> {
    let (mut seconds, mut format) = (DEFAULT_SECONDS, Format::Pprof);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match (name, value) {
            ("seconds", value) => seconds = value.parse().map_err(|_| ())?,
            ("format", "pprof") => format = Format::Pprof,
            ("format", "folded") => format = Format::Folded,
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
