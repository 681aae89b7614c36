//! A gateway taking one request in: from its key to the moment when its client hears that it was accepted.

use crate::{Bounds, Index, Safeguard, log::Stream, queue::Queue};

/// How far a gateway is with its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Admission {
    Asked,
    /// The key was read and not found. Only where reading and inserting are two steps.
    Unnamed,
    /// The response that the request stands for is known.
    Named(Index),
    /// The stream was there already: does it have its job?
    Looking(Index),
    /// The stream is there, the job perhaps not.
    Created(Index),
    /// The client has heard `response.created`.
    Told {
        response: Index,
        /// Only where the client is told first.
        owes_job: bool,
    },
    /// The gateway died, or told the client that it failed: nothing was promised.
    Left,
}

/// What a gateway works on.
pub(crate) struct Desk<'a> {
    pub(crate) bounds: &'a Bounds,
    /// The response that this request would be, were it new.
    pub(crate) own: Index,
    pub(crate) key: &'a mut Option<Index>,
    pub(crate) streams: &'a mut [Stream],
    pub(crate) queue: &'a mut Queue,
}

impl Admission {
    /// The response that its client was promised.
    pub(crate) const fn told(self) -> Option<Index> {
        match self {
            Self::Told { response, .. } => Some(response),
            _ => None,
        }
    }

    /// Whether there is a step left to take, and thus a moment left to die in.
    pub(crate) const fn is_under_way(self) -> bool {
        !matches!(self, Self::Left | Self::Told { owes_job: false, .. })
    }

    /// The next step.
    pub(crate) fn step(self, desk: &mut Desk<'_>) -> Self {
        match self {
            Self::Asked => desk.name(),
            Self::Unnamed => {
                *desk.key = Some(desk.own);
                Self::Named(desk.own)
            }
            Self::Named(response) if desk.streams[response].create() => Self::Created(response),
            Self::Named(response) => Self::Looking(response),
            Self::Looking(response) if desk.streams[response].next() <= 1 => Self::Created(response),
            Self::Looking(response) => Self::Told { response, owes_job: false },
            Self::Created(response) if !desk.bounds.has(Safeguard::EnqueueBeforeTold) => {
                Self::Told { response, owes_job: true }
            }
            Self::Created(response) | Self::Told { response, owes_job: true } => {
                desk.enqueue(response);
                Self::Told { response, owes_job: false }
            }
            done => done,
        }
    }

    /// The broker did not answer the look.
    pub(crate) fn look_failed(self, bounds: &Bounds) -> Self {
        match self {
            Self::Looking(response) if !bounds.has(Safeguard::FailedLook) => {
                Self::Told { response, owes_job: false }
            }
            _ => Self::Left,
        }
    }

    /// The gateway dies. What its client was told stays told.
    pub(crate) const fn crash(self) -> Self {
        match self {
            Self::Told { response, .. } => Self::Told { response, owes_job: false },
            _ => Self::Left,
        }
    }
}

impl Desk<'_> {
    fn name(&mut self) -> Admission {
        if !self.bounds.same_key {
            return Admission::Named(self.own);
        }
        if let Some(response) = *self.key {
            return Admission::Named(response);
        }
        if !self.bounds.has(Safeguard::KeyInsert) {
            return Admission::Unnamed;
        }
        *self.key = Some(self.own);
        Admission::Named(self.own)
    }

    pub(crate) fn enqueue(&mut self, response: Index) {
        self.queue.enqueue(response, self.bounds.has(Safeguard::KnownJob));
    }
}
