//! How one client speaks and is spoken to: in which encoding, signed or not, and against how much credit.
//!
//! A client that asked for nothing is told pure Open Responses. One that asked for a subprotocol of `narthex.v1`
//! ([`protocol::session`]) may ask for the rest.

use protocol::{
    ApiError, ClientMessage, Dialect, MAX_CREDIT, Rejected, SessionUpdate,
    session::{
        Batch, Encoding, events,
        signing::{BadFrame, Binding, KeyPair, Side, Signer, Verifier},
    },
};
use stream::{Event, ResponseId, Sequence};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::socket::Socket;

/// At most about so many bytes are gathered for one frame.
const MAX_FRAME: usize = 8 * 1024;

/// What a client wants to hear, and in which words.
#[derive(Debug, Clone)]
pub(super) struct Manners {
    /// The names that it knows events by.
    pub(super) dialect: Dialect,
    /// The encoding of the extension, if it asked for that.
    pub(super) extension: Option<Box<Extension>>,
}

/// What is settled about the extension at the upgrade.
#[derive(Debug, Clone)]
pub(super) struct Extension {
    pub(super) encoding: Encoding,
    /// To the credential that was shown.
    pub(super) binding: Binding,
}

/// The state of the conversation with one client.
pub(super) struct Session {
    manners: Manners,
    /// Events that leave in one frame; `None` if each has its own.
    batch: Option<Batch>,
    signing: Option<Box<(Signer, Verifier)>>,
    /// How many events it can take; `None` if it did not say.
    credit: Option<u32>,
    /// It was without credit since events were told last: what waited is told merged.
    starved: bool,
}

/// An event, as a client is told it.
pub(super) struct Told<'a> {
    pub(super) response: ResponseId,
    pub(super) sequence: Sequence,
    pub(super) event: &'a Event,
    pub(super) lane: Option<&'a str>,
    pub(super) merged_from: Option<Sequence>,
}

impl Session {
    pub(super) fn new(manners: Manners) -> Self {
        let batch = manners.extension.as_ref().and_then(|extension| extension.encoding.batch());
        Self { manners, batch, signing: None, credit: None, starved: false }
    }

    /// The encoding of the extension, if the client asked for that.
    pub(super) fn extension(&self) -> Option<Encoding> {
        self.manners.extension.as_ref().map(|extension| extension.encoding)
    }

    /// What a text or binary frame says.
    ///
    /// # Errors
    /// When frames are signed and this one is not the client's next.
    pub(super) fn read(
        &mut self,
        message: &Message,
        max_depth: usize,
    ) -> Result<Result<ClientMessage, Rejected>, BadFrame> {
        let verifier = self.signing.as_mut().map(|signing| &mut signing.1);
        Ok(match (message, verifier) {
            (Message::Text(text), None) => protocol::client_message(text, max_depth),
            (Message::Text(text), Some(verifier)) => {
                protocol::client_message(verifier.open_text(text)?, max_depth)
            }
            (Message::Binary(bytes), None) => self.encoding().read(bytes, max_depth),
            (Message::Binary(bytes), Some(verifier)) => {
                let content = verifier.open_binary(bytes)?;
                self.encoding().read(content, max_depth)
            }
            _ => return Err(BadFrame::NotSigned),
        })
    }

    fn encoding(&self) -> Encoding {
        self.extension().unwrap_or(Encoding::Json)
    }

    /// How the connection is from now on, and says so.
    ///
    /// # Errors
    /// When it cannot be so.
    pub(super) fn update(&mut self, update: SessionUpdate, socket: &mut Socket) -> Result<(), ApiError> {
        let keys = match &update.signing {
            Some(_) if self.signing.is_some() => {
                return Err(wrong("Frames are signed already. Another key needs another connection."));
            }
            Some(public_key) => Some(self.agree(public_key)?),
            None => None,
        };
        if let Some(credit) = update.credit {
            self.credit = Some(credit);
        }
        let public_key = keys.as_ref().map(|(public_key, _)| public_key);
        self.say(events::updated(self.credit, public_key), socket);
        self.flush(socket);
        if let Some((_, keys)) = keys {
            self.signing = Some(Box::new(keys));
        }
        Ok(())
    }

    fn agree(
        &self,
        other: &protocol::session::PublicKey,
    ) -> Result<(protocol::session::PublicKey, (Signer, Verifier)), ApiError> {
        let unusable = |_| wrong("No key can be made with 'signing.public_key'.");
        let pair = KeyPair::new().map_err(unusable)?;
        let public_key = pair.public_key().clone();
        let binding = self.manners.extension.as_ref().map(|extension| &extension.binding);
        let binding = binding.ok_or_else(not_asked_for)?;
        Ok((public_key, pair.agree(Side::Gateway, other, binding).map_err(unusable)?))
    }

    /// The client can take so many events more. Without flow control it can take all, and this says nothing.
    pub(super) fn grant(&mut self, events: u32) {
        if let Some(credit) = &mut self.credit {
            *credit = credit.saturating_add(events).min(MAX_CREDIT);
        }
    }

    /// How many events may be told now.
    pub(super) fn credit(&mut self) -> u32 {
        match self.credit {
            None => u32::MAX,
            Some(credit) => {
                self.starved |= credit == 0;
                credit
            }
        }
    }

    /// Whether the client was without credit since this was last asked.
    pub(super) const fn take_starved(&mut self) -> bool {
        std::mem::replace(&mut self.starved, false)
    }

    /// Tells an event: how many bytes that took. It may wait for [`flush`](Self::flush).
    pub(super) fn tell(&mut self, told: &Told<'_>, socket: &mut Socket) -> usize {
        if let Some(credit) = &mut self.credit {
            *credit = credit.saturating_sub(1);
        }
        let Told { response, sequence, event, lane, merged_from } = *told;
        let dialect = self.manners.dialect;
        let Some(batch) = &mut self.batch else {
            let mut json = String::with_capacity(256);
            dialect.event_json(&mut json, response, sequence, event, lane, merged_from);
            let length = json.len();
            self.write_text(json, socket);
            return length;
        };
        let before = batch.len();
        batch.push_event(dialect, response, sequence, event, lane, merged_from);
        let (length, full) = (batch.len() - before, batch.len() >= MAX_FRAME);
        if full {
            self.flush(socket);
        }
        length
    }

    /// Says what is not of a stream: a JSON object. It comes after all that was told.
    pub(super) fn say(&mut self, json: String, socket: &mut Socket) {
        match &mut self.batch {
            None => self.write_text(json, socket),
            Some(batch) => {
                batch.push_message(json);
                self.flush(socket);
            }
        }
    }

    /// Writes what was gathered.
    pub(super) fn flush(&mut self, socket: &mut Socket) {
        let Some(content) = self.batch.as_mut().and_then(Batch::take) else { return };
        let frame = match &mut self.signing {
            None => content,
            Some(signing) => signing.0.sign_binary(&content),
        };
        // A failure to write shows itself at the next poll.
        let _ = socket.write(Message::Binary(frame.into()));
    }

    fn write_text(&mut self, json: String, socket: &mut Socket) {
        let frame = match &mut self.signing {
            None => json,
            Some(signing) => signing.0.sign_text(&json),
        };
        let _ = socket.write(Message::Text(Utf8Bytes::from(frame)));
    }
}

/// The answer to a message of the extension by a client that did not ask for that.
pub(super) fn not_asked_for() -> ApiError {
    let message = "This message is of the extension narthex.v1. Offer the subprotocol `narthex.v1.json` when you connect.";
    ApiError::invalid("type", "extension_not_negotiated", message)
}

fn wrong(message: &str) -> ApiError {
    ApiError::invalid("signing", "invalid_value", message)
}
