//! Who may listen in, and who this is: TLS and SASL.

use std::fmt;

use rdkafka::ClientConfig;

/// What an encrypted connection stands on, as PEM. The cluster's certificate is always verified, the name of its host too.
#[derive(Clone, Default)]
pub struct Tls {
    /// The certificates of the authorities to trust, instead of those that the operating system trusts.
    pub authorities: Option<String>,
    /// What to identify with, where the cluster asks for it.
    pub identity: Option<Identity>,
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate, and those that lead to its authority.
    pub certificate: String,
    /// The private key, not encrypted.
    pub key: String,
}

/// A user of the cluster.
#[derive(Clone)]
pub struct Sasl {
    /// How the password is proved.
    pub mechanism: Mechanism,
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// How a password is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mechanism {
    /// By saying it: without TLS, whoever listens in has it (RFC 4616).
    Plain,
    /// By an answer to a challenge, with SHA-256 (RFC 7677).
    ScramSha256,
    /// By an answer to a challenge, with SHA-512.
    #[default]
    ScramSha512,
}

impl Mechanism {
    /// Its registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// Tells librdkafka.
pub(crate) fn secure(client: &mut ClientConfig, tls: Option<&Tls>, sasl: Option<&Sasl>) {
    let protocol = match (tls, sasl) {
        (None, None) => "plaintext",
        (Some(_), None) => "ssl",
        (None, Some(_)) => "sasl_plaintext",
        (Some(_), Some(_)) => "sasl_ssl",
    };
    client.set("security.protocol", protocol);
    if let Some(Tls { authorities, identity }) = tls {
        match authorities {
            Some(authorities) => client.set("ssl.ca.pem", authorities),
            // An OpenSSL that is built in looks where it was built, and there is nothing: this looks where systems have them.
            None => client.set("ssl.ca.location", "probe"),
        };
        if let Some(Identity { certificate, key }) = identity {
            client.set("ssl.certificate.pem", certificate).set("ssl.key.pem", key);
        }
    }
    if let Some(Sasl { mechanism, username, password }) = sasl {
        client
            .set("sasl.mechanism", mechanism.name())
            .set("sasl.username", username)
            .set("sasl.password", password);
    }
}

/// Without what is secret.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("authorities", &self.authorities.is_some())
            .field("identity", &self.identity)
            .finish()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

impl fmt::Debug for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mechanism, username, .. } = self;
        f.debug_struct("Sasl")
            .field("mechanism", mechanism)
            .field("username", username)
            .finish_non_exhaustive()
    }
}
