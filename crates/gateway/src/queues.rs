//! How full the queues are, for metrics: by which workers are scaled, and alerts are raised.
//!
//! Each gateway tells all of it, as any of them may be gone: take the highest, not the sum.

use std::{collections::HashSet, time::Duration};

use broker::Broker;
use tokio_util::sync::CancellationToken;

use crate::metrics::{Metrics, QueueLabel};

/// How often they are looked at.
const INTERVAL: Duration = Duration::from_secs(10);

/// Looks until `done`. A broker that cannot tell is asked once.
pub(crate) async fn watch(broker: Broker, metrics: Metrics, done: CancellationToken) {
    let mut known = HashSet::new();
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while done.run_until_cancelled(ticks.tick()).await.is_some() {
        match broker.jobs.queues().await {
            Ok(queues) => {
                let mut gone = std::mem::take(&mut known);
                for queue in queues {
                    let label = QueueLabel { model: queue.model };
                    metrics
                        .waiting
                        .get_or_create(&label)
                        .set(i64::try_from(queue.depth.waiting).unwrap_or(i64::MAX));
                    metrics.oldest.get_or_create(&label).set(queue.oldest.unwrap_or_default().as_secs_f64());
                    gone.remove(&label);
                    known.insert(label);
                }
                for label in gone {
                    metrics.waiting.get_or_create(&label).set(0);
                    metrics.oldest.get_or_create(&label).set(0.0);
                    // A model that is asked for again and again keeps its line.
                    known.insert(label);
                }
            }
            Err(broker::Error::Unsupported(_)) => return,
            Err(error) => tracing::debug!(%error, "failed to look at the queues"),
        }
    }
}
