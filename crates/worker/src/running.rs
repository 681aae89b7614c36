//! The jobs in this worker's hands: renewing their claims, and hearing that they shall stop.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU8, Ordering},
    },
    task::Poll,
};

use broker::{Broker, Claim, Member, Stop, StopListener, Ticket};
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use stream::ResponseId;
use tokio_util::sync::CancellationToken;

/// For how many rounds an answered append stands for a question. With the default lease these are between 0.8 and 1.7 s.
const ANSWERED_ROUNDS: u8 = 2;

/// Why a job's task shall let go of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// The response shall end.
    Stop(Stop),
    /// Another worker has the claim now: nothing more may be done for it.
    Lost,
    /// This worker goes: the job shall be given back.
    HandOver,
}

/// The jobs in hand. Cloning shares them.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<Mutex<HashMap<ResponseId, Entry>>>);

struct Entry {
    ticket: Ticket,
    attempt: u32,
    signal: Arc<Signal>,
}

/// An interrupt on its way to the one task that waits for it. Looked at with every token, so it is nothing more.
#[derive(Default)]
struct Signal {
    why: OnceLock<Interrupt>,
    waiting: AtomicWaker,
    /// In how many rounds nobody has to ask whether the response shall stop: an append was answered, which says it, too.
    answered: AtomicU8,
}

impl Signal {
    /// The first one counts: the task ends with it.
    fn send(&self, why: Interrupt) {
        let _ = self.why.set(why);
        self.waiting.wake();
    }

    /// Whether nothing was answered in the last rounds. To ask is a round.
    fn is_silent(&self) -> bool {
        let rounds = self.answered.load(Ordering::Relaxed);
        // An answer between the two makes it ask once too often.
        self.answered.store(rounds.saturating_sub(1), Ordering::Relaxed);
        rounds == 0
    }
}

/// A job's place among the running ones; it leaves when this is dropped.
pub(crate) struct Place {
    running: Running,
    id: ResponseId,
    signal: Arc<Signal>,
}

impl Running {
    /// Takes a job in. `None` if this worker is at it already: a second claim of one's own job, because the first ran out.
    pub(crate) fn enter(&self, claim: &Claim) -> Option<Place> {
        let Claim { job, ticket, attempt } = claim;
        let mut jobs = self.0.lock();
        if let Some(entry) = jobs.get_mut(&job.id) {
            // If others had it in between, the stream was theirs, and the run here is over whether it knows it or not. It gives
            // the claim back as it goes.
            if *attempt > entry.attempt + 1 {
                entry.signal.send(Interrupt::Lost);
            }
            (entry.ticket, entry.attempt) = (ticket.clone(), *attempt);
            return None;
        }
        let signal = Arc::<Signal>::default();
        jobs.insert(job.id, Entry { ticket: ticket.clone(), attempt: *attempt, signal: Arc::clone(&signal) });
        Some(Place { running: self.clone(), id: job.id, signal })
    }

    /// Interrupts every job.
    pub(crate) fn interrupt_all(&self, why: Interrupt) {
        for entry in self.0.lock().values() {
            entry.signal.send(why);
        }
    }

    fn interrupt(&self, id: ResponseId, why: Interrupt) {
        if let Some(entry) = self.0.lock().get(&id) {
            entry.signal.send(why);
        }
    }

    /// Renews all claims, and asks for stops that were not heard of live.
    pub(crate) async fn renew(&self, broker: &Broker, worker: &Member) {
        let tickets: Vec<_> = self.0.lock().values().map(|entry| entry.ticket.clone()).collect();
        if tickets.is_empty() {
            return;
        }
        match broker.jobs.renew(worker, &tickets).await {
            Ok(lost) => lost.iter().for_each(|ticket| self.lose(ticket)),
            Err(error) => tracing::warn!(%error, "failed to renew claims"),
        }
    }

    fn lose(&self, ticket: &Ticket) {
        let jobs = self.0.lock();
        for entry in jobs.values().filter(|entry| entry.ticket == *ticket) {
            entry.signal.send(Interrupt::Lost);
        }
    }

    /// Asks the broker for stops of responses whose model is silent, so that no append brings the news, and whose live
    /// message was lost.
    pub(crate) async fn check_stops(&self, broker: &Broker) {
        let is_silent = |(id, entry): (&ResponseId, &Entry)| entry.signal.is_silent().then_some(*id);
        let ids: Vec<_> = self.0.lock().iter().filter_map(is_silent).collect();
        if ids.is_empty() {
            return;
        }
        match broker.control.stops_requested(&ids).await {
            Ok(stops) => {
                for (id, stop) in ids.into_iter().zip(stops) {
                    stop.into_iter().for_each(|stop| self.interrupt(id, Interrupt::Stop(stop)));
                }
            }
            Err(error) => tracing::debug!(%error, "failed to ask for stops"),
        }
    }
}

impl StopListener for Running {
    fn cancelled(&self, id: ResponseId) {
        self.interrupt(id, Interrupt::Stop(Stop::Cancelled));
    }
}

impl Place {
    /// An append was answered: if the response had to stop, it would have said so.
    pub(crate) fn answered(&self) {
        self.signal.answered.store(ANSWERED_ROUNDS, Ordering::Relaxed);
    }

    /// Waits for an interrupt. Cancel safe.
    pub(crate) async fn interrupted(&mut self) -> Interrupt {
        poll_fn(|cx| {
            // Before the look: what comes after it wakes.
            self.signal.waiting.register(cx.waker());
            self.signal.why.get().map_or(Poll::Pending, |why| Poll::Ready(*why))
        })
        .await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.0.lock().remove(&self.id);
    }
}

/// Renews claims every third of a lease until `done`.
pub(crate) async fn keep(
    running: Running,
    broker: Broker,
    worker: Member,
    every: std::time::Duration,
    done: CancellationToken,
) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while done.run_until_cancelled(ticks.tick()).await.is_some() {
        running.renew(&broker, &worker).await;
        running.check_stops(&broker).await;
    }
}
