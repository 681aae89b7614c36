//! Brokers on Redis servers of our own.

use std::{
    ops::Deref,
    sync::{Arc, Weak},
};

use broker::Broker;
use broker_redis::Config;
pub(crate) use testkit::redis::{Server, cli};
use tokio::sync::Mutex;

/// What a test needs to reach one server, or several.
pub(crate) fn config(urls: &[String]) -> Config {
    Config { urls: urls.to_vec(), ..Config::default() }
}

/// A broker whose server, or servers, run as long as it is there.
pub(crate) struct Served<S> {
    broker: Broker,
    _servers: Arc<S>,
}

impl<S> Served<S> {
    /// A broker as two processes see it: what one puts in, the other takes out.
    pub(crate) async fn connect(servers: Arc<S>, config: Config) -> Self {
        let one = broker_redis::connect(config.clone()).await.unwrap();
        let other = broker_redis::connect(config).await.unwrap();
        Self { broker: Broker { control: other.control, store: other.store, ..one }, _servers: servers }
    }
}

impl<S> Deref for Served<S> {
    type Target = Broker;

    fn deref(&self) -> &Broker {
        &self.broker
    }
}

/// Servers that the tests share while any of them runs.
pub(crate) struct Shared<S>(Mutex<Weak<S>>);

impl<S> Shared<S> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::const_new(Weak::new()))
    }

    pub(crate) async fn get(&self, start: impl Future<Output = S>) -> Arc<S> {
        let mut shared = self.0.lock().await;
        if let Some(servers) = shared.upgrade() {
            return servers;
        }
        let servers = Arc::new(start.await);
        *shared = Arc::downgrade(&servers);
        servers
    }
}
