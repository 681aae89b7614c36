//! How a Kafka broker is used, beyond where it is.

use std::ffi::OsString;

use broker_kafka::{Identity, Mechanism, Sasl, Tls};
use engine::Secret;
use percent_encoding::percent_decode_str;

use super::{broker_url::RedisUrl, secret_place::SecretPlace, tls_files::TlsFiles, value::Choice};
use crate::failure::Failure;

/// The broker's own settings, who this is to it, and where state by key is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kafka {
    /// Its own; where it is, and who trusts whom, come from elsewhere.
    pub(crate) broker: broker_kafka::Config,
    /// Whom to trust, and what to identify with.
    pub(crate) tls: TlsFiles,
    /// How a password is proved.
    pub(crate) mechanism: Mechanism,
    /// Whose password.
    pub(crate) username: Option<String>,
    /// Where the password is.
    pub(crate) password: SecretPlace,
    /// A Redis for what Kafka does not keep.
    pub(crate) store: Option<RedisUrl>,
}

impl Choice for Mechanism {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Plain.name(), Self::Plain),
        (Self::ScramSha256.name(), Self::ScramSha256),
        (Self::ScramSha512.name(), Self::ScramSha512),
    ];
}

impl Kafka {
    /// What the broker takes, for the cluster at `url`. A process that makes no responses needs no home. The password is
    /// read here, and once: from the environment by `variable`, or a file.
    pub(crate) fn settings(
        &self,
        url: &str,
        makes_responses: bool,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<broker_kafka::Config, Failure> {
        let complaints = self.check(url);
        if !complaints.is_empty() {
            return Err(Failure::configurations(complaints));
        }
        let address = Address::read(url);
        Ok(broker_kafka::Config {
            bootstrap_servers: address.nodes.to_owned(),
            tls: if address.encrypted { Some(self.tls()?) } else { None },
            sasl: self.sasl(&address, variable)?,
            home_partitions: if makes_responses { self.broker.home_partitions } else { 0 },
            ..self.broker.clone()
        })
    }

    /// What is wrong with the address of a cluster, and what goes with it.
    pub(super) fn check(&self, url: &str) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut complain = |complaint: &str| complaints.push(complaint.to_owned());
        let address = Address::read(url);
        if address.nodes.is_empty() || address.nodes.contains(['/', '?']) {
            complain(
                "broker: what follows `kafka://` or `kafkas://` is `host:port`, or several with commas, and nothing else but \
                 `user:password@` before them",
            );
        }
        if !address.encrypted && !self.tls.is_empty() {
            complain("kafka.tls is set, but the broker is kafka://, which is in plain text: write kafkas://");
        }
        match (address.user, &self.username) {
            (Some((_, None)), _) => {
                complain("broker names a user of Kafka without a password: write `user:password@`")
            }
            (Some(_), _) if self.username.is_some() || !self.password.is_empty() => {
                complain("broker names a user of Kafka, and so does kafka.sasl: keep one of them");
            }
            (None, Some(_)) if self.password.is_empty() => complain(
                "kafka.sasl.username has no password: set kafka.sasl.password_env, password_file or password",
            ),
            (None, None) if !self.password.is_empty() => {
                complain("kafka.sasl has a password, but no username: set kafka.sasl.username");
            }
            _ => {}
        }
        complaints.extend(self.password.check("kafka.sasl", "password"));
        complaints
    }

    fn tls(&self) -> Result<Tls, Failure> {
        let text = |pem| {
            String::from_utf8(pem).map_err(|_| {
                Failure::configuration("kafka.tls names a file that is not PEM: convert it with `openssl x509` or `openssl pkey`")
            })
        };
        let contents = self.tls.read("kafka.tls")?;
        let identity = contents.identity.map(|(certificate, key)| {
            Ok::<_, Failure>(Identity { certificate: text(certificate)?, key: text(key)? })
        });
        Ok(Tls { authorities: contents.authorities.map(text).transpose()?, identity: identity.transpose()? })
    }

    fn sasl(
        &self,
        address: &Address<'_>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Sasl>, Failure> {
        let mechanism = self.mechanism;
        if let Some((username, Some(password))) = address.user {
            return Ok(Some(Sasl { mechanism, username: decoded(username), password: decoded(password) }));
        }
        let Some(username) = self.username.clone() else { return Ok(None) };
        let password = self.password.read("kafka.sasl.password", "password", variable)?;
        let password = password.as_ref().map(Secret::reveal).unwrap_or_default().to_owned();
        Ok(Some(Sasl { mechanism, username, password }))
    }
}

/// What a URL says.
struct Address<'a> {
    encrypted: bool,
    /// A name and a password, each as it stands there.
    user: Option<(&'a str, Option<&'a str>)>,
    nodes: &'a str,
}

impl<'a> Address<'a> {
    fn read(url: &'a str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (user, nodes) = match rest.rsplit_once('@') {
            Some((user, nodes)) => (Some(user), nodes),
            None => (None, rest),
        };
        let user =
            user.map(|user| user.split_once(':').map_or((user, None), |(name, word)| (name, Some(word))));
        Self { encrypted: scheme == "kafkas", user, nodes: nodes.trim_end_matches('/') }
    }
}

/// As in every URL, `%2F` is a slash.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests;
