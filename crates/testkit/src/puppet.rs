//! An engine whose every word is said by the test.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use engine::{Call, Engine, Error, Finish, Output, Outputs};
use futures_util::Stream;
use tokio::sync::{Mutex, mpsc};

/// As many outputs may wait for the worker.
const BUFFER: usize = 1024;

/// The engine's side: give it to a worker.
#[derive(Debug)]
pub struct Puppet {
    calls: mpsc::Sender<Playing>,
}

/// The test's side: each call of the model turns up here.
#[derive(Debug)]
pub struct Stage {
    calls: Mutex<mpsc::Receiver<Playing>>,
}

/// One call of the model, in the test's hands. Dropping it breaks the stream off.
#[derive(Debug)]
pub struct Playing {
    /// What the worker asked for.
    pub call: Call,
    outputs: mpsc::Sender<Result<Output, Error>>,
}

/// An engine, and the stage on which it plays.
pub fn puppet() -> (Arc<Puppet>, Arc<Stage>) {
    let (calls, receiver) = mpsc::channel(BUFFER);
    (Arc::new(Puppet { calls }), Arc::new(Stage { calls: Mutex::new(receiver) }))
}

impl Stage {
    /// The next call of the model.
    ///
    /// # Panics
    /// When the engine is gone.
    pub async fn next_call(&self) -> Playing {
        self.calls.lock().await.recv().await.expect("the engine lives as long as its worker")
    }
}

impl Playing {
    /// Says a piece of the answer. Whether the worker still listens.
    pub async fn say(&self, text: &str) -> bool {
        self.output(Output::Text { text: text.into(), logprobs: None }).await
    }

    /// Any output. Whether the worker still listens.
    pub async fn output(&self, output: Output) -> bool {
        self.outputs.send(Ok(output)).await.is_ok()
    }

    /// Fails.
    pub async fn fail(self, error: Error) {
        let _ = self.outputs.send(Err(error)).await;
    }

    /// Ends the answer; its worker reads on to the end.
    pub async fn finish(self) {
        self.output(Output::Finish(Finish::Stop)).await;
    }

    /// Waits until the worker has given the call up.
    pub async fn aborted(&self) {
        self.outputs.closed().await;
    }
}

struct Heard(mpsc::Receiver<Result<Output, Error>>);

impl Stream for Heard {
    type Item = Result<Output, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

#[async_trait]
impl Engine for Puppet {
    async fn generate(&self, call: Call) -> Result<Outputs, Error> {
        let (outputs, heard) = mpsc::channel(BUFFER);
        // The test may have gone: then the stream breaks off.
        let _ = self.calls.send(Playing { call, outputs }).await;
        Ok(Box::pin(Heard(heard)))
    }

    async fn models(&self) -> Result<Option<Vec<String>>, Error> {
        Ok(None)
    }
}
