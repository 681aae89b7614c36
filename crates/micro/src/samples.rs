//! What the cases work on: a response of ordinary words.

use std::time::Duration;

use broker::{Header, Job, Kind};
use protocol::{Item, Outcome, Place, Request, Role};
use stream::{DeltaKind, Event, ResponseId};
use tokio::runtime::{Builder, Runtime};

use crate::EVENTS;

/// The model.
pub(crate) const MODEL: &str = "llama-3.3-70b";

/// The time between two tokens, of a clock that is moved on whenever nothing else is left to do: so what happens once a second
/// weighs as much as it does beside a stream of 50 tokens a second.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

/// Longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Tokens as a model says them. Some have what JSON escapes.
const TOKENS: [&str; 16] = [
    "The", " quick", " brown", " fox", " said", " \"", "Hello", ",\"", " jumped", " over", " the", " lazy",
    " dog", ",", " 日本", ".\n",
];

/// The texts of as many deltas as a run has events.
pub(crate) fn texts() -> impl Iterator<Item = &'static str> {
    TOKENS.into_iter().cycle().take(EVENTS as usize)
}

/// As many deltas as a run has events.
pub(crate) fn deltas(response: ResponseId) -> impl Iterator<Item = Event> {
    let place = Place { response, kind: DeltaKind::OutputText, output_index: 0, part_index: 0 };
    texts().map(move |text| place.delta(text.into(), None))
}

/// The n-th response.
pub(crate) const fn response(n: u64) -> ResponseId {
    ResponseId::from_parts(0, 0x0123_4567_89ab_cdef_0123_4567_0000_0000 + n as u128)
}

/// The order to produce it.
pub(crate) fn job(id: ResponseId) -> Job {
    let header = Header {
        tenant: "default".to_owned(),
        user: "anonymous".to_owned(),
        model: MODEL.to_owned(),
        background: true,
        ..Header::default()
    };
    let request = serde_json::to_vec(&request()).expect("JSON").into();
    Job { id, header, kind: Kind::Response, request, trace: None, enqueued_at_us: 0 }
}

/// What somebody asked.
pub(crate) fn request() -> Request {
    Request {
        input: vec![Item::message(Role::User, "What did the quick brown fox do?")],
        store: false,
        ..Request::new(MODEL)
    }
}

/// The event before all others.
pub(crate) fn created(id: ResponseId) -> Event {
    protocol::created(id, 0, &request(), "queued").into()
}

/// The event after all others.
pub(crate) fn completed(id: ResponseId) -> Event {
    let begun = protocol::created(id, 0, &request(), "in_progress");
    protocol::end(Some(&begun), Vec::new(), None, &Outcome::Completed, 0).into()
}

/// Everything in one thread, so that the same happens in the same order each time; and time passes only when nothing else does.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}
