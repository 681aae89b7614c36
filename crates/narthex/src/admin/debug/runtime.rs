//! What the runtime says of itself.

use serde_json::{Value, json};
use tokio::runtime::Handle;

/// Its tasks, and what each of its threads has done so far.
pub(super) fn page() -> Value {
    let metrics = Handle::current().metrics();
    let workers: Vec<Value> = (0..metrics.num_workers())
        .map(|worker| {
            json!({
                "busy_ms": metrics.worker_total_busy_duration(worker).as_millis() as u64,
                "parks": metrics.worker_park_count(worker),
            })
        })
        .collect();
    json!({
        "tasks": metrics.num_alive_tasks(),
        "waiting_for_a_thread": metrics.global_queue_depth(),
        "threads": workers,
    })
}
