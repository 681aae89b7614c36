//! TLS at the public listener, as clients see it.

use std::{fs, sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tempfile::TempDir;
use testkit::certificates::{Authority, Issued};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{client_async, tungstenite::Message};

use crate::support::{Running, narthex, outcome};

const PATIENCE: Duration = Duration::from_secs(20);

/// Files with a certificate and its key.
struct Files {
    folder: TempDir,
    certificate: String,
    key: String,
}

impl Files {
    fn new(issued: &Issued) -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (certificate, key) = (path("certificate.pem"), path("key.pem"));
        let files = Self { folder, certificate, key };
        files.replace(issued);
        files
    }

    fn replace(&self, issued: &Issued) {
        fs::write(&self.key, &issued.key).unwrap();
        fs::write(&self.certificate, &issued.certificate).unwrap();
    }

    fn add(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A program that serves with them.
    fn dev(&self, more: &[&str]) -> Running {
        let own = ["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let tls = ["--tls-certificate", &self.certificate, "--tls-key", &self.key];
        let mut running = Running::start(narthex(own.iter().chain(&tls).chain(more)));
        let said = running.greeting();
        assert!(said.contains("curl -N https://"), "{said}");
        running
    }
}

fn trust(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    roots
}

fn builder(authority: &Authority) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    versions.unwrap().with_root_certificates(trust(authority))
}

fn client(authority: &Authority) -> ClientConfig {
    builder(authority).with_no_client_auth()
}

async fn connect(running: &Running, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(running.listen.as_ref().unwrap()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    timeout(PATIENCE, TlsConnector::from(Arc::new(config)).connect(name, stream)).await.unwrap()
}

/// The status line of a request for the models, if the connection carries one.
async fn models(mut stream: TlsStream<TcpStream>, more: &str) -> std::io::Result<String> {
    let request = format!("GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap()?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn clients_speak_https_http2_and_wss() {
    let authority = Authority::new();
    let files = Files::new(&authority.issue());
    let running = files.dev(&[]);
    let stream = connect(&running, client(&authority)).await.unwrap();
    assert_eq!(models(stream, "").await.unwrap(), "HTTP/1.1 200 OK");

    let mut both = client(&authority);
    both.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = connect(&running, both).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));

    let stream = connect(&running, client(&authority)).await.unwrap();
    let (mut socket, _) = client_async("wss://localhost/v1/responses", stream).await.unwrap();
    let turn = r#"{"type":"response.create","model":"demo","input":"demo:tokens=3"}"#;
    socket.send(Message::text(turn)).await.unwrap();
    loop {
        let event = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        if event.to_text().unwrap().contains("response.completed") {
            break;
        }
    }

    // Nobody is trusted who says to be somebody else.
    connect(&running, client(&Authority::new())).await.unwrap_err();
}

#[test]
fn a_server_is_loaded_over_tls_by_who_trusts_its_authority() {
    let authority = Authority::new();
    let files = Files::new(&authority.issue());
    let running = files.dev(&[]);
    let url = format!("https://{}/v1", running.listen.as_ref().unwrap());
    let bench = |trusted: &Authority, dialect: &str| {
        let trusted = files.add("trusted.pem", &trusted.pem());
        let whom = ["bench", "--url", &url, "--authorities-file", &trusted, "--dialect", dialect];
        let what = ["--streams", "4", "--ramp", "0s", "--duration", "1s", "--prompt", "demo:tokens=30"];
        outcome(narthex([&whom[..], &what].concat()))
    };
    for dialect in ["websocket", "sse"] {
        let (code, said, complaint) = bench(&authority, dialect);
        assert_eq!(code, 0, "{dialect}: {said} {complaint}");
    }
    let (code, said, complaint) = bench(&Authority::new(), "websocket");
    assert_eq!((code, &*said), (1, ""), "{complaint}");
    assert!(complaint.contains("certificate_not_trusted"), "{complaint}");
}

#[tokio::test]
async fn certificates_are_renewed_while_connections_live_on() {
    let (old, new) = (Authority::new(), Authority::new());
    let files = Files::new(&old.issue());
    let running = files.dev(&[]);
    let living = connect(&running, client(&old)).await.unwrap();

    files.replace(&new.issue());
    let renewed = async {
        while connect(&running, client(&new)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, renewed).await.unwrap();
    connect(&running, client(&old)).await.unwrap_err();
    assert_eq!(models(living, "").await.unwrap(), "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn clients_show_certificates_where_they_are_asked_to() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let files = Files::new(&authority.issue());
    let setting = format!("tls.client_authorities_file={}", files.add("clients.pem", &clients.pem()));
    let running = files.dev(&["--set", &setting]);
    let identity = |authority: &Authority| {
        let Issued { certificate, key } = authority.issue();
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        (chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
    };
    let (chain, key) = identity(&clients);
    let known = builder(&authority).with_client_auth_cert(chain, key).unwrap();
    let stream = connect(&running, known).await.unwrap();
    assert_eq!(models(stream, "").await.unwrap(), "HTTP/1.1 200 OK");

    let (chain, key) = identity(&Authority::new());
    let stranger = builder(&authority).with_client_auth_cert(chain, key).unwrap();
    for config in [stranger, client(&authority)] {
        // With TLS 1.3 a client learns of it with the first answer.
        if let Ok(stream) = connect(&running, config).await {
            models(stream, "").await.unwrap_err();
        }
    }
}

#[tokio::test]
async fn who_does_not_speak_tls_is_let_go() {
    let authority = Authority::new();
    let files = Files::new(&authority.issue());
    let running = files.dev(&["--set", "gateway.handshake_timeout=300ms"]);
    let address = running.listen.as_ref().unwrap();
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut alert = Vec::new();
    timeout(PATIENCE, plain.read_to_end(&mut alert)).await.unwrap().unwrap();
    assert_eq!(alert.first(), Some(&0x15), "{alert:?}");

    let mut silent = TcpStream::connect(address).await.unwrap();
    assert_eq!(timeout(PATIENCE, silent.read(&mut [0])).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn behind_a_proxy_its_word_counts() {
    let own = ["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let proxy = ["--set", "proxy.addresses=127.0.0.0/8"];
    let mut running = Running::start(narthex(own.iter().chain(&proxy)));
    running.greeting();
    let ask = async |more: &str| {
        let mut stream = TcpStream::connect(running.listen.as_ref().unwrap()).await.unwrap();
        let request =
            format!("GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    };
    assert!(ask("X-Forwarded-Proto: https\r\n").await.starts_with("HTTP/1.1 200"));
    for plain in ["", "X-Forwarded-Proto: http\r\n", "Forwarded: for=1.2.3.4;proto=https\r\n"] {
        let answer = ask(plain).await;
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("https_required"), "{answer}");
    }
}

#[test]
fn what_is_wrong_with_certificates_is_told() {
    let authority = Authority::new();
    let (one, other) = (authority.issue(), authority.issue());
    let files = Files::new(&one);
    let (empty, other) = (files.add("empty.pem", ""), files.add("other.pem", &other.key));
    let cases = [
        ("/nowhere.pem", &*files.key, "tls.certificate_file names /nowhere.pem, which cannot be read"),
        (&*empty, &*files.key, "the file that tls.certificate_file names holds no certificate in PEM"),
        (&*files.certificate, &*empty, "the file that tls.key_file names holds no private key in PEM"),
        (&*files.certificate, &*other, "the key has to be that of the first certificate"),
    ];
    for (certificate, key, complaint) in cases {
        let arguments =
            ["dev", "--listen", "127.0.0.1:0", "--tls-certificate", certificate, "--tls-key", key];
        let (code, said, error) = outcome(narthex(arguments));
        assert_eq!((code, said), (2, String::new()), "{error}");
        assert!(error.contains(complaint), "{error}");
    }
}
