//! What to do about a connection that TLS has ended: its own words name the alert and not the remedy.

use std::{error::Error, io, iter::successors};

use rustls::{AlertDescription as Alert, CertificateError, Error as TlsFailure};

/// What an operator can do about a failure, if it is one of trust or identity.
pub fn advice(failure: &(dyn Error + 'static)) -> Option<&'static str> {
    let causes = successors(Some(failure), |&cause| cause.source());
    causes.filter_map(of_tls).find_map(|failure| match failure {
        TlsFailure::AlertReceived(Alert::CertificateRequired) => {
            Some("the server asks for a certificate: set certificate_file and key_file of its tls settings")
        }
        TlsFailure::AlertReceived(
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::CertificateExpired
            | Alert::CertificateRevoked
            | Alert::UnsupportedCertificate,
        ) => Some("the server does not accept the certificate: put one that it does into certificate_file"),
        TlsFailure::InvalidCertificate(CertificateError::UnknownIssuer) => {
            Some("nobody trusted has signed the server's certificate: put who has into authorities_file")
        }
        _ => None,
    })
}

/// An I/O error names what it is made of as itself, and not as its cause.
fn of_tls<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a TlsFailure> {
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inner.map_or_else(|| cause.downcast_ref(), |inner| inner.downcast_ref())
}
