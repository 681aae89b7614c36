//! What this process says of itself in `/metrics`, beside what gateway and worker count: its version, and under the
//! names that every dashboard knows, its share of the machine.

use std::time::Duration;

use prometheus_client::{
    metrics::{
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::{Registry, Unit},
};
use tokio::time::Instant;

/// Adds the metrics of the process to `registry`. What [`watch_lag`] counts in.
pub(crate) fn register(registry: &mut Registry, role: &'static str) -> Histogram {
    let build = Info::new([("version", env!("CARGO_PKG_VERSION")), ("role", role)]);
    registry.register("narthex_build", "Which build this is", build);
    registry.register_collector(Box::new(runtime::Runtime(tokio::runtime::Handle::current())));
    #[cfg(target_os = "linux")]
    registry.register_collector(Box::new(process::Process));
    let lag = Histogram::new(exponential_buckets(0.001, 2.0, 14));
    let help = "How late a task is woken, measured once a second";
    registry.register_with_unit("narthex_runtime_lag", help, Unit::Seconds, lag.clone());
    lag
}

/// Measures, once a second, how late a task is woken: what every task here suffers from. Until it is dropped.
pub(crate) async fn watch_lag(lag: Histogram) {
    const INTERVAL: Duration = Duration::from_secs(1);
    loop {
        let due = Instant::now() + INTERVAL;
        tokio::time::sleep_until(due).await;
        // The timer itself is exact to a millisecond.
        lag.observe(due.elapsed().as_secs_f64());
    }
}

mod runtime {
    use std::fmt;

    use prometheus_client::{
        collector::Collector,
        encoding::{DescriptorEncoder, EncodeMetric},
        metrics::gauge::ConstGauge,
    };

    /// What the runtime says of itself, at every scrape.
    #[derive(Debug)]
    pub(super) struct Runtime(pub(super) tokio::runtime::Handle);

    impl Collector for Runtime {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            let metrics = self.0.metrics();
            for (name, help, value) in [
                ("narthex_runtime_tasks", "Tasks that live", metrics.num_alive_tasks()),
                ("narthex_runtime_workers", "Threads that run them", metrics.num_workers()),
                ("narthex_runtime_queue", "Tasks that wait for a thread", metrics.global_queue_depth()),
            ] {
                let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
                let encoder = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
                gauge.encode(encoder)?;
            }
            Ok(())
        }
    }
}

#[cfg(target_os = "linux")]
mod process {
    use std::fmt;

    use procfs::process::LimitValue;
    use prometheus_client::{
        collector::Collector,
        encoding::{DescriptorEncoder, EncodeMetric},
        metrics::{counter::ConstCounter, gauge::ConstGauge},
    };

    /// Reads `/proc/self` at every scrape. What cannot be read is left out.
    #[derive(Debug)]
    pub(super) struct Process;

    impl Collector for Process {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            let Ok(me) = procfs::process::Process::myself() else { return Ok(()) };
            if let Ok(stat) = me.stat() {
                let ticks = procfs::ticks_per_second() as f64;
                let cpu = ConstCounter::new((stat.utime + stat.stime) as f64 / ticks);
                put(&mut encoder, "process_cpu_seconds", "Processor time used.", &cpu)?;
                gauge(
                    &mut encoder,
                    "process_resident_memory_bytes",
                    "Memory in use.",
                    stat.rss * procfs::page_size(),
                )?;
                gauge(&mut encoder, "process_virtual_memory_bytes", "Memory reserved.", stat.vsize)?;
                gauge(&mut encoder, "process_threads", "Threads.", stat.num_threads.unsigned_abs())?;
                if let Ok(boot) = procfs::boot_time_secs() {
                    let start = ConstGauge::new(boot as f64 + stat.starttime as f64 / ticks);
                    put(
                        &mut encoder,
                        "process_start_time_seconds",
                        "When it was started, since 1970.",
                        &start,
                    )?;
                }
            }
            if let Ok(open) = me.fd_count() {
                gauge(&mut encoder, "process_open_fds", "Open files, connections included.", open as u64)?;
            }
            if let Ok(limits) = me.limits()
                && let LimitValue::Value(max) = limits.max_open_files.soft_limit
            {
                gauge(&mut encoder, "process_max_fds", "How many files may be open.", max)?;
            }
            Ok(())
        }
    }

    fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
        put(encoder, name, help, &ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn put(
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        metric: &impl EncodeMetric,
    ) -> fmt::Result {
        let encoder = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
        metric.encode(encoder)
    }
}
