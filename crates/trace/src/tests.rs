use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::*;

/// Counts what it is asked for.
#[derive(Debug, Default)]
struct Counter(Arc<AtomicU64>);

struct Counted(TraceContext);

impl Recorder for Counter {
    fn begin(&self, beginning: Beginning<'_>) -> Box<dyn Recording> {
        let number = 1 + self.0.fetch_add(1, Ordering::Relaxed);
        let trace = beginning.parent.map_or(9, |parent| parent.trace_id().bits());
        // The first trace is recorded, no other new one.
        let is_sampled = beginning.parent.is_some() || number == 1;
        Box::new(Counted(TraceContext::new(trace, number, is_sampled).unwrap()))
    }
}

impl Recording for Counted {
    fn context(&self) -> Option<TraceContext> {
        Some(self.0.clone())
    }
    fn set(&mut self, _: &'static str, _: Value) {}
    fn event(&mut self, _: &'static str) {}
    fn fail(&mut self, _: &str) {}
}

#[test]
fn without_a_recorder_the_context_is_handed_on() {
    let client = TraceContext::new(1, 2, true).unwrap();
    let span = Tracer::default().span(Kind::Server, "response", Some(&client));
    assert_eq!((span.context(), span.is_recorded()), (Some(&client), false));
    assert_eq!(Tracer::default().span(Kind::Server, "response", None).context(), None);
}

#[test]
fn what_is_not_sampled_is_not_even_begun() {
    let counter = Counter::default();
    let begun = Arc::clone(&counter.0);
    let tracer = Tracer::new(Arc::new(counter), Exceptions::default());
    let first = tracer.span(Kind::Server, "response", None);
    assert!(first.is_recorded());
    let child = tracer.span(Kind::Internal, "admit", first.context());
    assert_eq!((child.trace_id(), child.context().map(TraceContext::span_id)), (first.trace_id(), Some(2)));

    let second = tracer.span(Kind::Server, "response", None);
    assert!(!second.is_recorded() && second.trace_id().is_some());
    let child = tracer.span(Kind::Internal, "admit", second.context());
    assert_eq!(child.context(), second.context());
    assert_eq!(begun.load(Ordering::Relaxed), 3);
}

#[test]
fn what_failed_or_was_slow_is_an_exception() {
    let second = Duration::from_secs(1);
    let exceptions = Exceptions { failed: true, slower_than: Some(second) };
    let tracer = Tracer::new(Arc::new(Counter::default()), exceptions);
    assert!(tracer.excepts(true, Duration::ZERO) && tracer.excepts(false, 2 * second));
    assert!(!tracer.excepts(false, second));
    let none = Tracer::new(Arc::new(Counter::default()), Exceptions::default());
    assert!(!none.excepts(true, 2 * second) && !Tracer::default().excepts(true, 2 * second));
}
