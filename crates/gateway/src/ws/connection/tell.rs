//! What a connection tells: its turns begin, their events leave, and they end.

use std::task::{Context, Poll};

use protocol::session::events;

use super::Connection;
use crate::{
    admission::Accepted,
    continuation::unavailable,
    delivery::Piece,
    ws::{
        asked::{Answer, Beginning, Begun, Wish},
        lanes::LaneId,
        turn::{Conclusion, Turn},
        turns::Step,
    },
};

/// At most about so many bytes are handed to the socket before it has to be clear again.
const MAX_BATCH: usize = 16 * 1024;

impl Connection {
    pub(super) fn begin_turns(&mut self) {
        while let Some((lane, wish)) = self.lanes.pop() {
            // What waited while the token ended is something new.
            if let Err(error) = self.check_validity() {
                self.say_error(&error, lane.as_deref());
                self.lanes.end(&lane);
                continue;
            }
            let previous = match &wish {
                Wish::Create(create) => create.request.previous_response_id.as_ref(),
                Wish::Resume(_) => None,
            };
            let remembered = previous.and_then(|id| self.memory.get(id));
            self.asked.begin(&self.shared, self.caller.principal(), lane, wish, remembered);
        }
    }

    pub(super) fn take_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Turn(begun) => self.take_begun(begun),
            Answer::Cancelled(Ok(message)) => self.say(message),
            Answer::Cancelled(Err(error)) => self.say_error(&error, None),
        }
    }

    fn take_begun(&mut self, Begun { lane, previous, result }: Begun) {
        match result {
            Ok(Beginning::Accepted(accepted)) => {
                let Accepted { cursor, conversation, begun, .. } = *accepted;
                self.turns.push(Turn::new(lane, cursor, previous, conversation, begun, &self.shared.metrics));
            }
            Ok(Beginning::Resumed(id, resumed)) => {
                let cursor = resumed.cursor();
                self.say(events::resumed(&id.to_string(), cursor.is_none(), lane.as_deref()));
                match cursor {
                    Some(cursor) => self.turns.push(Turn::resumed(lane, cursor, &self.shared.metrics)),
                    None => self.end_turn(&lane, None),
                }
            }
            Err(error) => {
                self.say_error(&error, lane.as_deref());
                self.end_turn(&lane, previous);
            }
        }
    }

    /// A lane is free again. After a failure what it continued is forgotten, as the standard asks.
    fn end_turn(&mut self, lane: &LaneId, failed_after: Option<stream::ResponseId>) {
        if let Some(previous) = failed_after {
            self.memory.remove(previous);
        }
        self.lanes.end(lane);
        self.begin_turns();
    }

    /// Renders what a turn has to say, and goes on with the others until the batch is full.
    pub(super) fn take_stream(&mut self, at: usize, step: Step, cx: &mut Context<'_>) {
        let running = self.turns.len();
        let is_blocked = self.socket.take_blocked();
        if is_blocked {
            self.shared.metrics.slow.inc();
        }
        let is_behind = is_blocked | self.session.take_starved();
        let mut next = Some((at, step));
        let mut written = 0;
        while let Some((at, step)) = next.take() {
            match step {
                Some(Ok(piece)) => written += self.tell(at, piece, is_behind),
                Some(Err(error)) => {
                    let turn = self.turns.remove(at);
                    self.say_error(&unavailable(error), turn.lane.as_deref());
                    self.end_turn(&turn.lane, turn.previous);
                }
                None => {}
            }
            if written < MAX_BATCH && self.session.credit() > 0 {
                match self.turns.poll_step(cx) {
                    Poll::Ready(step) => next = Some(step),
                    // The end of a turn lets others begin.
                    Poll::Pending => self.settled = self.turns.len() == running,
                }
            }
        }
        self.session.flush(&mut self.socket);
    }

    fn tell(&mut self, at: usize, piece: Piece, is_behind: bool) -> usize {
        let Self { turns, socket, shared, session, .. } = self;
        let turn = turns.get_mut(at);
        let gathered;
        let pieces = if is_behind {
            gathered = turn.gather(&piece, MAX_BATCH);
            &gathered
        } else {
            std::slice::from_ref(&piece)
        };
        let mut written = 0;
        let credit = session.credit();
        let untold = turn.render(pieces, is_behind, credit, &shared.metrics, |told| {
            written += session.tell(&told, socket);
        });
        if let Some(next) = untold {
            turn.hold(pieces, next);
        } else if let Some(last) = pieces.last().filter(|piece| piece.is_terminal()) {
            let mut turn = self.turns.remove(at);
            let mut failed_after = None;
            match turn.conclude(last, &self.shared.metrics) {
                Conclusion::Continues(conversation) => self.memory.put(turn.id(), &conversation),
                Conclusion::Unknown => {}
                Conclusion::Failed => failed_after = turn.previous,
            }
            self.end_turn(&turn.lane, failed_after);
        }
        written
    }
}
