//! What an export says of since when it counts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_sdk::Resource;
use prometheus_client::{
    encoding::prometheus_protobuf::encode,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

use super::{Starts, export};

fn at(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(second)
}

/// Who hears of a series for the first time knows that all of it is new.
#[test]
fn a_series_counts_since_the_push_before_it_came() {
    let mut registry = Registry::default();
    let asked = Family::<Vec<(&str, &str)>, Counter>::default();
    let took = Family::<Vec<(&str, &str)>, Histogram>::new_with_constructor(|| Histogram::new([1.0]));
    registry.register("asked", "", asked.clone());
    registry.register("took", "", took.clone());
    let mut starts = Starts::new(at(100));
    let mut push = |now| {
        let families = encode(&registry).unwrap();
        let export = export(families, &Resource::builder_empty().build(), &mut starts, at(now));
        let metrics = export.resource_metrics[0].scope_metrics[0].metrics.clone();
        let mut since: Vec<_> = metrics
            .into_iter()
            .flat_map(|metric| match metric.data {
                Some(Data::Sum(sum)) => {
                    sum.data_points.iter().map(|point| point.start_time_unix_nano).collect::<Vec<_>>()
                }
                Some(Data::Histogram(all)) => {
                    all.data_points.iter().map(|point| point.start_time_unix_nano).collect()
                }
                _ => panic!("neither a counter nor a histogram"),
            })
            .map(|nanos| nanos / 1_000_000_000)
            .collect();
        since.sort_unstable();
        since
    };
    asked.get_or_create(&vec![("model", "a")]).inc();
    assert_eq!(push(110), [100]);
    asked.get_or_create(&vec![("model", "b")]).inc();
    took.get_or_create(&vec![("model", "a")]).observe(0.5);
    assert_eq!(push(120), [100, 110, 110]);
    took.get_or_create(&vec![("model", "b")]).observe(0.5);
    assert_eq!(push(130), [100, 110, 110, 120]);
    assert_eq!(push(140), [100, 110, 110, 120]);
}
