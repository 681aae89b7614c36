//! The scene: Redis, a model server, a worker, and a gateway that knows its callers.

use std::{fs::File, io, net::SocketAddr, path::Path, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{
    model_server::{ModelServer, Script},
    process::Process,
    redis::Server,
};
use tokio::{process::Command, sync::Mutex, time};

use super::{attack::Keys, gauge::Gauge};
use crate::cluster::MODEL;

/// A gateway looks for changed keys every second.
const KEYS_ARE_READ: Duration = Duration::from_secs(3);

/// As by default, but that what takes a while by default comes to its end within a round, and that few connections are many.
const GATEWAY: &str = "
[gateway]
max_message_bytes = \"256KiB\"
header_timeout = \"3s\"
ping_interval = \"2s\"
idle_timeout = \"5s\"
grace = \"2s\"

[gateway.limits]
max_connections_per_address = 60
arrivals_per_second = 50
arrivals_burst = 100
";

/// Everything that runs. It ends with this.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) keys: Keys,
    pub(super) gauge: Gauge,
    gateway: Mutex<Process>,
    door: SocketAddr,
    _worker: Process,
    _model: ModelServer,
    _redis: Server,
    _folder: TempDir,
}

impl Stage {
    /// Starts everything, and waits until it is ready.
    ///
    /// # Errors
    /// When something cannot be started.
    pub(super) async fn start(program: &Path, logs: &Path, settings: &[String]) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let file = |name: &str, text: &str| -> io::Result<String> {
            let path = folder.path().join(name);
            std::fs::write(&path, text)?;
            Ok(path.display().to_string())
        };
        let redis = Server::start(&[]).await;
        let model = ModelServer::start(Script::default()).await?;
        let upstream = format!(
            "[[upstream]]\nurl = \"http://{}/v1\"\nmodels = [\"{MODEL}\"]\nconcurrency = 512\n",
            model.address()
        );
        let (worker_file, gateway_file) = (file("worker.toml", &upstream)?, file("gateway.toml", GATEWAY)?);
        let (keys_file, signing) =
            (folder.path().join("keys.toml").display().to_string(), file("signing", &"abuse ".repeat(8))?);
        let key = async |name: &str, more: &[&str]| make_key(program, &keys_file, name, more).await;
        let mut keys = Keys {
            honest: key("honest", &[]).await?,
            abuser: key("abuser", &[]).await?,
            limited: key("limited", &["--requests-per-minute", "10"]).await?,
            expired: key("expired", &["--expires", "1s"]).await?,
            revoked: key("revoked", &["--scope", "models", "--scope", "client_secrets"]).await?,
            client_secret: String::new(),
        };
        let broker = redis.url();
        let common = ["--broker", &broker, "--admin-listen", "127.0.0.1:0"];
        let start = async |role: &str, more: &[&str]| -> io::Result<Process> {
            let arguments = [&[role], common.as_slice(), more].concat();
            let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
            let log = File::create(logs.join(format!("{role}.log")))?;
            let mut process = Process::start(program, &arguments, log).await?;
            process.ready().await?;
            Ok(process)
        };
        let worker = start("worker", &["--config", &worker_file]).await?;
        let signing = format!("auth.client_secrets.key_file={signing}");
        let own = ["--config", &gateway_file, "--listen", "127.0.0.1:0", "--keys-file", &keys_file];
        let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        let gateway =
            start("gateway", &[own.as_slice(), &["--set", &signing], settings.as_slice()].concat()).await?;
        let door = gateway.public.ok_or_else(|| io::Error::other("the gateway has no address"))?;
        let gauge = Gauge::of(gateway.pid().as_raw_nonzero().get())?;
        keys.client_secret = make_client_secret(door, &keys.revoked).await?;
        run(program, &["keys", "--keys-file", &keys_file, "revoke", "revoked"]).await?;
        time::sleep(KEYS_ARE_READ).await;
        Ok(Self {
            keys,
            gauge,
            gateway: Mutex::new(gateway),
            door,
            _worker: worker,
            _model: model,
            _redis: redis,
            _folder: folder,
        })
    }

    /// Where clients connect.
    pub(super) const fn door(&self) -> SocketAddr {
        self.door
    }

    /// Whether the gateway has not ended.
    pub(super) fn gateway_lives(&self) -> bool {
        self.gateway.try_lock().is_ok_and(|mut gateway| matches!(gateway.ended(), Ok(None)))
    }
}

async fn make_key(program: &Path, file: &str, name: &str, more: &[&str]) -> io::Result<String> {
    let made = run(program, &[&["keys", "--keys-file", file, "make", name], more].concat()).await?;
    Ok(made.trim().to_owned())
}

async fn run(program: &Path, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(program).args(arguments).output().await?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn make_client_secret(door: SocketAddr, key: &str) -> io::Result<String> {
    let request = Request::post(format!("http://{door}/v1/client_secrets"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(b"{\"user\": \"visitor\"}")));
    let request = request.map_err(io::Error::other)?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await.map_err(io::Error::other)?;
    let body = answer.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let answer: Value = serde_json::from_slice(&body)?;
    let secret =
        answer["value"].as_str().ok_or_else(|| io::Error::other(format!("no client secret: {answer}")))?;
    Ok(secret.to_owned())
}
