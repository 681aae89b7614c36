//! The streams of one partition that this process has asked for, as of where it has read.
//!
//! A stream's state is whatever its entries made of it, from its creation on: a cache of the log, which may be dropped at any
//! time and is made again by reading. Entries of streams that nobody here has asked for are passed over unread.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use broker::{Listener, Listening, StopListener};
use parking_lot::Mutex;
use prost::Message as _;
use proto::{Invalid, kafka::Entry};
use stream::{Record, ResponseId};
use tokio::{sync::watch, time::Instant};

use crate::{
    Config,
    clock::Clock,
    life::{Answer, Life, Outcome, carry_out},
    listeners::Listeners,
    message::Message,
    older::Range,
    place,
    requests::Requests,
    tails::Sink,
};

/// The length of a key: an id's start and its random bits. The partition is where the record is.
pub(crate) const KEY: usize = size_of::<u32>() + size_of::<u128>();

/// How long a stream that nobody asks for or listens to is kept in any case.
const KEPT: Duration = Duration::from_secs(60);

/// What all partitions share.
pub(crate) struct Shared {
    pub(crate) requests: Requests<Answer>,
    pub(crate) clock: Clock,
    pub(crate) stops: Arc<Listeners<dyn StopListener>>,
}

/// The streams of one partition.
pub(crate) struct Streams {
    topic: Arc<str>,
    partition: u16,
    shared: Arc<Shared>,
    /// Responses are made in it.
    is_home: bool,
    max_bytes: usize,
    max_recent_bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The offset after the last record that was taken.
    next: i64,
    slots: HashMap<ResponseId, Slot>,
    /// The latest records of all streams, without a gap up to `next`.
    recent: VecDeque<Message>,
    recent_bytes: usize,
}

struct Slot {
    stage: Stage,
    listeners: Arc<Listeners<dyn Listener>>,
    asked: Instant,
}

#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are ready, and hold their state here without another allocation"
)]
enum Stage {
    /// The state as of `next`; `None` if there is no such stream.
    Ready(Option<Life>),
    /// Being read from the log, up to where it was followed from then on. Whoever waits for that hears of a failure through
    /// the channel, and of the end when it closes.
    Reading { since: Vec<Message>, failed: watch::Sender<bool> },
}

/// What there is to do before a stream can be used.
pub(crate) enum Entered {
    Ready,
    /// Another caller has it read.
    BeingRead(watch::Receiver<bool>),
    /// The caller has it read, and hands what was found to [`Streams::found`].
    Read(Range),
}

/// What an entry did, and whom it concerns.
struct Effect {
    process: u64,
    request: u64,
    at: std::time::SystemTime,
    outcome: Outcome,
    listeners: Arc<Listeners<dyn Listener>>,
}

impl Streams {
    pub(crate) fn new(
        topic: &Arc<str>,
        partition: u16,
        is_home: bool,
        shared: Arc<Shared>,
        config: &Config,
    ) -> Self {
        Self {
            topic: Arc::clone(topic),
            partition,
            shared,
            is_home,
            max_bytes: config.partition_log_bytes,
            max_recent_bytes: config.recent_bytes,
            state: Mutex::default(),
        }
    }

    /// A fresh id, whose stream is followed from now on. The partition must be.
    pub(crate) fn new_id(&self) -> ResponseId {
        let mut state = self.state.lock();
        let id = place::new_id(self.partition, state.next);
        state.slots.insert(id, Slot::new(Stage::Ready(None)));
        id
    }

    /// Makes sure that a stream's state is there, or on its way. The partition must be followed.
    pub(crate) fn enter(&self, id: ResponseId) -> Entered {
        let mut state = self.state.lock();
        if let Some(slot) = state.slots.get_mut(&id) {
            slot.asked = Instant::now();
            return match &slot.stage {
                Stage::Ready(_) => Entered::Ready,
                Stage::Reading { failed, .. } => Entered::BeingRead(failed.subscribe()),
            };
        }
        let (from, until) = (place::first_offset(id, state.next), state.next);
        let (stage, entered) = match state.replay(id, from) {
            Some(life) => (Stage::Ready(life), Entered::Ready),
            None => {
                let reading = Stage::Reading { since: Vec::new(), failed: watch::Sender::new(false) };
                let (topic, partition) = (Arc::clone(&self.topic), self.partition.into());
                let range = Range { topic, partition, key: Some(key_of(id)), from, until };
                (reading, Entered::Read(range))
            }
        };
        state.slots.insert(id, Slot::new(stage));
        entered
    }

    /// What was read of a stream, or `None` if that failed. Called between two records.
    pub(crate) fn found(&self, id: ResponseId, older: Option<Vec<Message>>) {
        let effects = {
            let mut state = self.state.lock();
            let Some(older) = older else {
                if let Some(Slot { stage: Stage::Reading { failed, .. }, .. }) = state.slots.remove(&id) {
                    failed.send_replace(true);
                }
                return;
            };
            let Some(slot) = state.slots.get_mut(&id) else { return };
            let Stage::Reading { since, .. } = &mut slot.stage else { return };
            let since = std::mem::take(since);
            let mut life = None;
            for message in &older {
                let _ = replayed(&mut life, message);
            }
            slot.stage = Stage::Ready(life);
            since.into_iter().filter_map(|message| slot.take(&message)).collect::<Vec<_>>()
        };
        effects.into_iter().for_each(|effect| self.tell(id, effect));
    }

    /// What `look` sees of a stream that there is and whose state is here.
    pub(crate) fn look<T>(&self, id: ResponseId, look: impl FnOnce(&Life) -> T) -> Option<T> {
        let now = self.shared.clock.now();
        let mut state = self.state.lock();
        let slot = state.slots.get_mut(&id)?;
        slot.asked = Instant::now();
        match &slot.stage {
            Stage::Ready(Some(life)) if !life.has_expired(now) => Some(look(life)),
            _ => None,
        }
    }

    /// Lets `listener` hear of the stream from now on. `None` if its state is not here.
    pub(crate) fn listen(&self, id: ResponseId, listener: Arc<dyn Listener>) -> Option<Listening> {
        let state = self.state.lock();
        Some(state.slots.get(&id)?.listeners.listen(listener))
    }

    fn tell(&self, id: ResponseId, effect: Effect) {
        let Effect { process, request, at, outcome, listeners } = effect;
        if let Some(record) = outcome.added {
            // By the broker's clock, in milliseconds: it says less than on Redis.
            let travelled = std::time::SystemTime::now().duration_since(at).unwrap_or_default();
            listeners.each(|listener| {
                listener.heard(id, Arc::<Record>::clone(&record));
                listener.travelled(travelled);
            });
        }
        if outcome.cancelled {
            self.shared.stops.each(|listener| listener.cancelled(id));
        }
        if process == self.shared.requests.process {
            self.shared.clock.observe(at);
            self.shared.requests.answer(request, outcome.answer);
        }
    }
}

impl Sink for Streams {
    fn begin(&self, next: i64) {
        *self.state.lock() = State { next, ..State::default() };
    }

    fn take(&self, message: Message) {
        let id = id_of(self.partition, &message.key);
        let effect = {
            let mut state = self.state.lock();
            state.next = message.offset + 1;
            state.remember(message.clone(), self.max_recent_bytes);
            id.and_then(|id| Some((id, state.slots.get_mut(&id)?.take(&message)?)))
        };
        match (id, effect) {
            (_, Some((id, effect))) => self.tell(id, effect),
            (Some(_), None) => {}
            (None, None) => {
                tracing::warn!(partition = self.partition, offset = message.offset, "a record without a key");
            }
        }
    }

    fn lose(&self, next: i64) {
        let mut state = self.state.lock();
        state.next = next;
        state.recent.clear();
        state.recent_bytes = 0;
        let mut listeners = Vec::new();
        for (id, slot) in &mut state.slots {
            slot.stage = Stage::Ready(None);
            listeners.push((*id, Arc::clone(&slot.listeners)));
        }
        drop(state);
        for (id, listeners) in listeners {
            listeners.each(|listener| listener.interrupted(id));
        }
    }

    fn sweep(&self) {
        let now = self.shared.clock.now();
        let mut state = self.state.lock();
        state.slots.retain(|_, slot| match &slot.stage {
            _ if slot.is_needed() => true,
            Stage::Ready(Some(life)) => !life.has_expired(now),
            Stage::Ready(None) => false,
            Stage::Reading { .. } => true,
        });
        state.make_room(self.max_bytes);
    }

    /// Who only asks has the partition followed by asking.
    fn is_needed(&self) -> bool {
        self.is_home
            || self
                .state
                .lock()
                .slots
                .values()
                .any(|slot| !slot.listeners.is_empty() || matches!(slot.stage, Stage::Reading { .. }))
    }
}

impl State {
    fn remember(&mut self, message: Message, max_bytes: usize) {
        self.recent_bytes += message.weight();
        self.recent.push_back(message);
        while self.recent_bytes > max_bytes
            && let Some(oldest) = self.recent.pop_front()
        {
            self.recent_bytes -= oldest.weight();
        }
    }

    /// The state of a stream that did not begin before `from`, as the latest records have it; `None` if that is before them.
    fn replay(&self, id: ResponseId, from: i64) -> Option<Option<Life>> {
        let oldest = self.recent.front().map_or(self.next, |message| message.offset);
        if from < oldest {
            return None;
        }
        let (key, mut life) = (key_of(id), None);
        let first = self.recent.partition_point(|message| message.offset < from);
        for message in self.recent.range(first..).filter(|message| message.key == key[..]) {
            let _ = replayed(&mut life, message);
        }
        Some(life)
    }

    /// Drops streams that nobody needs just now until what is kept is no more than `max_bytes`: first those that have ended,
    /// then those that nobody has asked for longest.
    fn make_room(&mut self, max_bytes: usize) {
        let mut bytes: usize = self.slots.values().map(Slot::weight).sum();
        if bytes <= max_bytes {
            return;
        }
        let idle = self.slots.iter().filter(|(_, slot)| !slot.is_needed());
        let mut idle: Vec<_> = idle.map(|(id, slot)| (!slot.has_ended(), slot.asked, *id)).collect();
        idle.sort();
        for (_, _, id) in idle {
            if bytes <= max_bytes {
                return;
            }
            bytes -= self.slots.remove(&id).as_ref().map_or(0, Slot::weight);
        }
    }
}

impl Slot {
    fn new(stage: Stage) -> Self {
        Self { stage, listeners: Arc::default(), asked: Instant::now() }
    }

    fn take(&mut self, message: &Message) -> Option<Effect> {
        match &mut self.stage {
            Stage::Reading { since, .. } => {
                since.push(message.clone());
                None
            }
            Stage::Ready(life) => match replayed(life, message) {
                Ok((Entry { process, request, .. }, outcome)) => {
                    let listeners = Arc::clone(&self.listeners);
                    Some(Effect { process, request, at: message.at, outcome, listeners })
                }
                Err(error) => {
                    tracing::error!(offset = message.offset, %error, "an entry that cannot be read does nothing");
                    None
                }
            },
        }
    }

    /// Whether somebody has asked for it just now, or listens. Also who is about to ask Kafka for something relies on it.
    fn is_needed(&self) -> bool {
        self.asked.elapsed() < KEPT
            || !self.listeners.is_empty()
            || matches!(self.stage, Stage::Reading { .. })
    }

    fn has_ended(&self) -> bool {
        matches!(&self.stage, Stage::Ready(Some(life)) if life.has_ended())
    }

    fn weight(&self) -> usize {
        match &self.stage {
            Stage::Ready(life) => size_of::<Self>() + life.as_ref().map_or(0, Life::weight),
            Stage::Reading { since, .. } => since.iter().map(Message::weight).sum(),
        }
    }
}

/// What a record makes of a stream.
fn replayed(life: &mut Option<Life>, message: &Message) -> Result<(Entry, Outcome), Invalid> {
    let mut entry = Entry::decode(&message.payload[..])?;
    let ask = entry.ask.take().ok_or(Invalid::Part("entry"))?;
    let outcome = carry_out(life, ask, message.at)?;
    Ok((entry, outcome))
}

/// The key of a stream's records.
pub(crate) fn key_of(id: ResponseId) -> [u8; KEY] {
    let mut key = [0; KEY];
    let (start, random) = key.split_at_mut(size_of::<u32>());
    start.copy_from_slice(&id.start().to_be_bytes());
    random.copy_from_slice(&id.random_bits().to_be_bytes());
    key
}

fn id_of(partition: u16, key: &[u8]) -> Option<ResponseId> {
    let (start, random) = key.split_first_chunk()?;
    let random = u128::from_be_bytes(random.try_into().ok()?);
    Some(ResponseId::from_parts(partition, random).with_start(u32::from_be_bytes(*start)))
}
