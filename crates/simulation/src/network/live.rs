//! The live path at the end of a line: in order, but late, and not whole.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use broker::{Listener, StopListener};
use parking_lot::Mutex;
use stream::{Record, ResponseId};
use tokio::time::Instant;

use super::Line;
use crate::life::Phase;

/// What a member hears of one stream.
pub(super) struct Ear {
    /// Itself, for what has to be delivered later.
    this: Weak<Self>,
    line: Arc<Line>,
    id: ResponseId,
    listener: Arc<dyn Listener>,
    is_closed: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// What was not heard yet, and from when on it may be. Without a record: that some may have been missed.
    messages: VecDeque<(Instant, Option<Arc<Record>>)>,
    is_delivering: bool,
}

impl Ear {
    pub(super) fn new(line: Arc<Line>, id: ResponseId, listener: Arc<dyn Listener>) -> Arc<Self> {
        let ear = Arc::new_cyclic(|this| Self {
            this: this.clone(),
            line,
            id,
            listener,
            is_closed: AtomicBool::new(false),
            waiting: Mutex::default(),
        });
        let mut ears = ear.line.ears.lock();
        ears.retain(|ear| ear.strong_count() > 0);
        ears.push(Arc::downgrade(&ear));
        drop(ears);
        ear
    }

    /// Nothing is heard any more.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    pub(super) fn interrupt(&self) {
        self.push(Instant::now(), None);
    }

    fn push(&self, due: Instant, message: Option<Arc<Record>>) {
        let mut waiting = self.waiting.lock();
        waiting.messages.push_back((due, message));
        if let Some(ear) = self.this.upgrade().filter(|_| !waiting.is_delivering) {
            waiting.is_delivering = true;
            self.line.tasks.spawn(ear.deliver());
        }
    }

    /// Delivers what waits, one after the other.
    async fn deliver(self: Arc<Self>) {
        loop {
            let next = self.waiting.lock().messages.front().map(|(due, _)| *due);
            if let Some(due) = next {
                tokio::time::sleep_until(due).await;
                self.line.life.running().await;
            }
            let mut waiting = self.waiting.lock();
            let Some((_, message)) = waiting.messages.pop_front() else {
                waiting.is_delivering = false;
                return;
            };
            drop(waiting);
            self.tell(message);
        }
    }

    fn tell(&self, message: Option<Arc<Record>>) {
        if self.is_closed.load(Ordering::Relaxed) {
            return;
        }
        match message {
            Some(record) => self.listener.heard(self.id, record),
            None => self.listener.interrupted(self.id),
        }
    }

    /// Whether nothing is on the way, so that a message can be heard at once.
    fn is_clear(&self) -> bool {
        !self.waiting.lock().is_delivering && self.line.life.phase() == Phase::Running
    }
}

impl Listener for Ear {
    fn heard(&self, _: ResponseId, record: Arc<Record>) {
        if self.line.life.phase() == Phase::Dead || self.line.is_cut() {
            return;
        }
        let (weather, mut dice) = (*self.line.weather.lock(), self.line.dice.lock());
        if dice.chance(weather.lose_live) {
            self.line.journal.count("live messages lost");
            // Sometimes the connection breaks with it, and that is noticed.
            let is_noticed = dice.chance(0.2);
            drop(dice);
            if is_noticed {
                self.interrupt();
            }
        } else if dice.chance(weather.late_live) {
            self.line.journal.count("live messages delayed");
            let due = Instant::now() + dice.skewed_millis(0..=2000);
            drop(dice);
            self.push(due, Some(record));
        } else {
            drop(dice);
            if self.is_clear() { self.tell(Some(record)) } else { self.push(Instant::now(), Some(record)) }
        }
    }

    fn interrupted(&self, _: ResponseId) {
        self.interrupt();
    }
}

/// What a worker hears of cancels.
pub(super) struct StopEar {
    line: Arc<Line>,
    listener: Arc<dyn StopListener>,
}

impl StopEar {
    pub(super) fn new(line: Arc<Line>, listener: Arc<dyn StopListener>) -> Arc<Self> {
        Arc::new(Self { line, listener })
    }
}

impl StopListener for StopEar {
    fn cancelled(&self, id: ResponseId) {
        if self.line.life.phase() == Phase::Dead || self.line.is_cut() {
            return;
        }
        let (weather, mut dice) = (*self.line.weather.lock(), self.line.dice.lock());
        if dice.chance(weather.lose_live) {
            self.line.journal.count("live messages lost");
            return;
        }
        let late = if dice.chance(weather.late_live) { dice.skewed_millis(0..=2000) } else { Duration::ZERO };
        drop(dice);
        if late.is_zero() && self.line.life.phase() == Phase::Running {
            return self.listener.cancelled(id);
        }
        let (life, listener) = (self.line.life.clone(), Arc::clone(&self.listener));
        self.line.tasks.spawn(async move {
            tokio::time::sleep(late).await;
            life.running().await;
            listener.cancelled(id);
        });
    }
}
