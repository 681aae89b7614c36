//! What other crates are about to bring: this file goes when they have.

use async_trait::async_trait;
use broker::{Broker, Member};
use engine::{Call, Engine, Error, Fault, Outputs};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) struct Metrics;

impl Metrics {
    pub(crate) const fn register(_: &mut Registry) -> Self {
        Self
    }
}

pub(crate) struct Gateway;

impl Gateway {
    pub(crate) fn build(_: gateway::Config, _: Broker, _: Member, _: Metrics) -> Self {
        Self
    }

    pub(crate) async fn run(
        self,
        _listener: TcpListener,
        drain: CancellationToken,
    ) -> Result<(), broker::Error> {
        drain.cancelled().await;
        Ok(())
    }
}

pub(crate) struct Demo;

#[async_trait]
impl Engine for Demo {
    async fn generate(&self, _: Call) -> Result<Outputs, Error> {
        Err(Error::new(Fault::Failed, "this build has no demo model yet", "seam"))
    }

    async fn models(&self) -> Result<Option<Vec<String>>, Error> {
        Ok(Some(vec!["demo".to_owned()]))
    }
}
