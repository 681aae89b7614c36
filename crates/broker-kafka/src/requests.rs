//! Asking: an entry is written, and what came of it is learnt where it is read.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use broker::Error;
use parking_lot::Mutex;
use tokio::{sync::oneshot, time::timeout};

use crate::writer::{Writer, delivered};

/// Where an entry is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) key: &'a [u8],
}

/// The requests that are under way, each with who waits for its answer: no more than there are callers.
#[derive(Debug)]
pub(crate) struct Requests<A> {
    /// By what this process knows its own entries: random, so that no other has it.
    pub(crate) process: u64,
    last: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<A>>>,
}

/// One request. Nobody waits any more when this is dropped.
struct Request<'a, A> {
    requests: &'a Requests<A>,
    number: u64,
    answer: oneshot::Receiver<A>,
}

impl<A> Requests<A> {
    pub(crate) fn new() -> Self {
        let process = stream::ResponseId::random(0).random_bits() as u64;
        Self { process, last: AtomicU64::new(0), waiting: Mutex::default() }
    }

    /// Writes an entry, made for this process and a number of its own, and waits for what comes of it. The partition must be
    /// followed, and its sink must [answer](Self::answer).
    pub(crate) async fn ask(
        &self,
        writer: &Writer,
        place: &Place<'_>,
        entry: impl FnOnce(u64, u64) -> Vec<u8>,
        patience: Duration,
    ) -> Result<A, Error> {
        let mut request = self.begin();
        let entry = entry(self.process, request.number);
        let mut sent = writer.send(place, &entry)?;
        let answered = async {
            tokio::select! {
                answer = request.answered() => return Ok(answer),
                result = &mut sent => delivered(result)?,
            }
            Ok(request.answered().await)
        };
        let late = |_| Error::unavailable("kafka does not deliver what it took");
        timeout(patience, answered).await.map_err(late)?
    }

    fn begin(&self) -> Request<'_, A> {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().insert(number, sender);
        Request { requests: self, number, answer }
    }

    /// Hands an answer to whoever waits for it.
    pub(crate) fn answer(&self, number: u64, answer: A) {
        if let Some(waiting) = self.waiting.lock().remove(&number) {
            let _ = waiting.send(answer);
        }
    }
}

impl<A> Request<'_, A> {
    /// Waits for the answer. Cancel safe.
    async fn answered(&mut self) -> A {
        match (&mut self.answer).await {
            Ok(answer) => answer,
            // The sender is kept until this is dropped.
            Err(_) => std::future::pending().await,
        }
    }
}

impl<A> Drop for Request<'_, A> {
    fn drop(&mut self) {
        self.requests.waiting.lock().remove(&self.number);
    }
}
