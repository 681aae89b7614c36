//! Certificates of an authority of one's own.

use std::time::SystemTime;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// An authority that nobody trusts yet.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What an authority has signed, and its key, both in PEM.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// When there is no randomness.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Another name than the certificates that it signs, or they would seem to have signed themselves.
        params.distinguished_name.push(DnType::CommonName, "authority");
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    /// Its own certificate, in PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for this machine, as `localhost` and `127.0.0.1`.
    ///
    /// # Panics
    /// When there is no randomness.
    pub fn issue(&self) -> Issued {
        self.issue_for(&["localhost", "127.0.0.1"])
    }

    /// A certificate for this machine that ends then.
    ///
    /// # Panics
    /// When there is no randomness.
    pub fn issue_until(&self, end: SystemTime) -> Issued {
        let mut params = params(&["localhost", "127.0.0.1"]);
        params.not_after = end.into();
        self.sign(params)
    }

    /// A certificate for hosts of these names.
    ///
    /// # Panics
    /// When there is no randomness, or one of them can be no name.
    pub fn issue_for(&self, names: &[&str]) -> Issued {
        self.sign(params(names))
    }

    fn sign(&self, params: CertificateParams) -> Issued {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&name| name.into()).collect();
    CertificateParams::new(names).expect("names")
}
