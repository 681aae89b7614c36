//! Telling the broker that a response has subscribers here.

use std::{sync::atomic::AtomicUsize, time::Duration};

use broker::{Broker, Member};
use parking_lot::Mutex;
use stream::ResponseId;
use tokio::time::Instant;

use super::Leave;

/// A gateway that dies is noticed when its last word on a response runs out; so no lease is longer than the grace
/// plus this.
const MARGIN: Duration = Duration::from_secs(10);

/// When this gateway has to say again that a response is attended.
pub(super) struct Attendance {
    pub(super) subscribers: AtomicUsize,
    lease: Option<Duration>,
    due: Mutex<Instant>,
}

impl Attendance {
    /// A response that was just created is attended for its grace; this renews it in time.
    pub(super) fn new(leave: Leave) -> Self {
        let lease = match leave {
            Leave::RunsOn => None,
            Leave::Grace(grace) => Some(grace + MARGIN),
            Leave::Cancel => Some(MARGIN),
        };
        // Not at once: most responses end before, and need no renewal at all.
        let first = match leave {
            Leave::Grace(grace) => grace.min(MARGIN) / 3,
            _ => MARGIN / 3,
        };
        Self { subscribers: AtomicUsize::new(0), lease, due: Mutex::new(Instant::now() + first) }
    }

    /// The lease to renew now, if it is time.
    pub(super) fn due(&self) -> Option<Duration> {
        if Instant::now() < *self.due.lock() {
            return None;
        }
        self.renew()
    }

    /// The lease to renew now, whether it is time or not.
    pub(super) fn renew(&self) -> Option<Duration> {
        *self.due.lock() = Instant::now() + MARGIN / 3;
        self.lease
    }
}

/// Says that these responses are attended for `lease`. A failure is not grave: it is said again before the last word runs out.
pub(super) async fn attend(broker: &Broker, member: &Member, ids: &[ResponseId], lease: Duration) {
    if let Err(error) = broker.control.attend(ids, member, lease).await {
        tracing::debug!(responses = ids.len(), %error, "failed to renew attendance");
    }
}
