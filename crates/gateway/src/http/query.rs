//! What a request says in its query.

use protocol::ApiError;
use stream::Sequence;

/// How `GET /v1/responses/{id}` shall answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Retrieve {
    /// As events, instead of whole.
    pub(super) stream: bool,
    /// Only events after this one.
    pub(super) starting_after: Option<Sequence>,
}

impl Retrieve {
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        let mut retrieve = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "stream" => retrieve.stream = parse(&name, &value, "true or false")?,
                "starting_after" => {
                    retrieve.starting_after = Some(parse(&name, &value, "a sequence number")?)
                }
                // `include` and what clients add for themselves change nothing here.
                _ => {}
            }
        }
        Ok(retrieve)
    }
}

/// A value of a query, or the error that names the parameter.
pub(super) fn parse<T: std::str::FromStr>(name: &str, value: &str, expected: &str) -> Result<T, ApiError> {
    value.parse().map_err(|_| {
        ApiError::invalid(
            name,
            "invalid_value",
            format!("Invalid value for '{name}': expected {expected}, but got '{value}'."),
        )
    })
}
