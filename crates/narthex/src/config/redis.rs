//! How a Redis broker is used, beyond where it is.

use crate::failure::Failure;

/// The broker's own settings, and the files of which it wants the contents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redis {
    /// Its own; where it is and whom it trusts come from elsewhere.
    pub(crate) broker: broker_redis::Config,
    /// Whom to trust.
    pub(crate) authorities_file: Option<String>,
    /// What to identify with.
    pub(crate) certificate_file: Option<String>,
    /// The key of that.
    pub(crate) key_file: Option<String>,
}

impl Redis {
    /// What the broker takes, for the server or servers at `url`.
    pub(crate) fn settings(&self, url: &str) -> Result<broker_redis::Config, Failure> {
        let identity = match (&self.certificate_file, &self.key_file) {
            (Some(certificate), Some(key)) => Some(broker_redis::Identity {
                certificate: read("certificate_file", certificate)?,
                key: read("key_file", key)?,
            }),
            (None, None) => None,
            _ => {
                return Err(Failure::configuration(
                    "redis.tls.certificate_file and redis.tls.key_file go together: set both, or neither",
                ));
            }
        };
        let authorities =
            self.authorities_file.as_ref().map(|file| read("authorities_file", file)).transpose()?;
        let tls = broker_redis::Tls { authorities, identity };
        Ok(broker_redis::Config { urls: vec![url.to_owned()], tls, ..self.broker.clone() })
    }
}

fn read(setting: &str, path: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::configuration(format!("redis.tls.{setting} names {path}, which cannot be read: {error}"))
    })
}
