//! How much of a text an automaton may make wait, found out from the automaton itself.

use std::collections::{HashMap, HashSet};

use regex_automata::{
    dfa::{Automaton, dense::DFA},
    util::primitives::StateID,
};

use crate::Needs;

/// How many bytes may wait until `dfa` knows: for its first match, or for a longer one. With `whole`, for the longest.
///
/// It is the longest way through states that are neither dead nor, unless `whole`, a match; a way in a circle has no
/// bound. (An automaton tells a match one byte late, so that byte waits, too.)
///
/// Also, in which states a match is known that cannot go on.
pub(crate) fn explore(dfa: &DFA<Vec<u32>>, starts: &[StateID], whole: bool) -> (Needs, HashSet<StateID>) {
    let mut graph = Graph::explore(dfa, starts, whole);
    let last = std::mem::take(&mut graph.last);
    (graph.longest_wait(), last)
}

/// The states that are not dead, and the steps between them after which nothing is known yet.
#[derive(Default)]
struct Graph {
    next: HashMap<StateID, Vec<StateID>>,
    /// How many steps lead to a state, if any does.
    entries: HashMap<StateID, usize>,
    /// States in which a match is known: from here on, only what is beyond it waits.
    known: Vec<StateID>,
    /// States from which nothing follows: matches that cannot go on.
    last: HashSet<StateID>,
}

impl Graph {
    fn explore(dfa: &DFA<Vec<u32>>, starts: &[StateID], whole: bool) -> Self {
        let mut graph = Self::default();
        let mut todo = starts.to_vec();
        while let Some(state) = todo.pop() {
            if graph.next.contains_key(&state) {
                continue;
            }
            if !whole && dfa.is_match_state(state) {
                graph.known.push(state);
            }
            let mut steps = Vec::new();
            let mut goes_on = !dfa.is_dead_state(dfa.next_eoi_state(state));
            for byte in dfa.byte_classes().representatives(0..=u8::MAX).filter_map(|unit| unit.as_u8()) {
                let next = dfa.next_state(state, byte);
                if dfa.is_dead_state(next) {
                    continue;
                }
                goes_on = true;
                todo.push(next);
                if (whole || !dfa.is_match_state(next)) && !steps.contains(&next) {
                    steps.push(next);
                    *graph.entries.entry(next).or_default() += 1;
                }
            }
            if !goes_on {
                graph.last.insert(state);
            }
            graph.next.insert(state, steps);
        }
        graph
    }

    fn longest_wait(self) -> Needs {
        let mut entries = self.entries;
        let mut ready: Vec<StateID> =
            self.next.keys().filter(|state| !entries.contains_key(state)).copied().collect();
        let mut held: HashMap<StateID, usize> = self.known.iter().map(|state| (*state, 1)).collect();
        let (mut longest, mut seen) = (0, 0);
        // In topological order; what is on a circle never becomes ready.
        while let Some(state) = ready.pop() {
            seen += 1;
            let here = held.get(&state).copied().unwrap_or_default();
            longest = longest.max(here);
            for next in &self.next[&state] {
                let there = held.entry(*next).or_default();
                *there = (*there).max(here + 1);
                if let Some(left) = entries.get_mut(next) {
                    *left -= 1;
                    if *left == 0 {
                        ready.push(*next);
                    }
                }
            }
        }
        if seen < self.next.len() { Needs::Unbounded } else { Needs::Bytes(longest) }
    }
}
