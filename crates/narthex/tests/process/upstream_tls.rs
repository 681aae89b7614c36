//! A model server that speaks TLS only, and only with whom it knows.

use std::{fs::File, sync::Arc, time::Duration};

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tempfile::TempDir;
use testkit::{
    certificates::{Authority, Issued},
    model_server::{ModelServer, Script},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    process::Command,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::support::{Running, narthex, outcome};

/// Puts TLS in front of a model server, and lets in whom `clients` has signed. The port.
async fn guard(server: &ModelServer, own: &Issued, clients: &Authority, tasks: &TaskTracker) -> u16 {
    let certificate = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate(&clients.pem())).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    let config =
        config.with_client_cert_verifier(verifier).with_single_cert(vec![certificate(&own.certificate)], key);
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, address, inner) = (listener.local_addr().unwrap().port(), server.address(), tasks.clone());
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            inner.spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut server = TcpStream::connect(address).await.unwrap();
                drop(copy_bidirectional(&mut stream, &mut server).await);
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_shows_its_certificate_and_asks_for_the_servers() {
    let (authority, tasks) = (Authority::new(), TaskTracker::new());
    let server = ModelServer::start(Script::default()).await.unwrap();
    let port = guard(&server, &authority.issue(), &authority, &tasks).await;
    let folder = TempDir::new().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let own = authority.issue();
    let (authorities, certificate, key) =
        (file("ca.pem", &authority.pem()), file("own.pem", &own.certificate), file("own.key", &own.key));
    let config = file(
        "narthex.toml",
        &format!(
            "[[upstream]]\nurl = \"https://localhost:{port}/v1\"\nmodels = [\"scripted\"]\n[upstream.tls]\n\
             authorities_file = \"{authorities}\"\ncertificate_file = \"{certificate}\"\nkey_file = \"{key}\"\n"
        ),
    );
    let ports = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let mut running = Running::start(narthex(["dev", "--config", &config].iter().chain(&ports)));
    running.greeting();
    let place = format!("http://{}/v1/responses", running.listen.as_ref().unwrap());
    let body = r#"{"model":"scripted","input":"Hello. [[tokens=3]]"}"#;
    let curl = Command::new("curl")
        .args(["-s", &place, "-H", "content-type: application/json", "-d", body])
        .output();
    let answer = timeout(Duration::from_secs(20), curl).await.unwrap().unwrap();
    let answer = String::from_utf8(answer.stdout).unwrap();
    assert!(answer.contains(r#""status":"completed""#), "{answer}");

    // The server lets nobody in without one: what the worker waits for says so.
    let anonymous = file(
        "anonymous.toml",
        &format!(
            "[[upstream]]\nurl = \"https://localhost:{port}/v1\"\n[upstream.tls]\nauthorities_file = \"{authorities}\"\n"
        ),
    );
    let log = folder.path().join("log");
    let _refused = Running::start_with_log(
        narthex(["dev", "--config", &anonymous].iter().chain(&ports)),
        File::create(&log).unwrap().into(),
    );
    let said = async {
        loop {
            let said = std::fs::read_to_string(&log).unwrap();
            if let Some(line) = said.lines().find(|line| line.contains("waiting for a model server")) {
                return line.to_owned();
            }
            tokio::task::yield_now().await;
        }
    };
    let said = timeout(Duration::from_secs(20), said).await.unwrap();
    assert!(said.contains("set certificate_file and key_file"), "{said}");

    // With a file that is none it does not start.
    let nothing = format!("upstream.0.tls.authorities_file={}", file("empty.pem", ""));
    let arguments = ["dev", "--config", &config, "--set", &nothing];
    let (code, _, error) = outcome(narthex(arguments.iter().chain(&ports)));
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("authorities_file holds no certificates"), "{error}");
}
