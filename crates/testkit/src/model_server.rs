//! A model server that follows a script.
//!
//! It speaks what engines call (`/v1/chat/completions`, `/v1/responses`, `/v1/models`) over real HTTP on a loopback
//! port. What it says is a function of the prompt and a seed, so that a test knows the whole answer beforehand, and so
//! that it can carry on a text that another server began. How it behaves is in the [`Script`]: the server's own, one
//! for a model's name, or written into the prompt between double brackets, as in
//! `Tell me something [[tokens=200 delay_ms=5 cut_after=20]]`.
//!
//! A request goes through these steps: `http` reads it, `prompt` finds what it asks, `play` turns the script into steps,
//! `body` takes them in time, and `chat` or `responses` writes them down as their protocol has it.

mod body;
mod chat;
mod http;
mod play;
mod prompt;
mod responses;
mod script;
mod stats;
mod words;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::watch, time};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

pub use play::Piece;
pub use script::{CallStyle, Fault, Prefill, Script, ToolCall, UsageNumbers};
pub use stats::{Seen, Stats};
pub use words::{text, tokens, word};

/// A running model server; it and all its connections end when this is dropped.
#[derive(Debug)]
pub struct ModelServer {
    address: SocketAddr,
    state: Arc<http::State>,
    stop: CancellationToken,
    tasks: TaskTracker,
    _stop_on_drop: DropGuard,
}

impl ModelServer {
    /// Starts a server on a free loopback port.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(script: Script) -> io::Result<Self> {
        Self::start_on(TcpListener::bind(("127.0.0.1", 0)).await?, script)
    }

    /// Starts a server on `listener`.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start_on(listener: TcpListener, script: Script) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let state = Arc::new(http::State::new(script));
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(http::serve(listener, state.clone(), stop.clone(), tasks.clone()));
        Ok(Self { address, state, stop: stop.clone(), tasks, _stop_on_drop: stop.drop_guard() })
    }

    /// What a client takes as its base URL; it ends in `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Where the server listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests for `model` follow `script` from now on. The model is in the list of models then.
    pub fn set_script(&self, model: &str, script: Script) {
        self.state.set_script(model, script);
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        self.state.stats().borrow().clone()
    }

    /// Waits until what happened is as `holds` wants it.
    ///
    /// # Errors
    /// When that is not so within `deadline`: what happened until then.
    pub async fn wait_until(
        &self,
        holds: impl FnMut(&Stats) -> bool,
        deadline: Duration,
    ) -> Result<Stats, Box<Stats>> {
        let mut changes: watch::Receiver<Stats> = self.state.stats().subscribe();
        match time::timeout(deadline, changes.wait_for(holds)).await {
            Ok(Ok(stats)) => Ok(stats.clone()),
            _ => Err(Box::new(self.stats())),
        }
    }

    /// Closes the listener and cuts every connection, as a killed process does.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
