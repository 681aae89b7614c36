//! One client: connects, asks, listens, and asks again.

mod turn;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::task::task_tracker::TaskTrackerToken;
use turn::Turn;

use crate::{
    Load,
    clock::Clock,
    drive::Run,
    heard::Heard,
    wire::{Connection, Gone},
};

/// A client that failed waits so long before it tries again.
const PAUSE: Duration = Duration::from_millis(100);
/// No connection takes longer to stand.
const CONNECT_PATIENCE: Duration = Duration::from_secs(30);
/// What a connection ends of that is cut with all others, on purpose.
const STORM: &str = "storm";
/// Nothing is waited for so long.
const FAR_AWAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a client is there for.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Asks whenever something is due, and tells followers which stream it is.
    Asking(Option<watch::Sender<String>>),
    /// Hears what another one asked for.
    Following(watch::Receiver<String>),
    /// Asks once and never reads.
    Stalled,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    run: Arc<Run>,
    number: usize,
    connection: Option<Connection>,
    /// Counted up with each connection that was lost: the next one is to the next server.
    target: usize,
    turn: Turn,
    has_left: bool,
}

/// Why a client stopped listening.
enum Left {
    Ended(Result<(), String>),
    Lost(Gone),
    Cut,
}

impl Client {
    pub(crate) fn new(run: Arc<Run>, number: usize) -> Self {
        let turn = Turn::new(run.load.expect);
        Self { run, number, connection: None, target: number, turn, has_left: false }
    }

    /// Lives from the first connection to the end of the run. The tokens say how far it is.
    pub(crate) async fn live(
        mut self,
        kind: Kind,
        connecting: TaskTrackerToken,
        streaming: TaskTrackerToken,
    ) {
        self.connect_first().await;
        drop(connecting);
        let Some(clock) = self.started().await else { return };
        match kind {
            Kind::Asking(followers) => self.ask_on(&clock, followers).await,
            Kind::Following(leader) => self.follow(&clock, leader).await,
            Kind::Stalled => {
                drop(streaming);
                let load = &self.run.load;
                let prompt = load.stalled_prompt.clone().unwrap_or_else(|| load.prompt.clone());
                let own = Load { prompt, max_tokens: None, ..load.clone() };
                if let Some(connection) = &mut self.connection
                    && let Err(Gone(code)) = connection.ask(&own).await
                {
                    self.run.figures.lock().fail(&code);
                }
                return self.run.end.cancelled().await;
            }
        }
        drop(streaming);
        let end = self.run.end.clone();
        end.run_until_cancelled(self.rest_until(Instant::now() + FAR_AWAY)).await;
    }

    async fn connect_first(&mut self) {
        let load = &self.run.load;
        if load.connect_rate > 0.0 {
            let after = Duration::from_secs_f64(self.number as f64 / load.connect_rate);
            sleep_until(self.run.born + after).await;
        }
        let connected = self.connect().await;
        let mut figures = self.run.figures.lock();
        match connected {
            Ok(took) => {
                figures.connections += 1;
                figures.connecting.record(took);
            }
            Err(Gone(code)) => figures.fail(&format!("connect_{code}")),
        }
    }

    /// Connects, in its turn, and says how long that took.
    async fn connect(&mut self) -> Result<Duration, Gone> {
        // Never closed.
        let _turn = self.run.connecting.acquire().await;
        let begin = Instant::now();
        let target = &self.run.targets[self.target % self.run.targets.len()];
        let opening = Connection::open(&self.run.load, target, self.number, &self.run.tasks);
        match timeout_at(begin + CONNECT_PATIENCE, opening).await {
            Ok(opened) => self.connection = Some(opened?),
            Err(_) => return Err(Gone("timeout".to_owned())),
        }
        Ok(begin.elapsed())
    }

    /// Waits for the beginning of the run; `None` if there is none.
    async fn started(&mut self) -> Option<Arc<Clock>> {
        let mut clock = self.run.clock.clone();
        let end = self.run.end.clone();
        tokio::select! {
            clock = clock.wait_for(Option::is_some) => clock.ok()?.clone(),
            () = self.rest_until(Instant::now() + FAR_AWAY) => None,
            () = end.cancelled() => None,
        }
    }

    /// Asks for one stream after the other.
    async fn ask_on(&mut self, clock: &Clock, followers: Option<watch::Sender<String>>) {
        let mut is_first = true;
        while let Some(due) = clock.next_due(self.number, is_first) {
            let was_free = Instant::now() <= due;
            self.rest_until(due).await;
            is_first = false;
            let from = Clock::counted_from(due, Instant::now(), was_free);
            self.turn.begin(Some(from), followers.clone());
            self.run.figures.lock().streams += 1;
            self.listen_to_the_end(clock, true).await;
        }
    }

    /// Follows one stream after the other, from its beginning.
    async fn follow(&mut self, clock: &Clock, mut leader: watch::Receiver<String>) {
        loop {
            let changed = tokio::select! {
                changed = leader.changed() => changed,
                () = self.rest_until(clock.cut()) => return,
            };
            if changed.is_err() {
                return;
            }
            self.turn.begin(None, None);
            self.turn.response.clone_from(&leader.borrow_and_update());
            self.run.figures.lock().streams += 1;
            self.listen_to_the_end(clock, false).await;
        }
    }

    /// One stream, over as many connections as it takes.
    async fn listen_to_the_end(&mut self, clock: &Clock, mut is_new: bool) {
        let ended = loop {
            match self.listen(clock, is_new).await {
                Left::Ended(ended) => break ended,
                Left::Cut => break Err("unfinished".to_owned()),
                Left::Lost(Gone(code)) => {
                    self.lose();
                    // It was cut before it knew what to resume: it asks once more.
                    if self.turn.response.is_empty() && code == STORM {
                        self.turn.lost = None;
                        continue;
                    }
                    if self.turn.response.is_empty() || !self.run.load.dialect.can_resume() {
                        break Err(code);
                    }
                    is_new = false;
                }
            }
        };
        self.turn.end(&ended, clock, &mut self.run.figures.lock());
        if ended.is_err() {
            // What still comes of it belongs to nothing.
            self.lose();
            sleep(PAUSE).await;
        }
    }

    fn lose(&mut self) {
        if self.connection.take().is_some() {
            self.target += 1;
        }
    }

    /// Listens on one connection, after it has asked there for the stream or for what is left of it.
    async fn listen(&mut self, clock: &Clock, is_new: bool) -> Left {
        let mut cut = std::pin::pin!(sleep_until(clock.cut()));
        let storm = clock.storm().filter(|_| !self.has_left);
        let mut storm = std::pin::pin!(sleep_until(storm.unwrap_or_else(|| Instant::now() + FAR_AWAY)));
        tokio::select! {
            asked = self.ask(is_new) => if let Err(gone) = asked { return Left::Lost(gone) },
            () = &mut cut => return Left::Cut,
        }
        let Self { connection: Some(connection), turn, run, .. } = self else {
            return Left::Lost(Gone("closed".to_owned()));
        };
        loop {
            let mut take = |heard: Heard<'_>| {
                turn.hear(&heard, Instant::now(), clock, &mut run.figures.lock());
            };
            tokio::select! {
                biased;
                next = connection.next(&mut take) => if let Err(gone) = next { return Left::Lost(gone) },
                () = &mut cut => return Left::Cut,
                () = &mut storm => {
                    self.has_left = true;
                    self.turn.lost = Some(Instant::now());
                    return Left::Lost(Gone(STORM.to_owned()));
                }
            }
            if let Some(ended) = turn.ended.take() {
                return Left::Ended(ended);
            }
        }
    }

    async fn ask(&mut self, is_new: bool) -> Result<(), Gone> {
        if self.connection.is_none()
            && let Err(gone) = self.connect().await
        {
            self.target += 1;
            sleep(PAUSE).await;
            return Err(gone);
        }
        let Some(connection) = &mut self.connection else { return Err(Gone("closed".to_owned())) };
        if is_new {
            connection.ask(&self.run.load).await
        } else {
            connection.resume(&self.turn.response, self.turn.last()).await
        }
    }

    /// Waits, and answers pings meanwhile.
    async fn rest_until(&mut self, moment: Instant) {
        let mut moment = std::pin::pin!(sleep_until(moment));
        let run = Arc::clone(&self.run);
        // What belongs to no stream is passed over.
        let mut take = |heard: Heard<'_>| run.figures.lock().pinged += u64::from(heard == Heard::Pinged);
        loop {
            let Some(connection) = &mut self.connection else { return moment.await };
            tokio::select! {
                next = connection.next(&mut take) => if let Err(Gone(code)) = next {
                    self.run.figures.lock().fail(&format!("idle_{code}"));
                    self.lose();
                },
                () = &mut moment => return,
            }
        }
    }
}
