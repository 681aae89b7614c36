//! The processes of a cluster.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{
    client::EventStream,
    kafka,
    model_server::{ModelServer, Script},
    redis::Server,
};

/// The model that the scripted server serves.
pub(crate) const MODEL: &str = "scripted";

/// A cluster of processes. All of them end with it.
pub(crate) struct Cluster {
    pub(crate) model_server: ModelServer,
    pub(crate) redis: Server,
    /// What says where Kafka is, and who this is to it; empty on Redis.
    kafka: Vec<(&'static str, String)>,
    has_store: bool,
    /// What is said to processes beside that.
    variables: Vec<(&'static str, String)>,
    directory: TempDir,
}

/// A `narthex` process. It is killed, as by `kill -9`, when it is dropped.
pub(crate) struct Process {
    child: Child,
    addresses: Vec<SocketAddr>,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        Self::with_redis(&["--appendonly", "yes"]).await
    }

    /// Its Redis has these settings.
    pub(crate) async fn with_redis(settings: &[&str]) -> Self {
        let script = Script::default();
        let (redis, model_server) = tokio::join!(Server::start(settings), ModelServer::start(script));
        let directory = TempDir::new().unwrap();
        let (kafka, variables) = (Vec::new(), Vec::new());
        Self { model_server: model_server.unwrap(), redis, kafka, has_store: true, variables, directory }
    }

    /// On Kafka, with topics of its own; its Redis is only the store.
    pub(crate) async fn on_kafka() -> Self {
        let (cluster, node) = tokio::join!(Self::start(), kafka::Cluster::shared());
        Self { kafka: vec![("NARTHEX_BROKER", format!("kafka://{}", node.addresses))], ..cluster }
    }

    /// On a Kafka that speaks TLS only, and knows whoever has a password, which `password` is said to be.
    pub(crate) async fn on_secure_kafka(password: &str) -> Self {
        let (cluster, node) = tokio::join!(Self::start(), kafka::Secure::shared());
        let file = |name, content: &str| {
            let path = cluster.directory.path().join(name);
            std::fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let kafka = vec![
            ("NARTHEX_BROKER", format!("kafkas://{}", node.sasl)),
            ("NARTHEX_KAFKA__TLS__AUTHORITIES_FILE", file("authority.pem", &node.authority.pem())),
            ("NARTHEX_KAFKA__SASL__MECHANISM", "PLAIN".to_owned()),
            ("NARTHEX_KAFKA__SASL__USERNAME", kafka::Secure::USER.to_owned()),
            ("NARTHEX_KAFKA__SASL__PASSWORD_FILE", file("password", password)),
        ];
        Self { kafka, ..cluster }
    }

    /// On Kafka alone.
    pub(crate) async fn on_kafka_without_store() -> Self {
        Self { has_store: false, ..Self::on_kafka().await }
    }

    /// The same, whose processes are told this, too.
    pub(crate) fn with_variables(self, variables: Vec<(&'static str, String)>) -> Self {
        Self { variables, ..self }
    }

    /// What says to a process where everything is.
    fn places(&self) -> Vec<(&'static str, String)> {
        if self.kafka.is_empty() {
            return vec![("NARTHEX_BROKER", self.redis.url())];
        }
        let unique = self.directory.path().file_name().unwrap().to_string_lossy();
        let mut places = self.kafka.clone();
        places.extend(self.has_store.then(|| ("NARTHEX_KAFKA__STORE", self.redis.url())));
        places.extend([
            ("NARTHEX_KAFKA__TOPIC_PREFIX", format!("{}.", unique.trim_start_matches('.'))),
            ("NARTHEX_KAFKA__PARTITIONS", "4".to_owned()),
        ]);
        places
    }

    pub(crate) fn gateway(&self, more: &[&str]) -> Process {
        let mut arguments = vec!["gateway", "--auth", "none", "--listen", "127.0.0.1:0"];
        arguments.extend(more);
        self.process(&arguments, 2)
    }

    /// A worker; its model is known when this returns.
    pub(crate) fn worker(&self) -> Process {
        let url = self.model_server.url();
        self.worker_with(&["--upstream", &url])
    }

    /// A worker whose model server carries on a text that another worker began.
    pub(crate) fn prefilling_worker(&self) -> Process {
        self.worker_of(&[&self.model_server])
    }

    /// A worker of several model servers, all of which carry on what another one began. The first has the most room.
    pub(crate) fn worker_of(&self, servers: &[&ModelServer]) -> Process {
        let config = self.directory.path().join("worker.toml");
        let upstream = |(index, server): (usize, &&ModelServer)| {
            let (url, concurrency) = (server.url(), 16 - index);
            format!(
                "[[upstream]]\nurl = \"{url}\"\ncontinuation = \"prefill\"\nconcurrency = {concurrency}\n"
            )
        };
        std::fs::write(&config, servers.iter().enumerate().map(upstream).collect::<String>()).unwrap();
        self.worker_with(&["--config", config.to_str().unwrap()])
    }

    /// A worker with these settings, each `key=value`.
    pub(crate) fn worker_set(&self, settings: &[&str]) -> Process {
        let url = self.model_server.url();
        let mut arguments = vec!["--upstream", &url];
        arguments.extend(settings.iter().flat_map(|&setting| ["--set", setting]));
        self.worker_with(&arguments)
    }

    /// What `narthex jobs` with these arguments writes, and its exit code.
    pub(crate) fn jobs(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = narthex().arg("jobs").args(arguments).envs(self.places()).output();
        let Output { status, stdout, stderr } = output.unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    /// A worker that is started with these arguments.
    pub(crate) fn worker_with(&self, arguments: &[&str]) -> Process {
        let worker = self.process(&[&["worker"], arguments].concat(), 1);
        let admin = format!("http://{}", worker.addresses[0]);
        let health = || {
            Command::new(env!("CARGO_BIN_EXE_narthex")).args(["health", "--admin", &admin]).output().unwrap()
        };
        while !health().status.success() {
            std::thread::yield_now();
        }
        worker
    }

    /// What a worker that cannot start wrote, and its exit code.
    pub(crate) fn failing_worker(&self) -> (i32, String) {
        let arguments = ["worker", "--upstream", "demo", "--admin-listen", "127.0.0.1:0", "--log", "warn"];
        let output = narthex().args(arguments).envs(self.places()).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn process(&self, arguments: &[&str], addresses: usize) -> Process {
        let child = narthex()
            .args(arguments)
            .args(["--admin-listen", "127.0.0.1:0", "--log", "error"])
            .envs(self.places())
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut process = Process { child, addresses: Vec::new() };
        let mut lines = BufReader::new(process.child.stdout.take().unwrap()).lines();
        while process.addresses.len() < addresses {
            let line = lines.next().unwrap().unwrap();
            let address = line.split_once(" http://").unwrap().1;
            process.addresses.push(address.parse().unwrap());
        }
        process
    }
}

/// The program, with nothing of this machine's own settings.
fn narthex() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_narthex"));
    let is_own = |name: &str| name.starts_with("NARTHEX_") || name.starts_with("OTEL_");
    let own = std::env::vars_os().filter(|(name, _)| is_own(&name.to_string_lossy()));
    for (name, _) in own {
        command.env_remove(name);
    }
    command
}

impl Process {
    /// Of a gateway: where clients connect.
    pub(crate) fn public(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Where its admin listener is.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.addresses[self.addresses.len() - 1]
    }

    /// As `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// The processor time that it has used.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // Behind the name, which may hold anything: the 12th and 13th are its own time and the kernel's, in hundredths.
        let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// What it holds in memory, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of a request that is streamed.
pub(crate) fn body(prompt: &str) -> Value {
    json!({"model": MODEL, "input": prompt, "stream": true})
}

/// Nothing in these scenes may take longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

/// The next `count` events of a stream.
pub(crate) async fn first_events(stream: &mut EventStream, count: usize) -> Vec<Value> {
    let mut events = Vec::new();
    while events.len() < count {
        events.push(soon(stream.next()).await.unwrap());
    }
    events
}
