//! Metrics as tests read them: by the lines that `/metrics` would have of them.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{
        AggregationTemporality, HistogramDataPoint, Metric, NumberDataPoint, metric::Data,
        number_data_point::Value,
    },
};

use super::texts;

/// One push of one process.
#[derive(Debug, Clone, PartialEq)]
pub struct Push {
    /// Of which process: `service.name`, `service.instance.id` and what else is told of it.
    pub resource: BTreeMap<String, String>,
    /// Each series by its name and its labels, in order, and its value: `requests_total{transport="sse"}`. A histogram is its buckets,
    /// its sum and its count.
    pub series: BTreeMap<String, f64>,
    /// The unit of each metric that has one.
    pub units: BTreeMap<String, String>,
}

pub(super) fn read(export: ExportMetricsServiceRequest) -> Vec<Push> {
    let mut pushes = Vec::new();
    for of_process in export.resource_metrics {
        let resource = texts(of_process.resource.unwrap_or_default().attributes);
        let (mut series, mut units) = (BTreeMap::new(), BTreeMap::new());
        for metric in of_process.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
            if !metric.unit.is_empty() {
                units.insert(metric.name.clone(), metric.unit.clone());
            }
            series.extend(of_metric(metric));
        }
        pushes.push(Push { resource, series, units });
    }
    pushes
}

/// # Panics
/// When something in it is not as OTLP wants it.
fn of_metric(metric: Metric) -> Vec<(String, f64)> {
    let name = metric.name;
    let cumulative = AggregationTemporality::Cumulative as i32;
    match metric.data.expect("data") {
        Data::Gauge(gauge) => gauge.data_points.into_iter().map(|point| number(&name, point)).collect(),
        Data::Sum(sum) => {
            assert!(sum.is_monotonic && sum.aggregation_temporality == cumulative, "{name}");
            assert!(sum.data_points.iter().all(|point| point.start_time_unix_nano > 0), "{name}");
            sum.data_points.into_iter().map(|point| number(&name, point)).collect()
        }
        Data::Histogram(histogram) => {
            assert_eq!(histogram.aggregation_temporality, cumulative, "{name}");
            histogram.data_points.into_iter().flat_map(|point| buckets(&name, point)).collect()
        }
        other => panic!("{name}: {other:?}"),
    }
}

fn number(name: &str, point: NumberDataPoint) -> (String, f64) {
    let value = match point.value.expect("a value") {
        Value::AsDouble(value) => value,
        Value::AsInt(value) => value as f64,
    };
    (line(name, texts(point.attributes)), value)
}

fn buckets(name: &str, point: HistogramDataPoint) -> Vec<(String, f64)> {
    assert!(point.start_time_unix_nano > 0 && point.time_unix_nano > point.start_time_unix_nano, "{name}");
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1, "{name}");
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count, "{name}");
    let labels = texts(point.attributes);
    let mut series = vec![
        (line(&format!("{name}_sum"), labels.clone()), point.sum.expect("a sum")),
        (line(&format!("{name}_count"), labels.clone()), point.count as f64),
    ];
    let bounds = point.explicit_bounds.iter().map(|bound| format!("{bound:?}")).chain(["+Inf".to_owned()]);
    let mut below = 0;
    for (bound, count) in bounds.zip(point.bucket_counts) {
        below += count;
        let mut labels = labels.clone();
        labels.insert("le".to_owned(), bound);
        series.push((line(&format!("{name}_bucket"), labels), below as f64));
    }
    series
}

fn line(name: &str, labels: BTreeMap<String, String>) -> String {
    let labels: Vec<_> = labels.into_iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) }
}
