//! Watches how much memory this process takes: the gateway takes nothing new before the system ends it.

use std::{fmt, time::Duration};

use broker::Finding;
use gateway::Pressure;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::gauge::ConstGauge,
    registry::{Registry, Unit},
};

const LOOK: Duration = Duration::from_millis(500);

/// Of what the container may take, if the settings do not say how much.
const SHARE: f64 = 0.9;

/// Under so much of the limit, it is over.
const RELIEF: f64 = 0.95;

/// Tells `pressure` how it stands, for ever. With a limit of 0 it is most of what the container may take; where that may take
/// all, there is none.
pub(crate) async fn watch(limit: usize, pressure: Pressure) {
    let Some(limit) = effective(limit) else { return };
    tracing::info!(limit, "no new responses and connections are taken above this memory");
    let mut looks = tokio::time::interval(LOOK);
    let mut is_high = false;
    loop {
        looks.tick().await;
        let Some(resident) = resident() else { return };
        is_high = resident > if is_high { (limit as f64 * RELIEF) as u64 } else { limit };
        match (pressure.set(is_high), is_high) {
            (false, true) => {
                tracing::warn!(resident, limit, "too much memory is in use: nothing new is taken")
            }
            (true, false) => tracing::info!(resident, limit, "there is room again"),
            _ => {}
        }
    }
}

/// What is set, or else most of what the container may take, if that has an end.
fn effective(limit: usize) -> Option<u64> {
    if limit > 0 { Some(limit as u64) } else { of_container().map(|max| (max as f64 * SHARE) as u64) }
}

/// Tells in `registry` how much there is of the limit that is set as `limit`, and how much of it is used.
pub(crate) fn register(registry: &mut Registry, limit: usize) {
    registry.register_collector(Box::new(Gauges { limit: effective(limit) }));
}

/// What [`watch`] compares, read when somebody asks.
#[derive(Debug)]
struct Gauges {
    limit: Option<u64>,
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, value) in [
            (
                "narthex_memory_limit",
                "Above this memory nothing new is taken; none if there is no limit",
                self.limit,
            ),
            ("narthex_memory_used", "Memory that counts against the limit", resident()),
        ] {
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            let encoder = encoder.encode_descriptor(name, help, Some(&Unit::Bytes), gauge.metric_type())?;
            gauge.encode(encoder)?;
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn resident() -> Option<u64> {
    let pages = procfs::process::Process::myself().ok()?.statm().ok()?.resident;
    Some(pages * procfs::page_size())
}

#[cfg(not(target_os = "linux"))]
fn resident() -> Option<u64> {
    None
}

/// What the control group lets its processes take (version 2; "max" is no number).
fn of_container() -> Option<u64> {
    std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?.trim().parse().ok()
}

/// Whether the gateway would refuse before the system ends it.
pub(crate) fn examine(limit: usize) -> Finding {
    judge(limit as u64, of_container())
}

fn judge(limit: u64, container: Option<u64>) -> Finding {
    let about = "memory";
    let mebibytes = |bytes: u64| bytes >> 20;
    match (limit, container) {
        (0, None) => Finding::warning(
            about,
            "no limit, so a crowd may take all that the machine has: set gateway.limits.max_memory, or a limit of the container",
        ),
        (0, Some(all)) => Finding::fine(
            about,
            format!(
                "nothing new is taken above {} of the container's {} MiB",
                mebibytes((all as f64 * SHARE) as u64),
                mebibytes(all)
            ),
        ),
        (limit, Some(all)) if limit >= all => Finding::warning(
            about,
            format!(
                "gateway.limits.max_memory is {} MiB, and the container ends at {} MiB: set it lower, or leave it out for \
                 {:.0} % of that",
                mebibytes(limit),
                mebibytes(all),
                SHARE * 100.0
            ),
        ),
        (limit, _) => Finding::fine(about, format!("nothing new is taken above {} MiB", mebibytes(limit))),
    }
}

#[cfg(test)]
mod tests;
