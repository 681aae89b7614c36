//! A client on a WebSocket, with one response at a time in each of its lanes.
//!
//! When the connection ends, what was under way goes on in one of two ways: the request is sent again on the next connection, with
//! its key, and the stream is told anew; or the rest of it is asked for as server-sent events.

use futures_util::{SinkExt as _, StreamExt as _};
use rand::RngExt as _;
use serde_json::Value;
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{self, Duration, Instant},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use super::{
    Client, Left, PATIENCE, STUCK, authorization, code_of,
    events::{finish, follow},
    may_try_again, request,
};
use crate::tape::{Reading, Tape};

/// How often a client looks whether it has waited long enough.
const TICK: Duration = Duration::from_millis(100);

type Connection = WebSocketStream<TcpStream>;

/// A client and its lanes.
struct Lanes {
    client: Client,
    lanes: Vec<Lane>,
    /// What goes on over HTTP meanwhile: the lanes that wait for it.
    elsewhere: JoinSet<usize>,
}

struct Lane {
    /// Its `stream_id`; a socket with one lane has none.
    name: Option<String>,
    turn: Option<Turn>,
    waits_for_elsewhere: bool,
}

struct Turn {
    tape: Tape,
    /// How far this connection has told it; `None` if it was not asked on this one.
    reading: Option<Reading>,
    not_before: Instant,
}

/// Responses in `count` lanes, until the scene stops and the last of them has ended.
pub(super) async fn run(client: Client, count: usize) {
    let name = |number: usize| (count > 1).then(|| format!("lane-{number}"));
    let lanes = (0..count)
        .map(|number| Lane { name: name(number), turn: None, waits_for_elsewhere: false })
        .collect();
    let mut lanes = Lanes { client, lanes, elsewhere: JoinSet::new() };
    let mut door = lanes.client.door(None);
    loop {
        let left = lanes.connect(door).await;
        lanes.leave(&left, door);
        let ledger = &lanes.client.scene.ledger;
        match left {
            Left::Done => return,
            Left::Refused(code) => ledger.refused(&code),
            Left::Broke(_) => ledger.reconnected(),
        }
        let pause = lanes.client.pause();
        time::sleep(pause).await;
        door = lanes.client.door(Some(door));
    }
}

impl Lanes {
    async fn connect(&mut self, door: usize) -> Left {
        let address = self.client.scene.doors[door];
        let connecting = async {
            let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
            let _ = stream.set_nodelay(true);
            let request = format!("ws://{address}/v1/responses").into_client_request();
            let mut request = request.map_err(|error| error.to_string())?;
            if let Some((name, value)) = authorization(&self.client.scene) {
                request.headers_mut().insert(name, value.parse().map_err(|_| "a key that is no header")?);
            }
            Ok(client_async(request, stream).await.map_err(|error| error.to_string())?.0)
        };
        match time::timeout(PATIENCE, connecting).await {
            Ok(Ok(mut connection)) => self.serve(&mut connection).await,
            Ok(Err(error)) => Left::Broke(error),
            Err(_) => Left::Broke("no answer to the upgrade".to_owned()),
        }
    }

    /// Lives on one connection.
    async fn serve(&mut self, connection: &mut Connection) -> Left {
        let (mut heard, mut is_closing) = (Instant::now(), false);
        let mut ticks = time::interval(TICK);
        loop {
            if !is_closing && let Err(why) = self.ask(connection, &mut heard).await {
                return Left::Broke(why);
            }
            if self.is_done() {
                let _ = time::timeout(PATIENCE, connection.close(None)).await;
                return Left::Done;
            }
            if is_closing && !self.is_under_way() {
                return Left::Refused("draining".to_owned());
            }
            tokio::select! {
                message = connection.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => is_closing |= self.take(&text),
                        Some(Ok(Message::Close(frame))) => return self.closed(frame.map(|frame| frame.code.into())),
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Left::Broke(error.to_string()),
                        None => return Left::Broke("it ended".to_owned()),
                    }
                }
                Some(lane) = self.elsewhere.join_next() => {
                    if let Ok(lane) = lane {
                        self.lanes[lane].waits_for_elsewhere = false;
                    }
                }
                _ = ticks.tick() => {
                    if self.give_up_what_is_stuck() {
                        return Left::Broke("a turn was given up".to_owned());
                    }
                    if self.is_under_way() && heard.elapsed() > PATIENCE {
                        return Left::Broke("silence".to_owned());
                    }
                }
            }
        }
    }

    /// Asks for whatever a lane has to ask for: something new, or something that was cut off.
    async fn ask(&mut self, connection: &mut Connection, heard: &mut Instant) -> Result<(), String> {
        let now = Instant::now();
        for lane in self.lanes.iter_mut().filter(|lane| !lane.waits_for_elsewhere) {
            if lane.turn.is_none() {
                let tape = self.client.order();
                lane.turn = tape.map(|tape| Turn { tape, reading: None, not_before: now });
            }
            let Some(turn) = &mut lane.turn else { continue };
            if turn.reading.is_some() || turn.not_before > now {
                continue;
            }
            let mut message = request(&turn.tape.order);
            message["type"] = "response.create".into();
            message["idempotency_key"] = turn.tape.order.key.clone().into();
            if let Some(name) = &lane.name {
                message["stream_id"] = name.clone().into();
            }
            turn.reading = Some(Reading::from_the_beginning());
            *heard = now;
            let sent = time::timeout(PATIENCE, connection.send(Message::text(message.to_string()))).await;
            sent.map_err(|_| "it takes nothing".to_owned())?.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Takes a message. Whether the gateway wants no more requests on this connection.
    fn take(&mut self, text: &str) -> bool {
        let ledger = &self.client.scene.ledger;
        let Ok(event) = serde_json::from_str::<Value>(text) else {
            ledger.fail("not_json", text);
            return false;
        };
        let name = event["stream_id"].as_str();
        let lane = self.lanes.iter().position(|lane| lane.name.as_deref() == name);
        let is_error = event["type"] == "error" && event.get("sequence_number").is_none();
        let under_way = |lane: &Lane| lane.turn.as_ref().is_some_and(|turn| turn.reading.is_some());
        let Some(lane) = lane.filter(|lane| under_way(&self.lanes[*lane])) else {
            ledger.fail("unasked", text);
            return is_error;
        };
        if is_error {
            return self.take_error(lane, &event);
        }
        let Some(Turn { tape, reading: Some(reading), .. }) = &mut self.lanes[lane].turn else {
            return false;
        };
        if tape.take(reading, &event, Instant::now()) {
            self.end(lane);
        }
        false
    }

    /// A turn was refused, or broke off in the gateway.
    fn take_error(&mut self, lane: usize, event: &Value) -> bool {
        let (status, code) =
            (event["status"].as_u64().unwrap_or_default(), code_of(&event["error"]).to_owned());
        let pause = self.client.pause();
        let ledger = &self.client.scene.ledger;
        let Some(turn) = &mut self.lanes[lane].turn else { return false };
        turn.tape.note(ledger.elapsed(), format!("error on the socket: {event}"));
        if !may_try_again(status) {
            turn.tape.fail(&code, event.to_string());
            self.end(lane);
            return false;
        }
        ledger.refused(&code);
        if let Some(reading) = turn.reading.take() {
            turn.tape.close(reading);
        }
        turn.not_before = Instant::now() + pause;
        if code != "draining" {
            return false;
        }
        // What runs in other lanes may end here; this one need not wait for it.
        self.go_elsewhere(lane);
        true
    }

    /// A turn is over. What is asked once more is asked over HTTP.
    fn end(&mut self, lane: usize) {
        let Some(Turn { mut tape, reading, .. }) = self.lanes[lane].turn.take() else { return };
        if let Some(reading) = reading {
            tape.close(reading);
        }
        let mut client = self.client.fork();
        self.lanes[lane].waits_for_elsewhere = true;
        self.elsewhere.spawn(async move {
            finish(&mut client, tape).await;
            lane
        });
    }

    /// The connection is gone: what was under way goes on in one way or the other.
    fn leave(&mut self, left: &Left, door: usize) {
        for number in 0..self.lanes.len() {
            let Some(turn) = &mut self.lanes[number].turn else { continue };
            let Some(reading) = turn.reading.take() else { continue };
            turn.tape.close(reading);
            turn.tape
                .note(self.client.scene.ledger.elapsed(), format!("WebSocket at gateway {door}: {left}"));
            if turn.tape.is_over() {
                self.end(number);
            } else if turn.tape.last().is_some() && self.client.random.random_bool(0.5) {
                self.go_elsewhere(number);
            }
        }
    }

    fn go_elsewhere(&mut self, lane: usize) {
        let Some(Turn { mut tape, .. }) = self.lanes[lane].turn.take() else { return };
        let mut client = self.client.fork();
        self.lanes[lane].waits_for_elsewhere = true;
        self.elsewhere.spawn(async move {
            follow(&mut client, &mut tape).await;
            finish(&mut client, tape).await;
            lane
        });
    }

    /// A gateway closes with the codes that say "connect again", and no others.
    fn closed(&self, code: Option<u16>) -> Left {
        if !matches!(code, Some(1001 | 1012 | 1013) | None) {
            self.client.scene.ledger.fail("closed", &format!("a WebSocket was closed with {code:?}"));
        }
        Left::Broke(format!("closed with {code:?}"))
    }

    /// Whether the gateway may still tell on this connection what nobody waits for any more.
    fn give_up_what_is_stuck(&mut self) -> bool {
        let (now, mut may_be_told) = (Instant::now(), false);
        for number in 0..self.lanes.len() {
            if let Some(turn) = &mut self.lanes[number].turn
                && turn.tape.silence(now) > STUCK
            {
                turn.tape.fail("stuck", format!("nothing new for {STUCK:?}"));
                may_be_told |= turn.reading.is_some();
                self.end(number);
            }
        }
        may_be_told
    }

    fn is_under_way(&self) -> bool {
        self.lanes.iter().any(|lane| lane.turn.as_ref().is_some_and(|turn| turn.reading.is_some()))
    }

    fn is_done(&self) -> bool {
        self.client.scene.stop.is_cancelled()
            && self.lanes.iter().all(|lane| lane.turn.is_none() && !lane.waits_for_elsewhere)
    }
}
