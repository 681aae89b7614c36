//! From the registry's figures to an export of them: the names are those of `/metrics`, whoever asks.
//!
//! <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::{SystemTime, UNIX_EPOCH},
};

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
        ResourceMetrics, ScopeMetrics, Sum, metric::Data, number_data_point::Value,
    },
};
use opentelemetry_sdk::Resource;
use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model as told;

/// When the figures were taken, and since when they are counted, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Period {
    since: u64,
    now: u64,
}

/// Since when each series is counted: since the export before the first that has it, for it was 0 then. A receiver that makes
/// differences of sums, and is younger than the process, would take a series' first value for an old one and leave it out.
#[derive(Debug)]
pub(super) struct Starts {
    /// By the hashes of their names and labels.
    known: HashMap<u64, u64>,
    last: u64,
}

impl Starts {
    /// Nothing was counted before `since`.
    pub(super) fn new(since: SystemTime) -> Self {
        Self { known: HashMap::new(), last: nanos(since) }
    }

    fn of(&mut self, family: &str, labels: &[told::LabelPair]) -> u64 {
        let mut hasher = DefaultHasher::new();
        family.hash(&mut hasher);
        for told::LabelPair { name, value } in labels {
            (name, value).hash(&mut hasher);
        }
        *self.known.entry(hasher.finish()).or_insert(self.last)
    }
}

/// `families` as an export of `resource`, counted up to `now`.
pub(super) fn export(
    families: Vec<told::MetricFamily>,
    resource: &Resource,
    starts: &mut Starts,
    now: SystemTime,
) -> ExportMetricsServiceRequest {
    let now = nanos(now);
    let scope = InstrumentationScope {
        name: "narthex".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let metrics = families.into_iter().filter_map(|family| metric(family, starts, now)).collect();
    starts.last = now;
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }];
    let resource = Some(resource.into());
    let of_process = ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![of_process] }
}

/// How many data points are in `export`.
pub(super) fn points(export: &ExportMetricsServiceRequest) -> u64 {
    let scopes = export.resource_metrics.iter().flat_map(|of_process| &of_process.scope_metrics);
    let points = scopes.flat_map(|scope| &scope.metrics).map(|metric| match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        _ => 0,
    });
    points.sum::<usize>() as u64
}

/// `None` for a family without series, and for kinds that this program has none of.
fn metric(family: told::MetricFamily, starts: &mut Starts, now: u64) -> Option<Metric> {
    if family.metric.is_empty() {
        return None;
    }
    let kind = family.r#type();
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    let name = &family.name;
    let mut period = |series: &told::Metric| Period { since: starts.of(name, &series.label), now };
    let series = family.metric.into_iter();
    let data = match kind {
        told::MetricType::Counter => {
            let data_points = series.map(|series| (period(&series), series));
            let data_points = data_points.map(|(period, series)| counter(series, period)).collect();
            Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic: true })
        }
        told::MetricType::Gauge => {
            Data::Gauge(Gauge { data_points: series.map(|series| gauge(series, now)).collect() })
        }
        told::MetricType::Histogram => {
            let data_points = series.map(|series| (period(&series), series));
            let data_points = data_points.map(|(period, series)| histogram(series, period)).collect();
            Data::Histogram(Histogram { data_points, aggregation_temporality })
        }
        _ => return None,
    };
    let (unit, description) = (unit(&family.name).to_owned(), family.help);
    Some(Metric { name: family.name, description, unit, data: Some(data), ..Metric::default() })
}

fn counter(series: told::Metric, period: Period) -> NumberDataPoint {
    let value = series.counter.map(|counter| Value::AsDouble(counter.value));
    let point = NumberDataPoint { start_time_unix_nano: period.since, value, ..NumberDataPoint::default() };
    NumberDataPoint { attributes: attributes(series.label), time_unix_nano: period.now, ..point }
}

fn gauge(series: told::Metric, now: u64) -> NumberDataPoint {
    let value = series.gauge.map(|gauge| Value::AsDouble(gauge.value));
    let point = NumberDataPoint { value, ..NumberDataPoint::default() };
    NumberDataPoint { attributes: attributes(series.label), time_unix_nano: now, ..point }
}

fn histogram(series: told::Metric, period: Period) -> HistogramDataPoint {
    let told::Histogram { sample_count: count, sample_sum, bucket, .. } =
        series.histogram.unwrap_or_default();
    // Here each bucket counts its own, and the last one has no bound.
    let mut below = 0;
    let bucket_counts = bucket.iter().map(|bucket| {
        let own = bucket.cumulative_count.saturating_sub(below);
        below = bucket.cumulative_count;
        own
    });
    HistogramDataPoint {
        attributes: attributes(series.label),
        start_time_unix_nano: period.since,
        time_unix_nano: period.now,
        count,
        sum: Some(sample_sum),
        bucket_counts: bucket_counts.collect(),
        explicit_bounds: bucket
            .split_last()
            .into_iter()
            .flat_map(|(_, bounded)| bounded)
            .map(|b| b.upper_bound)
            .collect(),
        ..HistogramDataPoint::default()
    }
}

fn attributes(labels: Vec<told::LabelPair>) -> Vec<KeyValue> {
    let text = |text| Some(AnyValue { value: Some(any_value::Value::StringValue(text)) });
    let label =
        |told::LabelPair { name: key, value }| KeyValue { key, value: text(value), ..KeyValue::default() };
    // To Prometheus a label that is empty is none; here it would be one.
    labels.into_iter().filter(|label| !label.value.is_empty()).map(label).collect()
}

/// The unit that a name tells, as UCUM writes it.
fn unit(name: &str) -> &'static str {
    match name.trim_end_matches("_total") {
        name if name.ends_with("_seconds") => "s",
        name if name.ends_with("_bytes") => "By",
        _ => "",
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
