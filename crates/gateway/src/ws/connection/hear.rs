//! What a client says on a connection, and what becomes of it.

use std::sync::Arc;

use identity::Refusal;
use protocol::{ApiError, ClientMessage, CloseCode, ErrorType, Rejected, token};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::Connection;
use crate::{
    Principal,
    limit::Verdict,
    ws::{
        asked::Wish,
        goodbye::{End, Goodbye},
        lifetime::Closing,
        session::not_asked_for,
    },
};

impl Connection {
    pub(super) fn take_message(&mut self, message: Message) -> Option<End> {
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
                create.trace = create.trace.or_else(|| self.trace.as_deref().cloned());
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
        if max > 0 && self.socket.read() > max as u64 && self.lifetime.closing().is_none() {
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

    pub(super) fn check_validity(&self) -> Result<(), ApiError> {
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
    pub(super) fn take_token(&mut self, checked: Result<Principal, ApiError>) {
        let now = Instant::now();
        match checked.and_then(|principal| self.caller.take(principal, now)) {
            Ok(expires_at) => self.say(token::updated(expires_at)),
            Err(error) => self.say_error(&error, None),
        }
        // It may end at another time.
        self.timer.as_mut().reset(now);
    }
}
