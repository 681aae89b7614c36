//! The clients: half of them on WebSockets, with lanes, half of them on server-sent events.
//!
//! They do what a good client does. Whoever hears nothing for a while, or is cut off, goes to another gateway and asks for what
//! follows on what it has, or sends its request again with the same key. Whoever is told to try again does. Everything that they
//! hear goes onto a [`Tape`].

mod events;
mod socket;

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    cluster::MODEL,
    ledger::Ledger,
    order::{Order, Pace},
    tape::Tape,
};

/// A client that hears nothing on a connection for so long leaves it.
const PATIENCE: Duration = Duration::from_secs(4);
/// A response of which nothing new is heard for so long is given up, and counted as failed.
const STUCK: Duration = Duration::from_secs(60);
/// Of the responses that have ended so many are asked for once more.
const ASKED_AGAIN: f64 = 0.2;
/// The most lanes of one socket.
const MAX_LANES: usize = 4;

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) doors: Vec<SocketAddr>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) seed: u64,
    pub(crate) pace: Pace,
    /// What clients show to be let in, if anyone asks.
    pub(crate) key: Option<String>,
    /// From then on no new streams are begun.
    pub(crate) stop: CancellationToken,
}

/// One client: its chances, and what it asks for.
#[derive(Debug)]
struct Client {
    scene: Arc<Scene>,
    number: usize,
    orders: u64,
    random: StdRng,
}

/// What comes of one connection.
#[derive(Debug)]
enum Left {
    /// All is told.
    Done,
    /// The gateway said to try again: the code.
    Refused(String),
    /// It broke off.
    Broke(String),
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("all is told"),
            Self::Refused(code) => write!(f, "to be tried again: {code}"),
            Self::Broke(why) => write!(f, "it broke off: {why}"),
        }
    }
}

/// Starts clients that have `streams` responses under way at a time, until the scene stops. Each ends when its last one has.
pub(crate) fn start(scene: &Arc<Scene>, streams: usize, tasks: &TaskTracker) {
    let mut random = StdRng::seed_from_u64(scene.seed);
    let (mut on_sockets, mut number) = (streams / 2, 0);
    let mut client = || {
        number += 1;
        let random = StdRng::seed_from_u64(scene.seed.wrapping_add(number as u64));
        Client { scene: Arc::clone(scene), number, orders: 0, random }
    };
    for _ in on_sockets..streams {
        tasks.spawn(events::run(client()));
    }
    while on_sockets > 0 {
        let lanes = random.random_range(1..=MAX_LANES).min(on_sockets);
        on_sockets -= lanes;
        tasks.spawn(socket::run(client(), lanes));
    }
}

impl Client {
    /// The next request, and the tape for it; `None` once the scene stops.
    fn order(&mut self) -> Option<Tape> {
        if self.scene.stop.is_cancelled() {
            return None;
        }
        self.orders += 1;
        let order = Order::new(self.scene.seed, self.number, self.orders, &self.scene.pace, &mut self.random);
        self.scene.ledger.begin_stream();
        Some(Tape::new(order, Instant::now()))
    }

    /// Any gateway but this one, if there is another.
    fn door(&mut self, but: Option<usize>) -> usize {
        let count = self.scene.doors.len();
        match but {
            Some(but) if count > 1 => (but + self.random.random_range(1..count)) % count,
            _ => self.random.random_range(0..count),
        }
    }

    /// How long to wait before the next try.
    fn pause(&mut self) -> Duration {
        Duration::from_millis(self.random.random_range(20..400))
    }

    /// A client for one response of this one.
    fn fork(&mut self) -> Self {
        Self {
            scene: Arc::clone(&self.scene),
            number: self.number,
            orders: self.orders,
            random: StdRng::from_rng(&mut self.random),
        }
    }
}

/// What is sent to begin a response, or to be told it again.
fn request(order: &Order) -> Value {
    json!({"model": MODEL, "input": order.prompt})
}

/// A header that shows the scene's key, if there is one.
fn authorization(scene: &Scene) -> Option<(&'static str, String)> {
    scene.key.as_ref().map(|key| ("authorization", format!("Bearer {key}")))
}

/// Whether an error is a clean refusal: the client is told to try again, and nothing is lost by it.
fn may_try_again(status: u64) -> bool {
    matches!(status, 429 | 503)
}

/// The code of an error object.
fn code_of(error: &Value) -> &str {
    error["code"].as_str().or(error["type"].as_str()).unwrap_or("no_code")
}
