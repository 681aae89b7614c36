//! The attacks, what may be answered to each, and what must be.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Whoever does not hear a goodbye within two seconds, as a process of the lowest priority may, sees only that; and so does one whose
/// request comes while its idle connection ends.
const DROPPED: &str = "dropped";

/// One way to abuse a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Attack {
    /// Messages without a pause on one socket.
    Messages,
    /// Pings without a pause.
    Pings,
    /// One message in countless fragments of a byte.
    Fragments,
    /// Messages and bodies larger than allowed.
    Oversized,
    /// What is no WebSocket frame, no UTF-8, no text, no HTTP.
    Garbage,
    /// More lanes and turns than allowed.
    Lanes,
    /// Clients that ask, and never read.
    NeverRead,
    /// Clients that read a few bytes at a time.
    SlowRead,
    /// Connections without a pause, some of which are held.
    Storm,
    /// Requests whose heads never end.
    Slowloris,
    /// Tokens and keys that are made up, expired, revoked, unsigned; and client secrets of a revoked key, sent again.
    Credentials,
    /// HTTP requests without a pause, most of them nonsense.
    Http,
}

/// What abusers are told to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Orders {
    pub(super) gateway: SocketAddr,
    pub(super) keys: Keys,
    pub(super) attacks: Vec<Attack>,
    /// How many abusers carry out each, from addresses of their own.
    pub(super) abusers: u8,
    pub(super) time: Duration,
}

/// What clients show.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Keys {
    pub(super) honest: String,
    /// A user's like any other, who means harm.
    pub(super) abuser: String,
    /// The same, and may ask for few responses a minute.
    pub(super) limited: String,
    pub(super) expired: String,
    pub(super) revoked: String,
    /// Made by a key that was revoked then.
    pub(super) client_secret: String,
}

/// What was done, and how it was answered.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Messages, requests or connections.
    pub(super) done: u64,
    pub(super) answers: BTreeMap<String, u64>,
}

/// By attack.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Tallies(pub(super) BTreeMap<Attack, Tally>);

impl Tallies {
    pub(super) fn add(&mut self, more: Self) {
        for (attack, tally) in more.0 {
            let sum = self.0.entry(attack).or_default();
            sum.done += tally.done;
            for (answer, count) in tally.answers {
                *sum.answers.entry(answer).or_default() += count;
            }
        }
    }
}

impl Attack {
    pub(super) fn all() -> Vec<Self> {
        Self::value_variants().to_vec()
    }

    pub(super) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What it is done to.
    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::Messages | Self::Oversized | Self::Garbage | Self::Lanes => "messages",
            Self::Pings => "pings",
            Self::Fragments => "fragments",
            Self::NeverRead | Self::SlowRead | Self::Storm | Self::Slowloris => "connections",
            Self::Credentials | Self::Http => "requests",
        }
    }

    /// What must be answered.
    pub(super) const fn due(self) -> &'static [&'static str] {
        match self {
            Self::Messages => &["error message_rate_limit_exceeded", "close 1008"],
            Self::Pings => &["close 1008"],
            Self::Fragments => &["error request_too_large", "close 1009"],
            Self::Oversized => &["error request_too_large", "close 1009", "413 request_too_large"],
            Self::Garbage => &["close 1002", "close 1007", "error binary_not_supported", "400"],
            Self::Lanes => &["error websocket_stream_limit_reached", "error too_many_requests"],
            Self::NeverRead | Self::Slowloris => &["dropped"],
            Self::SlowRead => &["200"],
            Self::Storm => &["429 too_many_connections", "dropped"],
            Self::Credentials => &["401 invalid_api_key", "401 token_expired"],
            Self::Http => &["400 invalid_json", "429 rate_limit_exceeded", "404 unknown_url"],
        }
    }

    /// What else may be answered.
    pub(super) const fn may(self) -> &'static [&'static str] {
        match self {
            Self::Messages => &["error invalid_value", DROPPED],
            Self::Lanes => &["event", DROPPED],
            // The abuser's own goodbye, sent back.
            Self::Garbage => &["close 1005", DROPPED],
            Self::Storm => &["101"],
            Self::Http => &["200", DROPPED],
            Self::Pings | Self::Fragments | Self::Oversized => &[DROPPED],
            _ => &[],
        }
    }
}
