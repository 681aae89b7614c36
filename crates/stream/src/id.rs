//! Names that are unique without asking anyone.

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const PREFIX: &str = "resp_";
const PARTITION_DIGITS: usize = 4;
const START_DIGITS: usize = 8;
const RANDOM_DIGITS: usize = 32;

/// The name of one response: `resp_`, four hex digits of partition, eight of its start if it has one, and 128 random bits.
///
/// The partition is where a partitioned log keeps the stream, and the start where in it the stream begins, so that any
/// gateway finds it from the id alone; brokers that need none use 0. The random part makes ids unguessable, but knowing an id is
/// never enough to read a response: the owner is checked too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResponseId {
    partition: u16,
    start: u32,
    random: u128,
}

impl ResponseId {
    /// A new id in `partition`, from the operating system's randomness.
    ///
    /// # Panics
    /// When the operating system gives no randomness, which no program can do without.
    #[expect(clippy::expect_used, reason = "without randomness there is nothing sensible left to do")]
    pub fn random(partition: u16) -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system's randomness");
        Self::from_parts(partition, u128::from_be_bytes(bytes))
    }

    /// An id from given parts: for tests and for decoding.
    pub const fn from_parts(partition: u16, random: u128) -> Self {
        Self { partition, start: 0, random }
    }

    /// The same id with another start.
    #[must_use]
    pub const fn with_start(self, start: u32) -> Self {
        Self { start, ..self }
    }

    /// Where a partitioned log keeps this response's stream.
    pub const fn partition(self) -> u16 {
        self.partition
    }

    /// Where in its partition the stream begins; what the number means is the broker's own. 0 if it needs none.
    pub const fn start(self) -> u32 {
        self.start
    }

    /// The 128 random bits.
    pub const fn random_bits(self) -> u128 {
        self.random
    }

    /// The id of the output item at `output_index`.
    ///
    /// It follows from the response, so that no event has to carry it and every gateway, and a worker
    /// that takes over, names the same item alike.
    pub fn item_id(self, kind: ItemKind, output_index: u32) -> String {
        format!("{}_{:032x}{output_index:04x}", kind.prefix(), self.random)
    }
}

/// Half of the random part tells two ids apart as well as all of them would, and ids are looked up with every event.
impl Hash for ResponseId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.random as u64);
    }
}

impl fmt::Display for ResponseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{:04x}", self.partition)?;
        if self.start != 0 {
            write!(f, "{:08x}", self.start)?;
        }
        // In halves: numbers of 128 bits are written digit by digit.
        write!(f, "{:016x}{:016x}", (self.random >> 64) as u64, self.random as u64)
    }
}

impl fmt::Debug for ResponseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What was given is not the name of a response of this system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a response id: expected `resp_` and {} or {} hexadecimal digits",
    PARTITION_DIGITS + RANDOM_DIGITS,
    PARTITION_DIGITS + START_DIGITS + RANDOM_DIGITS
)]
pub struct InvalidResponseId;

impl FromStr for ResponseId {
    type Err = InvalidResponseId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(PREFIX).ok_or(InvalidResponseId)?;
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if digits.len() < PARTITION_DIGITS + RANDOM_DIGITS || !digits.bytes().all(lower_hex) {
            return Err(InvalidResponseId);
        }
        let (partition, rest) = digits.split_at(PARTITION_DIGITS);
        let (start, random) = rest.split_at(rest.len() - RANDOM_DIGITS);
        let start = match start.len() {
            0 => 0,
            // An id has one text: where there is no start, there are no digits of it.
            START_DIGITS if start != "00000000" => {
                u32::from_str_radix(start, 16).map_err(|_| InvalidResponseId)?
            }
            _ => return Err(InvalidResponseId),
        };
        Ok(Self {
            partition: u16::from_str_radix(partition, 16).map_err(|_| InvalidResponseId)?,
            start,
            random: u128::from_str_radix(random, 16).map_err(|_| InvalidResponseId)?,
        })
    }
}

impl Serialize for ResponseId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResponseId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What kind of output item an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// An assistant message.
    Message,
    /// A call of a function tool.
    FunctionCall,
    /// What the model thought before it answered.
    Reasoning,
    /// A shortened conversation.
    Compaction,
}

impl ItemKind {
    /// The prefix of the item's id.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Message => "msg",
            Self::FunctionCall => "fc",
            Self::Reasoning => "rs",
            Self::Compaction => "cmp",
        }
    }
}
