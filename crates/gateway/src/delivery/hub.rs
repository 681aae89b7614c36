//! Which responses are followed at this gateway, and by whom.
//!
//! While anyone here follows a response, the hub tells the broker that it is attended. When the last one leaves, the
//! response has its grace (or is cancelled at once, where nothing can resume it). A sweep over all feeds, twice a
//! second, renews attendances, reads the log of streams that are suspiciously quiet, and ends responses that no worker
//! took in time; so no stream needs a timer or a task of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Weak, atomic::Ordering},
    task::Waker,
    time::Duration,
};

use broker::{Header, Listener, Listening};
use parking_lot::Mutex;
use stream::{Record, ResponseId, Sequence};
use tokio::sync::OnceCell;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use trace::{TraceContext, TraceId};
use tracing::field::{DisplayValue, display};

use super::{
    Cursor,
    attendance::{self, Attendance},
    feed::{Feed, Found},
};
use crate::{ending::Ender, metrics::Metrics};

const SWEEP_INTERVAL: Duration = Duration::from_millis(500);

/// A stream that nothing was heard of for so long is read from the log.
const PATIENCE: Duration = Duration::from_secs(2);

/// All that is followed at this gateway. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Hub(Arc<Inner>);

struct Inner {
    ender: Ender,
    window_bytes: usize,
    queue_timeout: Duration,
    tasks: TaskTracker,
    metrics: Metrics,
    responses: Mutex<HashMap<ResponseId, Weak<Followed>>>,
}

/// A response that someone follows.
struct Followed {
    id: ResponseId,
    model: Box<str>,
    trace: Option<TraceContext>,
    hub: Arc<Inner>,
    feed: Arc<Feed>,
    listening: OnceCell<Listening>,
    attendance: Attendance,
}

/// What a subscriber wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subscribe<'a> {
    /// The response's model.
    pub(crate) model: &'a str,
    /// The span of the request that began it.
    pub(crate) trace: Option<&'a TraceContext>,
    /// The event to begin with.
    pub(crate) from: Sequence,
    /// Whether events may have been written before now.
    pub(crate) catch_up: bool,
    /// What becomes of the response when its last subscriber leaves.
    pub(crate) leave: Leave,
}

/// What becomes of a response when its last subscriber leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Nothing: it runs in the background, or has ended.
    RunsOn,
    /// It runs on for so long, then it is cancelled.
    Grace(Duration),
    /// It is cancelled at once: nothing can resume it.
    Cancel,
}

impl Leave {
    /// What `header` says.
    pub(crate) fn of(header: &Header) -> Self {
        if header.background { Self::RunsOn } else { Self::Grace(Duration::from_millis(header.grace_ms)) }
    }
}

impl Hub {
    pub(crate) fn new(
        ender: Ender,
        window_bytes: usize,
        queue_timeout: Duration,
        tasks: TaskTracker,
        metrics: Metrics,
    ) -> Self {
        let responses = Mutex::default();
        Self(Arc::new(Inner { ender, window_bytes, queue_timeout, tasks, metrics, responses }))
    }

    /// Follows a response. When this returns, nothing that is appended from now on can be missed.
    pub(crate) async fn subscribe(
        &self,
        id: ResponseId,
        subscribe: Subscribe<'_>,
    ) -> Result<Cursor, broker::Error> {
        let followed = self.followed(id, subscribe);
        // The seat first: were this future dropped while it waits, the seat's end is the subscription's end.
        let seat = Seat::take(Arc::clone(&followed), subscribe.leave);
        let listener: Arc<dyn Listener> = Arc::clone(&followed.feed) as Arc<dyn Listener>;
        followed.listening.get_or_try_init(|| self.0.ender.broker.log.listen(id, listener)).await?;
        let mut cursor = Cursor::new(seat, Arc::clone(&self.0.ender.broker.log), subscribe.from);
        if subscribe.catch_up {
            cursor.catch_up();
            // Its grace may be nearly over.
            if let Some(lease) = followed.attendance.renew() {
                attendance::attend(&self.0.ender.broker, &self.0.ender.member, &[id], lease).await;
            }
        }
        Ok(cursor)
    }

    fn followed(&self, id: ResponseId, subscribe: Subscribe<'_>) -> Arc<Followed> {
        let mut responses = self.0.responses.lock();
        if let Some(followed) = responses.get(&id).and_then(Weak::upgrade) {
            return followed;
        }
        let followed = Arc::new(Followed {
            id,
            model: subscribe.model.into(),
            trace: subscribe.trace.cloned(),
            hub: Arc::clone(&self.0),
            feed: Arc::new(Feed::new(self.0.window_bytes, self.0.metrics.clone())),
            listening: OnceCell::new(),
            attendance: Attendance::new(subscribe.leave),
        });
        responses.insert(id, Arc::downgrade(&followed));
        followed
    }

    /// Cancels a response, whether or not it is followed here.
    pub(crate) async fn cancel(&self, id: ResponseId, trace: Option<&TraceContext>) {
        self.0.ender.cancel(id, trace).await;
    }

    /// Sweeps until `done`.
    pub(crate) async fn sweep(self, done: CancellationToken) {
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while done.run_until_cancelled(ticks.tick()).await.is_some() {
            let followed: Vec<_> = self.0.responses.lock().values().filter_map(Weak::upgrade).collect();
            // By their lease, of which there are few: what is said of all of them is one call.
            let mut due: HashMap<Duration, Vec<ResponseId>> = HashMap::new();
            for followed in followed {
                followed.sweep();
                if let Some(lease) = followed.attendance.due() {
                    due.entry(lease).or_default().push(followed.id);
                }
            }
            for (lease, ids) in due {
                let Inner { ender, tasks, .. } = &*self.0;
                let ender = ender.clone();
                tasks.spawn(
                    async move { attendance::attend(&ender.broker, &ender.member, &ids, lease).await },
                );
            }
        }
    }
}

impl Followed {
    fn sweep(self: &Arc<Self>) {
        self.feed.sweep(PATIENCE);
        if self.feed.is_forsaken(self.hub.queue_timeout) {
            let this = Arc::clone(self);
            self.hub.tasks.spawn(async move { this.end_if_forsaken().await });
        }
    }

    async fn end_if_forsaken(&self) {
        let outcome = protocol::Outcome::Failed {
            code: "queue_timeout".to_owned(),
            message: "No worker took the response in time. Try again later.".to_owned(),
        };
        let Inner { ender, queue_timeout, .. } = &*self.hub;
        if let Err(error) = ender.end_forsaken(self.id, *queue_timeout, &outcome).await {
            let trace_id = self.trace.as_ref().map(|trace| display(trace.trace_id()));
            tracing::warn!(response = %self.id, trace_id, %error, "failed to end a response that no worker takes");
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let mut responses = self.hub.responses.lock();
        // Somebody may have begun to follow it anew in the meantime.
        if responses.get(&self.id).is_some_and(|followed| followed.strong_count() == 0) {
            responses.remove(&self.id);
        }
    }
}

/// One subscriber's place at a followed response.
pub(super) struct Seat {
    followed: Arc<Followed>,
    place: usize,
    leave: Leave,
}

impl Seat {
    fn take(followed: Arc<Followed>, leave: Leave) -> Self {
        let place = followed.feed.enter();
        followed.attendance.subscribers.fetch_add(1, Ordering::SeqCst);
        Self { followed, place, leave }
    }

    pub(super) fn id(&self) -> ResponseId {
        self.followed.id
    }

    pub(super) fn find(&self, wanted: Sequence, doubt: &mut u64, waker: &Waker) -> Found {
        self.followed.feed.find(wanted, doubt, self.place, waker)
    }

    pub(super) fn hear(&self, record: Record) {
        self.followed.feed.heard(self.followed.id, Arc::new(record));
    }

    pub(super) fn mark_ended(&self) {
        self.followed.feed.mark_ended();
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.followed.hub.metrics
    }

    pub(super) fn model(&self) -> &str {
        &self.followed.model
    }

    /// The response's trace, for the log.
    pub(super) fn trace_id(&self) -> Option<DisplayValue<TraceId>> {
        self.followed.trace.as_ref().map(|trace| display(trace.trace_id()))
    }

    /// The stream is not what it was: nothing of it is left to attend or to cancel here.
    pub(super) fn mark_lost(&self) {
        self.followed.feed.mark_ended();
    }

    pub(super) fn ask_for_doubt(&self) {
        self.followed.feed.ask_for_doubt();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Followed { id, hub, feed, attendance, trace, .. } = &*self.followed;
        feed.leave(self.place);
        let is_last = attendance.subscribers.fetch_sub(1, Ordering::SeqCst) == 1;
        if !is_last || feed.has_ended() {
            return;
        }
        let (ender, id, leave, trace) = (hub.ender.clone(), *id, self.leave, trace.clone());
        hub.tasks.spawn(async move {
            match leave {
                Leave::RunsOn => {}
                Leave::Grace(grace) => attendance::attend(&ender.broker, &ender.member, &[id], grace).await,
                Leave::Cancel => ender.cancel(id, trace.as_ref()).await,
            }
        });
    }
}
