//! For which names the gateway's certificate is: a client that reaches it by another one hangs up.

use std::net::IpAddr;

use broker::Finding;
use rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    server::ParsedCertificate,
};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

const ABOUT: &str = "tls names";

/// How many names are told.
const TOLD: usize = 5;

/// The first certificate of `chain` against `hosts`, and against the address that is listened on, if that is one.
pub(super) fn examine(chain: &[u8], listen: IpAddr, hosts: &[String]) -> Vec<Finding> {
    let own = CertificateDer::pem_slice_iter(chain).next().and_then(Result::ok);
    // One that cannot be read is told of where its end is looked at.
    let Some(own) = own else { return Vec::new() };
    let (Some(names), Ok(parsed)) = (names(&own), ParsedCertificate::try_from(&own)) else {
        return Vec::new();
    };
    let is_for = |host: &str| {
        ServerName::try_from(host.to_owned()).is_ok_and(|name| verify_server_name(&parsed, &name).is_ok())
    };
    let seen = told(&names);
    let missing: Vec<&str> = hosts.iter().map(String::as_str).filter(|host| !is_for(host)).collect();
    if !missing.is_empty() {
        return vec![Finding::problem(
            ABOUT,
            format!("it is for {seen}, and not for {}: have it made for that, too", missing.join(", ")),
        )];
    }
    let is_one = !listen.is_unspecified() && !listen.is_loopback();
    if hosts.is_empty() && is_one && !is_for(&listen.to_string()) {
        let advice =
            "clients have to come by one of these names; name them with --host to have them looked at";
        return vec![Finding::warning(ABOUT, format!("it is for {seen}, and not for {listen}: {advice}"))];
    }
    vec![Finding::fine(ABOUT, format!("it is for {seen}"))]
}

/// The names in a certificate, as people write them. Its subject's common name is none: no client looks at it any more.
fn names(certificate: &CertificateDer<'_>) -> Option<Vec<String>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let Some(names) = certificate.subject_alternative_name().ok()? else { return Some(Vec::new()) };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(*bytes)
            .map(IpAddr::from)
            .or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from))
            .ok()
            .map(|address| address.to_string()),
        _ => None,
    };
    Some(names.value.general_names.iter().filter_map(name).collect())
}

fn told(names: &[String]) -> String {
    match names.len().checked_sub(TOLD) {
        _ if names.is_empty() => "no name".to_owned(),
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..TOLD].join(", ")),
    }
}
