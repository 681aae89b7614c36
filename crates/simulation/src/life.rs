//! Whether a gateway or worker runs, stands still or is dead, as all others see it.
//!
//! A process acts on the world only by what it sends and hears. So everything that a simulated process does to the broker, to
//! its clients and to the model passes through its [`Life`]: nothing passes while it stands still, as after a SIGSTOP,
//! and what was on the way arrives late; nothing ever again once it is dead. Its tasks are not told of either.

use std::{
    fmt,
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;
use tokio::time::Instant;

/// The life of one process. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Life(Arc<Inner>);

struct Inner {
    name: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: Phase,
    /// Who waits for it to go on.
    wakers: Vec<Waker>,
    /// When it last stood still and went on, or died.
    thawed: Option<Instant>,
    died: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    #[default]
    Running,
    Frozen,
    Dead,
}

impl Life {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self(Arc::new(Inner { name: name.into(), state: Mutex::default() }))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn phase(&self) -> Phase {
        self.0.state.lock().phase
    }

    /// When it last went on after it had stood still.
    pub(crate) fn thawed(&self) -> Option<Instant> {
        self.0.state.lock().thawed
    }

    pub(crate) fn died(&self) -> Option<Instant> {
        self.0.state.lock().died
    }

    pub(crate) fn freeze(&self) {
        let mut state = self.0.state.lock();
        if state.phase == Phase::Running {
            state.phase = Phase::Frozen;
        }
    }

    pub(crate) fn thaw(&self) {
        let mut state = self.0.state.lock();
        if state.phase == Phase::Frozen {
            state.phase = Phase::Running;
            state.thawed = Some(Instant::now());
            state.wakers.drain(..).for_each(Waker::wake);
        }
    }

    pub(crate) fn die(&self) {
        let mut state = self.0.state.lock();
        state.phase = Phase::Dead;
        state.died.get_or_insert_with(Instant::now);
    }

    /// Ready while it runs. Pending for ever once it is dead.
    pub(crate) fn poll_running(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.state.lock();
        match state.phase {
            Phase::Running => Poll::Ready(()),
            Phase::Dead => Poll::Pending,
            Phase::Frozen => {
                state.wakers.push(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Waits until it runs.
    pub(crate) async fn running(&self) {
        std::future::poll_fn(|cx| self.poll_running(cx)).await;
    }

    /// `future`, which gets on only while the process runs.
    pub(crate) async fn guard<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|cx| match self.poll_running(cx) {
            Poll::Ready(()) => future.as_mut().poll(cx),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Life").field(&self.0.name).field(&self.phase()).finish()
    }
}
