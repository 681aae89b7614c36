//! Claiming: a claim is written, and read back with what came of it; then the jobs themselves, where they are not in memory.

use std::{sync::Arc, time::Duration};

use broker::{Claim, Error, Job, JobQueue as _, Member};
use bytes::Bytes;
use futures_util::future::join_all;
use prost::Message as _;
use proto::kafka::{ClaimJobs, JobAsk, JobEntry};

use super::{Jobs, Partition, seen::Wanted};
use crate::{
    error::unreadable,
    events,
    log::{confused, millis},
    older::Range,
    queue::{JobAnswer, Taken},
};

impl Jobs {
    /// Claims what is wanted; the claims that were granted.
    pub(super) async fn take(
        &self,
        partition: &Partition,
        model: &Arc<str>,
        wanted: &Wanted<'_>,
        worker: &Member,
        max: usize,
        lease: Duration,
    ) -> Result<Vec<Claim>, Error> {
        let claim = claim_of(worker, lease, wanted.jobs.clone(), max);
        let JobAnswer::Claimed(taken) = self.ask(partition, model, JobAsk::Claim(claim)).await? else {
            return Err(confused());
        };
        let claims = join_all(taken.into_iter().map(|taken| self.claimed(partition, model, worker, taken)));
        let (claims, failed): (Vec<_>, Vec<_>) = claims.await.into_iter().partition(Result::is_ok);
        match failed.into_iter().find_map(Result::err) {
            Some(error) if claims.is_empty() => Err(error),
            _ => Ok(claims.into_iter().flatten().flatten().collect()),
        }
    }

    /// The claim of a job that was granted; none if the job itself is gone.
    async fn claimed(
        &self,
        partition: &Partition,
        model: &Arc<str>,
        worker: &Member,
        taken: Taken,
    ) -> Result<Option<Claim>, Error> {
        let Taken { offset, body, attempt } = taken;
        let ticket = partition.ticket(model, offset);
        match self.job(partition, offset, body).await {
            Ok(Some(job)) => Ok(Some(Claim { job, attempt, ticket })),
            Ok(None) => {
                tracing::error!(%model, offset, "a job has waited for longer than its topic keeps records");
                self.finish(&ticket).await?;
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(%model, offset, %error, "failed to read a job that was claimed");
                // If that fails, too, the claim runs out.
                let _ = self.release(worker, &ticket).await;
                Err(error)
            }
        }
    }

    /// A job, from the log if need be; `None` if it is no longer there.
    pub(super) async fn job(
        &self,
        partition: &Partition,
        offset: i64,
        body: Option<Bytes>,
    ) -> Result<Option<Job>, Error> {
        let body = match body {
            Some(body) => body,
            None => {
                let range = Range::one(&self.topic, partition.number.into(), offset);
                let found = events::read(&self.older, &self.tails, &partition.tail, range).await?;
                let Some(message) = found.into_iter().next() else { return Ok(None) };
                match JobEntry::decode(message.payload).map_err(unreadable)?.ask {
                    Some(JobAsk::Enqueue(body)) => body,
                    _ => return Err(unreadable("an entry that is no job")),
                }
            }
        };
        Job::decode(&body).map(Some).map_err(unreadable)
    }
}

/// A claim of these jobs. Without any it only says that the worker waits, with so much room.
pub(super) fn claim_of(worker: &Member, lease: Duration, jobs: Vec<i64>, room: usize) -> ClaimJobs {
    let room = room.try_into().unwrap_or(u32::MAX);
    ClaimJobs { worker: worker.to_string(), lease_ms: millis(lease), jobs, room }
}
