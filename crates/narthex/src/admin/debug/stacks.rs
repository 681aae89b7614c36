//! Stacks, each with what comes of it, and how that is told.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use super::pprof_format;

/// How a profile is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// For `go tool pprof` and whatever else reads its `profile.proto`.
    Pprof,
    /// One stack to a line, outermost first, and its last figure: for flame graphs.
    Folded,
}

impl Format {
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Pprof => "application/octet-stream",
            Self::Folded => super::super::TEXT,
        }
    }
}

/// What was sampled.
#[derive(Debug)]
pub(super) struct Stacks {
    /// Of each stack, functions from the outermost, how much there is, by both measures.
    pub(super) all: BTreeMap<Vec<String>, [i64; 2]>,
    /// What is measured, and in which unit: `("cpu", "nanoseconds")`. The last one is what people want to see first.
    pub(super) measures: [(&'static str, &'static str); 2],
    /// For how long.
    pub(super) duration: Duration,
    /// One sample to so much of the last measure.
    pub(super) period: i64,
}

impl Stacks {
    pub(super) fn write(&self, format: Format) -> Vec<u8> {
        match format {
            Format::Pprof => pprof_format::encode(self),
            Format::Folded => self.folded().into_bytes(),
        }
    }

    fn folded(&self) -> String {
        let mut page = String::new();
        for (stack, [_, figure]) in &self.all {
            let stack: Vec<String> = stack.iter().map(|name| name.replace([';', '\n'], ":")).collect();
            // Cannot fail: a string takes whatever is written.
            let _ = writeln!(page, "{} {figure}", stack.join(";"));
        }
        page
    }
}
