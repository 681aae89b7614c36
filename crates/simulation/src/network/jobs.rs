//! The job queue, at the other end of a line.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{Claim, Depth, Error, Job, JobQueue, Member, Ticket};

use super::Line;

pub(super) struct Jobs {
    pub(super) line: Arc<Line>,
    pub(super) jobs: Arc<dyn JobQueue>,
}

#[async_trait]
impl JobQueue for Jobs {
    async fn enqueue(&self, job: &Job) -> Result<(), Error> {
        let effect = || {
            let (jobs, ledger, job) = (Arc::clone(&self.jobs), Arc::clone(&self.line.ledger), job.clone());
            async move {
                let enqueued = jobs.enqueue(&job).await;
                if enqueued.is_ok() {
                    ledger.enqueued(&job);
                }
                enqueued
            }
        };
        self.line.call("enqueue", effect).await
    }

    async fn claim(
        &self,
        model: &str,
        worker: &Member,
        max: usize,
        wait: Duration,
        lease: Duration,
    ) -> Result<Vec<Claim>, Error> {
        let effect = || {
            let (jobs, ledger) = (Arc::clone(&self.jobs), Arc::clone(&self.line.ledger));
            let (model, worker) = (model.to_owned(), worker.clone());
            async move {
                let claims = jobs.claim(&model, &worker, max, wait, lease).await?;
                claims.iter().for_each(|claim| ledger.claimed(claim, &worker));
                Ok(claims)
            }
        };
        self.line.call("claim", effect).await
    }

    async fn renew(&self, worker: &Member, tickets: &[Ticket]) -> Result<Vec<Ticket>, Error> {
        let effect = || {
            let (jobs, worker, tickets) = (Arc::clone(&self.jobs), worker.clone(), tickets.to_vec());
            async move { jobs.renew(&worker, &tickets).await }
        };
        self.line.call("renew", effect).await
    }

    async fn finish(&self, ticket: &Ticket) -> Result<(), Error> {
        let effect = || {
            let (jobs, ticket) = (Arc::clone(&self.jobs), ticket.clone());
            async move { jobs.finish(&ticket).await }
        };
        self.line.call("finish", effect).await
    }

    async fn release(&self, worker: &Member, ticket: &Ticket) -> Result<(), Error> {
        let effect = || {
            let (jobs, worker, ticket) = (Arc::clone(&self.jobs), worker.clone(), ticket.clone());
            async move { jobs.release(&worker, &ticket).await }
        };
        self.line.call("release", effect).await
    }

    async fn bury(&self, ticket: &Ticket, reason: &str) -> Result<(), Error> {
        let effect = || {
            let (jobs, ticket, reason) = (Arc::clone(&self.jobs), ticket.clone(), reason.to_owned());
            async move { jobs.bury(&ticket, &reason).await }
        };
        self.line.call("bury", effect).await
    }

    async fn depth(&self, model: &str) -> Result<Depth, Error> {
        let effect = || {
            let (jobs, model) = (Arc::clone(&self.jobs), model.to_owned());
            async move { jobs.depth(&model).await }
        };
        self.line.call("depth", effect).await
    }
}
