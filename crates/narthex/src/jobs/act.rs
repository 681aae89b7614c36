//! `narthex jobs retry` and `narthex jobs drop`.

use std::time::Duration;

use broker::{Broker, FoundJob, JobState, Member};
use gateway::jobs::{Found, cancel};
use serde_json::json;

use super::{
    failed,
    words::{duration, state},
};
use crate::{
    console,
    failure::{Failure, chain},
    table::{Format, harmless},
};

/// Takes the request of a dead job in once more.
pub(super) async fn retry(
    broker: &Broker,
    found: &FoundJob,
    store_ttl: Duration,
    format: Format,
) -> Result<(), Failure> {
    let FoundJob { entry, job } = found;
    let id = entry.id;
    if !matches!(entry.state, JobState::Dead { .. }) {
        return Err(Failure::run_time(format!(
            "{id} is not dead but {}: there is nothing to retry",
            state(entry)
        )));
    }
    // A gateway would not take it in either.
    let models = broker.control.models().await.map_err(failed)?;
    if !models.iter().any(|model| model.name == job.header.model) {
        return Err(Failure::run_time(format!(
            "no worker serves the model {} at the moment: start one, then retry",
            harmless(&job.header.model)
        )));
    }
    let new = gateway::jobs::retry(broker, job, store_ttl).await.map_err(failed)?;
    // First of all: from now on it is there.
    console::say(&match format {
        Format::Table => format!("{new}\n"),
        Format::Json => format!("{:#}\n", json!({ "response": new.to_string(), "retried": id.to_string() })),
    });
    if format == Format::Table && !job.header.background {
        console::remark(&format!(
            "it runs for {} unless someone follows it: GET /v1/responses/{new}?stream=true",
            duration(Duration::from_millis(job.header.grace_ms))
        ));
    }
    let forgotten = broker.jobs.forget(&entry.ticket).await;
    forgotten.map(drop).map_err(|error| {
        let sentence =
            format!("{id} was retried as {new}, but not forgotten, so drop it: failed to {}", chain(&error));
        Failure::run_time(sentence)
    })
}

/// Takes a job away, in the way that its state asks for.
pub(super) async fn drop_job(
    broker: &Broker,
    found: &FoundJob,
    store_ttl: Duration,
    format: Format,
) -> Result<(), Failure> {
    let entry = &found.entry;
    let outcome = match entry.state {
        JobState::Dead { .. } => {
            broker.jobs.forget(&entry.ticket).await.map_err(failed)?;
            "forgotten"
        }
        _ => stop(broker, found, store_ttl).await?,
    };
    console::say(&match format {
        Format::Table => format!("{} is {outcome}\n", entry.id),
        Format::Json => {
            format!("{:#}\n", json!({ "response": entry.id.to_string(), "dropped": outcome }))
        }
    });
    Ok(())
}

/// Cancels the response. Its job leaves the queue if nothing is left to do for it; else a worker finishes it.
async fn stop(broker: &Broker, found: &FoundJob, store_ttl: Duration) -> Result<&'static str, Failure> {
    let entry = &found.entry;
    let operator = Member::random("operator");
    let is_waiting = entry.state == JobState::Waiting;
    let (is_over, outcome) = match cancel(broker, &operator, entry.id, store_ttl).await.map_err(failed)? {
        Found::Waiting => (true, "cancelled"),
        Found::Gone => (true, "dropped: its stream had expired"),
        Found::Ended if is_waiting => (true, "dropped: its response had ended"),
        // It may still have to store the end.
        Found::Ended => (false, "left to its worker: its response has ended"),
        Found::Owned if is_waiting => (false, "cancelled: the next worker to claim it ends it"),
        Found::Owned => (false, "cancelled: its worker ends it, or the next to claim it"),
    };
    if is_over {
        broker.jobs.finish(&entry.ticket).await.map_err(failed)?;
    }
    Ok(outcome)
}
