//! A record of a partition, as it was read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rdkafka::{Message as _, message::BorrowedMessage};

/// A record of a partition.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) offset: i64,
    /// When the broker took it, by the broker's clock.
    pub(crate) at: SystemTime,
    pub(crate) key: Bytes,
    pub(crate) payload: Bytes,
}

impl Message {
    pub(crate) fn read(message: &BorrowedMessage<'_>) -> Self {
        let copy = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice).unwrap_or_default();
        Self {
            offset: message.offset(),
            at: Self::at(message),
            key: copy(message.key()),
            payload: copy(message.payload()),
        }
    }

    /// When the broker took a record.
    pub(crate) fn at(message: &BorrowedMessage<'_>) -> SystemTime {
        let millis = message.timestamp().to_millis().and_then(|millis| u64::try_from(millis).ok());
        UNIX_EPOCH + Duration::from_millis(millis.unwrap_or_default())
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>() + self.key.len() + self.payload.len()
    }
}
