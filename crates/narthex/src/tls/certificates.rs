//! The certificates of the public listener: read from files, and read again when these change.

use std::{sync::Arc, time::Duration};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring::Ticketer,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
};

use crate::{config::ServerTls, failure::Failure};

/// How often the files are looked at. Not watched: what Kubernetes mounts is replaced by a link to another folder, and some
/// file systems tell nothing.
const LOOK: Duration = Duration::from_secs(2);

/// Certificates, from their files.
#[derive(Debug)]
pub(crate) struct Certificates {
    files: ServerTls,
    read: Contents,
    tls: gateway::Tls,
}

/// What the files hold.
#[derive(Debug, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_authorities: Option<Vec<u8>>,
}

impl Certificates {
    /// Reads them; `None` where none are configured.
    pub(crate) fn read(files: &ServerTls) -> Result<Option<Self>, Failure> {
        let Some(read) = Contents::read(files)? else { return Ok(None) };
        let tls = gateway::Tls::new(read.to_config()?);
        Ok(Some(Self { files: files.clone(), read, tls }))
    }

    /// What the gateway takes. It changes when the files do, as long as somebody [keeps](Self::keep) it.
    pub(crate) fn tls(&self) -> gateway::Tls {
        self.tls.clone()
    }

    /// What the files hold beside the key, in PEM: the certificates to identify with, and the authorities of clients.
    pub(crate) fn pem(&self) -> (&[u8], Option<&[u8]>) {
        (&self.read.certificate, self.read.client_authorities.as_deref())
    }

    /// Reads the files again whenever they change. What cannot be used is told, once, and the last that could stays in use.
    pub(crate) async fn keep(mut self) {
        let mut looks = tokio::time::interval(LOOK);
        let mut complaint = None;
        loop {
            looks.tick().await;
            match self.look() {
                Ok(()) => complaint = None,
                Err(failure) => {
                    let failure = failure.to_string();
                    if complaint.as_ref() != Some(&failure) {
                        tracing::error!(
                            failure,
                            "cannot use the certificate files as they are now, and keep what they were"
                        );
                        complaint = Some(failure);
                    }
                }
            }
        }
    }

    /// Small files, and seldom: not worth another thread.
    fn look(&mut self) -> Result<(), Failure> {
        if let Some(read) = Contents::read(&self.files)?
            && read != self.read
        {
            self.tls.replace(read.to_config()?);
            self.read = read;
            tracing::info!("the certificate files have changed, and are in use");
        }
        Ok(())
    }
}

impl Contents {
    fn read(files: &ServerTls) -> Result<Option<Self>, Failure> {
        let ServerTls { certificate_file: Some(certificate), key_file: Some(key), client_authorities_file } =
            files
        else {
            return Ok(None);
        };
        let authorities = client_authorities_file.as_ref().map(|path| file("client_authorities_file", path));
        Ok(Some(Self {
            certificate: file("certificate_file", certificate)?,
            key: file("key_file", key)?,
            client_authorities: authorities.transpose()?,
        }))
    }

    fn to_config(&self) -> Result<ServerConfig, Failure> {
        let certificates = certificates("certificate_file", &self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| {
            Failure::configuration(
                "the file that tls.key_file names holds no private key in PEM: put it there",
            )
        })?;
        let mut config = ServerConfig::builder()
            .with_client_cert_verifier(self.verifier()?)
            .with_single_cert(certificates, key)
            .map_err(|error| {
                Failure::configuration(format!(
                    "the certificate in tls.certificate_file and the key in tls.key_file cannot be used ({error}): the key \
                     has to be that of the first certificate"
                ))
            })?;
        // Clients bring their sessions with them: no memory for those who may never come back. A new key with every change,
        // so that who was let in by an authority that is gone has to show a certificate again.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = Ticketer::new().map_err(|error| Failure::run_time(format!("no TLS: {error}")))?;
        Ok(config)
    }

    fn verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, Failure> {
        let Some(pem) = &self.client_authorities else { return Ok(WebPkiClientVerifier::no_client_auth()) };
        let unusable = |error: &dyn std::fmt::Display| {
            Failure::configuration(format!(
                "the certificates in tls.client_authorities_file cannot be used: {error}"
            ))
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates("client_authorities_file", pem)? {
            roots.add(certificate).map_err(|error| unusable(&error))?;
        }
        WebPkiClientVerifier::builder(roots.into()).build().map_err(|error| unusable(&error))
    }
}

fn certificates(setting: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    certificates.ok().filter(|certificates| !certificates.is_empty()).ok_or_else(|| {
        Failure::configuration(format!(
            "the file that tls.{setting} names holds no certificate in PEM: put it there"
        ))
    })
}

fn file(setting: &str, path: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::configuration(format!("tls.{setting} names {path}, which cannot be read: {error}"))
    })
}

#[cfg(test)]
mod tests;
