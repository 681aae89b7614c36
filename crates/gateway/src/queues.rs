//! How full the queues are, for metrics: by which workers are scaled, and alerts are raised.
//!
//! Each gateway tells all of it, as any of them may be gone: take the highest, not the sum.

use std::{collections::HashMap, time::Duration};

use broker::{Backlog, Broker};
use tokio_util::sync::CancellationToken;

use crate::{
    metrics::{Metrics, QueueLabel},
    roster::Roster,
};

/// How often they are looked at.
const INTERVAL: Duration = Duration::from_secs(10);

/// Looks until `done`. A broker that cannot tell is asked once.
///
/// A model has a line from the moment it is served, and keeps it: where nothing waits, that says so.
pub(crate) async fn watch(broker: Broker, roster: Roster, metrics: Metrics, done: CancellationToken) {
    let mut known: HashMap<String, (u64, Duration)> = HashMap::new();
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while done.run_until_cancelled(ticks.tick()).await.is_some() {
        let queues = match broker.jobs.queues().await {
            Ok(queues) => queues,
            Err(broker::Error::Unsupported(_)) => return,
            Err(error) => {
                tracing::debug!(%error, "failed to look at the queues");
                continue;
            }
        };
        known.values_mut().for_each(|queue| *queue = (0, Duration::ZERO));
        // That it cannot be read is told by who keeps it.
        let served = roster.models().await.unwrap_or_default();
        known.extend(served.iter().map(|model| (model.name.clone(), (0, Duration::ZERO))));
        let told =
            |Backlog { model, depth, oldest, .. }| (model, (depth.waiting, oldest.unwrap_or_default()));
        known.extend(queues.into_iter().map(told));
        for (model, (waiting, oldest)) in &known {
            let label = QueueLabel { model: model.clone() };
            metrics.waiting.get_or_create(&label).set(i64::try_from(*waiting).unwrap_or(i64::MAX));
            metrics.oldest.get_or_create(&label).set(oldest.as_secs_f64());
        }
    }
}
