//! Where metrics are pushed, beside the page that tells them.

use std::time::Duration;

use super::upstream::Header;

/// Where metrics are pushed. Of whom they are, [`Traces`](super::Traces) says for both.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    /// A receiver of OTLP over HTTP; without it nothing is pushed.
    pub(crate) endpoint: Option<String>,
    /// Headers to send with every push.
    pub(crate) headers: Vec<Header>,
    /// How long it is from one push to the next.
    pub(crate) interval: Duration,
    /// How long one may take.
    pub(crate) timeout: Duration,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            endpoint: None,
            headers: Vec::new(),
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
        }
    }
}
