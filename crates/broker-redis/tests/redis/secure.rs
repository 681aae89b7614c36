//! A server that speaks TLS only, knows its clients by certificate, and wants a password.

use std::{error::Error as _, fs};

use broker::conformance;
use broker_redis::{Config, Identity, Tls, connect};
use testkit::certificates::{Authority, Issued};

use crate::server::{Server, config};

const PASSWORD: &str = "correct horse/battery";
const PASSWORD_IN_URL: &str = "correct%20horse%2Fbattery";

/// An authority, and a certificate that it has signed for this host.
struct Certificates {
    authority: String,
    certificate: String,
    key: String,
}

impl Certificates {
    fn new() -> Self {
        let authority = Authority::new();
        let Issued { certificate, key } = authority.issue();
        Self { authority: authority.pem(), certificate, key }
    }

    fn tls(&self) -> Tls {
        let identity =
            Identity { certificate: self.certificate.clone().into(), key: self.key.clone().into() };
        Tls { authorities: Some(self.authority.clone().into()), identity: Some(identity) }
    }
}

async fn start(certificates: &Certificates) -> Server {
    Server::start_with(|directory| {
        let file = |name: &str, content: &str| {
            let path = directory.path().join(name);
            fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let [authority, certificate, key] = [
            file("authority.pem", &certificates.authority),
            file("certificate.pem", &certificates.certificate),
            file("key.pem", &certificates.key),
        ];
        let arguments = [
            ("--port", "0"),
            ("--tls-port", "{port}"),
            ("--tls-ca-cert-file", &authority),
            ("--tls-cert-file", &certificate),
            ("--tls-key-file", &key),
            ("--tls-auth-clients", "yes"),
            ("--requirepass", PASSWORD),
        ];
        arguments.iter().flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()]).collect()
    })
    .await
}

fn secure(server: &Server, password: &str, tls: Tls) -> Config {
    // As the binary does. Another test may have done so before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!("rediss://:{password}@localhost:{}", server.port);
    Config { tls, ..config(&[url]) }
}

/// All three kinds of connections, encrypted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_works_over_tls() {
    let certificates = Certificates::new();
    let server = start(&certificates).await;
    let broker = connect(secure(&server, PASSWORD_IN_URL, certificates.tls())).await.unwrap();
    conformance::log::sequence_numbers_have_no_gap(&broker).await;
    conformance::live::a_listener_hears_in_order(&broker).await;
    conformance::queue::a_claim_waits_for_a_job(&broker).await;
    conformance::store::what_was_put_is_there(&broker).await;
}

#[tokio::test]
async fn a_wrong_password_is_told_but_never_shown() {
    let certificates = Certificates::new();
    let server = start(&certificates).await;
    let error = connect(secure(&server, "wrong-secret", certificates.tls())).await.unwrap_err();
    assert!(!error.is_retryable());
    let told = error.source().unwrap().to_string();
    assert!(told.contains("set the right user and password"), "{told}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[tokio::test]
async fn who_is_not_trusted_is_not_talked_to() {
    let certificates = Certificates::new();
    let server = start(&certificates).await;
    let strangers = [Tls::default(), Certificates::new().tls(), Tls { identity: None, ..certificates.tls() }];
    for tls in strangers {
        let error = connect(secure(&server, PASSWORD_IN_URL, tls)).await.unwrap_err();
        assert!(!format!("{error:?}").contains("battery"), "{error:?}");
    }
}
