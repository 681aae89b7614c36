//! Whether somebody takes what is exported: asked with an export of nothing, which changes nothing there.

use bytes::Bytes;
use http::{Request, header::CONTENT_TYPE};
use opentelemetry_http::HttpClient as _;
use tokio::time::Instant;

use broker::Finding;

use super::destination::Destination;
use crate::config::{self, Config};

/// Looks at where traces and metrics go, if they go somewhere. To be called in a runtime.
pub(crate) async fn examine(config: &Config) -> Vec<Finding> {
    let config::Traces { endpoint, headers, timeout, .. } = &config.traces;
    let destination = |endpoint| Destination { signal: "traces", endpoint, headers, timeout: *timeout };
    let traces = endpoint.as_deref().map(destination);
    let config::Metrics { endpoint, headers, timeout, .. } = &config.metrics;
    let destination = |endpoint| Destination { signal: "metrics", endpoint, headers, timeout: *timeout };
    let metrics = endpoint.as_deref().map(destination);
    let mut findings = Vec::new();
    for destination in traces.into_iter().chain(metrics) {
        findings.push(look(&destination).await);
    }
    findings
}

async fn look(destination: &Destination<'_>) -> Finding {
    let about = format!("{}.endpoint", destination.signal);
    let (url, client) = match destination.open() {
        Ok(opened) => opened,
        Err(failure) => return Finding::problem(about, failure.to_string()),
    };
    // Of Protobuf's messages, the one without anything in it.
    let request = Request::post(&url).header(CONTENT_TYPE, "application/x-protobuf").body(Bytes::new());
    let asked = Instant::now();
    let answer = match request {
        Ok(request) => client.send_bytes(request).await,
        Err(error) => Err(error.into()),
    };
    match answer {
        Ok(_) => Finding::fine(about, format!("{url} takes it in {} ms", asked.elapsed().as_millis())),
        Err(error) => Finding::warning(
            about,
            format!(
                "{url} does not take it ({error}), so it will be lost: see that a receiver of OTLP over HTTP listens there, or leave the \
                 setting out",
            ),
        ),
    }
}
