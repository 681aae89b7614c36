//! One connection: a task that owns its socket, its lanes and its turns, and loops over what happens to them.
//!
//! Events are rendered only when the socket is clear, so a client that does not read holds up nobody and nothing: its
//! cursors stay where they are. While it was blocked deltas gathered in the log; they are told merged.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use identity::Refusal;
use protocol::{ApiError, ClientMessage, CloseCode, ErrorType, Rejected, session::events, token};
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message, error::CapacityError},
};
use tokio_util::sync::WaitForCancellationFutureOwned;
use trace::TraceContext;

use super::{
    asked::{Answer, Asked, Beginning, Begun, Wish},
    caller::{Caller, News},
    goodbye::{End, Goodbye},
    lanes::{LaneId, Lanes},
    lifetime::{Closing, Due, Lifetime},
    session::{Manners, Session, not_asked_for},
    socket::Socket,
    turn::{Conclusion, Turn},
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
    session: Session,
    /// The client's own span when it connected: that of requests which name no other.
    trace: Option<TraceContext>,
    socket: Socket,
    lanes: Lanes<Wish>,
    asked: Asked,
    turns: Turns,
    memory: Memory,
    lifetime: Lifetime,
    traffic: Traffic,
    timer: Pin<Box<Sleep>>,
    /// `None` once the drain has begun.
    drain: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// What can happen to a connection.
enum Event {
    Message(Message),
    /// The client has gone, or broke the protocol.
    Lost(Option<tungstenite::Error>),
    Answer(Box<Answer>),
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
            session: Session::new(manners),
            trace,
            socket: Socket::new(socket, shared.config.max_message_bytes),
            lanes: Lanes::new(shared.config.limits.clone()),
            asked: Asked::default(),
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
        let mut open = self.shared.metrics.open_connection("websocket");
        tracing::info!("websocket opened");
        self.greet();
        let end = loop {
            let event = std::future::poll_fn(|cx| self.poll_event(cx)).await;
            let end = self.handle(event).or_else(|| self.find_end());
            if let Some(end) = end {
                break end;
            }
        };
        open.ends(end.why);
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
        if let Poll::Ready(answer) = self.asked.poll_next(cx) {
            return Poll::Ready(Event::Answer(Box::new(answer)));
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
        match clear && self.session.credit() > 0 {
            true => self.turns.poll_step(cx).map(|(at, step)| Event::Stream(at, step)),
            false => Poll::Pending,
        }
    }

    fn handle(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Message(message) => return self.take_message(message),
            Event::Lost(error) => return Some(self.lose(error)),
            Event::Answer(answer) => self.take_answer(*answer),
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
            Closing::Overloaded => End::close(CloseCode::TryAgainLater, "overload"),
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
            Message::Text(_) | Message::Binary(_) => {
                return match self.session.read(&message, self.shared.config.max_json_depth) {
                    Ok(said) => {
                        self.take_said(said);
                        None
                    }
                    Err(why) => {
                        tracing::info!(%why, "a signed frame was not good");
                        Some(End::close(CloseCode::BadSignature, "bad signature"))
                    }
                };
            }
            Message::Close(_) => return Some(End { goodbye: Some(Goodbye::Answer), why: "client" }),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        None
    }

    fn take_said(&mut self, said: Result<ClientMessage, Rejected>) {
        self.shared.metrics.count_message(said.as_ref().map_or("rejected", ClientMessage::name));
        let (result, lane) = match said {
            Ok(ClientMessage::Create(mut create)) => {
                create.trace = create.trace.or_else(|| self.trace.clone());
                let lane = create.stream_id.clone();
                self.shared.metrics.count_request("websocket");
                (self.enqueue(lane.as_deref(), Wish::Create(create)), lane)
            }
            Ok(ClientMessage::Steer { previous_response_id, input }) => {
                self.refuse_steer(&previous_response_id, &input);
                return;
            }
            Ok(ClientMessage::TokenUpdate { token }) => {
                (self.caller.check(&self.shared.authenticator, &token), None)
            }
            Err(Rejected { error, stream_id }) => (Err(error), stream_id),
            Ok(_) if self.session.extension().is_none() => (Err(not_asked_for()), None),
            Ok(ClientMessage::SessionUpdate(update)) => (self.session.update(update, &mut self.socket), None),
            Ok(ClientMessage::Credit(events)) => {
                self.session.grant(events);
                return;
            }
            Ok(ClientMessage::Resume(resume)) => {
                let lane = resume.stream_id.clone();
                (self.enqueue(lane.as_deref(), Wish::Resume(resume)), lane)
            }
            Ok(ClientMessage::Cancel { response_id }) => (self.cancel(response_id), None),
        };
        if let Err(error) = result {
            self.say_error(&error, lane.as_deref());
        }
    }

    /// A client that has sent as much as it may on one connection has to open another one.
    fn bound_bytes(&mut self) {
        let max = self.shared.config.limits.max_connection_bytes;
        if self.socket.read() > max as u64 && self.lifetime.closing().is_none() {
            self.lifetime.exhaust();
            self.say_error(&Closing::Exhausted.error(), None);
        }
    }

    /// A turn waits in its lane, or begins.
    fn enqueue(&mut self, lane: Option<&str>, wish: Wish) -> Result<(), ApiError> {
        if let Some(closing) = self.lifetime.closing() {
            self.lifetime.hurry(Instant::now());
            return Err(closing.error());
        }
        self.check_validity()?;
        if let Err(error) = self.shared.pressure.check() {
            self.lifetime.overload();
            return Err(error);
        }
        self.lanes.push(lane.map(Arc::from), wish)?;
        self.begin_turns();
        Ok(())
    }

    fn cancel(&mut self, response_id: String) -> Result<(), ApiError> {
        self.check_validity()?;
        self.asked.cancel(&self.shared, self.caller.principal(), response_id)
    }

    fn check_validity(&self) -> Result<(), ApiError> {
        if self.caller.validity.is_ended(Instant::now()) { Err(Refusal::Expired.error()) } else { Ok(()) }
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
        while let Some((lane, wish)) = self.lanes.pop() {
            // What waited while the token ended is something new.
            if let Err(error) = self.check_validity() {
                self.say_error(&error, lane.as_deref());
                self.lanes.end(&lane);
                continue;
            }
            let previous = match &wish {
                Wish::Create(create) => create.request.previous_response_id.as_ref(),
                Wish::Resume(_) => None,
            };
            let remembered = previous.and_then(|id| self.memory.get(id));
            self.asked.begin(&self.shared, self.caller.principal(), lane, wish, remembered);
        }
    }

    fn take_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Turn(begun) => self.take_begun(begun),
            Answer::Cancelled(Ok(message)) => self.say(message),
            Answer::Cancelled(Err(error)) => self.say_error(&error, None),
        }
    }

    fn take_begun(&mut self, Begun { lane, previous, result }: Begun) {
        match result {
            Ok(Beginning::Accepted(accepted)) => {
                let Accepted { cursor, conversation, begun, .. } = *accepted;
                self.turns.push(Turn::new(lane, cursor, previous, conversation, begun, &self.shared.metrics));
            }
            Ok(Beginning::Resumed(id, resumed)) => {
                let cursor = resumed.cursor();
                self.say(events::resumed(&id.to_string(), cursor.is_none(), lane.as_deref()));
                match cursor {
                    Some(cursor) => self.turns.push(Turn::resumed(lane, cursor, &self.shared.metrics)),
                    None => self.end_turn(&lane, None),
                }
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
        let is_blocked = self.socket.take_blocked();
        if is_blocked {
            self.shared.metrics.slow.inc();
        }
        let is_behind = is_blocked | self.session.take_starved();
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
            if written < MAX_BATCH && self.session.credit() > 0 {
                next = self.turns.ready();
            }
        }
        self.session.flush(&mut self.socket);
    }

    fn tell(&mut self, at: usize, piece: Piece, is_behind: bool) -> usize {
        let Self { turns, socket, shared, session, .. } = self;
        let turn = turns.get_mut(at);
        let gathered;
        let pieces = if is_behind {
            gathered = turn.gather(&piece, MAX_BATCH);
            &gathered
        } else {
            std::slice::from_ref(&piece)
        };
        let mut written = 0;
        let credit = session.credit();
        let untold = turn.render(pieces, is_behind, credit, &shared.metrics, |told| {
            written += session.tell(&told, socket);
        });
        if let Some(next) = untold {
            turn.hold(pieces, next);
        } else if let Some(last) = pieces.last().filter(|piece| piece.is_terminal()) {
            let turn = self.turns.remove(at);
            let mut failed_after = None;
            match turn.conclude(last, &self.shared.metrics) {
                Conclusion::Continues(conversation) => self.memory.put(turn.id(), conversation),
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
            validity::Due::Warning(expires_at) if self.session.extension().is_some() => {
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
        if self.shared.log_refusal() {
            tracing::info!(
                status = error.status(),
                code = error.code,
                message = error.message,
                "message refused"
            );
        }
        self.shared.metrics.count_error("websocket", error);
        self.say(error.websocket_message(stream_id));
    }

    /// Who asked for the extension is told that it has it.
    fn greet(&mut self) {
        let config = &self.shared.config;
        if let Some(encoding) = self.session.extension() {
            let ping = config.ping_interval.as_millis() as u64;
            let created = events::created(encoding, config.max_message_bytes, ping);
            self.session.say(created, &mut self.socket);
        }
    }

    fn say(&mut self, json: String) {
        self.session.say(json, &mut self.socket);
    }
}
