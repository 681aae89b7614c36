//! The cryptography of all TLS in this process.

/// Takes *ring*. Without a choice, a library that finds several providers among its dependencies breaks down at its
/// first connection.
pub(crate) fn choose_cryptography() {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("the cryptography was chosen before");
    }
}
