//! What happened: the trace, the figures, and what must not have happened.

use std::{
    collections::BTreeMap,
    fmt,
    hash::{DefaultHasher, Hasher as _},
    io::Write as _,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

/// At most so many violations are kept: one broken rule is mostly broken often.
const MAX_VIOLATIONS: usize = 20;

/// The journal of one run. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Journal(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    begun: Instant,
    /// Of all lines so far: what tells whether two runs were the same.
    hasher: DefaultHasher,
    is_told: bool,
    figures: BTreeMap<&'static str, u64>,
    violations: Vec<String>,
}

/// What a journal comes to.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) trace: u64,
    pub(crate) figures: BTreeMap<&'static str, u64>,
    pub(crate) violations: Vec<String>,
}

impl Journal {
    /// An empty journal that begins now. If it is told, its lines go to the standard error at once.
    pub(crate) fn new(is_told: bool) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            begun: Instant::now(),
            hasher: DefaultHasher::new(),
            is_told,
            figures: BTreeMap::new(),
            violations: Vec::new(),
        })))
    }

    /// How much of the simulated time has passed.
    pub(crate) fn now(&self) -> Duration {
        self.0.lock().begun.elapsed()
    }

    /// Adds a line to the trace.
    pub(crate) fn note(&self, line: fmt::Arguments<'_>) {
        let mut inner = self.0.lock();
        let line = format!("{:>9.3} {line}", inner.begun.elapsed().as_secs_f64());
        inner.hasher.write(line.as_bytes());
        if inner.is_told {
            // A trace that nobody can read is not worth an end of the run.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// Counts something.
    pub(crate) fn count(&self, what: &'static str) {
        *self.0.lock().figures.entry(what).or_default() += 1;
    }

    /// Something happened that must not.
    pub(crate) fn object(&self, violation: impl Into<String>) {
        let violation = violation.into();
        self.note(format_args!("VIOLATION: {violation}"));
        let mut inner = self.0.lock();
        if inner.violations.len() < MAX_VIOLATIONS {
            inner.violations.push(violation);
        }
    }

    pub(crate) fn findings(&self) -> Findings {
        let inner = self.0.lock();
        Findings {
            trace: inner.hasher.finish(),
            figures: inner.figures.clone(),
            violations: inner.violations.clone(),
        }
    }
}
