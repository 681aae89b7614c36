//! What the output guard does, as it is written in settings.

use guard::{Action, Treatment};

use super::value::Choice;

impl Choice for Treatment {
    const WORDS: &'static [(&'static str, Self)] =
        &[("off", Self::Off), ("remove", Self::Remove), ("replace", Self::Replace)];
}

impl Choice for Action {
    const WORDS: &'static [(&'static str, Self)] = &[("mask", Self::Mask), ("stop", Self::Stop)];
}
