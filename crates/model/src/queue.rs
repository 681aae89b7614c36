//! The queue of jobs: claims that can run out, and jobs that can be claimed twice.

use crate::Index;

/// The jobs that are not finished.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Queue {
    jobs: Vec<Job>,
    /// The responses that have or had a job.
    known: Vec<Index>,
}

/// A job in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Job {
    response: Index,
    /// Who has claimed it, as far as the queue knows. `None` too when the claim has run out.
    holder: Option<Index>,
}

impl Queue {
    /// Puts a job in, unless its response has had one; `is_known` is whether that is looked at.
    pub(crate) fn enqueue(&mut self, response: Index, is_known: bool) {
        if self.known.contains(&response) {
            if is_known {
                return;
            }
        } else {
            self.known.push(response);
        }
        self.jobs.push(Job { response, holder: None });
    }

    /// The responses whose jobs can be claimed.
    pub(crate) fn free(&self) -> impl Iterator<Item = Index> {
        self.jobs.iter().filter(|job| job.holder.is_none()).map(|job| job.response)
    }

    pub(crate) fn claim(&mut self, response: Index, worker: Index) {
        let free = |job: &&mut Job| job.response == response && job.holder.is_none();
        if let Some(job) = self.jobs.iter_mut().find(free) {
            job.holder = Some(worker);
        }
    }

    /// Whether `worker` still has a job of this response.
    pub(crate) fn is_held_by(&self, worker: Index, response: Index) -> bool {
        self.jobs.iter().any(|job| job.response == response && job.holder == Some(worker))
    }

    /// The worker's claims run out.
    pub(crate) fn lapse(&mut self, worker: Index) {
        for job in self.jobs.iter_mut().filter(|job| job.holder == Some(worker)) {
            job.holder = None;
        }
    }

    /// The response has ended: its job goes, whoever claims it now.
    pub(crate) fn finish(&mut self, response: Index) {
        if let Some(at) = self.jobs.iter().position(|job| job.response == response) {
            self.jobs.remove(at);
        }
    }
}
