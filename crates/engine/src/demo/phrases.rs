//! The words by which a user changes what the built-in model does. They are listed in [its documentation](super).

use std::time::Duration;

use crate::{Error, Fault};

/// What the words of one message say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Phrases {
    /// The call fails at once.
    pub(super) fail: Option<Fault>,
    /// The call goes wrong after so many tokens.
    pub(super) fault: Option<(u64, Mishap)>,
    /// So many tokens of prose.
    pub(super) tokens: Option<u64>,
    /// The pause between tokens.
    pub(super) pause: Option<Duration>,
    /// The pause before the first.
    pub(super) first_token: Option<Duration>,
    /// A refusal.
    pub(super) refuse: bool,
    /// The request as it came.
    pub(super) inspect: bool,
}

/// How a call goes wrong on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mishap {
    /// It ends with this fault.
    Fail(Fault),
    /// It says nothing more.
    Hang,
}

impl Phrases {
    /// What the words in `text` say.
    ///
    /// # Errors
    /// When a word begins with `demo:` and is none of them: what was to be tested would not be.
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let mut phrases = Self::default();
        let words = text
            .split_whitespace()
            .map(|word| word.trim_end_matches(['.', ',', ';', '!', '?', ')', '"', '\'']));
        for phrase in words.filter_map(|word| word.strip_prefix("demo:")) {
            let (name, value) = phrase.split_once('=').unwrap_or((phrase, ""));
            phrases.set(name, value).ok_or_else(|| unknown(phrase))?;
        }
        Ok(phrases)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        let after = |mishap| Some((value.parse().ok()?, mishap));
        match name {
            "tokens" => self.tokens = Some(value.parse().ok()?),
            "slow" => self.pause = Some(duration(value)?),
            "first" => self.first_token = Some(duration(value)?),
            "fail" => self.fail = Some(fault(value)?),
            "fail-after" => self.fault = Some(after(Mishap::Fail(Fault::Failed))?),
            "cut-after" => self.fault = Some(after(Mishap::Fail(Fault::Unreachable))?),
            "hang-after" => self.fault = Some(after(Mishap::Hang)?),
            "hang" => self.fault = Some((0, Mishap::Hang)),
            "refuse" => self.refuse = true,
            "inspect" => self.inspect = true,
            _ => return None,
        }
        Some(())
    }
}

/// The error of a call that was told to fail.
pub(super) fn error(fault: Fault) -> Error {
    Error::new(fault, "The demo model was told to fail.", "the prompt asked for it")
}

fn unknown(phrase: &str) -> Error {
    let message = format!(
        "The demo model knows no 'demo:{phrase}'. It knows demo:tokens=N, demo:slow=200ms, demo:first=2s, demo:fail, \
         demo:fail=busy, demo:fail-after=N, demo:cut-after=N, demo:hang, demo:hang-after=N, demo:refuse and demo:inspect."
    );
    let mut error = Error::new(Fault::Refused, message, "an unknown phrase in the prompt");
    error.param = Some("input".to_owned());
    error
}

fn fault(name: &str) -> Option<Fault> {
    Some(match name {
        "" | "failed" => Fault::Failed,
        "busy" => Fault::Busy { retry_after: None },
        "refused" => Fault::Refused,
        "unauthorized" => Fault::Unauthorized,
        "unreachable" => Fault::Unreachable,
        "garbled" => Fault::Garbled,
        "timeout" => Fault::Timeout("answer"),
        _ => return None,
    })
}

/// `200ms`, `2s` or `1.5s`.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 0.001),
        (None, Some(number)) => (number, 1.0),
        (None, None) => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
}
