//! Why a WebSocket is closed.
//!
//! The code is advice: the official SDKs connect again by themselves after 1001, 1005, 1006, 1011, 1012, 1013 and 1015, and
//! after no other. So a code is chosen by what the client shall do, and each of ours says so here.

/// The codes that we close with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// 1000: all is said, or the connection has reached its age. Whoever wants more opens a new one; the SDKs do not.
    Normal,
    /// 1001: the process goes away and does not come back. The SDKs connect again.
    GoingAway,
    /// 1002: what was sent is not WebSocket. The SDKs give up.
    ProtocolError,
    /// 1007: a text message is not UTF-8. The SDKs give up.
    InvalidData,
    /// 1008: the client may not do this: it breaks limits again and again. The SDKs give up.
    PolicyViolation,
    /// 1009: a message is larger than allowed. The SDKs give up, as the same message would fail again.
    TooLarge,
    /// 1011: a bug of ours. The SDKs connect again.
    InternalError,
    /// 1012: a planned stop; another gateway carries on. The SDKs connect again.
    ServiceRestart,
    /// 1013: too much to do. The SDKs connect again, and wait longer each time.
    TryAgainLater,
    /// 4400: frames are signed, and one was not the client's next. Something between the two changes what they say, or the client
    /// counts wrong. The SDKs give up.
    BadSignature,
    /// 4401: the token or key that the connection was opened with has expired. The SDKs give up, as the same one would be refused:
    /// the program gets a new one and connects with that.
    TokenExpired,
    /// 4403: the key that the connection was opened with was revoked, or changed. The SDKs give up.
    Revoked,
}

impl CloseCode {
    /// Every code.
    pub const ALL: [Self; 12] = [
        Self::Normal,
        Self::GoingAway,
        Self::ProtocolError,
        Self::InvalidData,
        Self::PolicyViolation,
        Self::TooLarge,
        Self::InternalError,
        Self::ServiceRestart,
        Self::TryAgainLater,
        Self::BadSignature,
        Self::TokenExpired,
        Self::Revoked,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::ProtocolError => 1002,
            Self::InvalidData => 1007,
            Self::PolicyViolation => 1008,
            Self::TooLarge => 1009,
            Self::InternalError => 1011,
            Self::ServiceRestart => 1012,
            Self::TryAgainLater => 1013,
            Self::BadSignature => 4400,
            Self::TokenExpired => 4401,
            Self::Revoked => 4403,
        }
    }

    /// The reason beside the number, for people and logs. At most 123 bytes fit into a frame.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Normal => "normal closure",
            Self::GoingAway => "going away",
            Self::ProtocolError => "protocol error",
            Self::InvalidData => "invalid UTF-8",
            Self::PolicyViolation => "policy violation",
            Self::TooLarge => "message too large",
            Self::InternalError => "internal error",
            Self::ServiceRestart => "service restart: connect again",
            Self::TryAgainLater => "overloaded: try again later",
            Self::BadSignature => "bad signature",
            Self::TokenExpired => "token expired: connect again with a new one",
            Self::Revoked => "credential revoked or changed",
        }
    }

    /// Whether the official SDKs connect again by themselves.
    pub const fn reconnects(self) -> bool {
        matches!(self, Self::GoingAway | Self::InternalError | Self::ServiceRestart | Self::TryAgainLater)
    }
}
