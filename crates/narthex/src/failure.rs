//! How a start, or a run, fails: in sentences that say what to do, and with an exit code that scripts can tell apart.

use std::{fmt, process::ExitCode};

/// What went wrong, for the person who typed the command.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    sentences: Vec<String>,
    may_pass: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing was started: something has to be set differently.
    Configuration,
    /// The settings are fine; the world is not as they expect it.
    RunTime,
}

impl Failure {
    /// Something has to be set differently: exit code 2, as for a wrong flag.
    pub(crate) fn configuration(sentence: impl Into<String>) -> Self {
        Self { kind: Kind::Configuration, sentences: vec![sentence.into()], may_pass: false }
    }

    /// Several things have to be set differently; all are told, so that one correction is enough.
    pub(crate) const fn configurations(sentences: Vec<String>) -> Self {
        Self { kind: Kind::Configuration, sentences, may_pass: false }
    }

    /// The settings are fine, the world is not as they expect it: exit code 1.
    pub(crate) fn run_time(sentence: impl Into<String>) -> Self {
        Self { kind: Kind::RunTime, sentences: vec![sentence.into()], may_pass: false }
    }

    /// The same, if it may be over by itself soon: something that is needed is not there yet.
    pub(crate) fn passing(sentence: impl Into<String>) -> Self {
        Self { may_pass: true, ..Self::run_time(sentence) }
    }

    /// Whether it may be over by itself soon.
    pub(crate) const fn may_pass(&self) -> bool {
        self.may_pass
    }

    /// What is told, one sentence for each thing that is wrong.
    pub(crate) fn sentences(&self) -> &[String] {
        &self.sentences
    }

    /// Tells the person, and returns what to exit with.
    pub(crate) fn report(&self) -> ExitCode {
        crate::console::complain(&self.sentences);
        match self.kind {
            Kind::Configuration => ExitCode::from(2),
            Kind::RunTime => ExitCode::from(1),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentences.join("\n"))
    }
}

/// An error and all its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        // Many libraries repeat their cause in their own message.
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = next.source();
    }
    line
}
