//! What a scene is played on: a broker, a model server, gateways and workers, each a process of its own.

use std::{
    fs::{self, File},
    io,
    path::Path,
    process::Stdio,
};

use load::Watched;
use tempfile::TempDir;
use testkit::{certificates::Authority, kafka, process::Process, redis};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::{
    arguments::{Arguments, Broker},
    model_server::MODEL,
};

/// Jobs that one worker takes at a time: more than any scene has.
const CONCURRENCY: usize = 20_000;

/// What runs. It ends with this.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) model: Model,
    broker: Carrier,
    narthex: Vec<(&'static str, Process)>,
    /// The certificate of who has signed those of the gateways, if they speak TLS.
    pub(crate) authority: Option<String>,
    /// Logs, and certificates.
    _files: TempDir,
}

/// What a scene needs that others do not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs {
    pub(crate) gateways: usize,
    /// Whether clients come with TLS.
    pub(crate) tls: bool,
    /// Settings, as `--set` takes them.
    pub(crate) set: &'static [&'static str],
}

impl Default for Needs {
    fn default() -> Self {
        Self { gateways: 1, tls: false, set: &[] }
    }
}

/// What carries jobs and streams.
#[derive(Debug)]
enum Carrier {
    Memory,
    Redis(redis::Server),
    RedisCluster(redis::Cluster),
    Kafka(kafka::Cluster),
}

/// The model server.
#[derive(Debug)]
pub(crate) struct Model {
    /// Its base URL.
    pub(crate) url: String,
    _child: Child,
}

impl Model {
    pub(crate) async fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("model")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("a model server without output"))?;
        let url = BufReader::new(output).lines().next_line().await?;
        let url = url.ok_or_else(|| io::Error::other("the model server did not start"))?;
        Ok(Self { url, _child: child })
    }
}

impl Stage {
    /// Starts everything, and waits until it is ready.
    ///
    /// # Errors
    /// When something cannot be started.
    pub(crate) async fn start(arguments: &Arguments, needs: Needs) -> io::Result<Self> {
        let (program, files, model) = (arguments.program()?, TempDir::new()?, Model::start().await?);
        let (broker, address) = match arguments.broker {
            Broker::Memory => (Carrier::Memory, "memory".to_owned()),
            Broker::Redis => {
                let server = redis::Server::start(&["--appendonly", "no"]).await;
                let address = server.url();
                (Carrier::Redis(server), address)
            }
            Broker::RedisCluster => {
                let cluster = redis::Cluster::start(&["--appendonly", "no"]).await;
                let address = cluster.urls().join(",");
                (Carrier::RedisCluster(cluster), address)
            }
            Broker::Kafka => {
                let cluster = kafka::Cluster::start(1).await;
                let address = format!("kafka://{}", cluster.addresses);
                (Carrier::Kafka(cluster), address)
            }
        };
        // The worker first: then gateways know its model when they are ready.
        let roles = match arguments.broker {
            Broker::Memory => vec!["dev"],
            _ => [vec!["worker"], vec!["gateway"; needs.gateways]].concat(),
        };
        let authority = needs.tls.then(Authority::new);
        let certificate = authority.as_ref().map(|authority| certify(authority, files.path())).transpose()?;
        let mut narthex = Vec::new();
        for (number, role) in roles.into_iter().enumerate() {
            let mut flags = flags(role, &address, &model.url);
            flags.extend(certificate.iter().flatten().filter(|_| role != "worker").cloned());
            // The last word is the caller's.
            let set = needs.set.iter().copied().chain(arguments.set.iter().map(String::as_str));
            flags.extend(set.flat_map(|set| ["--set".to_owned(), set.to_owned()]));
            let log = File::create(files.path().join(format!("{role}-{number}.log")))?;
            let mut process = Process::start(&program, &flags, log).await?;
            process.ready().await?;
            narthex.push((role, process));
        }
        let authority = authority.map(|authority| authority.pem());
        Ok(Self { model, broker, narthex, authority, _files: files })
    }

    /// Where clients connect.
    pub(crate) fn urls(&self) -> Vec<String> {
        let public = self.narthex.iter().filter_map(|(_, process)| process.public);
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        public.map(|address| format!("{scheme}://{address}/v1")).collect()
    }

    /// What is measured.
    pub(crate) fn watched(&self) -> Vec<Watched> {
        let narthex = self.narthex.iter().map(|(role, process)| {
            let name = if *role == "dev" { "narthex" } else { role };
            Watched { name: name.to_owned(), pid: process.pid().as_raw_nonzero().get().cast_unsigned() }
        });
        let broker = match &self.broker {
            Carrier::Memory => vec![],
            Carrier::Redis(server) => vec![server.pid()],
            Carrier::RedisCluster(cluster) => cluster.nodes.iter().map(redis::Server::pid).collect(),
            Carrier::Kafka(cluster) => vec![cluster.pid(1)],
        };
        narthex.chain(broker.into_iter().map(|pid| Watched { name: "broker".to_owned(), pid })).collect()
    }

    /// The Redis, if that is the broker.
    pub(crate) fn redis(&self) -> Option<String> {
        match &self.broker {
            Carrier::Redis(server) => Some(server.url()),
            _ => None,
        }
    }
}

/// Puts a certificate and its key into `folder`. The flags that name them.
fn certify(authority: &Authority, folder: &Path) -> io::Result<[String; 4]> {
    let issued = authority.issue();
    let write = |name: &str, pem: &str| {
        let path = folder.join(name);
        fs::write(&path, pem).map(|()| path.display().to_string())
    };
    let (certificate, key) = (write("certificate.pem", &issued.certificate)?, write("key.pem", &issued.key)?);
    Ok(["--tls-certificate".to_owned(), certificate, "--tls-key".to_owned(), key])
}

fn flags(role: &str, broker: &str, model: &str) -> Vec<String> {
    let mut flags = vec![role, "--admin-listen", "127.0.0.1:0", "--broker", broker, "--log", "warn"];
    if role != "worker" {
        flags.extend(["--listen", "127.0.0.1:0", "--auth", "none"]);
        flags.extend(["--set", "gateway.limits.arrivals_per_second=0"]);
        flags.extend(["--set", "gateway.limits.max_connections_per_address=0"]);
    }
    let concurrency = format!("upstream.0.concurrency={CONCURRENCY}");
    if role != "gateway" {
        flags.extend(["--upstream", model, "--model", MODEL, "--set", &concurrency]);
    }
    flags.into_iter().map(str::to_owned).collect()
}
