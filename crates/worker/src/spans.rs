//! What a trace tells of the work on one job.
//!
//! ```text
//! enqueue (at the gateway)
//! ├── queue                  from there to the first claim
//! └── produce                from the claim to the end; the next worker's is beside it
//!     ├── claim, take over   until the stream is this worker's
//!     ├── chat MODEL         each call of a model server, with the moment of its first token
//!     └── append             some of the writes into the log
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use broker::{Claim, Member};
use engine::Finish;
use stream::Event;
use trace::{Beginning, Kind, Span, TraceContext, TraceId, Tracer, Value, key};
use tracing::field::{DisplayValue, display};

/// The first so many appends of a response are told, and of the rest those whose number is a power of two: how fast a text
/// begins matters most, and a response of any length has a bounded number of spans.
const FIRST_APPENDS: u64 = 4;

/// The trace of a job, for the log.
pub(crate) fn trace_id(claim: &Claim) -> Option<DisplayValue<TraceId>> {
    claim.job.trace.as_ref().map(|trace| display(trace.trace_id()))
}

/// The work on a job that was claimed just now; and, told in passing, the wait before it.
pub(crate) fn work(tracer: &Tracer, worker: &Member, claim: &Claim) -> Span {
    let job = &claim.job;
    let parent = job.trace.as_ref();
    if claim.attempt == 1 && parent.is_some() && job.enqueued_at_us > 0 {
        let enqueued_at = UNIX_EPOCH + Duration::from_micros(job.enqueued_at_us);
        drop(tracer.since(enqueued_at, "queue", parent));
    }
    let mut work = tracer.span(Kind::Consumer, "produce", parent);
    describe(&mut work, worker, claim);
    work
}

fn describe(work: &mut Span, worker: &Member, claim: &Claim) {
    let job = &claim.job;
    work.set(key::MESSAGING_OPERATION, "produce");
    work.set(key::MESSAGING_OPERATION_TYPE, "process");
    work.set_with(key::DESTINATION, || job.header.model.clone());
    work.set_with(key::MESSAGE, || job.id.to_string());
    work.set_with(key::CLIENT, || worker.to_string());
    work.set_with(key::RESPONSE, || job.id.to_string());
    work.set_with(key::MODEL, || job.header.model.clone());
    work.set(key::ATTEMPT, claim.attempt);
}

/// Making the stream one's own.
pub(crate) fn claim(tracer: &Tracer, work: &Span, claim: &Claim) -> Span {
    let mut span = match claim.attempt {
        1 => tracer.span(Kind::Internal, "claim", work.context()),
        _ => tracer.span(Kind::Internal, "take over", work.context()),
    };
    span.set(key::ATTEMPT, claim.attempt);
    span
}

/// Tells of the work on a job after it is done, although its trace is not recorded: it failed, or was slow.
pub(crate) fn exception(tracer: &Tracer, worker: &Member, claim: &Claim, took: Duration) -> Span {
    let Some(trace) = &claim.job.trace else { return Span::default() };
    let began = SystemTime::now().checked_sub(took);
    let mut span = tracer.begin(Beginning {
        name: "produce".into(),
        kind: Kind::Consumer,
        parent: Some(&trace.sampled()),
        since: began,
        link: None,
    });
    describe(&mut span, worker, claim);
    span
}

/// A call of a model server, the `number`th of the response.
pub(crate) fn call(tracer: &Tracer, work: &Span, model: &str, number: usize) -> Span {
    if !work.is_recorded() {
        return Span::handing_on(work.context().cloned());
    }
    let mut span = tracer.span(Kind::Client, format!("chat {model}"), work.context());
    span.set(key::OPERATION, "chat");
    // The interface that is spoken; which program speaks it is not known.
    span.set(key::PROVIDER, "openai");
    span.set(key::MODEL, model.to_owned());
    span.set(key::NUMBER, number);
    span
}

/// How a call ended, in the convention's words.
pub(crate) fn finish_reasons(finish: Finish) -> Value {
    let reason = match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::ContentFilter => "content_filter",
    };
    Value::Texts(vec![reason.into()])
}

/// The appends of one stream.
#[derive(Debug, Default)]
pub(crate) struct Appends {
    tracer: Tracer,
    parent: Option<TraceContext>,
    number: u64,
}

impl Appends {
    /// Those under `work`.
    pub(crate) fn new(tracer: &Tracer, work: &Span) -> Self {
        // Where the work is not recorded, nothing of it is.
        let tracer = if work.is_recorded() { tracer.clone() } else { Tracer::default() };
        Self { tracer, parent: work.context().cloned(), number: 0 }
    }

    /// The next one.
    pub(crate) fn next(&mut self, first: u64, events: &[Event]) -> Span {
        self.number += 1;
        if self.number > FIRST_APPENDS && !self.number.is_power_of_two() {
            return Span::default();
        }
        let mut span = self.tracer.span(Kind::Producer, "append", self.parent.as_ref());
        span.set(key::MESSAGING_OPERATION, "append");
        span.set(key::MESSAGING_OPERATION_TYPE, "send");
        span.set(key::NUMBER, self.number);
        span.set(key::FIRST_EVENT, first);
        span.set(key::BATCH, events.len());
        span
    }
}
