//! The guard at work on one text.

use std::sync::Arc;

use bytestring::ByteString;

use crate::{
    Guard, Rule,
    matcher::{Matcher, Passed},
    screen::{NAMES, Screen},
};

/// Guards one text that comes in pieces.
///
/// However it is cut, what comes out adds up to the same. What stands in no rule's way comes out in the same piece that it
/// came in with, without a copy.
#[derive(Debug)]
pub struct Filter {
    guard: Arc<Guard>,
    screen: Screen,
    matcher: Matcher,
    /// Replacements are JSON strings, as they stand where a value is expected.
    pub(crate) as_json_value: bool,
    is_stopped: bool,
    found: Vec<Found>,
}

/// How often a rule found something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    rule: usize,
    /// How often.
    pub count: u64,
}

impl Found {
    /// Adds one more of the pattern with this number to `found`.
    pub(crate) fn add_pattern(found: &mut Vec<Self>, pattern: usize) {
        Self::add(found, NAMES.len() + pattern);
    }

    /// Adds one more of `rule` to `found`.
    pub(crate) fn add(found: &mut Vec<Self>, rule: usize) {
        match found.iter_mut().find(|found| found.rule == rule) {
            Some(found) => found.count += 1,
            None => found.push(Self { rule, count: 1 }),
        }
    }
}

impl Filter {
    /// For a text that begins.
    pub fn new(guard: Arc<Guard>) -> Self {
        Self {
            guard,
            screen: Screen::default(),
            matcher: Matcher::default(),
            as_json_value: false,
            is_stopped: false,
            found: Vec::new(),
        }
    }

    /// For a text of which `shown` has been shown already: of what is found across that border, the rest can still be masked.
    pub fn after(guard: Arc<Guard>, shown: &str) -> Self {
        let mut filter = Self::new(guard);
        filter.matcher.seed(&filter.guard.patterns, shown);
        filter
    }

    /// Takes in the next piece. What can be shown now, which may be nothing.
    pub fn push(&mut self, text: ByteString) -> ByteString {
        self.pass(text, false)
    }

    /// The text has ended: what was held back and can be shown. The filter is ready for another text.
    pub fn finish(&mut self) -> ByteString {
        self.pass(ByteString::new(), true)
    }

    /// Whether a pattern was found that ends the text. Nothing comes out any more then.
    pub const fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// How many bytes are held back.
    pub fn held(&self) -> usize {
        self.screen.held() + self.matcher.held()
    }

    /// What was found since the last call.
    pub fn found(&mut self) -> impl Iterator<Item = (Rule<'_>, u64)> {
        let guard = &self.guard;
        self.found.drain(..).map(|found| (guard.rule(found.rule), found.count))
    }

    fn pass(&mut self, text: ByteString, is_last: bool) -> ByteString {
        if self.is_stopped {
            return ByteString::new();
        }
        let Guard { screening, patterns } = &*self.guard;
        let text = self.screen.push(screening, text, is_last, &mut self.found);
        if patterns.all.is_empty() {
            return text;
        }
        match self.matcher.push(patterns, text, is_last, self.as_json_value, &mut self.found) {
            Passed::On(text) => text,
            Passed::Stopped(text) => {
                self.is_stopped = true;
                text
            }
        }
    }
}
