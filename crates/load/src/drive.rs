//! One process of the generator: all of its clients, through the stages of a run.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::{Duration, Instant, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Figures, Invalid, Load,
    address::Target,
    client::{Client, Kind},
    clock::Clock,
};

/// Connections that are being made at a time: more would wait in the server's backlog.
const CONNECTING: usize = 128;
const BETWEEN_WORDS: Duration = Duration::from_millis(250);
/// Connections that are to be closed are waited for so long.
const LAST_CONNECTIONS: Duration = Duration::from_secs(5);

/// What a process of the generator is told. Without a further one it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// All have their connections: begin.
    Go,
    /// All have streamed: close the connections.
    End,
}

/// What a process of the generator tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Told {
    /// It has as many connections as it can get. It waits for [`Order::Go`].
    Connected {
        /// Those that stand.
        connections: u64,
    },
    /// How far it is.
    Progress {
        /// Pieces that came so far.
        tokens: u64,
        /// Streams under way.
        streams: u64,
        /// What has failed so far.
        failures: u64,
    },
    /// All streams have ended, or were cut off. Its connections stand until [`Order::End`].
    Streamed,
    /// All that it has seen. Nothing follows.
    Done(Box<Figures>),
}

/// What all clients of a process share.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) load: Load,
    pub(crate) targets: Vec<Target>,
    pub(crate) figures: Mutex<Figures>,
    pub(crate) born: Instant,
    /// There as soon as it has begun.
    pub(crate) clock: watch::Receiver<Option<Arc<Clock>>>,
    pub(crate) end: CancellationToken,
    /// Turns to connect.
    pub(crate) connecting: Semaphore,
    /// Of clients and their connections.
    pub(crate) tasks: TaskTracker,
}

/// Does a share of a load, from the first connection to the last, as the orders say. It ends early when nobody gives any.
///
/// # Errors
/// When the load cannot be.
pub async fn drive(
    load: Load,
    mut orders: mpsc::Receiver<Order>,
    told: mpsc::Sender<Told>,
) -> Result<(), Invalid> {
    let (go, clock) = watch::channel(None);
    let run = Arc::new(Run {
        targets: load.targets()?,
        load,
        figures: Mutex::default(),
        born: Instant::now(),
        clock,
        end: CancellationToken::new(),
        connecting: Semaphore::new(CONNECTING),
        tasks: TaskTracker::new(),
    });
    let _end = run.end.clone().drop_guard();
    let (connecting, streaming) = (TaskTracker::new(), TaskTracker::new());
    spawn(&run, &connecting, &streaming);
    connecting.close();
    streaming.close();

    connecting.wait().await;
    let connections = {
        let mut figures = run.figures.lock();
        figures.connected_s = run.born.elapsed().as_secs_f64();
        figures.connections
    };
    if told.send(Told::Connected { connections }).await.is_err() || orders.recv().await.is_none() {
        return Ok(());
    }
    let clock = Arc::new(Clock::new(Instant::now(), &run.load));
    go.send_replace(Some(Arc::clone(&clock)));
    tokio::select! {
        () = streaming.wait() => {}
        () = tell_on(&run, &told) => return Ok(()),
    }
    match clock.never_begun() {
        0 => {}
        count => run.figures.lock().count_error("no_client_was_free", count),
    }
    if told.send(Told::Streamed).await.is_err() || orders.recv().await.is_none() {
        return Ok(());
    }
    run.end.cancel();
    run.tasks.close();
    // Whoever does not let go of a connection loses it with this process.
    let _ = timeout(LAST_CONNECTIONS, run.tasks.wait()).await;
    let figures = std::mem::take(&mut *run.figures.lock());
    // Who does not listen any more does not want it.
    let _ = told.send(Told::Done(Box::new(figures))).await;
    Ok(())
}

fn spawn(run: &Arc<Run>, connecting: &TaskTracker, streaming: &TaskTracker) {
    let (load, mut number) = (&run.load, 0);
    let mut one = |kind| {
        let client = Client::new(Arc::clone(run), number);
        run.tasks.spawn(client.live(kind, connecting.token(), streaming.token()));
        number += 1;
    };
    let mut leaders = Vec::new();
    for _ in 0..load.clients {
        let leader = (load.followers > 0).then(|| watch::channel(String::new()).0);
        one(Kind::Asking(leader.clone()));
        leaders.extend(leader);
    }
    for leader in leaders {
        for _ in 0..load.followers {
            one(Kind::Following(leader.subscribe()));
        }
    }
    for _ in 0..load.stalled {
        one(Kind::Stalled);
    }
}

/// Says now and then how far it is, as long as somebody listens.
async fn tell_on(run: &Run, told: &mpsc::Sender<Told>) {
    let mut ticks = interval(BETWEEN_WORDS);
    loop {
        ticks.tick().await;
        let progress = {
            let figures = run.figures.lock();
            let failures = figures.failures();
            let streams = figures.streams.saturating_sub(figures.completed + failures);
            Told::Progress { tokens: figures.tokens_in_all, streams, failures }
        };
        if told.send(progress).await.is_err() {
            return;
        }
    }
}
