//! Finds patterns in a text that comes in pieces.
//!
//! What counts is the first place at which any pattern matches, and there the first pattern of the list, as long as it
//! goes; then the search goes on behind it. So a piece is decided up to the first place from which a pattern may still match:
//! what follows is held back. A match is masked as soon as it is known to be one, before it is known how far it goes.
//!
//! Each place is looked at on its own, by the automata that may begin there, and nearly all of them die at their first
//! byte. As they live for a bounded number of bytes until they know, time is linear in the text.

use bytestring::ByteString;
use regex_automata::util::primitives::StateID;

use crate::{Action, ConfigError, Found, PatternConfig, pattern::Pattern, pieces::Pieces};

/// In all automata of this kind.
const DEAD: StateID = StateID::ZERO;

/// As many patterns as there are bits.
const MAX_PATTERNS: usize = 64;

/// All patterns of a guard.
#[derive(Debug)]
pub(crate) struct Patterns {
    pub(crate) all: Vec<Pattern>,
    /// Which of them may begin with a byte: a bit for each.
    may_begin: Box<[u64; 256]>,
    pub(crate) max_held: usize,
}

impl Patterns {
    pub(crate) fn compile(configs: &[PatternConfig], max_held_bytes: usize) -> Result<Self, ConfigError> {
        if configs.len() > MAX_PATTERNS {
            return Err(ConfigError::TooMany(configs.len()));
        }
        let all: Vec<_> = configs
            .iter()
            .map(|config| Pattern::compile(config, max_held_bytes))
            .collect::<Result<_, _>>()?;
        let mut may_begin = Box::new([0; 256]);
        for (byte, bits) in (0..=u8::MAX).zip(may_begin.iter_mut()) {
            let begin =
                |(index, pattern): (usize, &Pattern)| u64::from(pattern.may_begin_with(byte)) << index;
            *bits = all.iter().enumerate().map(begin).sum();
        }
        let max_held = all.iter().map(|pattern| pattern.max_held).max().unwrap_or_default();
        Ok(Self { all, may_begin, max_held })
    }
}

/// How far the patterns are in one text.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    /// What is not decided, from the first place on that may be of a match; or what may belong to the match that is masked.
    held: ByteString,
    /// How much of it was shown before, and is neither told again nor masked any more.
    shown: usize,
    /// The byte before it.
    before: Option<u8>,
    /// How much of it the automata have read.
    read: usize,
    /// Those that are alive, or have matched; all of them began at the first byte of what is held.
    runs: Vec<Run>,
    /// The one match is masked already: it only has to be seen how far it goes.
    is_masking: bool,
}

/// One pattern at one place.
#[derive(Debug)]
struct Run {
    pattern: usize,
    state: StateID,
    /// Where the match ends, as far as is known.
    end: Option<usize>,
}

/// What is known of a place.
enum Place {
    /// Nothing yet.
    Open,
    Free,
    Match(Run),
}

/// How a text goes on.
pub(crate) enum Passed {
    On(ByteString),
    /// A pattern that stops was found: this is the last of it.
    Stopped(ByteString),
}

impl Matcher {
    /// How many bytes are held back.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Begins with the end of a text that was shown already.
    pub(crate) fn seed(&mut self, patterns: &Patterns, shown: &str) {
        let mut cut = shown.len().saturating_sub(patterns.max_held);
        while !shown.is_char_boundary(cut) {
            cut += 1;
        }
        let before = shown.as_bytes()[..cut].last().copied();
        *self = Self { held: shown[cut..].into(), shown: shown.len() - cut, before, ..Self::default() };
    }

    /// Takes in `text`, and with `is_last` all that is held; then it is ready for another text.
    pub(crate) fn push(
        &mut self,
        patterns: &Patterns,
        text: ByteString,
        is_last: bool,
        as_json_value: bool,
        found: &mut Vec<Found>,
    ) -> Passed {
        let held = std::mem::take(&mut self.held);
        let input = if held.is_empty() { text } else { [&*held, &*text].concat().into() };
        let mut pieces = Pieces::new(&input, self.shown);
        let bytes = input.as_bytes();
        let mut at = 0;
        let decided = loop {
            if self.is_masking {
                let (end, is_over) = self.mask_on(patterns, bytes, is_last);
                pieces.skip_to(end);
                at = end;
                if !is_over {
                    break at;
                }
            }
            if self.runs.is_empty() {
                match self.begin(patterns, bytes, at) {
                    Some(place) => at = place,
                    None => break bytes.len(),
                }
            }
            match self.look(patterns, bytes, at, is_last) {
                Place::Open => break at,
                Place::Free => at += 1,
                Place::Match(run) => {
                    let pattern = &patterns.all[run.pattern];
                    let end = run.end.unwrap_or(at);
                    if end <= self.shown {
                        // All of it was shown: too late.
                        at = end;
                        continue;
                    }
                    Found::add_pattern(found, run.pattern);
                    if pattern.action == Action::Stop {
                        return Passed::Stopped(pieces.finish(at));
                    }
                    pieces.replace(at, pattern.replacement(as_json_value));
                    self.is_masking = true;
                    self.runs.push(run);
                }
            }
        };
        self.hold(&input, decided);
        let passed = pieces.finish(decided);
        if is_last {
            *self = Self::default();
        }
        Passed::On(passed)
    }

    /// Keeps what stands from `at` on for the next time.
    fn hold(&mut self, input: &ByteString, at: usize) {
        self.before = input.as_bytes()[..at].last().copied().or(self.before);
        // A copy, or the little that is held would keep all of a large piece.
        self.held = input[at..].into();
        self.shown = self.shown.saturating_sub(at);
        self.read = self.read.saturating_sub(at);
        for end in self.runs.iter_mut().filter_map(|run| run.end.as_mut()) {
            *end -= at;
        }
    }

    /// Begins at the first place from `at` on where a pattern may begin.
    fn begin(&mut self, patterns: &Patterns, bytes: &[u8], at: usize) -> Option<usize> {
        let may_begin = |byte: &u8| patterns.may_begin[usize::from(*byte)] != 0;
        let at = at + bytes.get(at..)?.iter().position(may_begin)?;
        let before = if at > 0 { bytes.get(at - 1).copied() } else { self.before };
        let mut which = patterns.may_begin[usize::from(bytes[at])];
        while which != 0 {
            let pattern = which.trailing_zeros() as usize;
            which &= which - 1;
            let state = patterns.all[pattern].start(before);
            self.runs.push(Run { pattern, state, end: None });
        }
        self.read = at;
        Some(at)
    }

    /// Reads on until it is known what is at the place `at`.
    fn look(&mut self, patterns: &Patterns, bytes: &[u8], at: usize, is_last: bool) -> Place {
        loop {
            match self.judge(patterns) {
                Place::Open => {}
                known => return known,
            }
            let Some(byte) = bytes.get(self.read) else { break };
            for run in &mut self.runs {
                run.step(
                    &patterns.all[run.pattern],
                    |pattern, state| pattern.next(state, *byte),
                    bytes,
                    at,
                    self.read,
                );
            }
            self.read += 1;
        }
        if is_last {
            for run in &mut self.runs {
                run.step(&patterns.all[run.pattern], Pattern::end, bytes, at, bytes.len());
                run.state = DEAD;
            }
            return self.judge(patterns);
        }
        Place::Open
    }

    /// What the runs know together: the first one that may match decides.
    fn judge(&mut self, patterns: &Patterns) -> Place {
        let pattern = |run: &Run| &patterns.all[run.pattern];
        self.runs.retain(|run| run.end.is_some() || !pattern(run).is_dead(run.state));
        let Some(first) = self.runs.first() else { return Place::Free };
        let is_known = first.end.is_some_and(|end| {
            pattern(first).is_dead(first.state) || pattern(first).is_known_early() && end > self.shown
        });
        if !is_known {
            return Place::Open;
        }
        let first = self.runs.swap_remove(0);
        self.runs.clear();
        Place::Match(first)
    }

    /// Reads on in the match that is masked: where it ends as far as is known, and whether that is all of it.
    fn mask_on(&mut self, patterns: &Patterns, bytes: &[u8], is_last: bool) -> (usize, bool) {
        let Some(run) = self.runs.first_mut() else { return (0, true) };
        let pattern = &patterns.all[run.pattern];
        while !pattern.is_dead(run.state) {
            let Some(byte) = bytes.get(self.read) else { break };
            run.step(pattern, |pattern, state| pattern.next(state, *byte), bytes, 0, self.read);
            self.read += 1;
        }
        if is_last && !pattern.is_dead(run.state) {
            run.step(pattern, Pattern::end, bytes, 0, bytes.len());
            run.state = DEAD;
        }
        let (end, is_over) = (run.end.unwrap_or_default(), pattern.is_dead(run.state));
        if is_over {
            self.runs.clear();
            self.is_masking = false;
        }
        (end, is_over)
    }
}

impl Run {
    /// One step of the automaton, by which it may tell of a match that ended at `here`.
    fn step(
        &mut self,
        pattern: &Pattern,
        step: impl FnOnce(&Pattern, StateID) -> StateID,
        bytes: &[u8],
        at: usize,
        here: usize,
    ) {
        self.state = step(pattern, self.state);
        if pattern.is_match(self.state) {
            if pattern.accepts(&bytes[at..here]) {
                self.end = Some(here);
            }
            if pattern.is_last(self.state) {
                self.state = DEAD;
            }
        }
    }
}
