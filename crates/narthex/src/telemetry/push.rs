//! Metrics pushed by OTLP: the same figures as `/metrics`, from the same registry, for whom nobody scrapes.
//!
//! Sums are cumulative, each since a moment at which it was 0. So a push that fails loses nothing but its moment: the next one tells all.

mod request;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Request, Uri, header::CONTENT_TYPE};
use opentelemetry_http::{HttpClient as _, HttpError};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use opentelemetry_sdk::Resource;
use prometheus_client::{encoding::prometheus_protobuf, registry::Registry};
use prost::Message as _;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use self::request::Starts;
use super::{
    destination::Destination,
    export::Http,
    losses::{Complaints, Losses},
};
use crate::{
    config::{self, Config},
    failure::Failure,
};

/// Pushes metrics to a receiver.
#[derive(Debug)]
pub(crate) struct Push {
    url: Uri,
    client: Http,
    interval: Duration,
    resource: Resource,
    starts: Starts,
    complaints: Complaints,
}

impl Push {
    /// To where the settings say, if they say so. To be called in the runtime that carries the requests.
    ///
    /// # Errors
    /// When it cannot go there.
    pub(crate) fn new(
        resource: &Resource,
        config: &Config,
        losses: &Losses,
    ) -> Result<Option<Self>, Failure> {
        let config::Metrics { endpoint, headers, interval, timeout } = &config.metrics;
        let Some(endpoint) = endpoint else { return Ok(None) };
        let destination = Destination { signal: "metrics", endpoint, headers, timeout: *timeout };
        let (url, client) = destination.open()?;
        let url =
            url.parse().map_err(|error| destination.wrong(&format!("which cannot be used ({error})")))?;
        Ok(Some(Self {
            url,
            client,
            interval: *interval,
            resource: resource.clone(),
            starts: Starts::new(SystemTime::now()),
            complaints: Complaints::new("metrics", losses.points()),
        }))
    }

    /// Pushes what is in `registry` until `end` is cancelled, and once more then, for at most three seconds.
    pub(crate) async fn run(mut self, registry: Arc<Registry>, end: CancellationToken) {
        let mut ticks = tokio::time::interval_at(Instant::now() + self.interval, self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let pushing = async {
            loop {
                ticks.tick().await;
                self.push(&registry).await;
            }
        };
        end.run_until_cancelled(pushing).await;
        if tokio::time::timeout(super::FLUSH, self.push(&registry)).await.is_err() {
            tracing::warn!("the last metrics were not taken in time");
        }
    }

    async fn push(&mut self, registry: &Registry) {
        // From values to values: there is nothing to fail at.
        let Ok(families) = prometheus_protobuf::encode(registry) else { return };
        let export = request::export(families, &self.resource, &mut self.starts, SystemTime::now());
        let points = request::points(&export);
        match self.send(export.encode_to_vec().into()).await {
            Ok(ExportMetricsPartialSuccess { rejected_data_points: rejected @ 1.., error_message }) => {
                self.complaints.note(rejected.unsigned_abs(), Err(error_message));
            }
            Ok(_) => self.complaints.note(points, Ok::<_, HttpError>(())),
            Err(error) => self.complaints.note(points, Err(error)),
        }
    }

    /// Sends one export. What was not taken of it.
    async fn send(&self, export: Bytes) -> Result<ExportMetricsPartialSuccess, HttpError> {
        let request = Request::post(&self.url).header(CONTENT_TYPE, "application/x-protobuf").body(export)?;
        let answer = self.client.send_bytes(request).await?;
        // A receiver that answers with something else has taken it all the same.
        let answer = ExportMetricsServiceResponse::decode(answer.into_body()).unwrap_or_default();
        Ok(answer.partial_success.unwrap_or_default())
    }
}
