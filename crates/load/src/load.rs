//! What is asked of a server.

use std::{cell::LazyCell, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Dialect, address::Target, tls::Tls};

/// What is asked of a server, and for how long.
///
/// One client is one connection with one stream at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The servers, to whom clients are dealt out one by one. `http://host:port/v1` as for any client of the API, and for
    /// [`Dialect::Peer`] the whole URL of its WebSocket. With `https` or `wss`, over TLS.
    pub urls: Vec<String>,
    /// The certificates of the authorities to trust, in PEM; by default those that the system trusts.
    pub authorities: Option<String>,
    /// How they are spoken to.
    pub dialect: Dialect,
    /// The model's name.
    pub model: String,
    /// The API key, if they want one.
    pub key: Option<String>,
    /// What is asked, each time.
    pub prompt: String,
    /// How long an answer may be, in tokens; by default as long as the model likes.
    pub max_tokens: Option<u64>,
    /// What is known of the answers.
    pub expect: Expect,
    /// How many clients, which is how many streams there are at a time at most.
    pub clients: usize,
    /// Streams begun each second, over all clients; without it, each client asks again as soon as its stream has ended.
    pub rate: Option<f64>,
    /// New connections a second; as fast as they can be made if it is 0.
    pub connect_rate: f64,
    /// Before the measurement: as long as it takes to come to the full load.
    pub ramp: Duration,
    /// How long is measured.
    pub duration: Duration,
    /// How long streams may take to end after that.
    pub patience: Duration,
    /// When, after the measurement has begun, all clients lose their connections at once and take up their streams at the next server.
    pub storm: Option<Duration>,
    /// How many further clients ask once, and then never read.
    pub stalled: usize,
    /// What these ask, if it is something else: a text that does not end, so that there is always more that they do not read.
    pub stalled_prompt: Option<String>,
    /// How many further clients follow each stream.
    pub followers: usize,
    /// Which share of a larger load this is, and of how many.
    pub part: (usize, usize),
}

/// What is known of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// Nothing: the pieces must add up to the text that the server tells at the end.
    #[default]
    Anything,
    /// Each word: the text is [`numbered`](crate::numbered).
    Numbered,
}

/// Why a load cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub(crate) String);

impl Default for Load {
    /// What `narthex dev` can bear beside everything else on a small machine.
    fn default() -> Self {
        Self {
            urls: vec!["http://127.0.0.1:8080/v1".to_owned()],
            authorities: None,
            dialect: Dialect::default(),
            model: "demo".to_owned(),
            key: None,
            prompt: "Tell me a story.".to_owned(),
            max_tokens: None,
            expect: Expect::default(),
            clients: 10,
            rate: None,
            connect_rate: 0.0,
            ramp: Duration::from_secs(2),
            duration: Duration::from_secs(10),
            patience: Duration::from_secs(30),
            storm: None,
            stalled: 0,
            stalled_prompt: None,
            followers: 0,
            part: (0, 1),
        }
    }
}

impl Load {
    /// Share `part` of `of`: what one process does.
    pub fn share(&self, part: usize, of: usize) -> Self {
        let some = |all: usize| all / of + usize::from(part < all % of);
        Self {
            clients: some(self.clients),
            rate: self.rate.map(|rate| rate / of as f64),
            connect_rate: self.connect_rate / of as f64,
            stalled: some(self.stalled),
            part: (part, of),
            ..self.clone()
        }
    }

    /// Connections that it makes.
    pub const fn connections(&self) -> usize {
        self.clients * (1 + self.followers) + self.stalled
    }

    /// What is wrong with it.
    ///
    /// # Errors
    /// A sentence that says what to set differently.
    pub fn check(&self) -> Result<(), Invalid> {
        let wrong = |sentence: &str| Err(Invalid(sentence.to_owned()));
        if self.urls.is_empty() {
            return wrong("name at least one URL");
        }
        if self.clients + self.stalled == 0 {
            return wrong("there must be at least one stream");
        }
        if self.rate.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
            return wrong("the rate is a number of streams a second, more than 0");
        }
        if (self.storm.is_some() || self.followers > 0) && !self.dialect.can_resume() {
            return wrong("streams are taken up again only in the dialects json, msgpack, proto and sse");
        }
        self.targets().map(drop)
    }

    pub(crate) fn targets(&self) -> Result<Vec<Target>, Invalid> {
        // One for all, and none where nobody has to be trusted.
        let tls = LazyCell::new(|| Tls::new(self.authorities.as_deref()));
        self.urls.iter().map(|url| Target::parse(url, self.dialect, || tls.clone())).collect()
    }
}
