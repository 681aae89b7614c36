//! Looking into the queues, for people, and for gateways that wonder what became of a job.

use std::collections::BTreeMap;

use broker::{Backlog, Depth, Error, FoundJob, JobEntry, JobStatus};
use futures_util::future::try_join_all;
use stream::ResponseId;

use super::{Jobs, Partition};
use crate::tails::Start;

impl Jobs {
    /// All partitions, as of now.
    async fn all(&self) -> Result<&[Partition], Error> {
        try_join_all(self.partitions.iter().map(|partition| self.caught_up(partition))).await?;
        Ok(&self.partitions)
    }

    /// Reads all that is in a partition now.
    pub(super) async fn caught_up(&self, partition: &Partition) -> Result<(), Error> {
        self.tails.follow(&partition.tail, Start::Committed).await?;
        self.tails.catch_up(&partition.tail).await
    }

    pub(super) async fn depth_of(&self, model: &str) -> Result<Depth, Error> {
        let partition = self.of(model)?;
        self.caught_up(partition).await?;
        let dead = self.dead.counts().await?.get(model).copied().unwrap_or_default();
        Ok(Depth { dead, ..partition.seen.look(|queue| queue.depth(model)) })
    }

    pub(super) async fn backlogs(&self) -> Result<Vec<Backlog>, Error> {
        let mut backlogs = BTreeMap::new();
        for partition in self.all().await? {
            let now = partition.seen.clock().now();
            for backlog in partition.seen.look(|queue| queue.backlogs(now)) {
                backlogs.insert(backlog.model.clone(), backlog);
            }
        }
        for (model, dead) in self.dead.counts().await? {
            let (depth, oldest) = (Depth::default(), None);
            let new = Backlog { model: model.clone(), depth, oldest };
            backlogs.entry(model).or_insert(new).depth.dead = dead;
        }
        Ok(backlogs.into_values().collect())
    }

    /// Jobs that wait, or are claimed, in the order of the queue.
    pub(super) async fn list_queue(
        &self,
        model: &str,
        status: JobStatus,
        max: usize,
    ) -> Result<Vec<JobEntry>, Error> {
        let partition = self.of(model)?;
        self.caught_up(partition).await?;
        let now = partition.seen.clock().now();
        let listed = partition.seen.look(|queue| queue.list(model, status, max, now));
        Ok(listed.into_iter().map(|listed| partition.entry(listed)).collect())
    }

    /// The job of a response that is in a queue.
    pub(super) async fn find_queued(&self, id: ResponseId) -> Result<Option<FoundJob>, Error> {
        for partition in self.all().await? {
            let now = partition.seen.clock().now();
            let Some((listed, body)) = partition.seen.look(|queue| queue.find(id, now)) else { continue };
            let job = self.job(partition, listed.offset, body).await?;
            return Ok(job.map(|job| FoundJob { entry: partition.entry(listed), job }));
        }
        Ok(None)
    }
}
