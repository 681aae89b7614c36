//! How the model servers stand, told when somebody asks: a circuit closes and opens by time alone, too.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _},
    metrics::{MetricType, gauge::ConstGauge},
};

use crate::pool::{Circuit, Pool};

/// The servers of each model, as long as their worker lives. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Circuits(Arc<Mutex<Vec<Weak<Pool>>>>);

/// By model, server, and how it may stand: 1 is how it does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CircuitLabels {
    model: String,
    server: String,
    state: &'static str,
}

const STATES: [(Circuit, &str); 4] = [
    (Circuit::Closed, "closed"),
    (Circuit::Open, "open"),
    (Circuit::HalfOpen, "half_open"),
    (Circuit::Unknown, "unknown"),
];

impl Circuits {
    /// Tells of the servers of `pool`, too.
    pub(crate) fn watch(&self, pool: &Arc<Pool>) {
        let mut pools = self.0.lock();
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(Arc::downgrade(pool));
    }
}

impl Collector for Circuits {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "How a model server stands: closed (it answers), open (it failed, and rests), half_open (the next call tells), \
                    unknown (it failed, and was not called for ten minutes)";
        let mut family = encoder.encode_descriptor("upstream_circuit", help, None, MetricType::Gauge)?;
        let pools: Vec<_> = self.0.lock().iter().filter_map(Weak::upgrade).collect();
        let mut seen = HashSet::new();
        for pool in pools {
            for (server, circuit) in pool.circuits() {
                // The same server given twice is one line: they stand and fall together.
                if !seen.insert((pool.model().to_owned(), server.clone())) {
                    continue;
                }
                for (is, state) in STATES {
                    let labels =
                        CircuitLabels { model: pool.model().to_owned(), server: server.clone(), state };
                    ConstGauge::new(i64::from(is == circuit)).encode(family.encode_family(&labels)?)?;
                }
            }
        }
        Ok(())
    }
}
