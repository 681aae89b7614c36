//! Who waits and who runs on one connection.
//!
//! A lane is the FIFO of turns with one `stream_id`; the turns without one are a lane too. Lanes run in parallel, a lane
//! one turn at a time. Pure: turns of any type go in, and come out when it is their turn.

use std::{collections::VecDeque, sync::Arc};

use protocol::{ApiError, ErrorType};

use crate::Limits;

/// The name of a lane: its `stream_id`, or none for the turns that came without.
pub(crate) type LaneId = Option<Arc<str>>;

/// The lanes of one connection.
#[derive(Debug)]
pub(crate) struct Lanes<T> {
    max_lanes: usize,
    max_in_flight: usize,
    max_waiting: usize,
    lanes: Vec<Lane<T>>,
    waiting: usize,
    running: usize,
    /// Where to look first for the next turn, so that no lane starves another.
    next: usize,
}

#[derive(Debug)]
struct Lane<T> {
    id: LaneId,
    waiting: VecDeque<T>,
    runs: bool,
}

impl<T> Lanes<T> {
    /// No lanes yet.
    pub(crate) const fn new(limits: &Limits) -> Self {
        let Limits { max_lanes, max_in_flight, max_waiting, .. } = *limits;
        Self { max_lanes, max_in_flight, max_waiting, lanes: Vec::new(), waiting: 0, running: 0, next: 0 }
    }

    /// Puts a turn at the end of its lane.
    ///
    /// # Errors
    /// When there would be too many lanes, or too many turns that wait.
    pub(crate) fn push(&mut self, id: LaneId, turn: T) -> Result<(), ApiError> {
        if self.waiting == self.max_waiting {
            let message = format!(
                "{} turns wait on this connection already, which is the limit. Wait for one to end.",
                self.max_waiting
            );
            return Err(ApiError::new(ErrorType::TooManyRequests, "too_many_requests", message));
        }
        let at = match self.lanes.iter().position(|lane| lane.id == id) {
            Some(at) => at,
            None => self.open(id)?,
        };
        self.lanes[at].waiting.push_back(turn);
        self.waiting += 1;
        Ok(())
    }

    fn open(&mut self, id: LaneId) -> Result<usize, ApiError> {
        let named = self.lanes.iter().filter(|lane| lane.id.is_some()).count();
        if id.is_some() && named >= self.max_lanes {
            let max = self.max_lanes;
            return Err(ApiError::invalid(
                "stream_id",
                "websocket_stream_limit_reached",
                format!(
                    "This connection has {max} lanes already, which is the limit. Use one of them, or connect again."
                ),
            ));
        }
        self.lanes.push(Lane { id, waiting: VecDeque::new(), runs: false });
        Ok(self.lanes.len() - 1)
    }

    /// The next turn that may run now.
    pub(crate) fn pop(&mut self) -> Option<(LaneId, T)> {
        if self.running == self.max_in_flight || self.waiting == 0 {
            return None;
        }
        let count = self.lanes.len();
        let at = (0..count)
            .map(|offset| (self.next + offset) % count)
            .find(|at| !self.lanes[*at].runs && !self.lanes[*at].waiting.is_empty())?;
        let lane = &mut self.lanes[at];
        let turn = lane.waiting.pop_front()?;
        lane.runs = true;
        self.next = at + 1;
        self.waiting -= 1;
        self.running += 1;
        Some((lane.id.clone(), turn))
    }

    /// The running turn of a lane has ended.
    pub(crate) fn end(&mut self, id: &LaneId) {
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.id == *id && lane.runs) else { return };
        lane.runs = false;
        self.running -= 1;
        if self.is_idle() {
            self.rest();
        }
    }

    /// Keeps nothing but what counts: the names that were taken.
    fn rest(&mut self) {
        self.lanes.retain_mut(|lane| {
            lane.waiting = VecDeque::new();
            lane.id.is_some()
        });
        self.lanes.shrink_to_fit();
    }

    /// Whether nothing runs and nothing waits.
    pub(crate) const fn is_idle(&self) -> bool {
        self.running == 0 && self.waiting == 0
    }
}

#[cfg(test)]
mod tests;
