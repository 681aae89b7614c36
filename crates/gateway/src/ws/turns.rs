//! The running turns of a connection: at most as many as it may have in flight.

use std::task::{Context, Poll};

use super::turn::Turn;
use crate::delivery::Piece;

/// What a turn has to say: some of its events; `None` at the end of its stream.
pub(super) type Step = Option<Result<Piece, broker::Error>>;

/// Turns, in no order.
#[derive(Default)]
pub(super) struct Turns(Vec<Turn>);

impl Turns {
    pub(super) fn push(&mut self, turn: Turn) {
        self.0.push(turn);
    }

    pub(super) fn remove(&mut self, at: usize) -> Turn {
        let turn = self.0.swap_remove(at);
        if self.0.is_empty() {
            // Not even the room: the connection may be idle for long.
            self.0 = Vec::new();
        }
        turn
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get_mut(&mut self, at: usize) -> &mut Turn {
        &mut self.0[at]
    }

    /// The turn of this response.
    pub(super) fn find(&self, id: stream::ResponseId) -> Option<&Turn> {
        self.0.iter().find(|turn| turn.id() == id)
    }

    /// Which turn has something to say, and what. Nothing is lost by not handling what was not returned.
    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<(usize, Step)> {
        let steps = self.0.iter_mut().enumerate();
        let mut ready = steps.filter_map(|(at, turn)| match turn.poll_next(cx) {
            Poll::Ready(step) => Some((at, step)),
            Poll::Pending => None,
        });
        ready.next().map_or(Poll::Pending, Poll::Ready)
    }
}
