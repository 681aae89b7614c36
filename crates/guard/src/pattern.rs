//! One pattern, compiled.

use std::collections::HashSet;

use regex_automata::{
    Anchored, MatchKind,
    dfa::{
        Automaton, StartKind,
        dense::{Builder, Config as DfaConfig, DFA},
    },
    nfa::thompson::{Compiler, Config as NfaConfig},
    util::{primitives::StateID, start, syntax},
};

use crate::{
    Action, ConfigError, Needs, PatternConfig,
    built_in::{BUILT_IN, BuiltIn, Check},
    hold,
};

/// The largest automaton of one pattern; a Unicode class that is repeated many times is beyond it.
const MAX_AUTOMATON_BYTES: usize = 4 * 1024 * 1024;

/// What begins where, and how it goes on. It matches at the place where it is begun, or not at all.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) name: String,
    pub(crate) action: Action,
    /// What stands in its place: in a text, and where a JSON value is expected.
    replacement: [String; 2],
    check: Option<Check>,
    dfa: DFA<Vec<u32>>,
    /// The states in which it may begin, each once.
    starts: Vec<StateID>,
    /// The states that tell of a match which cannot go on.
    last: HashSet<StateID>,
    pub(crate) max_held: usize,
}

impl Pattern {
    pub(crate) fn compile(config: &PatternConfig, max_held_bytes: usize) -> Result<Self, ConfigError> {
        let name = config.name.clone();
        if name.is_empty() {
            return Err(ConfigError::Nameless);
        }
        let replacement = config.replacement.clone().unwrap_or_else(|| format!("[{name}]"));
        if replacement.contains(|c: char| c.is_control() || c == '"' || c == '\\') {
            return Err(ConfigError::Replacement(name));
        }
        let (regex, check) = source(config)?;
        let dfa = compile(&name, regex)?;
        let starts = starts(&dfa);
        let (needs, last) = hold::explore(&dfa, &starts, check.is_some());
        let max_held = match needs {
            Needs::Bytes(bytes) if bytes <= max_held_bytes => bytes,
            Needs::Bytes(_) | Needs::Unbounded => {
                return Err(ConfigError::Unbounded { name, needs, max: max_held_bytes });
            }
        };
        let quoted = format!("\"{replacement}\"");
        Ok(Self {
            name,
            action: config.action,
            replacement: [replacement, quoted],
            check,
            dfa,
            starts,
            last,
            max_held,
        })
    }

    /// What stands in the place of a match.
    pub(crate) fn replacement(&self, as_json_value: bool) -> &str {
        &self.replacement[usize::from(as_json_value)]
    }

    /// Whether a match needs no look at its text, so that it is known as one before its end is.
    pub(crate) const fn is_known_early(&self) -> bool {
        self.check.is_none()
    }

    /// Whether something with the right form is a match.
    pub(crate) fn accepts(&self, text: &[u8]) -> bool {
        self.check.is_none_or(|check| str::from_utf8(text).is_ok_and(check))
    }

    /// The state before a text that follows on the byte `before`.
    pub(crate) fn start(&self, before: Option<u8>) -> StateID {
        start(&self.dfa, before)
    }

    pub(crate) fn next(&self, state: StateID, byte: u8) -> StateID {
        self.dfa.next_state(state, byte)
    }

    pub(crate) fn end(&self, state: StateID) -> StateID {
        self.dfa.next_eoi_state(state)
    }

    /// Whether the text up to the byte before the last was a match.
    pub(crate) fn is_match(&self, state: StateID) -> bool {
        self.dfa.is_match_state(state)
    }

    /// Whether that match cannot go on.
    pub(crate) fn is_last(&self, state: StateID) -> bool {
        self.last.contains(&state)
    }

    pub(crate) fn is_dead(&self, state: StateID) -> bool {
        self.dfa.is_dead_state(state)
    }

    /// Whether a match may begin with `byte`, whatever stands before it.
    pub(crate) fn may_begin_with(&self, byte: u8) -> bool {
        self.starts.iter().any(|start| !self.is_dead(self.next(*start, byte)))
    }
}

fn source(config: &PatternConfig) -> Result<(&str, Option<Check>), ConfigError> {
    let built_in = BUILT_IN.iter().find(|built_in| built_in.name == config.name);
    match (&config.regex, built_in) {
        (Some(regex), None) => Ok((regex, None)),
        (None, Some(BuiltIn { regex, check, .. })) => Ok((regex, *check)),
        (Some(_), Some(_)) => Err(ConfigError::Taken(config.name.clone())),
        (None, None) => {
            let known = BUILT_IN.iter().map(|built_in| format!("`{}`", built_in.name)).collect::<Vec<_>>();
            Err(ConfigError::Unknown { name: config.name.clone(), known: known.join(", ") })
        }
    }
}

fn compile(name: &str, regex: &str) -> Result<DFA<Vec<u32>>, ConfigError> {
    let unusable = |reason: String| ConfigError::Regex { name: name.to_owned(), reason };
    // The messages of syntax errors span lines, with a caret below the place.
    let tree = syntax::parse_with(regex, &syntax::Config::new().nest_limit(50))
        .map_err(|error| unusable(error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")))?;
    if tree.properties().minimum_len().is_none_or(|len| len == 0) {
        return Err(ConfigError::Empty(name.to_owned()));
    }
    let nfa = Compiler::new()
        .configure(NfaConfig::new().nfa_size_limit(Some(MAX_AUTOMATON_BYTES)))
        .build_from_hir(&tree)
        .map_err(|error| unusable(error.to_string()))?;
    let config = DfaConfig::new()
        .start_kind(StartKind::Anchored)
        .match_kind(MatchKind::LeftmostFirst)
        .dfa_size_limit(Some(MAX_AUTOMATON_BYTES))
        .determinize_size_limit(Some(4 * MAX_AUTOMATON_BYTES));
    Builder::new().configure(config).build_from_nfa(&nfa).map_err(|error| {
        // `\b` of Unicode is the one thing that the automata cannot do.
        if !error.is_size_limit_exceeded() && regex.contains(r"\b") {
            return unusable(format!(r"{error}; write `(?-u:\b)` for `\b`"));
        }
        unusable(error.to_string())
    })
}

fn start(dfa: &DFA<Vec<u32>>, before: Option<u8>) -> StateID {
    let config = start::Config::new().anchored(Anchored::Yes).look_behind(before);
    // Cannot fail: no byte makes these automata quit, and anchored is how they were built. Dead is safe in any case.
    dfa.start_state(&config).unwrap_or_default()
}

/// The states in which it may begin, each once.
fn starts(dfa: &DFA<Vec<u32>>) -> Vec<StateID> {
    let mut starts: Vec<_> =
        std::iter::once(None).chain((0..=u8::MAX).map(Some)).map(|before| start(dfa, before)).collect();
    starts.sort_unstable();
    starts.dedup();
    starts
}
