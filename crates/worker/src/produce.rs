//! One job, from its claim to its end.
//!
//! ```text
//!   claim ─▶ open (new epoch) ─▶ plan ─▶ call the model ─▶ compose ─▶ outbox ─▶ log
//!                                 ▲           │ breaks off: again, or at another server
//!                                 └───────────┘
//!   then: close what is open ─▶ terminal event ─▶ remember the response ─▶ finish the job
//! ```

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use broker::{AppendError, Broker, Claim, Kind, OpenError, OpenMode, Stop};
use futures_util::StreamExt as _;
use protocol::{ApiError, Request, Usage};
use stream::Epoch;
use tokio::time::Instant;
use trace::{Span, key};

use crate::{
    composer::{Composer, Ending},
    guarding::Guarding,
    metrics::{Latencies, ModelLabel, OutcomeLabels},
    outbox::Outbox,
    pool::Slot,
    remember::{recover, remember},
    running::{Interrupt, Place},
    spans::{self, Appends, trace_id},
    worker::Shared,
};

/// Why a job is buried whose workers died again and again.
const TOO_MANY_ATTEMPTS: &str = "too many attempts";

/// What becomes of the claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// The response has ended: the job is finished.
    Finished,
    /// The job cannot be done: it is kept for inspection, with the reason.
    Buried(&'static str),
    /// Another worker shall have it, at once.
    GiveBack,
    /// Another worker has the stream. If the claim is still this one's, it is given back.
    Lost,
    /// Nothing can be done at the moment: the claim runs out, and another worker tries then.
    Lapse,
}

/// Why a job is left before its response has ended.
#[derive(Debug)]
pub(crate) enum Leave {
    /// The stream could not be opened again.
    Done(Done),
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

/// Produces the response of `claim`, as far as it goes.
pub(crate) async fn produce(shared: &Shared, slot: Slot, claim: &Claim, place: Place) -> Done {
    let mut work = spans::work(&shared.config.tracer, &shared.member, claim);
    let stream = match open(shared, claim, &work).await {
        Ok(stream) => stream,
        Err(done) => {
            work.fail("stream_not_opened");
            return done;
        }
    };
    work.set(key::EPOCH, stream.epoch.0);
    let model = ModelLabel { model: slot.served().config.name.clone() };
    if claim.attempt > 1 {
        shared.metrics.takeovers.get_or_create(&model).inc();
        tracing::info!(response = %claim.job.id, trace_id = trace_id(claim), epoch = %stream.epoch, attempt = claim.attempt, "took over");
    }
    let queue_wait = (claim.attempt == 1)
        .then(|| shared.metrics.observe_queue_wait(&model, claim.job.header.created_at_ms));
    shared.metrics.running.get_or_create(&model).inc();
    let mut session = Session::new(shared, slot, claim, place, stream, model.clone(), work);
    session.queue_wait = queue_wait;
    let done = session.run().await;
    shared.metrics.running.get_or_create(&model).dec();
    done
}

/// A stream that this worker has opened.
pub(crate) struct Stream {
    pub(crate) epoch: Epoch,
    pub(crate) composer: Composer,
    pub(crate) outbox: Outbox,
    pub(crate) stop: Option<Stop>,
    /// The log does not hold all that was written.
    pub(crate) is_broken: bool,
}

/// Opens the stream of a claimed job, in a new epoch.
async fn open(shared: &Shared, claim: &Claim, work: &Span) -> Result<Stream, Done> {
    let id = claim.job.id;
    let tracer = &shared.config.tracer;
    let mut span = spans::claim(tracer, work, claim);
    let opened = match shared.broker.log.open(id, &shared.member, OpenMode::TakeOver).await {
        Ok(opened) => opened,
        Err(OpenError::Gone | OpenError::Owned) => return Err(Done::Finished),
        Err(OpenError::Ended) => return Err(recover_end(shared, claim).await),
        Err(OpenError::Broker(error)) => {
            span.fail("broker");
            tracing::warn!(response = %id, trace_id = trace_id(claim), %error, "failed to open the stream");
            return Err(if error.is_retryable() {
                Done::Lapse
            } else {
                Done::Buried("its stream could not be opened")
            });
        }
    };
    let (composer, whole) = Composer::resume(id, claim.job.kind == Kind::Compaction, &opened.records);
    if let Err(error) = &whole {
        tracing::error!(response = %id, trace_id = trace_id(claim), %error, "the broker lost a part of the stream");
    }
    let outbox = Outbox::new(Arc::clone(&shared.broker.log), id, opened.epoch, opened.next())
        .with_spans(Appends::new(tracer, work))
        .timed(shared.metrics.append(&claim.job.header.model));
    span.set(key::EPOCH, opened.epoch.0);
    span.set(key::FIRST_EVENT, opened.next());
    Ok(Stream { epoch: opened.epoch, composer, outbox, stop: opened.stop, is_broken: whole.is_err() })
}

/// The response has ended, but its job was not finished: perhaps because its worker died before it stored the end.
async fn recover_end(shared: &Shared, claim: &Claim) -> Done {
    match recover(shared, &claim.job).await {
        // Whoever gave it up died before it was buried.
        Ok(()) if claim.attempt > shared.config.max_attempts => Done::Buried(TOO_MANY_ATTEMPTS),
        Ok(()) => Done::Finished,
        Err(error) => {
            tracing::error!(response = %claim.job.id, trace_id = trace_id(claim), %error, "failed to remember the response");
            if error.is_retryable() { Done::Lapse } else { Done::Finished }
        }
    }
}

pub(crate) struct Session<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) slot: Slot,
    pub(crate) claim: &'a Claim,
    pub(crate) place: Place,
    pub(crate) stream: Stream,
    /// How many tokens had been told when the stream was opened.
    pub(crate) told_before: u64,
    pub(crate) started: Instant,
    /// From the acceptance to the first claim, if this is that.
    queue_wait: Option<Duration>,
    pub(crate) model: ModelLabel,
    pub(crate) latencies: Latencies,
    /// The output guard of the call, if there is one.
    pub(crate) guarding: Option<Guarding>,
    /// What is left of the call after its finish.
    pub(crate) rest: Option<engine::Outputs>,
    /// What a trace tells of all this.
    pub(crate) work: Span,
}

impl<'a> Session<'a> {
    fn new(
        shared: &'a Shared,
        slot: Slot,
        claim: &'a Claim,
        place: Place,
        stream: Stream,
        model: ModelLabel,
        work: Span,
    ) -> Self {
        let told_before = stream.composer.tokens_told();
        Self {
            shared,
            slot,
            claim,
            place,
            stream,
            told_before,
            started: Instant::now(),
            queue_wait: None,
            latencies: Latencies::of(&shared.metrics, &model),
            model,
            guarding: None,
            rest: None,
            work,
        }
    }

    async fn run(&mut self) -> Done {
        let mut result = self.run_to_end().await;
        if let Err(Leave::Append(error @ (AppendError::Gap { .. } | AppendError::Broker(_)))) = &result {
            tracing::error!(response = %self.claim.job.id, trace_id = trace_id(self.claim), %error, "failed to append");
            result = self.give_up(unwritable(error)).await;
        }
        self.settle(result)
    }

    /// Ends a response whose stream does not take what follows on what was written.
    async fn give_up(&mut self, error: ApiError) -> Result<Ending, Leave> {
        self.stream = open(self.shared, self.claim, &self.work).await.map_err(Leave::Done)?;
        let ending = Ending::Failed(error);
        self.end(&ending).await?;
        Ok(ending)
    }

    /// What becomes of the claim.
    fn settle(&mut self, result: Result<Ending, Leave>) -> Done {
        let (id, trace_id) = (self.claim.job.id, trace_id(self.claim));
        self.describe(&result);
        match result {
            Ok(ending) => {
                let error_type = match &ending {
                    Ending::Failed(error) => Some(error.error_type.name()),
                    _ => None,
                };
                self.count(label(&ending), error_type);
                self.tell_end(label(&ending), error_type);
                let poisoned = self.claim.attempt > self.shared.config.max_attempts;
                if poisoned { Done::Buried(TOO_MANY_ATTEMPTS) } else { Done::Finished }
            }
            Err(Leave::Done(done)) => done,
            Err(Leave::Interrupted(Interrupt::HandOver)) => {
                tracing::info!(response = %id, trace_id, "handed over");
                self.count("handed_over", None);
                Done::GiveBack
            }
            Err(Leave::Interrupted(_) | Leave::Append(AppendError::Fenced)) => {
                tracing::warn!(response = %id, trace_id, "another worker took the response over");
                self.shared.metrics.fenced.inc();
                Done::Lost
            }
            Err(Leave::Append(AppendError::Ended)) => Done::Finished,
            Err(Leave::Append(AppendError::Gone)) => {
                tracing::warn!(response = %id, trace_id, "the stream is gone: it was deleted, or the broker lost it");
                Done::Finished
            }
            Err(Leave::Store(error)) => {
                tracing::error!(response = %id, trace_id, %error, "failed to remember the response");
                if error.is_retryable() { Done::Lapse } else { Done::Finished }
            }
            Err(Leave::Append(error)) => {
                tracing::error!(response = %id, trace_id, %error, "failed to end the response");
                Done::Buried("its response could not be ended")
            }
        }
    }

    /// What a trace tells of the end.
    fn describe(&mut self, result: &Result<Ending, Leave>) {
        let fault = match result {
            Ok(Ending::Failed(error)) => Some(error.error_type.name()),
            Ok(_) | Err(Leave::Interrupted(Interrupt::HandOver)) => None,
            Err(_) => Some("left"),
        };
        let Shared { config, member, .. } = self.shared;
        let took = self.started.elapsed();
        if !self.work.is_recorded() && config.tracer.excepts(fault.is_some(), took) {
            self.work = spans::exception(&config.tracer, member, self.claim, took);
        }
        self.work.set(key::OUTCOME, result.as_ref().map_or("left", label));
        self.work.set(key::TOKENS, self.stream.composer.tokens_told());
        if let Some(fault) = fault {
            self.work.fail(fault);
        }
    }

    async fn run_to_end(&mut self) -> Result<Ending, Leave> {
        let ending = self.find_ending().await?;
        self.end(&ending).await?;
        if let Some(mut rest) = self.rest.take() {
            // A connection that was read to its end can be used again; the engine bounds how long that takes.
            while rest.next().await.is_some() {}
        }
        Ok(ending)
    }

    /// The log's line, with the time of each layer that is known here.
    fn tell_end(&self, outcome: &'static str, error_type: Option<&'static str>) {
        let first = self.latencies.first;
        tracing::info!(
            response = %self.claim.job.id, trace_id = trace_id(self.claim), model = self.model.model, outcome, error_type,
            attempt = self.claim.attempt, tokens = self.stream.composer.tokens_told(),
            queue_wait_ms = self.queue_wait.map(milliseconds),
            first_token_ms = first.map(|(since_claim, _)| milliseconds(since_claim)),
            upstream_first_token_ms = first.map(|(_, since_call)| milliseconds(since_call)),
            elapsed_ms = milliseconds(self.started.elapsed()), "response ended"
        );
    }

    fn count(&self, outcome: &'static str, error_type: Option<&'static str>) {
        let labels = OutcomeLabels { model: self.model.model.clone(), outcome, error_type };
        self.shared.metrics.responses.get_or_create(&labels).inc();
    }

    /// How the response shall end: found out by producing it.
    async fn find_ending(&mut self) -> Result<Ending, Leave> {
        if self.stream.is_broken {
            return Ok(Ending::Failed(stream_lost()));
        }
        if self.stream.stop.is_some() {
            return Ok(Ending::Cancelled);
        }
        if self.claim.attempt > self.shared.config.max_attempts {
            return Ok(Ending::Failed(ApiError::server(
                "too_many_attempts",
                "The response was given up: its workers failed again and again.",
            )));
        }
        let request: Request = match serde_json::from_slice(&self.claim.job.request) {
            Ok(request) => request,
            Err(error) => {
                tracing::error!(response = %self.claim.job.id, trace_id = trace_id(self.claim), %error, "failed to read the job");
                return Ok(Ending::Failed(ApiError::server("invalid_job", "The job could not be read.")));
            }
        };
        self.stream.composer.begin();
        self.stream.outbox.push(self.stream.composer.take());
        self.generate(request).await
    }

    /// Ends the response: in its stream, then in the store.
    async fn end(&mut self, ending: &Ending) -> Result<(), Leave> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (terminal, usage) = self.stream.composer.end(ending, now);
        // In one append: a successor could neither carry on a text that was closed nor take back an error that was told.
        let mut last = self.stream.composer.take();
        last.push(terminal.clone().into());
        self.stream.outbox.push(last);
        self.stream.outbox.flush().await?;
        let tokens = self.stream.composer.tokens_told() - self.told_before;
        self.shared.metrics.tokens.get_or_create(&self.model).inc_by(tokens);
        if let Some(usage) = usage {
            self.work.set(key::INPUT_TOKENS, usage.input_tokens);
            self.work.set(key::OUTPUT_TOKENS, usage.output_tokens);
        }
        let (shared, job) = (self.shared, &self.claim.job);
        let Broker { log, store, .. } = &shared.broker;
        // None of them needs the others: they need not wait for each other's trips to the broker.
        let (expires, (), remembered) = tokio::join!(
            log.expire(job.id, shared.config.replay_ttl),
            broker::account::charge(&**store, &job.header, usage.map_or(tokens, Usage::total_tokens)),
            remember(shared, job, &terminal),
        );
        expires.and(remembered).map_err(Leave::Store)
    }
}

/// The log does not hold any more what was written.
fn stream_lost() -> ApiError {
    ApiError::server("stream_lost", "A part of the response's stream was lost. Send the request again.")
}

/// What a client is told when its stream takes nothing more.
fn unwritable(error: &AppendError) -> ApiError {
    match error {
        AppendError::Gap { .. } => stream_lost(),
        _ => ApiError::server("stream_refused", "The broker refused a part of the response's stream."),
    }
}

/// To the microsecond.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
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
