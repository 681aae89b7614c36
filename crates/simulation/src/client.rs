//! A client as it should be: it wants one response, and does what it takes to see it to its end.
//!
//! It asks again where it was not answered, under the same key if it has one, and once it knows the response's name it
//! resumes after the last event that it saw, at whatever gateway takes it. On the way it does what clients do: it leaves, stops
//! reading, loses its connection, cancels.

mod accidents;
mod errand;
mod http;
mod lanes;
mod seen;
mod socket;

use std::{sync::Arc, time::Duration};

use hyper::Method;
use parking_lot::Mutex;
use serde_json::Value;
use stream::{ResponseId, Sequence};
use tokio::{io::DuplexStream, sync::watch};
use tokio_util::task::TaskTracker;

pub(crate) use self::errand::{Accident, Errand, MODELS, Way};
pub(crate) use self::lanes::Party;
pub(crate) use self::seen::{Event, Seen, Telling};
use self::{
    accidents::Suffered,
    http::{Events, Http},
    seen::Head,
    socket::Socket,
};
use crate::{dice::Dice, journal::Journal, pipes::Doors};

/// A client that was told nothing for so long takes its connection for dead.
const SILENCE: Duration = Duration::from_secs(12);

/// How often a client tries before it gives up, which none should have to.
const MAX_TRIES: u32 = 200;

/// Codes of errors after which a client shall ask again.
const PASSING: [&str; 2] = ["broker_unavailable", "draining"];

/// What comes over a connection.
enum Told {
    /// One event, as JSON.
    Event(String),
    /// The stream of events ended as it should.
    Done,
    /// The connection is gone.
    Lost,
}

/// Where events come from.
enum Reader {
    Events(Events),
    Socket(Socket),
}

/// What a client does next.
enum Next {
    /// Nothing: it has what it wanted, or wants it no more.
    Stop,
    /// It tries again.
    Again,
}

/// What all clients of a run share.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) journal: Journal,
    pub(crate) doors: Doors,
    pub(crate) tasks: TaskTracker,
}

/// A client.
pub(crate) struct Client {
    world: World,
    dice: Dice,
    errand: Errand,
    seen: Arc<Mutex<Seen>>,
    /// Tells others the response's name.
    name: watch::Sender<Option<ResponseId>>,
    /// How many events it has heard.
    heard: usize,
    has_ended: bool,
    /// Counts the requests of a client without a key: each is another response.
    asked: u64,
    /// Connections that are neither read nor closed any more.
    attic: Vec<Reader>,
}

impl Client {
    pub(crate) fn new(world: World, seed: u64, errand: Errand) -> Self {
        let dice = Dice::new(seed, &format!("client {}", errand.name));
        let name = watch::Sender::new(errand.id);
        let seen = Arc::new(Mutex::new(Seen { id: errand.id, ..Seen::default() }));
        let attic = Vec::new();
        Self { world, dice, errand, seen, name, heard: 0, has_ended: false, asked: 0, attic }
    }

    /// What it sees, while it does and afterwards.
    pub(crate) fn seen(&self) -> Arc<Mutex<Seen>> {
        Arc::clone(&self.seen)
    }

    /// Where the response's name is told once it is known.
    pub(crate) fn name(&self) -> watch::Receiver<Option<ResponseId>> {
        self.name.subscribe()
    }

    /// Lives until it has what it wants.
    pub(crate) async fn run(mut self) -> Self {
        if self.has_ended || self.errand.has_left {
            return self;
        }
        self.note("begins");
        for _ in 0..MAX_TRIES {
            match self.try_once().await {
                Next::Stop => return self,
                Next::Again => tokio::time::sleep(self.dice.skewed_millis(20..=1500)).await,
            }
        }
        self.object("gave up: it tried too often");
        self
    }

    async fn try_once(&mut self) -> Next {
        let (place, stream) = self.world.doors.connect(&mut self.dice);
        let Ok(stream) = stream else { return Next::Again };
        let asks_again = self.errand.key.is_some() && self.dice.chance(0.3);
        let known = self.seen.lock().id.filter(|_| !asks_again);
        // A request is answered from the beginning.
        let from = known.map_or(0, |_| self.seen.lock().next());
        let attempt = async {
            match known {
                Some(id) => {
                    self.note(&format!("resumes from {from} at g{place}"));
                    self.resume(stream, id, from).await
                }
                None => {
                    self.note(&format!("asks g{place}"));
                    self.ask(stream).await
                }
            }
        };
        // A gateway that stands still answers nothing.
        match tokio::time::timeout(SILENCE, attempt).await {
            Ok(Ok(reader)) => self.follow(reader, from).await,
            Ok(Err(next)) => next,
            Err(_) => Next::Again,
        }
    }

    // ---- asking ----

    /// What it asks. Without a key every time is another request.
    fn body(&mut self) -> Value {
        if self.errand.key.is_none() {
            self.asked += 1;
        }
        let mut body = self.errand.prompt(self.asked).request();
        body["model"] = self.errand.model.clone().into();
        body["store"] = self.errand.store.into();
        if self.errand.way == Way::Socket {
            body["type"] = "response.create".into();
            if let Some(key) = &self.errand.key {
                body["idempotency_key"] = key.clone().into();
            }
        } else {
            body["stream"] = (self.errand.way == Way::Events).into();
            body["background"] = self.errand.is_background().into();
        }
        body
    }

    async fn ask(&mut self, stream: DuplexStream) -> Result<Reader, Next> {
        let body = self.body();
        if self.errand.way == Way::Socket {
            let mut socket = Socket::open(stream).await.ok_or(Next::Again)?;
            socket.send(&body).await.ok_or(Next::Again)?;
            return Ok(Reader::Socket(socket));
        }
        let mut http = Http::new(stream).await.ok_or(Next::Again)?;
        let key = self.errand.key.clone();
        let response = http.send(Method::POST, "/v1/responses", key.as_deref(), Some(&body));
        let response = response.await.ok_or(Next::Again)?;
        let status = response.status().as_u16();
        if status == 200 && self.errand.way == Way::Events {
            return Ok(Reader::Events(http.events(response)));
        }
        let answer = http.json(response).await.ok_or(Next::Again)?;
        Err(self.take_answer(status, answer))
    }

    /// An answer that is not a stream.
    fn take_answer(&mut self, status: u16, answer: Value) -> Next {
        if status == 200 {
            let id = answer["id"].as_str().and_then(|id| id.parse().ok());
            self.note(&format!("is answered: {}", answer["status"]));
            self.learn(id);
            if self.errand.way == Way::Background {
                return Next::Again;
            }
            self.seen.lock().whole = Some(answer);
            self.has_ended = true;
            return Next::Stop;
        }
        let code = answer["error"]["code"].as_str().unwrap_or_default().to_owned();
        self.refused(status, &code)
    }

    /// An error instead of a response.
    fn refused(&mut self, status: u16, code: &str) -> Next {
        self.note(&format!("is refused: {status} {code}"));
        if PASSING.contains(&code) {
            return Next::Again;
        }
        if self.errand.way == Way::Whole {
            // Whether the response may have failed so is for the check to say.
            self.seen.lock().failure = Some(code.to_owned());
            self.has_ended = true;
            return Next::Stop;
        }
        self.object(&format!("was refused: {status} {code}"));
        Next::Stop
    }

    async fn resume(&mut self, stream: DuplexStream, id: ResponseId, from: Sequence) -> Result<Reader, Next> {
        let after = if from == 0 { String::new() } else { format!("&starting_after={}", from - 1) };
        let path = format!("/v1/responses/{id}?stream=true{after}");
        let mut http = Http::new(stream).await.ok_or(Next::Again)?;
        let response = http.send(Method::GET, &path, None, None).await.ok_or(Next::Again)?;
        let status = response.status().as_u16();
        if status == 200 {
            self.world.journal.count("resumes");
            return Ok(Reader::Events(http.events(response)));
        }
        let answer = http.json(response).await.ok_or(Next::Again)?;
        let code = answer["error"]["code"].as_str().unwrap_or_default().to_owned();
        Err(self.refused(status, &code))
    }

    // ---- listening ----

    async fn follow(&mut self, mut reader: Reader, from: Sequence) -> Next {
        self.begin_telling(from, None);
        loop {
            let told = match tokio::time::timeout(SILENCE, reader.next()).await {
                Ok(told) => told,
                Err(_) => {
                    self.note("hears nothing, and takes its connection for dead");
                    self.attic.push(reader);
                    return Next::Again;
                }
            };
            let step = match told {
                Told::Event(json) => self.hear(json),
                Told::Done if self.has_ended => return Next::Stop,
                Told::Done => {
                    self.object("was told that all was told, before the end");
                    return Next::Stop;
                }
                Told::Lost if self.has_ended => return Next::Stop,
                Told::Lost => {
                    self.note("loses its connection");
                    return Next::Again;
                }
            };
            if let Some(next) = step {
                return next;
            }
            if self.has_ended && matches!(reader, Reader::Socket(_)) {
                return Next::Stop;
            }
            while let Some(accident) = self.errand.next_accident(self.heard) {
                match self.suffer(accident).await {
                    Suffered::Nothing => {}
                    Suffered::Left => return Next::Stop,
                    Suffered::Cut => return Next::Again,
                    Suffered::Vanished => {
                        self.attic.push(reader);
                        return Next::Again;
                    }
                }
            }
        }
    }

    /// From here on it is told events from `from` on, perhaps on a lane.
    fn begin_telling(&self, from: Sequence, lane: Option<&'static str>) {
        self.seen.lock().tellings.push(Telling { from, lane, events: Vec::new() });
    }

    /// Takes an event in.
    fn hear(&mut self, json: String) -> Option<Next> {
        let Ok(head) = serde_json::from_str::<Head>(&json) else {
            self.object(&format!("was told what is not an event: {json}"));
            return Some(Next::Stop);
        };
        let Some(last) = head.sequence_number else {
            let code = head.error.and_then(|error| error.code).unwrap_or_default();
            return Some(self.refused(0, &code));
        };
        let first = head.merged_from.unwrap_or(last);
        self.note(&format!("hears {first}-{last} {}", head.kind));
        self.heard += 1;
        if let Some(id) = &head.response.id {
            self.learn(id.parse().ok());
        }
        if head.is_terminal() {
            self.has_ended = true;
        }
        let mut seen = self.seen.lock();
        if let Some(telling) = seen.tellings.last_mut() {
            telling.events.push(Event { first, last, json });
        }
        None
    }

    fn learn(&mut self, id: Option<ResponseId>) {
        let known = self.seen.lock().id;
        match (known, id) {
            (Some(known), Some(id)) if known != id => {
                self.object(&format!("is told of {id}, but knows it as {known}"));
            }
            (None, Some(id)) => {
                self.seen.lock().id = Some(id);
                self.name.send_replace(Some(id));
            }
            _ => {}
        }
    }

    /// What it came for, and what became of it.
    pub(crate) const fn errand(&self) -> &Errand {
        &self.errand
    }

    /// Whether it has heard of the response's end.
    pub(crate) const fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn note(&self, what: &str) {
        self.world.journal.note(format_args!("{}: {what}", self.errand.name));
    }

    fn object(&self, what: &str) {
        self.world.journal.object(format!("{} {what}", self.errand.name));
    }
}

impl Reader {
    async fn next(&mut self) -> Told {
        match self {
            Self::Events(events) => events.next().await,
            Self::Socket(socket) => socket.next().await,
        }
    }
}
