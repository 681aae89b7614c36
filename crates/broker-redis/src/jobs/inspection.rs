//! Looking into the queues, for people. In pages, so that nobody waits while the server looks through a long queue.

use std::{sync::Arc, time::Duration};

use broker::{Backlog, Depth, Error, FoundJob, Header, Job, JobEntry, JobState, JobStatus, Kind, Member};
use bytes::Bytes;
use redis::FromRedisValue;
use stream::ResponseId;

use super::{Jobs, Place};
use crate::{
    error::unreadable,
    scripts::{self, Script},
};

/// How many entries the server looks at in one go. Each may be as large as a request.
const PAGE: usize = 64;

/// What the scripts tell of a job: its entry, its head, its attempts, and what depends on where it is. In the queue: its
/// consumer, and for how many milliseconds nothing was heard from that. Dead: its former entry, and the reason.
type Described<T> = (String, Vec<u8>, u32, String, T);

/// The server's time, where to look for more, and what was found.
type Page<T> = (u64, String, Vec<Described<T>>);

impl Jobs {
    pub(super) async fn backlog(&self, model: &str) -> Result<Backlog, Error> {
        let keys = &self.client.keys;
        let call = scripts::DEPTH.call([keys.queue(model), keys.calling(model), keys.dead(model)]);
        let (waiting, claimed, dead, oldest): (_, _, _, i64) = self.client.run(&call).await?;
        let oldest = oldest.try_into().ok().map(Duration::from_millis);
        Ok(Backlog { model: model.to_owned(), depth: Depth { waiting, claimed, dead }, oldest })
    }

    pub(super) async fn backlogs(&self) -> Result<Vec<Backlog>, Error> {
        let mut backlogs = Vec::new();
        for model in self.queues.models().await? {
            let backlog = self.backlog(&model).await?;
            if backlog.depth != Depth::default() {
                backlogs.push(backlog);
            }
        }
        Ok(backlogs)
    }

    /// Jobs that wait, or are claimed, in the order of the queue.
    pub(super) async fn list_queue(
        &self,
        model: &str,
        status: JobStatus,
        max: usize,
    ) -> Result<Vec<JobEntry>, Error> {
        let model: Arc<str> = model.into();
        let queue = self.client.keys.queue(&model);
        let (mut begin, mut jobs) = ("-".to_owned(), Vec::new());
        while jobs.len() < max && !begin.is_empty() {
            let (now, next, page): Page<u64> = self.page(&scripts::LIST, &queue, &begin).await?;
            // They are handed out in their order: after the first that never was, none is claimed.
            let is_rest = page.iter().any(|(_, _, _, consumer, _)| consumer.is_empty());
            let entries = page.into_iter().map(|described| in_queue(&model, described, now));
            jobs.extend(entries.filter(|entry| entry.state.status() == status));
            begin = if is_rest && status == JobStatus::Claimed { String::new() } else { next };
        }
        jobs.truncate(max);
        Ok(jobs)
    }

    /// Dead jobs, the latest first.
    pub(super) async fn list_dead(&self, model: &str, max: usize) -> Result<Vec<JobEntry>, Error> {
        let model: Arc<str> = model.into();
        let key = self.client.keys.dead(&model);
        let (mut begin, mut jobs) = ("+".to_owned(), Vec::new());
        while jobs.len() < max && !begin.is_empty() {
            let (now, next, page): Page<String> = self.page(&scripts::LIST_DEAD, &key, &begin).await?;
            jobs.extend(page.into_iter().map(|described| dead(&model, described, now)));
            begin = next;
        }
        jobs.truncate(max);
        Ok(jobs)
    }

    async fn page<T: FromRedisValue>(
        &self,
        script: &'static Script,
        key: &str,
        begin: &str,
    ) -> Result<Page<T>, Error> {
        self.client.run(&script.call([key.to_owned()]).arg(begin).arg(PAGE)).await
    }

    /// The job of a response, if it is one of this model.
    pub(super) async fn find_in(&self, model: &str, id: ResponseId) -> Result<Option<FoundJob>, Error> {
        let (keys, model) = (&self.client.keys, Arc::<str>::from(model));
        let call = scripts::FIND.call([keys.queue(&model), keys.known(&model, id), keys.dead(&model)]);
        let found: Option<(u64, bool, Described<String>, Vec<u8>)> = self.client.run(&call).await?;
        let Some((now, is_dead, described, job)) = found else { return Ok(None) };
        let job = Job::decode(&job).map_err(|_| unreadable(format!("the job of {id} cannot be read")))?;
        let entry = if is_dead {
            dead(&model, described, now)
        } else {
            let (entry, head, attempts, consumer, quiet) = described;
            let quiet = quiet.parse().map_err(unreadable)?;
            in_queue(&model, (entry, head, attempts, consumer, quiet), now)
        };
        Ok(Some(FoundJob { entry, job }))
    }
}

fn in_queue(model: &Arc<str>, described: Described<u64>, now: u64) -> JobEntry {
    let (place, head, attempts, consumer, quiet) = described;
    // A consumer is named by its worker and its lease. One that is not holds what was given back.
    let state = match consumer.rsplit_once(' ') {
        Some((worker, _)) => {
            JobState::Claimed { worker: Member::new(worker), quiet: Duration::from_millis(quiet) }
        }
        None => JobState::Waiting,
    };
    entry(model, &place, &place, &head, attempts, state, now)
}

fn dead(model: &Arc<str>, described: Described<String>, now: u64) -> JobEntry {
    let (place, head, attempts, former, reason) = described;
    let state = JobState::Dead { reason, since: age(&place, now) };
    entry(model, &place, &former, &head, attempts, state, now)
}

fn entry(
    model: &Arc<str>,
    place: &str,
    enqueued: &str,
    head: &[u8],
    attempts: u32,
    state: JobState,
    now: u64,
) -> JobEntry {
    // One that cannot be read is listed all the same: it may be what is looked for.
    let unreadable = || Job {
        id: ResponseId::from_parts(0, 0),
        header: Header { model: model.to_string(), ..Header::default() },
        kind: Kind::Response,
        request: Bytes::new(),
        trace: None,
        enqueued_at_us: 0,
    };
    let Job { id, header, kind, .. } = Job::decode(head).unwrap_or_else(|_| unreadable());
    let ticket = Place::ticket(model, place, id);
    JobEntry { id, header, kind, ticket, age: age(enqueued, now), attempts, state }
}

/// How long ago an entry was added: its id begins with the time.
fn age(entry: &str, now: u64) -> Duration {
    let added = entry.split('-').next().and_then(|millis| millis.parse().ok());
    Duration::from_millis(added.map_or(0, |added| now.saturating_sub(added)))
}
