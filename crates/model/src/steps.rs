//! What each step does to the whole.

use crate::{
    Action, Index, State, System,
    admission::Desk,
    writer::{Step, Writer},
};

impl System {
    /// Takes a step that [`actions`](stateright::Model::actions) allowed.
    pub(crate) fn apply(&self, state: &mut State, action: Action) {
        match action {
            Action::Admit(at) => self.step_admission(state, at),
            Action::EnqueueUnheard(at) => {
                state.left.lost_answers -= 1;
                let admission = state.admissions[at];
                self.step_admission(state, at);
                state.admissions[at] = admission;
            }
            Action::FailToLook(at) => {
                state.left.failed_reads -= 1;
                state.admissions[at] = state.admissions[at].look_failed(&self.bounds);
            }
            Action::CrashGateway(at) => {
                state.left.gateway_crashes -= 1;
                state.admissions[at] = state.admissions[at].crash();
            }
            Action::Cancel(at) => {
                state.left.cancels -= 1;
                if let Some(response) = state.admissions[at].told() {
                    state.streams[response].is_cancelled = true;
                    state.writers[self.ender()] = Writer::Claimed(response);
                }
            }
            Action::Claim(..)
            | Action::Write(_)
            | Action::WriteUnheard(_)
            | Action::BreakCall(_)
            | Action::Lapse(_)
            | Action::LetGo(_)
            | Action::CrashEnder => self.apply_to_writer(state, action),
            Action::Hear(at, place) => state.readers[at].hear(place),
            Action::Read(at) => {
                if let Some(response) = state.admissions[at].told() {
                    state.readers[at].read(&state.streams[response], &self.bounds);
                }
            }
            Action::Miss(at) => state.readers[at].miss(),
            Action::Resume(at) => {
                state.left.resumes -= 1;
                state.readers[at].resume();
            }
        }
    }

    fn apply_to_writer(&self, state: &mut State, action: Action) {
        match action {
            Action::Claim(worker, response) => {
                state.queue.claim(response, worker);
                state.writers[worker] = Writer::Claimed(response);
            }
            Action::Write(at) => self.step_writer(state, at, false),
            Action::WriteUnheard(at) => {
                state.left.lost_answers -= 1;
                self.step_writer(state, at, true);
            }
            Action::BreakCall(at) => {
                state.left.broken_calls -= 1;
                state.writers[at].break_call();
            }
            Action::Lapse(at) => {
                state.left.lapses -= 1;
                state.queue.lapse(at);
            }
            Action::LetGo(at) => state.writers[at] = Writer::Idle,
            Action::CrashEnder => {
                state.left.gateway_crashes -= 1;
                state.writers[self.ender()] = Writer::Idle;
            }
            _ => {}
        }
    }

    fn step_admission(&self, state: &mut State, at: Index) {
        let State { admissions, key, streams, queue, .. } = state;
        let mut desk = Desk { bounds: &self.bounds, own: at, key, streams, queue };
        admissions[at] = admissions[at].step(&mut desk);
    }

    fn step_writer(&self, state: &mut State, at: Index, is_unheard: bool) {
        let is_gateway = at == self.ender();
        let Some(response) = state.writers[at].response() else { return };
        if state.writers[at] == Writer::Ended(response) && !is_gateway {
            state.queue.finish(response);
        }
        let step = Step { bounds: &self.bounds, is_gateway, is_unheard };
        state.writers[at] = state.writers[at].step(&mut state.streams[response], step);
        if state.writers[at] == Writer::Idle && !is_gateway {
            // Nobody renews what it still has.
            state.queue.lapse(at);
        }
    }
}
