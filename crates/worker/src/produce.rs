//! One job, from its claim to its end.
//!
//! ```text
//!   claim ─▶ open (new epoch) ─▶ plan ─▶ call the model ─▶ compose ─▶ outbox ─▶ log
//!                                 ▲           │ breaks off
//!                                 └───────────┘
//!   then: close what is open ─▶ terminal event ─▶ remember the response ─▶ finish the job
//! ```

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use broker::{AppendError, Appended, Claim, Kind, OpenError, OpenMode, Opened, Stop};
use engine::{Call, Finish};
use futures_util::StreamExt as _;
use protocol::{ApiError, Request};
use tokio::time::Instant;

use crate::{
    clock::Clock,
    composer::{Composer, Ending},
    metrics::{FaultLabels, ModelLabel, OutcomeLabels},
    outbox::Outbox,
    plan::Plan,
    remember::{recover, remember},
    running::{Interrupt, Place},
    upstream_error,
    worker::{Served, Shared},
};

/// How often a call that broke off is tried again.
const MAX_CALLS: u32 = 3;

/// What becomes of the claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// The response has ended: the job is finished.
    Finished,
    /// The job killed its workers too often: it is kept for inspection.
    Buried,
    /// Another worker shall have it, at once.
    GiveBack,
    /// Another worker has the stream. If the claim is still this one's, it is given back.
    Lost,
    /// Nothing can be done at the moment: the claim runs out, and another worker tries then.
    Lapse,
}

/// Why a job is left before its response has ended.
#[derive(Debug)]
enum Leave {
    Interrupted(Interrupt),
    Append(AppendError),
    /// The response has ended, but that could not be stored.
    Store(broker::Error),
}

impl From<AppendError> for Leave {
    fn from(error: AppendError) -> Self {
        Self::Append(error)
    }
}

/// How a call of the model went.
enum Called {
    Ended(Ending),
    Broke(engine::Error),
}

/// Produces the response of `claim`, as far as it goes.
pub(crate) async fn produce(shared: &Shared, served: &Served, claim: &Claim, place: Place) -> Done {
    let id = claim.job.id;
    let opened = match shared.broker.log.open(id, &shared.member, OpenMode::TakeOver).await {
        Ok(opened) => opened,
        Err(OpenError::Gone | OpenError::Owned) => return Done::Finished,
        Err(OpenError::Ended) => return recover_end(shared, claim).await,
        Err(OpenError::Broker(error)) => {
            tracing::warn!(response = %id, %error, "failed to open the stream");
            return if error.is_retryable() { Done::Lapse } else { Done::Buried };
        }
    };
    let composer = match Composer::resume(id, claim.job.kind == Kind::Compaction, &opened.records) {
        Ok(composer) => composer,
        Err(error) => {
            tracing::error!(response = %id, %error, "failed to read the stream: the broker lost a part of it");
            return Done::Buried;
        }
    };
    let outbox = Outbox::new(Arc::clone(&shared.broker.log), id, opened.epoch, opened.next());
    let model = ModelLabel { model: served.config.name.clone() };
    if claim.attempt > 1 {
        shared.metrics.takeovers.get_or_create(&model).inc();
        tracing::info!(response = %id, epoch = %opened.epoch, attempt = claim.attempt, "took over");
    }
    shared.metrics.running.get_or_create(&model).inc();
    let mut session =
        Session { shared, served, claim, place, composer, outbox, model: model.clone(), rest: None };
    let done = session.run(&opened).await;
    shared.metrics.running.get_or_create(&model).dec();
    done
}

/// The response has ended, but its job was not finished: perhaps because its worker died before it stored the end.
async fn recover_end(shared: &Shared, claim: &Claim) -> Done {
    match recover(shared, &claim.job).await {
        Ok(()) => Done::Finished,
        Err(error) => {
            tracing::error!(response = %claim.job.id, %error, "failed to remember the response");
            if error.is_retryable() { Done::Lapse } else { Done::Finished }
        }
    }
}

struct Session<'a> {
    shared: &'a Shared,
    served: &'a Served,
    claim: &'a Claim,
    place: Place,
    composer: Composer,
    outbox: Outbox,
    model: ModelLabel,
    /// What is left of the call after its finish.
    rest: Option<engine::Outputs>,
}

impl Session<'_> {
    async fn run(&mut self, opened: &Opened) -> Done {
        let started = Instant::now();
        let id = self.claim.job.id;
        match self.run_to_end(opened.stop).await {
            Ok(ending) => {
                let tokens = self.composer.so_far().deltas();
                tracing::info!(response = %id, outcome = label(&ending), tokens, elapsed = ?started.elapsed(), "response ended");
                self.count(label(&ending));
                let poisoned = self.claim.attempt > self.shared.config.max_attempts;
                if poisoned { Done::Buried } else { Done::Finished }
            }
            Err(Leave::Interrupted(Interrupt::HandOver)) => {
                tracing::info!(response = %id, "handed over");
                self.count("handed_over");
                Done::GiveBack
            }
            Err(Leave::Interrupted(_) | Leave::Append(AppendError::Fenced)) => {
                tracing::warn!(response = %id, "another worker took the response over");
                self.shared.metrics.fenced.inc();
                Done::Lost
            }
            Err(Leave::Append(AppendError::Ended | AppendError::Gone)) => Done::Finished,
            Err(Leave::Store(error)) => {
                tracing::error!(response = %id, %error, "failed to remember the response");
                if error.is_retryable() { Done::Lapse } else { Done::Finished }
            }
            Err(Leave::Append(error)) => {
                tracing::error!(response = %id, %error, "failed to append");
                Done::Buried
            }
        }
    }

    async fn run_to_end(&mut self, stop: Option<Stop>) -> Result<Ending, Leave> {
        let ending = self.find_ending(stop).await?;
        self.end(&ending).await?;
        if let Some(mut rest) = self.rest.take() {
            // A connection that was read to its end can be used again; the engine bounds how long that takes.
            while rest.next().await.is_some() {}
        }
        Ok(ending)
    }

    fn count(&self, outcome: &'static str) {
        let labels = OutcomeLabels { model: self.model.model.clone(), outcome };
        self.shared.metrics.responses.get_or_create(&labels).inc();
    }

    /// How the response shall end: found out by producing it.
    async fn find_ending(&mut self, stop: Option<Stop>) -> Result<Ending, Leave> {
        if stop.is_some() {
            return Ok(Ending::Cancelled);
        }
        if self.claim.attempt > self.shared.config.max_attempts {
            return Ok(Ending::Failed(ApiError::server(
                "too_many_attempts",
                "The response was given up: its workers failed again and again.",
            )));
        }
        let request: Arc<Request> = match serde_json::from_slice(&self.claim.job.request) {
            Ok(request) => Arc::new(Request { model: self.served.config.upstream_name.clone(), ..request }),
            Err(error) => {
                tracing::error!(response = %self.claim.job.id, %error, "failed to read the job");
                return Ok(Ending::Failed(ApiError::server("invalid_job", "The job could not be read.")));
            }
        };
        self.composer.begin();
        self.outbox.push(self.composer.take());
        self.generate(&request).await
    }

    /// Calls the model, again where that is allowed, until there is an ending.
    async fn generate(&mut self, request: &Arc<Request>) -> Result<Ending, Leave> {
        let deadline = Instant::now() + self.served.config.timeouts.response;
        let mut failure: Option<engine::Error> = None;
        for attempt in 1..=MAX_CALLS {
            let prefix = match (
                Plan::make(&self.composer, request, self.served.config.continuation),
                failure.take(),
            ) {
                (Plan::Start, _) => None,
                (Plan::Continue { prefix }, _) => Some(prefix),
                // What broke off here is told as what it was.
                (Plan::Fail(_), Some(error)) => {
                    return Ok(Ending::Failed(upstream_error::for_client(&error)));
                }
                (Plan::Fail(error), None) => return Ok(Ending::Failed(error)),
            };
            let call = Call {
                request: Arc::clone(request),
                prefix,
                traceparent: self.claim.job.traceparent.clone(),
            };
            match self.call(call, deadline).await? {
                Called::Ended(ending) => return Ok(ending),
                Called::Broke(error) => {
                    self.note(&error);
                    if !error.is_retryable() || attempt == MAX_CALLS {
                        return Ok(Ending::Failed(upstream_error::for_client(&error)));
                    }
                    if let Some(ending) = self.pause(upstream_error::pause(&error, attempt)).await? {
                        return Ok(ending);
                    }
                    failure = Some(error);
                }
            }
        }
        Ok(Ending::Failed(ApiError::model("upstream_error", "The model server failed.")))
    }

    fn note(&self, error: &engine::Error) {
        let fault = upstream_error::name(error.fault);
        tracing::warn!(response = %self.claim.job.id, fault, detail = error.detail, "a call of the model server failed");
        let labels = FaultLabels { model: self.model.model.clone(), fault };
        self.shared.metrics.upstream_errors.get_or_create(&labels).inc();
    }

    /// One call of the model, until it ends, breaks off, takes too long or is stopped.
    async fn call(&mut self, call: Call, deadline: Instant) -> Result<Called, Leave> {
        let mut clock = Clock::start(self.served.config.timeouts, deadline);
        let request = Arc::clone(&call.request);
        let engine = Arc::clone(&self.served.engine);
        let mut opening = std::pin::pin!(engine.generate(call));
        let mut outputs = loop {
            tokio::select! {
                outputs = &mut opening => match outputs {
                    Ok(outputs) => break outputs,
                    Err(error) => return Ok(Called::Broke(error)),
                },
                event = wait(&mut self.place, &mut self.outbox, &mut clock) => {
                    if let Some(ending) = event? { return Ok(Called::Ended(ending)); }
                }
            }
        };
        loop {
            let has_room = self.outbox.pending_bytes() < self.shared.config.max_pending_bytes;
            let output = tokio::select! {
                biased;
                event = wait(&mut self.place, &mut self.outbox, &mut clock) => {
                    if let Some(ending) = event? { return Ok(Called::Ended(ending)); }
                    continue;
                }
                output = outputs.next(), if has_room => output,
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
            if let Some(elapsed) = clock.heard() {
                self.shared.metrics.first_token.get_or_create(&self.model).observe(elapsed.as_secs_f64());
            }
            if let Some(finish) = self.composer.add(output, &request) {
                self.rest = Some(outputs);
                return Ok(Called::Ended(match finish {
                    Finish::Stop => Ending::Completed,
                    Finish::Length => Ending::Incomplete("max_output_tokens"),
                    Finish::ContentFilter => Ending::Incomplete("content_filter"),
                }));
            }
            self.outbox.push(self.composer.take());
            if self.composer.bytes() > self.shared.config.max_output_bytes {
                return Ok(Called::Ended(Ending::Incomplete("max_output_tokens")));
            }
        }
    }

    /// Waits before the next try, unless there is an ending meanwhile.
    async fn pause(&mut self, time: Duration) -> Result<Option<Ending>, Leave> {
        let until = Instant::now() + time;
        let mut clock = Clock::until(until);
        loop {
            match wait(&mut self.place, &mut self.outbox, &mut clock).await? {
                Some(Ending::Failed(_)) => return Ok(None),
                Some(ending) => return Ok(Some(ending)),
                None => {}
            }
        }
    }

    /// Ends the response: in its stream, then in the store.
    async fn end(&mut self, ending: &Ending) -> Result<(), Leave> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (terminal, response) = self.composer.end(ending, now);
        // In one append: a successor could neither carry on a text that was closed nor take back an error that was told.
        let mut last = self.composer.take();
        last.push(terminal);
        self.outbox.push(last);
        self.outbox.flush().await?;
        let tokens = self.composer.so_far().deltas();
        self.shared.metrics.tokens.get_or_create(&self.model).inc_by(tokens);
        self.shared
            .broker
            .log
            .expire(self.claim.job.id, self.shared.config.replay_ttl)
            .await
            .map_err(Leave::Store)?;
        remember(self.shared, &self.claim.job, response).await.map_err(Leave::Store)
    }
}

/// What can happen while the model works: progress of the outbox (`None`), or an ending.
///
/// Cancel safe: each of its branches is.
async fn wait(place: &mut Place, outbox: &mut Outbox, clock: &mut Clock) -> Result<Option<Ending>, Leave> {
    tokio::select! {
        biased;
        interrupt = place.interrupted() => match interrupt {
            Interrupt::Stop(_) => Ok(Some(Ending::Cancelled)),
            other => Err(Leave::Interrupted(other)),
        },
        appended = outbox.progress() => {
            let Appended { stop } = appended?;
            Ok(stop.map(|_| Ending::Cancelled))
        }
        exceeded = clock.run_out() => Ok(Some(Ending::Failed(exceeded))),
    }
}

/// How a response ended, as a label.
const fn label(ending: &Ending) -> &'static str {
    match ending {
        Ending::Completed => "completed",
        Ending::Incomplete(_) => "incomplete",
        Ending::Cancelled => "cancelled",
        Ending::Failed(_) => "failed",
    }
}
