//! Several events in one frame.

use stream::{Event, ResponseId, Sequence};

use super::{Encoding, messagepack};
use crate::Dialect;

/// The head of a list in MessagePack whose length has two bytes, which are filled in at the end.
const LIST_16: [u8; 3] = [0xdc, 0, 0];

/// Room for the one event that most frames hold, so that its buffer does not grow piece by piece.
const ROOM: usize = 256;

/// Events that wait to leave in one binary frame. The caller bounds how many: at most 65,535.
#[derive(Debug)]
pub struct Batch {
    encoding: Encoding,
    bytes: Vec<u8>,
    entries: u16,
}

impl Batch {
    pub(super) const fn new(encoding: Encoding) -> Self {
        Self { encoding, bytes: Vec::new(), entries: 0 }
    }

    /// Adds an event: a delta in its short form, and any other as what [`Dialect::event_json`] makes of it.
    pub fn push_event(
        &mut self,
        dialect: Dialect,
        response: ResponseId,
        sequence: Sequence,
        event: &Event,
        stream_id: Option<&str>,
        merged_from: Option<Sequence>,
    ) {
        let Event::Delta(delta) = event else {
            let mut json = String::with_capacity(256);
            dialect.event_json(&mut json, response, sequence, event, stream_id, merged_from);
            return self.push_message(json);
        };
        self.begin_entry();
        match self.encoding {
            Encoding::Protobuf => {
                proto::socket::push_delta(&mut self.bytes, sequence, delta, stream_id, merged_from);
            }
            Encoding::MessagePack | Encoding::Json => {
                messagepack::push_delta(&mut self.bytes, sequence, delta, stream_id, merged_from);
            }
        }
    }

    /// Adds what else is said: a JSON object.
    pub fn push_message(&mut self, json: String) {
        self.begin_entry();
        match self.encoding {
            Encoding::Protobuf => proto::socket::push_event(&mut self.bytes, json),
            Encoding::MessagePack | Encoding::Json => messagepack::push_json(&mut self.bytes, &json),
        }
    }

    /// How many bytes there are.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing.
    pub const fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The frame, if there is anything in it. The batch is empty again.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        let entries = std::mem::take(&mut self.entries);
        let mut bytes = std::mem::take(&mut self.bytes);
        if self.encoding == Encoding::MessagePack && entries > 0 {
            bytes[1..3].copy_from_slice(&entries.to_be_bytes());
        }
        (entries > 0).then_some(bytes)
    }

    fn begin_entry(&mut self) {
        if self.entries == 0 {
            self.bytes.reserve(ROOM);
            if self.encoding == Encoding::MessagePack {
                self.bytes.extend_from_slice(&LIST_16);
            }
        }
        self.entries += 1;
    }
}
