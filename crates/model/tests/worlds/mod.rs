//! The worlds that the checks look at.

use model::{Bounds, Faults, LogKind};

/// One response on a log that checks; two workers, which die, pause, and miss answers.
pub(crate) fn checked() -> Bounds {
    let faults = Faults { lapses: 2, lost_answers: 1, broken_calls: 1, ..Faults::default() };
    Bounds {
        log: LogKind::Checked,
        gateways: 1,
        same_key: true,
        workers: 2,
        tokens: 3,
        faults,
        without: None,
    }
}

/// One response on a log that takes everything.
pub(crate) fn accepting() -> Bounds {
    let faults = Faults { lapses: 1, resumes: 1, ..Faults::default() };
    Bounds { log: LogKind::Accepting, tokens: 2, faults, ..checked() }
}

/// Two gateways with one key, which die and miss answers; workers with little to say.
pub(crate) fn admission(log: LogKind) -> Bounds {
    let lapses = if log == LogKind::Checked { 1 } else { 0 };
    let faults = Faults { gateway_crashes: 1, lost_answers: 1, failed_reads: 1, lapses, ..Faults::default() };
    Bounds { log, gateways: 2, tokens: 1, faults, ..checked() }
}
