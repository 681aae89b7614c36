//! TLS in this process: whose cryptography it is, and the certificates of the public listener.

mod certificates;

pub(crate) use certificates::Certificates;

/// Takes *ring*. Without a choice, a library that finds several providers among its dependencies breaks down at its
/// first connection.
pub(crate) fn choose_cryptography() {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("the cryptography was chosen before");
    }
}
