//! Why somebody is not let in: little for the caller, who may be guessing, and more for the operator's log.

use protocol::{ApiError, ErrorType};

/// Why a credential does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// None was shown.
    #[error("no credential was shown")]
    Missing,
    /// It stands in the URL, which ends in logs and histories. It counts as told to others, so it is not even looked at.
    #[error("a credential stood in the URL")]
    InUrl,
    /// Several were shown that are not the same: which one counts would depend on who reads the request.
    #[error("several credentials were shown")]
    Several,
    /// It is not good. What is wrong with it, in words for the operator and never for the caller.
    #[error("{0}")]
    Invalid(&'static str),
    /// It was good, and its time is over. Only one that was signed or stored here hears that.
    #[error("the credential has expired")]
    Expired,
    /// The keys that it could be checked with are not there yet, or not any more.
    #[error("the issuer's keys are not known")]
    Unavailable,
}

impl Refusal {
    /// What the caller is told.
    pub fn error(self) -> ApiError {
        let refused =
            |code: &str, message: &str| ApiError::new(ErrorType::InvalidRequestError, code, message);
        match self {
            Self::Missing => refused(
                "missing_credentials",
                "No API key or token was sent. Send one in the header `Authorization: Bearer …`; browsers send it as \
                 the WebSocket subprotocol `narthex.bearer.…`.",
            ),
            Self::InUrl => refused(
                "credentials_in_url",
                "A credential was sent in the URL, where logs and histories keep it. Send it in the header \
                 `Authorization: Bearer …`, and replace this one: it may have been seen.",
            ),
            Self::Several => {
                refused("ambiguous_credentials", "Several different API keys or tokens were sent. Send one.")
            }
            Self::Invalid(_) => refused(
                "invalid_api_key",
                "The API key or token is not valid here. Check it, or get a new one.",
            ),
            Self::Expired => refused("token_expired", "The API key or token has expired. Get a new one."),
            Self::Unavailable => ApiError::server(
                "identity_unavailable",
                "Tokens cannot be checked at the moment. Try again in a few seconds.",
            ),
        }
    }
}
