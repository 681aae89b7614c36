//! How a Redis broker is used, beyond where it is.

use super::tls_files::TlsFiles;
use crate::failure::Failure;

/// The broker's own settings, and the files of which it wants the contents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redis {
    /// Its own; where it is and whom it trusts come from elsewhere.
    pub(crate) broker: broker_redis::Config,
    /// Whom to trust, and what to identify with.
    pub(crate) tls: TlsFiles,
}

impl Redis {
    /// What the broker takes, for the server or servers at `url`.
    pub(crate) fn settings(&self, url: &str) -> Result<broker_redis::Config, Failure> {
        let contents = self.tls.read("redis.tls")?;
        let identity =
            contents.identity.map(|(certificate, key)| broker_redis::Identity { certificate, key });
        let tls = broker_redis::Tls { authorities: contents.authorities, identity };
        Ok(broker_redis::Config { urls: vec![url.to_owned()], tls, ..self.broker.clone() })
    }
}
