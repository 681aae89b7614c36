//! One connection: a task that owns its socket, its lanes and its turns, and loops over what happens to them.
//!
//! Events are rendered only when the socket is clear, so a client that does not read holds up nobody and nothing: its
//! cursors stay where they are. While it was blocked deltas gathered in the log; they are told merged.

mod hear;
mod tell;

use std::{
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use identity::Refusal;
use protocol::{ApiError, CloseCode, session::events, token};
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::tungstenite::{self, Message, error::CapacityError};
use tokio_util::sync::WaitForCancellationFutureOwned;
use trace::TraceContext;

use super::{
    asked::{Answer, Asked, Wish},
    caller::{Caller, News},
    goodbye::End,
    lanes::Lanes,
    lifetime::{Closing, Due, Lifetime},
    session::{Manners, Session},
    socket::Socket,
    turns::{Step, Turns},
    validity,
    wire::Wire,
};
use crate::{
    Principal,
    continuation::Memory,
    gateway::Shared,
    limit::{Seat, Traffic},
    metrics::OpenConnection,
};

/// A client on a WebSocket.
pub(super) struct Connection {
    shared: Arc<Shared>,
    caller: Caller,
    session: Session,
    /// The client's own span when it connected: that of requests which name no other.
    trace: Option<Box<TraceContext>>,
    socket: Socket,
    lanes: Lanes<Wish>,
    asked: Asked,
    turns: Turns,
    memory: Memory,
    lifetime: Lifetime,
    traffic: Traffic,
    timer: Pin<Box<Sleep>>,
    /// All but the socket has been asked since the task was woken, and nothing has come of what was done since: nearly always so when
    /// a token was told.
    settled: bool,
    /// `None` once the drain has begun.
    drain: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    open: OpenConnection,
    _seat: Arc<Seat>,
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
        seat: Arc<Seat>,
        manners: Manners,
        trace: Option<TraceContext>,
        io: Upgraded,
    ) -> Self {
        let now = Instant::now();
        let lifetime = Lifetime::new(now);
        let drain = Some(Box::pin(shared.drain.clone().cancelled_owned()));
        Self {
            caller: Caller::new(principal, now),
            session: Session::new(manners),
            trace: trace.map(Box::new),
            socket: Socket::new(
                Wire::new(TokioIo::new(io), shared.metrics.bytes("websocket")),
                shared.config.max_message_bytes,
            ),
            lanes: Lanes::new(&shared.config.limits),
            asked: Asked::default(),
            turns: Turns::default(),
            memory: Memory::default(),
            timer: Box::pin(tokio::time::sleep_until(now)),
            settled: false,
            lifetime,
            traffic: Traffic::new(&shared.config.limits),
            drain,
            open: shared.metrics.open_connection("websocket"),
            _seat: seat,
            shared,
        }
    }

    /// Lives until the connection ends. To be called once.
    pub(super) async fn run(&mut self) {
        tracing::info!("websocket opened");
        self.greet();
        let end = poll_fn(|cx| self.poll_end(cx)).await;
        self.open.ends(end.why);
        tracing::info!(why = end.why, age = ?self.lifetime.opened.elapsed(), "websocket closed");
        if let Some(goodbye) = end.goodbye {
            // A box: connections are many, and nearly none of them is at its end.
            Box::pin(goodbye.say(&mut self.socket)).await;
        }
    }

    /// Handles what happens, until that ends the connection.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            let event = ready!(self.poll_event(cx));
            if let Some(end) = self.handle(event, cx).or_else(|| self.find_end()) {
                return Poll::Ready(end);
            }
        }
    }

    /// What happens next. Nothing is lost by not handling an event that was not returned.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let clear = match self.socket.poll_clear(cx) {
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(error)) => return Poll::Ready(Event::Lost(Some(error))),
            Poll::Pending => false,
        };
        if mem::take(&mut self.settled) {
            return Poll::Pending;
        }
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
        if clear
            && self.session.credit() > 0
            && let Poll::Ready((at, step)) = self.turns.poll_step(cx)
        {
            return Poll::Ready(Event::Stream(at, step));
        }
        if self.lanes.is_idle() {
            self.socket.rest(cx);
        }
        Poll::Pending
    }

    fn handle(&mut self, event: Event, cx: &mut Context<'_>) -> Option<End> {
        match event {
            Event::Message(message) => return self.take_message(message),
            Event::Lost(error) => return Some(self.lose(error)),
            Event::Answer(answer) => self.take_answer(*answer),
            Event::Stream(at, step) => self.take_stream(at, step, cx),
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
