//! What every client was told, held against what the stream says.

use super::{Evidence, Witness};
use crate::{
    client::{Telling, Way},
    story::Story,
};

/// Objects to whatever this client was told wrong, or not at all.
pub(super) fn check(evidence: &Evidence, witness: &Witness) {
    let Witness { errand, seen, has_ended } = witness;
    let object = |what: &str| evidence.journal.object(format!("{} {what}", errand.name));
    if !has_ended && !errand.has_left {
        object("has not seen the end");
    }
    if errand.way == Way::Whole {
        return check_whole(evidence, witness);
    }
    let Some(id) = seen.id else { return };
    let Some(story) = evidence.stories.get(&id) else {
        return object("was told of a response that there is not");
    };
    if evidence.entries.get(&id).is_none_or(|entry| entry.prompt.is_none()) {
        object("was told of a response that was never enqueued");
    }
    for telling in &seen.tellings {
        if let Some(what) = find_lie(story, telling) {
            object(&what);
        }
    }
    if *has_ended && seen.next() != story.events.len() as u64 {
        object("saw an end that is not the end");
    }
}

/// What is wrong with a telling: every event is as the stream has it, and each follows on the one before.
fn find_lie(story: &Story, telling: &Telling) -> Option<String> {
    let mut next = telling.from;
    for event in &telling.events {
        if event.first != next {
            return Some(format!("was told event {} where {next} should come", event.first));
        }
        next = event.last + 1;
        let wanted = story.told(event.first, event.last, telling.lane);
        if wanted.as_ref() != Some(&event.json) {
            return Some(format!("was told {} instead of {wanted:?}", event.json));
        }
    }
    None
}

/// The whole answer is the response as it ended, and an error is the one that it ended with.
fn check_whole(evidence: &Evidence, witness: &Witness) {
    let Witness { errand, seen, .. } = witness;
    let object = |what: &str| evidence.journal.object(format!("{} {what}", errand.name));
    if let Some(answer) = &seen.whole {
        let story = seen.id.and_then(|id| evidence.stories.get(&id));
        let end = story.and_then(Story::end);
        if end.as_ref() != Some(answer) {
            object(&format!("was answered {answer} instead of {end:?}"));
        }
    }
    if let Some(code) = &seen.failure {
        let failed = evidence.entries.iter().any(|(id, entry)| {
            entry.prompt.as_ref().is_some_and(|prompt| errand.is_of(prompt))
                && evidence.stories.get(id).and_then(Story::error_code).as_ref() == Some(code)
        });
        if !failed {
            object(&format!("was told {code}, which its response did not fail with"));
        }
    }
}
