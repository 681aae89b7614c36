use proptest::prelude::*;
use serde_json::Value;
use stream::{Delta, DeltaKind, Event};

use super::{delta, text};
use crate::{Merged, merge};

fn merged(events: &[Event], max_bytes: usize) -> Vec<Merged<'_>> {
    merge((5..).zip(events), max_bytes).collect()
}

fn with_logprobs(text: &str, logprobs: &'static str) -> Event {
    Event::Delta(Delta {
        kind: DeltaKind::OutputText,
        output_index: 0,
        part_index: 0,
        text: text.into(),
        logprobs: Some(logprobs.into()),
    })
}

#[test]
fn deltas_of_one_text_become_one() {
    let events = [text("a"), text("b"), delta(DeltaKind::Refusal, 0, 0, "c"), text("d")];
    let told = merged(&events, 100);
    let numbers: Vec<_> = told.iter().map(|m| (m.first, m.last, m.merged_from())).collect();
    assert_eq!(numbers, [(5, 6, Some(5)), (7, 7, None), (8, 8, None)]);
    assert_eq!(*told[0].event, text("ab"));
}

#[test]
fn the_bound_holds() {
    let events = [text("aaaa"), text("bb"), text("cc"), text("dddddddd"), text("e")];
    let texts: Vec<_> = merged(&events, 6).into_iter().map(|m| m.event.into_owned()).collect();
    assert_eq!(texts, [text("aaaabb"), text("cc"), text("dddddddd"), text("e")]);
    assert_eq!(merged(&events, 0).len(), events.len());
}

#[test]
fn log_probabilities_are_joined_too() {
    let events = [
        with_logprobs("", "[]"),
        with_logprobs("", "[1]"),
        text("c"),
        with_logprobs("d", " [2,\n3] "),
        text(""),
    ];
    let told = merged(&events, 100);
    assert_eq!(told.len(), 1);
    let Event::Delta(delta) = &*told[0].event else { panic!("a delta") };
    let logprobs: Value = serde_json::from_str(delta.logprobs.as_deref().unwrap()).unwrap();
    assert_eq!(logprobs, serde_json::json!([1, 2, 3]));
}

proptest! {
    /// Merging changes how a text is cut, and nothing else.
    #[test]
    fn nothing_is_lost(
        events in prop::collection::vec((0u32..2, ".{0,6}").prop_map(|(part, t)| delta(DeltaKind::OutputText, 0, part, &t)), 0..30),
        max_bytes in 0usize..40,
    ) {
        let told = merged(&events, max_bytes);
        let mut next = 5;
        for merged in &told {
            prop_assert_eq!(merged.first, next);
            next = merged.last + 1;
            prop_assert!(merged.merged_from().is_none() || merged.event.weight() <= max_bytes);
        }
        prop_assert_eq!(next, 5 + events.len() as u64);
        for part in 0..2 {
            let text = |event: &Event| match event {
                Event::Delta(delta) if delta.part_index == part => delta.text.to_string(),
                _ => String::new(),
            };
            let before: String = events.iter().map(text).collect();
            let after: String = told.iter().map(|m| text(&m.event)).collect();
            prop_assert_eq!(before, after);
        }
    }
}
