//! The log's lines that come by the thousand: of each kind the first of a second are written, then one in so many, and how many were left
//! out is told. A kind is a place in the source; errors are written all, and so are the finer levels, which somebody has asked for.

use std::{
    collections::HashMap,
    fmt::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{
    Event, Level, Subscriber,
    callsite::Identifier,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use crate::config::LogSampling;

/// How often it is told what was left out.
const TELL: Duration = Duration::from_secs(10);

/// Counts the lines of each kind, and says which are written. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Sampling(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: LogSampling,
    began: Instant,
    /// As many as there are places in the source that write lines.
    kinds: Mutex<HashMap<Identifier, Kind>>,
}

/// The lines of one kind.
#[derive(Debug, Default)]
struct Kind {
    /// What they say.
    message: String,
    /// The second in which the last one came, since the beginning.
    second: u64,
    /// How many came in it.
    seen: u64,
    /// How many were left out since that was told.
    left_out: u64,
}

impl Kind {
    /// Whether one more, in this second, is written.
    fn take(&mut self, second: u64, settings: &LogSampling) -> bool {
        if second != self.second {
            (self.second, self.seen) = (second, 0);
        }
        self.seen += 1;
        let Some(beyond) = self.seen.checked_sub(settings.first) else { return true };
        let is_taken = beyond == 0 || beyond.is_multiple_of(settings.then_one_in);
        self.left_out += u64::from(!is_taken);
        is_taken
    }
}

impl Sampling {
    pub(super) fn new(settings: LogSampling) -> Self {
        Self(Arc::new(Inner { settings, began: Instant::now(), kinds: Mutex::default() }))
    }

    /// Tells now and then what was left out, until `end` is cancelled and at last then.
    pub(crate) async fn tell(self, end: CancellationToken) {
        while end.run_until_cancelled(tokio::time::sleep(TELL)).await.is_some() {
            self.tell_now();
        }
        self.tell_now();
    }

    fn tell_now(&self) {
        let left_out: Vec<(String, u64)> = {
            let mut kinds = self.0.kinds.lock();
            let some = kinds.values_mut().filter(|kind| kind.left_out > 0);
            some.map(|kind| (kind.message.clone(), std::mem::take(&mut kind.left_out))).collect()
        };
        for (line, left_out) in left_out {
            tracing::info!(line, left_out, "lines of the log were left out");
        }
    }
}

impl<S: Subscriber> Layer<S> for Sampling {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let Inner { settings, began, kinds } = &*self.0;
        let metadata = event.metadata();
        let is_sampled = matches!(*metadata.level(), Level::INFO | Level::WARN);
        // What is said here is not sampled itself: it is said once in ten seconds.
        if settings.first == 0 || !is_sampled || metadata.target() == module_path!() {
            return true;
        }
        let mut kinds = kinds.lock();
        let kind = kinds.entry(metadata.callsite()).or_insert_with(|| {
            let mut message = Message(String::new());
            event.record(&mut message);
            Kind { message: message.0, ..Kind::default() }
        });
        kind.take(began.elapsed().as_secs(), settings)
    }
}

/// What a line says.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Text takes all that is written.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests;
