use std::time::Duration;

use super::*;
use crate::config::{Effective, Traces, load};

fn loaded(variables: &[(&str, &str)]) -> Effective {
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    load([read(variables)]).unwrap()
}

#[test]
fn the_usual_variables_say_what_they_say_everywhere() {
    let effective = loaded(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue,authorization=Bearer%20sesame"),
        ("OTEL_SERVICE_NAME", "chat"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod,team=a"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""),
    ]);
    let Traces { endpoint, headers, service_name, resource_attributes, sample_ratio, .. } =
        &effective.config.traces;
    assert_eq!(endpoint.as_deref(), Some("http://collector:4318/v1/traces"));
    let headers: Vec<_> = headers
        .iter()
        .map(|header| (header.name.as_str(), header.value.as_ref().unwrap().reveal()))
        .collect();
    assert_eq!(headers, [("x-tenant", "blue"), ("authorization", "Bearer sesame")]);
    assert_eq!(service_name.as_deref(), Some("chat"));
    assert_eq!(resource_attributes, &["deployment.environment.name=prod", "team=a"]);
    assert!((sample_ratio - 0.25).abs() < f64::EPSILON);
    assert!(!effective.to_toml().contains("sesame"));
}

#[test]
fn a_place_for_traces_is_taken_as_it_is() {
    let effective = loaded(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://other:4318/custom"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ]);
    assert_eq!(effective.config.traces.endpoint.as_deref(), Some("http://other:4318/custom"));
    assert!(effective.config.traces.sample_ratio < f64::EPSILON);
}

#[test]
fn it_can_be_off() {
    for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")] {
        let effective = loaded(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"), off]);
        assert_eq!(effective.config.traces.endpoint, None);
    }
}

#[test]
fn metrics_go_where_they_say() {
    let effective = loaded(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "api-key=sesame"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "15000"),
    ]);
    let metrics = &effective.config.metrics;
    assert_eq!(metrics.endpoint.as_deref(), Some("http://collector:4318/v1/metrics"));
    assert_eq!(metrics.interval, Duration::from_secs(15));
    assert_eq!(metrics.headers[0].name, "api-key");
    assert_eq!(effective.config.traces.headers[0].name, "x-tenant");
    let effective = loaded(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://other:4318/intake"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ]);
    assert_eq!(effective.config.metrics.endpoint.as_deref(), Some("http://other:4318/intake"));
    assert_eq!(effective.config.traces.endpoint, None);
    let effective =
        loaded(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://jaeger:4318"), ("OTEL_METRICS_EXPORTER", "none")]);
    assert_eq!(effective.config.metrics.endpoint, None);
}
