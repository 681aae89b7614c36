//! The whole: gateways, queue, logs, workers and readers, and every step that any of them can take.

use stateright::{Model, Property};

use crate::{
    Bounds, Faults, Index, LogKind, Safeguard, admission::Admission, log::Stream, properties, queue::Queue,
    reader::Reader, writer::Writer,
};

/// The protocol within its bounds.
#[derive(Debug, Clone, Copy)]
pub struct System {
    pub(crate) bounds: Bounds,
    /// Whether readers act only when nothing else can, one after the other.
    ///
    /// Nobody waits for a reader, and a log only grows: what a reader can be shown early it can be shown late as well, and
    /// what was wrong then is wrong still. So nothing is missed, and the checker is spared most orders. Only the shortest
    /// way to break something is shorter where readers act early.
    pub(crate) readers_last: bool,
}

/// Everything at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(crate) admissions: Vec<Admission>,
    /// What the idempotency key stands for.
    pub(crate) key: Option<Index>,
    pub(crate) queue: Queue,
    pub(crate) streams: Vec<Stream>,
    /// The workers; and last the gateway that ends what nobody took.
    pub(crate) writers: Vec<Writer>,
    /// The client of each gateway.
    pub(crate) readers: Vec<Reader>,
    /// What may still go wrong.
    pub(crate) left: Faults,
}

/// One step of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A gateway goes on with taking its request in.
    Admit(Index),
    /// It enqueues the job, but does not hear that it has; it will try again.
    EnqueueUnheard(Index),
    /// It cannot read whether the stream has its job.
    FailToLook(Index),
    /// It dies while it takes the request in.
    CrashGateway(Index),
    /// Its client cancels.
    Cancel(Index),
    /// A worker claims the job of a response.
    Claim(Index, Index),
    /// A writer goes on.
    Write(Index),
    /// A writer goes on, but does not hear the log's answer.
    WriteUnheard(Index),
    /// The call of the model breaks off.
    BreakCall(Index),
    /// A worker's claim runs out.
    Lapse(Index),
    /// A worker whose claim has run out acts no more: it heard of it, or has died.
    LetGo(Index),
    /// A gateway dies while it ends a response.
    CrashEnder,
    /// A reader hears of a record, live or from the log.
    Hear(Index, usize),
    /// A reader reads the next entry of an accepting log.
    Read(Index),
    /// The live path loses the next entry.
    Miss(Index),
    /// A reader goes to another gateway.
    Resume(Index),
}

impl Model for System {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let Bounds { gateways, workers, log, faults, .. } = self.bounds;
        vec![State {
            admissions: vec![Admission::Asked; gateways],
            key: None,
            queue: Queue::default(),
            streams: vec![Stream::new(log); gateways],
            writers: vec![Writer::Idle; workers + 1],
            readers: vec![Reader::default(); gateways],
            left: faults,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        (0..self.bounds.gateways).for_each(|gateway| self.admit(state, gateway, actions));
        self.claim(state, actions);
        (0..state.writers.len()).for_each(|writer| self.write(state, writer, actions));
        for reader in 0..self.bounds.gateways {
            if self.readers_last && !actions.is_empty() {
                return;
            }
            self.follow(state, reader, actions);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        self.apply(&mut state, action);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl System {
    /// Whether nothing can happen any more. There are no cycles, as every action uses something up: so every run gets
    /// here, and what holds here is what holds in the end.
    pub(crate) fn is_quiet(&self, state: &State) -> bool {
        let mut actions = Vec::new();
        self.actions(state, &mut actions);
        actions.is_empty()
    }

    /// The gateway that ends what nobody took.
    pub(crate) const fn ender(&self) -> Index {
        self.bounds.workers
    }

    fn admit(&self, state: &State, gateway: Index, actions: &mut Vec<Action>) {
        let (admission, left) = (state.admissions[gateway], &state.left);
        if admission.is_under_way() {
            actions.push(Action::Admit(gateway));
            if left.gateway_crashes > 0 {
                actions.push(Action::CrashGateway(gateway));
            }
        }
        if matches!(admission, Admission::Created(_)) && left.lost_answers > 0 {
            actions.push(Action::EnqueueUnheard(gateway));
        }
        if matches!(admission, Admission::Looking(_)) && left.failed_reads > 0 {
            actions.push(Action::FailToLook(gateway));
        }
        if admission.told().is_some() && left.cancels > 0 && state.writers[self.ender()] == Writer::Idle {
            actions.push(Action::Cancel(gateway));
        }
    }

    /// Workers without a job are all alike: it is enough that the first of them claims.
    fn claim(&self, state: &State, actions: &mut Vec<Action>) {
        let idle = (0..self.bounds.workers).find(|worker| state.writers[*worker] == Writer::Idle);
        if let Some(worker) = idle {
            actions.extend(state.queue.free().map(|response| Action::Claim(worker, response)));
        }
    }

    fn write(&self, state: &State, at: Index, actions: &mut Vec<Action>) {
        let (writer, left, is_gateway) = (&state.writers[at], &state.left, at == self.ender());
        let Some(response) = writer.response() else { return };
        actions.push(Action::Write(at));
        if writer.is_asking() && left.lost_answers > 0 {
            actions.push(Action::WriteUnheard(at));
        }
        if left.broken_calls > 0 && writer.clone().break_call() {
            actions.push(Action::BreakCall(at));
        }
        if is_gateway {
            if left.gateway_crashes > 0 {
                actions.push(Action::CrashEnder);
            }
        } else if !state.queue.is_held_by(at, response) {
            actions.push(Action::LetGo(at));
        } else if left.lapses > 0 {
            actions.push(Action::Lapse(at));
        }
    }

    fn follow(&self, state: &State, at: Index, actions: &mut Vec<Action>) {
        let Some(response) = state.admissions[at].told() else { return };
        let (reader, stream) = (&state.readers[at], &state.streams[response]);
        if self.bounds.log == LogKind::Checked {
            actions.extend(
                reader.audible(stream, &self.bounds).into_iter().map(|place| Action::Hear(at, place)),
            );
            return;
        }
        if reader.has_more(stream) {
            actions.push(Action::Read(at));
            if !self.bounds.has(Safeguard::ReadInOrder) {
                actions.push(Action::Miss(at));
            }
        }
        if state.left.resumes > 0 && !reader.has_ended(stream) && !reader.shown.is_empty() {
            actions.push(Action::Resume(at));
        }
    }
}
