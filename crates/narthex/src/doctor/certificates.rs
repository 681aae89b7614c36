//! Until when certificates are valid, for which names, and whether they can be used at all.

mod names;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use broker::Finding;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use crate::{
    config::{BrokerUrl, Config, Role, TlsContents, TlsFiles},
    failure::Failure,
    tls::Certificates,
};

/// Renewing takes people, and people take their time.
const SOON: Duration = Duration::from_secs(30 * DAY);

const DAY: u64 = 24 * 60 * 60;

/// All certificates that are configured in files. Clients reach a gateway by `hosts`, as far as that is known.
pub(super) fn examine(config: &Config, role: Role, hosts: &[String]) -> Vec<Finding> {
    let now = SystemTime::now();
    let mut findings = Vec::new();
    if role.is_gateway() {
        findings.extend(own(config, hosts, now));
    }
    match &config.broker {
        BrokerUrl::Memory => {}
        BrokerUrl::Redis(_) => findings.extend(others("redis.tls", &config.redis.tls, now)),
        BrokerUrl::Kafka(_) => {
            findings.extend(others("kafka.tls", &config.kafka.tls, now));
            findings.extend(others("redis.tls", &config.redis.tls, now));
        }
    }
    if role.is_worker() {
        let each = config.upstream.iter().enumerate();
        findings.extend(
            each.flat_map(|(index, upstream)| others(&format!("upstream.{index}.tls"), &upstream.tls, now)),
        );
    }
    findings
}

/// Those of the public listener.
fn own(config: &Config, hosts: &[String], now: SystemTime) -> Vec<Finding> {
    match Certificates::read(&config.tls) {
        Ok(None) => Vec::new(),
        Err(failure) => vec![unusable("tls", &failure)],
        Ok(Some(certificates)) => {
            let (chain, authorities) = certificates.pem();
            let mut findings = vec![chain_ends("tls.certificate_file", chain, now)];
            findings.extend(names::examine(chain, config.listen.ip(), hosts));
            findings.extend(authorities.map(|pem| authorities_end("tls.client_authorities_file", pem, now)));
            findings
        }
    }
}

/// Those towards somebody else.
fn others(table: &str, files: &TlsFiles, now: SystemTime) -> Vec<Finding> {
    match files.read(table) {
        Err(failure) => vec![unusable(table, &failure)],
        Ok(TlsContents { authorities, identity }) => {
            let (trusted, shown) = (format!("{table}.authorities_file"), format!("{table}.certificate_file"));
            let trusted = authorities.map(|pem| authorities_end(&trusted, &pem, now));
            let shown = identity.map(|(pem, _)| chain_ends(&shown, &pem, now));
            trusted.into_iter().chain(shown).collect()
        }
    }
}

fn unusable(about: &str, failure: &Failure) -> Finding {
    Finding::problem(about, failure.to_string())
}

/// A chain is worth as much as the first of its links that ends.
fn chain_ends(about: &str, pem: &[u8], now: SystemTime) -> Finding {
    judge(about, ends(pem).and_then(|ends| ends.into_iter().min()), now)
}

/// Of many authorities some may be over.
fn authorities_end(about: &str, pem: &[u8], now: SystemTime) -> Finding {
    judge(about, ends(pem).and_then(|ends| ends.into_iter().max()), now)
}

/// When each of the certificates ends.
fn ends(pem: &[u8]) -> Option<Vec<SystemTime>> {
    let certificates = CertificateDer::pem_slice_iter(pem);
    let end = |certificate: CertificateDer<'_>| {
        let (_, certificate) = X509Certificate::from_der(&certificate).ok()?;
        let seconds = certificate.validity().not_after.timestamp();
        Some(UNIX_EPOCH + Duration::from_secs(seconds.try_into().ok()?))
    };
    certificates.map(|certificate| end(certificate.ok()?)).collect()
}

fn judge(about: &str, end: Option<SystemTime>, now: SystemTime) -> Finding {
    let Some(end) = end else {
        return Finding::problem(
            about,
            "there is no certificate in it that can be read: put one there, as PEM",
        );
    };
    let date = humantime::format_rfc3339_seconds(end).to_string();
    let date = date.split('T').next().unwrap_or_default();
    match end.duration_since(now) {
        Err(_) => Finding::problem(about, format!("expired on {date}: renew it")),
        Ok(left) if left < SOON => {
            let days = left.as_secs() / DAY;
            Finding::warning(about, format!("expires in {days} days, on {date}: renew it"))
        }
        Ok(left) => Finding::fine(about, format!("valid for {} days, until {date}", left.as_secs() / DAY)),
    }
}

#[cfg(test)]
mod tests;
