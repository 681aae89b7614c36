//! A client's connection, whatever it speaks.

mod http;
mod socket;

use std::io;

use http::Http;
use socket::Socket;
use tokio_util::task::TaskTracker;

use crate::{Load, address::Target, heard::Heard, tls};

/// A connection with one stream at a time.
#[derive(Debug)]
pub(crate) enum Connection {
    Socket(Box<Socket>),
    Http(Box<Http>),
}

/// Why a connection can be used no more: a word for the list of errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gone(pub(crate) String);

impl From<io::Error> for Gone {
    fn from(error: io::Error) -> Self {
        let word = tls::word(&error).map(str::to_owned);
        Self(word.unwrap_or_else(|| format!("{:?}", error.kind()).to_lowercase()))
    }
}

impl Connection {
    /// Connects client `number`, up to where it can ask.
    pub(crate) async fn open(
        load: &Load,
        target: &Target,
        number: usize,
        tasks: &TaskTracker,
    ) -> Result<Self, Gone> {
        let stream = target.connect(number, load.part.0).await?;
        Ok(if load.dialect.is_http() {
            Self::Http(Box::new(Http::open(load, target, stream, tasks).await?))
        } else {
            Self::Socket(Box::new(Socket::open(load, target, stream).await?))
        })
    }

    /// Asks for a stream.
    pub(crate) async fn ask(&mut self, load: &Load) -> Result<(), Gone> {
        match self {
            Self::Socket(socket) => socket.ask(load).await,
            Self::Http(http) => http.ask(load).await,
        }
    }

    /// Asks for what is left of a stream; from the beginning, if nothing was heard of it.
    pub(crate) async fn resume(&mut self, response: &str, starting_after: Option<u64>) -> Result<(), Gone> {
        match self {
            Self::Socket(socket) => socket.resume(response, starting_after).await,
            Self::Http(http) => http.resume(response, starting_after).await,
        }
    }

    /// Waits for the next frame, and hands over what it says. Pings are answered meanwhile. Cancel safe.
    pub(crate) async fn next(&mut self, take: &mut impl FnMut(Heard<'_>)) -> Result<(), Gone> {
        match self {
            Self::Socket(socket) => socket.next(take).await,
            Self::Http(http) => http.next(take).await,
        }
    }
}
