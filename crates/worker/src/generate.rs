//! Calling the model for a response, again or at another server where that is allowed, until it has its ending.

use std::{sync::Arc, time::Duration};

use broker::Appended;
use engine::{Call, Finish, Output};
use futures_util::StreamExt as _;
use protocol::Request;
use tokio::time::Instant;
use trace::{Span, key};

use crate::{
    clock::{Clock, Exceeded, Heard},
    composer::Ending,
    guarding::{Guarding, Told},
    metrics::{FaultLabels, Guarded},
    outbox::Outbox,
    plan::Plan,
    produce::{Leave, Session},
    running::{Interrupt, Place},
    spans, upstream_error,
};

/// How often in a row the model is called for one response, if its servers fail without telling anything more; each of
/// them is tried once in any case.
const MAX_CALLS: usize = 3;

/// How often in all, if each call tells something and breaks off.
const MAX_CALLS_IN_ALL: usize = 30;

/// How a call of the model went.
enum Called {
    Ended(Ending),
    Broke(engine::Error),
}

impl Called {
    fn out_of_time(exceeded: Exceeded) -> Self {
        match exceeded {
            Exceeded::Silence(error) => Self::Broke(error),
            Exceeded::Deadline(error) => Self::Ended(Ending::Failed(upstream_error::for_client(&error))),
        }
    }
}

impl Session<'_> {
    /// Calls the model, again or at another server where that is allowed, until there is an ending.
    pub(crate) async fn generate(&mut self, request: Request) -> Result<Ending, Leave> {
        let deadline = Instant::now() + self.slot.served().config.timeouts.response;
        let max_calls = MAX_CALLS.max(self.slot.servers());
        let mut request = Arc::new(request);
        let mut tried = vec![self.slot.at()];
        let mut failure: Option<engine::Error> = None;
        let (mut attempt, mut calls) = (0, 0);
        loop {
            attempt += 1;
            calls += 1;
            let told_before = self.stream.composer.tokens_told();
            let config = &self.slot.served().config;
            let plan = Plan::make(&mut self.stream.composer, &request, config.continuation);
            let prefix = match (plan, failure.take()) {
                (Plan::Start, _) => None,
                (Plan::Continue { prefix }, _) => Some(prefix),
                // What broke off here is told as what it was.
                (Plan::Fail(_), Some(error)) => {
                    return Ok(Ending::Failed(upstream_error::for_client(&error)));
                }
                (Plan::Fail(error), None) => return Ok(Ending::Failed(error)),
            };
            let told = if prefix.is_some() { self.stream.composer.tokens_told() } else { 0 };
            let Some(order) = order(&mut request, &config.upstream_name, told) else {
                return Ok(Ending::Incomplete("max_output_tokens"));
            };
            self.stream.composer.begin_call(prefix.is_some());
            self.guarding = self.guarding(prefix.as_deref());
            let tracer = &self.shared.config.tracer;
            let mut span = spans::call(tracer, &self.work, &order.model, calls);
            let call = Call { request: order, prefix, trace: span.context().cloned() };
            match self.call(call, deadline, &mut span).await? {
                Called::Ended(ending) => return Ok(ending),
                Called::Broke(error) => {
                    span.fail(upstream_error::name(error.fault));
                    drop(span);
                    self.note(&error);
                    self.slot.failed(error.fault);
                    if self.stream.composer.tokens_told() > told_before && calls < MAX_CALLS_IN_ALL {
                        // It got on: that its line was cut says nothing of the next call.
                        attempt = 1;
                        tried = vec![self.slot.at()];
                    }
                    let changed = attempt < max_calls
                        && error.is_of_server()
                        && self.change_server(&request, &mut tried);
                    if !changed {
                        if attempt >= max_calls || calls >= MAX_CALLS_IN_ALL || !error.is_retryable() {
                            return Ok(Ending::Failed(upstream_error::for_client(&error)));
                        }
                        if let Some(ending) = self.pause(upstream_error::pause(&error, attempt)).await? {
                            return Ok(ending);
                        }
                    }
                    failure = Some(error);
                }
            }
        }
    }

    /// Changes to a server that was not tried and can do what is left to do; whether there is one.
    fn change_server(&mut self, request: &Request, tried: &mut Vec<usize>) -> bool {
        let composer = &mut self.stream.composer;
        let changed = self.slot.change(|at, served| {
            let plan = Plan::make(composer, request, served.config.continuation);
            !tried.contains(&at) && !matches!(plan, Plan::Fail(_))
        });
        if changed {
            tried.push(self.slot.at());
            tracing::info!(response = %self.claim.job.id, trace_id = spans::trace_id(self.claim), "trying another model server");
        }
        changed
    }

    fn note(&self, error: &engine::Error) {
        let fault = upstream_error::name(error.fault);
        tracing::warn!(response = %self.claim.job.id, trace_id = spans::trace_id(self.claim), fault, detail = error.detail, "a call of the model server failed");
        let labels = FaultLabels { model: self.model.model.clone(), fault };
        self.shared.metrics.upstream_errors.get_or_create(&labels).inc();
    }

    /// One call of the model, until it ends, breaks off, takes too long or is stopped.
    async fn call(&mut self, call: Call, deadline: Instant, span: &mut Span) -> Result<Called, Leave> {
        let mut clock = Clock::start(self.slot.served().config.timeouts, deadline);
        let request = Arc::clone(&call.request);
        let engine = Arc::clone(&self.slot.served().engine);
        let opened = tokio::select! {
            outputs = engine.generate(call) => outputs,
            ending = ending(&mut self.place, &mut self.stream.outbox) => return Ok(Called::Ended(ending?)),
            exceeded = clock.run_out() => return Ok(Called::out_of_time(exceeded)),
        };
        let mut outputs = match opened {
            Ok(outputs) => outputs,
            Err(error) => return Ok(Called::Broke(error)),
        };
        loop {
            if self.stream.outbox.pending_bytes() >= self.shared.config.max_pending_bytes {
                // The model is not asked while the broker takes nothing: its silence is not its own.
                if let Some(ending) = news(&mut self.place, &mut self.stream.outbox).await? {
                    return Ok(Called::Ended(ending));
                }
                clock.stand();
                continue;
            }
            let output = tokio::select! {
                biased;
                ending = ending(&mut self.place, &mut self.stream.outbox) => return Ok(Called::Ended(ending?)),
                // Before the clock: to a process that was stopped for a while all time has run out, but the model has spoken.
                output = outputs.next() => output,
                exceeded = clock.run_out() => return Ok(Called::out_of_time(exceeded)),
            };
            let output = match output {
                Some(Ok(output)) => output,
                Some(Err(error)) => return Ok(Called::Broke(error)),
                None => {
                    let detail = "the stream of outputs ended without a finish";
                    let fault = engine::Fault::Unreachable;
                    return Ok(Called::Broke(engine::Error::new(
                        fault,
                        "The model server broke off.",
                        detail,
                    )));
                }
            };
            match clock.heard() {
                Heard::First(elapsed) => {
                    span.event("first token");
                    self.slot.succeeded();
                    self.latencies.first_token(elapsed, self.started);
                }
                Heard::Next(elapsed) => self.latencies.between_tokens(elapsed),
            }
            match self.tell(output, &request) {
                Told::More => {}
                Told::Finished(finish) => {
                    span.set_with(key::FINISH_REASONS, || spans::finish_reasons(finish));
                    self.rest = Some(outputs);
                    return Ok(Called::Ended(match finish {
                        Finish::Stop => Ending::Completed,
                        Finish::Length => Ending::Incomplete("max_output_tokens"),
                        Finish::ContentFilter => Ending::Incomplete("content_filter"),
                    }));
                }
                // The rest of the call is not wanted: it is aborted by being dropped here.
                Told::Stopped => return Ok(Called::Ended(Ending::Incomplete("content_filter"))),
            }
            self.stream.outbox.push(self.stream.composer.take());
            if self.stream.composer.bytes() > self.shared.config.max_output_bytes {
                return Ok(Called::Ended(Ending::Incomplete("max_output_tokens")));
            }
        }
    }

    fn tell(&mut self, output: Output, request: &Request) -> Told {
        let composer = &mut self.stream.composer;
        match &mut self.guarding {
            None => composer.add(output, request).into(),
            Some(guarding) => guarding.add(output, composer, request),
        }
    }

    /// The guard of a call that begins, or carries on what was shown.
    fn guarding(&self, shown: Option<&str>) -> Option<Guarding> {
        let guard = self.shared.config.guard.as_ref()?;
        let (model, family) = (self.model.model.clone(), self.shared.metrics.guarded.clone());
        Some(Guarding::begin(guard, Guarded { model, family }, shown))
    }

    /// Waits before the next try, unless there is an ending meanwhile.
    async fn pause(&mut self, time: Duration) -> Result<Option<Ending>, Leave> {
        tokio::select! {
            ending = ending(&mut self.place, &mut self.stream.outbox) => ending.map(Some),
            () = tokio::time::sleep(time) => Ok(None),
        }
    }
}

/// Waits until the response shall end; the outbox gets on meanwhile. Cancel safe.
async fn ending(place: &mut Place, outbox: &mut Outbox) -> Result<Ending, Leave> {
    loop {
        if let Some(ending) = news(place, outbox).await? {
            return Ok(ending);
        }
    }
}

/// The next that comes while the model works: that the outbox got on (`None`), or that the response shall end.
///
/// Cancel safe: each of its branches is.
async fn news(place: &mut Place, outbox: &mut Outbox) -> Result<Option<Ending>, Leave> {
    tokio::select! {
        biased;
        interrupt = place.interrupted() => match interrupt {
            Interrupt::Stop(_) => Ok(Some(Ending::Cancelled)),
            other => Err(Leave::Interrupted(other)),
        },
        appended = outbox.progress() => {
            let Appended { stop } = appended?;
            place.answered();
            Ok(stop.map(|_| Ending::Cancelled))
        }
    }
}

/// The request for the server that knows the model by `name`, with what is left of the output after `told` tokens. `None`
/// if nothing is left.
fn order(request: &mut Arc<Request>, name: &str, told: u64) -> Option<Arc<Request>> {
    let max = request.max_output_tokens;
    let rest = max.map(|max| max.saturating_sub(told));
    if rest == Some(0) && told > 0 {
        return None;
    }
    if rest != max {
        let request = Request::clone(request);
        return Some(Arc::new(Request { model: name.to_owned(), max_output_tokens: rest, ..request }));
    }
    // The first call of nearly every response: nobody else has the request, so it is not copied.
    if request.model != name {
        name.clone_into(&mut Arc::make_mut(request).model);
    }
    Some(Arc::clone(request))
}
