//! All that is written for people, and for scripts, outside the log.
//!
//! Results go to standard output, complaints to standard error. Colours appear on terminals only, and not where
//! `NO_COLOR` is set: `anstream` decides, as it does for `--help`.

use std::io::Write;

use anstyle::{AnsiColor, Style};

const BAD: Style = AnsiColor::Red.on_default().bold();

/// Writes `text` to standard output as it is. A reader that has gone away is no failure of ours.
pub(crate) fn say(text: &str) {
    let mut out = anstream::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes each of `sentences` to standard error as an error.
pub(crate) fn complain(sentences: &[String]) {
    let mut out = anstream::stderr().lock();
    for sentence in sentences {
        drop(writeln!(out, "{BAD}error:{BAD:#} {sentence}"));
    }
}

/// Writes `sentence` to standard error, for the person who reads along; standard output stays for programs.
pub(crate) fn remark(sentence: &str) {
    let mut err = anstream::stderr().lock();
    drop(writeln!(err, "{sentence}"));
}
