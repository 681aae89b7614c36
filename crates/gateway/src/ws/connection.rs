//! One connection: a task that owns its socket, its lanes and its turns, and loops over what happens to them.
//!
//! Events are rendered only when the socket is clear, so a client that does not read holds up nobody and nothing: its
//! cursors stay where they are. While it was blocked deltas gathered in the log; they are told merged.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use identity::Refusal;
use protocol::{ApiError, ClientMessage, CloseCode, Create, Dialect, ErrorType, Rejected, token};
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message, Utf8Bytes, error::CapacityError},
};
use tokio_util::sync::WaitForCancellationFutureOwned;
use trace::TraceContext;

use super::{
    admissions::{Admissions, Admitted},
    caller::{Caller, News},
    goodbye::{End, Goodbye},
    lanes::{LaneId, Lanes},
    lifetime::{Closing, Due, Lifetime},
    socket::Socket,
    turn::{Conclusion, Manner, Turn, previous_of},
    turns::{Step, Turns},
    validity,
    wire::Wire,
};
use crate::{
    Principal,
    admission::Accepted,
    continuation::{Memory, unavailable},
    delivery::Piece,
    gateway::Shared,
    limit::{Traffic, Verdict},
};

/// At most about so many bytes are handed to the socket before it has to be clear again.
const MAX_BATCH: usize = 16 * 1024;

/// A client on a WebSocket.
pub(super) struct Connection {
    shared: Arc<Shared>,
    caller: Caller,
    manners: Manners,
    /// The client's own span when it connected: that of requests which name no other.
    trace: Option<TraceContext>,
    socket: Socket,
    lanes: Lanes<Create>,
    admissions: Admissions,
    turns: Turns,
    memory: Memory,
    lifetime: Lifetime,
    traffic: Traffic,
    timer: Pin<Box<Sleep>>,
    /// `None` once the drain has begun.
    drain: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// What a client wants to hear, and in which words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners {
    /// The names that it knows events by.
    pub(super) dialect: Dialect,
    /// Whether it asked for extension events.
    pub(super) extended: bool,
}

/// What can happen to a connection.
enum Event {
    Message(Message),
    /// The client has gone, or broke the protocol.
    Lost(Option<tungstenite::Error>),
    Admitted(Box<Admitted>),
    Stream(usize, Step),
    Caller(News),
    Timer,
    Drain,
}

impl Connection {
    pub(super) fn new(
        shared: Arc<Shared>,
        principal: Principal,
        manners: Manners,
        trace: Option<TraceContext>,
        socket: WebSocketStream<Wire<TokioIo<Upgraded>>>,
    ) -> Self {
        let now = Instant::now();
        let lifetime = Lifetime::new(now);
        let drain = Some(Box::pin(shared.drain.clone().cancelled_owned()));
        Self {
            caller: Caller::new(principal, now),
            manners,
            trace,
            socket: Socket::new(socket, shared.config.max_message_bytes),
            lanes: Lanes::new(shared.config.limits.clone()),
            admissions: Admissions::default(),
            turns: Turns::default(),
            memory: Memory::default(),
            timer: Box::pin(tokio::time::sleep_until(now)),
            lifetime,
            traffic: Traffic::new(&shared.config.limits),
            drain,
            shared,
        }
    }

    /// Lives until the connection ends.
    pub(super) async fn run(mut self) {
        let _open = self.shared.metrics.open_connection("websocket");
        tracing::info!("websocket opened");
        let end = loop {
            let event = std::future::poll_fn(|cx| self.poll_event(cx)).await;
            let end = self.handle(event).or_else(|| self.find_end());
            if let Some(end) = end {
                break end;
            }
        };
        tracing::info!(why = end.why, age = ?self.lifetime.opened.elapsed(), "websocket closed");
        if let Some(goodbye) = end.goodbye {
            goodbye.say(&mut self.socket).await;
        }
    }

    /// What happens next. Nothing is lost by not handling an event that was not returned.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let clear = match self.socket.poll_clear(cx) {
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(error)) => return Poll::Ready(Event::Lost(Some(error))),
            Poll::Pending => false,
        };
        // Who asks and does not read the answers is not heard further: they would pile up here.
        if !self.socket.is_full() {
            match self.socket.poll_message(cx) {
                Poll::Ready(Some(Ok(message))) => return Poll::Ready(Event::Message(message)),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Event::Lost(Some(error))),
                Poll::Ready(None) => return Poll::Ready(Event::Lost(None)),
                Poll::Pending => {}
            }
        }
        if let Poll::Ready(admitted) = self.admissions.poll_next(cx) {
            return Poll::Ready(Event::Admitted(Box::new(admitted)));
        }
        if let Poll::Ready(news) = self.caller.poll_news(cx) {
            return Poll::Ready(Event::Caller(news));
        }
        if self.timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Event::Timer);
        }
        if self.drain.as_mut().is_some_and(|drain| drain.as_mut().poll(cx).is_ready()) {
            self.drain = None;
            return Poll::Ready(Event::Drain);
        }
        match clear {
            true => self.turns.poll_step(cx).map(|(at, step)| Event::Stream(at, step)),
            false => Poll::Pending,
        }
    }

    fn handle(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Message(message) => return self.take_message(message),
            Event::Lost(error) => return Some(self.lose(error)),
            Event::Admitted(admitted) => self.take_admitted(*admitted),
            Event::Stream(at, step) => self.take_stream(at, step),
            Event::Caller(News::Checked(checked)) => self.take_token(checked),
            Event::Caller(News::Revoked) => {
                return Some(End::close(CloseCode::Revoked, "credential revoked"));
            }
            Event::Timer => return self.keep_alive(),
            Event::Drain => self.begin_drain(),
        }
        None
    }

    fn begin_drain(&mut self) {
        let share = stream::ResponseId::random(0).random_bits() as u32;
        let now = Instant::now();
        self.lifetime.drain(now, &self.shared.config, f64::from(share) / f64::from(u32::MAX));
        self.timer.as_mut().reset(now);
    }

    fn find_end(&self) -> Option<End> {
        let (now, is_idle) = (Instant::now(), self.lanes.is_idle());
        if self.caller.validity.is_over(now, is_idle, &self.shared.config) {
            return Some(End::close(CloseCode::TokenExpired, "token expired"));
        }
        let closing = self.lifetime.closing()?;
        let is_over = self.lifetime.is_over(now, is_idle);
        is_over.then_some(match closing {
            Closing::TooOld => End::close(CloseCode::Normal, "maximum age"),
            Closing::Exhausted => End::close(CloseCode::Normal, "maximum bytes"),
            Closing::Drain { .. } => End::close(CloseCode::ServiceRestart, "drain"),
        })
    }

    // ---- what the client says ----

    fn take_message(&mut self, message: Message) -> Option<End> {
        self.lifetime.hear(Instant::now());
        if !message.is_close() {
            match self.traffic.take() {
                Verdict::Take => {}
                Verdict::Refuse(error) => {
                    if message.is_text() || message.is_binary() {
                        self.say_error(&error, None);
                    }
                    return None;
                }
                Verdict::End => {
                    self.shared.metrics.count_limited("flood_closed");
                    return Some(End::close(CloseCode::PolicyViolation, "too many messages"));
                }
            }
            self.bound_bytes();
        }
        match message {
            Message::Text(text) => match protocol::client_message(&text, self.shared.config.max_json_depth) {
                Ok(ClientMessage::Create(create)) => self.take_create(*create),
                Ok(ClientMessage::Steer { previous_response_id, input }) => {
                    self.refuse_steer(&previous_response_id, &input);
                }
                Ok(ClientMessage::TokenUpdate { token }) => {
                    if let Err(error) = self.caller.check(&self.shared.authenticator, &token) {
                        self.say_error(&error, None);
                    }
                }
                Err(Rejected { error, stream_id }) => self.say_error(&error, stream_id.as_deref()),
            },
            Message::Binary(_) => {
                let message = "Messages are JSON in text frames; binary frames are not understood here.";
                self.say_error(
                    &ApiError::new(ErrorType::InvalidRequestError, "binary_not_supported", message),
                    None,
                );
            }
            Message::Close(_) => return Some(End { goodbye: Some(Goodbye::Answer), why: "client" }),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        None
    }

    /// A client that has sent as much as it may on one connection has to open another one.
    fn bound_bytes(&mut self) {
        let max = self.shared.config.limits.max_connection_bytes;
        if self.socket.read() > max as u64 && self.lifetime.closing().is_none() {
            self.lifetime.exhaust();
            self.say_error(&Closing::Exhausted.error(), None);
        }
    }

    fn take_create(&mut self, mut create: Create) {
        create.trace = create.trace.or_else(|| self.trace.clone());
        let lane: LaneId = create.stream_id.as_deref().map(Arc::from);
        if let Some(closing) = self.lifetime.closing() {
            self.lifetime.hurry(Instant::now());
            return self.say_error(&closing.error(), lane.as_deref());
        }
        if self.caller.validity.is_ended(Instant::now()) {
            return self.say_error(&Refusal::Expired.error(), lane.as_deref());
        }
        self.shared.metrics.count_request("websocket");
        if let Err(error) = self.lanes.push(lane.clone(), create) {
            return self.say_error(&error, lane.as_deref());
        }
        self.begin_turns();
    }

    fn refuse_steer(&mut self, previous_response_id: &str, input: &serde_json::Value) {
        let message = "A running response cannot be steered here: cancel it and send a new one.";
        let error = ApiError::new(ErrorType::InvalidRequestError, "steering_not_supported", message);
        let turn = previous_response_id.parse().ok().and_then(|id| self.turns.find(id));
        let lane = turn.and_then(|turn| turn.lane.as_deref());
        self.say(protocol::steer_failed(previous_response_id, input, &error, lane));
    }

    /// Another token was checked.
    fn take_token(&mut self, checked: Result<Principal, ApiError>) {
        let now = Instant::now();
        match checked.and_then(|principal| self.caller.take(principal, now)) {
            Ok(expires_at) => self.say(token::updated(expires_at)),
            Err(error) => self.say_error(&error, None),
        }
        // It may end at another time.
        self.timer.as_mut().reset(now);
    }

    // ---- turns ----

    fn begin_turns(&mut self) {
        while let Some((lane, create)) = self.lanes.pop() {
            // What waited while the token ended is something new.
            if self.caller.validity.is_ended(Instant::now()) {
                self.say_error(&Refusal::Expired.error(), lane.as_deref());
                self.lanes.end(&lane);
                continue;
            }
            let remembered = create.request.previous_response_id.as_ref().and_then(|id| self.memory.get(id));
            self.admissions.begin(&self.shared, self.caller.principal(), lane, create, remembered);
        }
    }

    fn take_admitted(&mut self, admitted: Admitted) {
        let Admitted { lane, request, begun, result } = admitted;
        let previous = previous_of(&request);
        match result {
            Ok(Accepted { cursor, conversation, .. }) => {
                self.turns.push(Turn::new(lane, cursor, previous, conversation, begun));
            }
            Err(error) => {
                self.say_error(&error, lane.as_deref());
                self.end_turn(&lane, previous);
            }
        }
    }

    /// A lane is free again. After a failure what it continued is forgotten, as the standard asks.
    fn end_turn(&mut self, lane: &LaneId, failed_after: Option<stream::ResponseId>) {
        if let Some(previous) = failed_after {
            self.memory.remove(previous);
        }
        self.lanes.end(lane);
        self.begin_turns();
    }

    /// Renders what a turn has to say, and goes on with the others until the batch is full.
    fn take_stream(&mut self, at: usize, step: Step) {
        let is_behind = self.socket.take_blocked();
        let mut next = Some((at, step));
        let mut written = 0;
        while let Some((at, step)) = next.take() {
            match step {
                Some(Ok(piece)) => written += self.tell(at, piece, is_behind),
                Some(Err(error)) => {
                    let turn = self.turns.remove(at);
                    self.say_error(&unavailable(error), turn.lane.as_deref());
                    self.end_turn(&turn.lane, turn.previous);
                }
                None => {}
            }
            if written < MAX_BATCH {
                next = self.turns.ready();
            }
        }
    }

    fn tell(&mut self, at: usize, piece: Piece, is_behind: bool) -> usize {
        let Self { turns, socket, shared, manners, .. } = self;
        let turn = turns.get_mut(at);
        let mut written = 0;
        let gathered;
        let pieces = if is_behind {
            gathered = turn.cursor.gather(&piece, MAX_BATCH, &mut Context::from_waker(Waker::noop()));
            &gathered
        } else {
            std::slice::from_ref(&piece)
        };
        let manner = Manner { dialect: manners.dialect, is_behind };
        turn.render(pieces, manner, &shared.metrics, |json| {
            written += json.len();
            // A failure to write shows itself at the next poll.
            let _ = socket.write(Message::Text(Utf8Bytes::from(json)));
        });
        if let Some(last) = pieces.last().filter(|piece| piece.is_terminal()) {
            let turn = self.turns.remove(at);
            let mut failed_after = None;
            match turn.conclude(last, &self.shared.metrics) {
                Conclusion::Continues(conversation) => self.memory.put(turn.cursor.id(), conversation),
                Conclusion::Unknown => {}
                Conclusion::Failed => failed_after = turn.previous,
            }
            self.end_turn(&turn.lane, failed_after);
        }
        written
    }

    // ---- the connection itself ----

    /// Pings, notices silence, and ends what is too old or whose token has ended. One timer serves all of it.
    fn keep_alive(&mut self) -> Option<End> {
        let now = Instant::now();
        match self.lifetime.due(now, &self.shared.config) {
            Due::Silent => return Some(End { goodbye: None, why: "silent" }),
            Due::TooOld => self.say_error(&Closing::TooOld.error(), None),
            Due::Ping => drop(self.socket.write(Message::Ping(tungstenite::Bytes::new()))),
            Due::Nothing => {}
        }
        match self.caller.validity.due(now, &self.shared.config) {
            validity::Due::Warning(expires_at) if self.manners.extended => {
                self.say(token::expiring(expires_at))
            }
            validity::Due::End => self.say_error(&Refusal::Expired.error(), None),
            validity::Due::Warning(_) | validity::Due::Nothing => {}
        }
        let next = self.lifetime.next(now, &self.shared.config);
        let next = self.caller.validity.next(&self.shared.config).map_or(next, |at| next.min(at));
        self.timer.as_mut().reset(next);
        None
    }

    fn lose(&mut self, error: Option<tungstenite::Error>) -> End {
        if let Some(tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. })) = &error {
            self.say_error(&crate::http::too_large(self.shared.config.max_message_bytes), None);
        }
        End::of(error)
    }

    fn say_error(&mut self, error: &ApiError, stream_id: Option<&str>) {
        tracing::info!(
            status = error.status(),
            code = error.code,
            message = error.message,
            "message refused"
        );
        self.shared.metrics.count_error("websocket", error);
        self.say(error.websocket_message(stream_id));
    }

    fn say(&mut self, json: String) {
        // A failure to write shows itself at the next poll.
        let _ = self.socket.write(Message::Text(Utf8Bytes::from(json)));
    }
}
