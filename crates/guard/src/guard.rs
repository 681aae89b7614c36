//! The rules of a worker, compiled once and shared by all texts.

use std::collections::HashSet;

use crate::{
    Action, Config, ConfigError,
    matcher::Patterns,
    screen::{NAMES, Screening},
};

/// What is taken out of texts.
#[derive(Debug)]
pub struct Guard {
    pub(crate) screening: Screening,
    pub(crate) patterns: Patterns,
}

/// A rule, as metrics tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule<'a> {
    /// A pattern's name, or the setting of a class of characters.
    pub name: &'a str,
    /// What it does to what it finds.
    pub effect: Effect,
}

/// What a rule does to what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Left out, or replaced by U+FFFD.
    Removed,
    /// Replaced by the name of what it was.
    Masked,
    /// The text ends before it.
    Stopped,
}

impl Guard {
    /// Compiles the rules of `config`. `None` if there are none: then nothing need be guarded.
    ///
    /// # Errors
    /// When a pattern cannot be used.
    pub fn build(config: &Config) -> Result<Option<Self>, ConfigError> {
        let mut names = HashSet::from(NAMES.map(str::to_owned));
        for pattern in &config.patterns {
            if !names.insert(pattern.name.clone()) {
                return Err(ConfigError::Taken(pattern.name.clone()));
            }
        }
        let screening = Screening::new(config);
        let patterns = Patterns::compile(&config.patterns, config.max_held_bytes)?;
        let is_off = screening.is_off() && patterns.all.is_empty();
        Ok((!is_off).then_some(Self { screening, patterns }))
    }

    /// How many bytes of a text are held back at most.
    pub fn max_held(&self) -> usize {
        // A carriage return that waits stands before the patterns.
        self.patterns.max_held + 1
    }

    /// How many bytes the pattern `name` holds back at most.
    pub fn max_held_for(&self, name: &str) -> Option<usize> {
        self.patterns.all.iter().find(|pattern| pattern.name == name).map(|pattern| pattern.max_held)
    }

    /// The rule of a [`Found`](crate::Found).
    pub(crate) fn rule(&self, rule: usize) -> Rule<'_> {
        match NAMES.get(rule) {
            Some(name) => Rule { name, effect: Effect::Removed },
            None => {
                let pattern = &self.patterns.all[rule - NAMES.len()];
                let effect = match pattern.action {
                    Action::Mask => Effect::Masked,
                    Action::Stop => Effect::Stopped,
                };
                Rule { name: &pattern.name, effect }
            }
        }
    }
}
