//! Redis servers of our own, and clusters of them: on a free loopback port, in a directory of their own, killed when they are
//! dropped.

mod cluster;

use std::{
    io,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

pub use self::cluster::Cluster;

const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    /// Where it listens, on the loopback.
    pub port: u16,
    directory: TempDir,
    arguments: Vec<String>,
    child: Child,
}

impl Server {
    /// Starts a server with these arguments beside those that all have, and waits until it answers.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::start_with(|_| arguments.iter().map(|&argument| argument.into()).collect()).await
    }

    /// Starts a server whose arguments depend on its directory.
    pub async fn start_with(arguments: impl Fn(&TempDir) -> Vec<String>) -> Self {
        // Between the choice of a port and the start of the server, another may take it.
        for _ in 0..10 {
            let (port, directory) = (free_port(), TempDir::new().unwrap());
            let arguments = arguments(&directory);
            let child = spawn(port, &directory, &arguments);
            let mut server = Self { port, directory, arguments, child };
            if server.is_up().await {
                return server;
            }
        }
        panic!("no free port for a Redis server");
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the server without giving it time for anything.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, on what it has left.
    pub async fn start_again(&mut self) {
        self.child = spawn(self.port, &self.directory, &self.arguments);
        assert!(self.is_up().await, "the server came not back");
    }

    /// Cuts `bytes` off the end of what a killed server with `appendonly yes` has left, as a crash of its machine does to one
    /// that does not sync each write.
    pub fn lose(&self, bytes: u64) {
        let directory = self.directory.path().join("appendonlydir");
        let files = std::fs::read_dir(directory).expect("a server with an append-only file");
        let log = files
            .map(|file| file.unwrap().path())
            .find(|file| file.extension().is_some_and(|extension| extension == "aof") && is_increment(file));
        let log = std::fs::OpenOptions::new().write(true).open(log.expect("its increments")).unwrap();
        let length = log.metadata().unwrap().len();
        log.set_len(length.saturating_sub(bytes)).unwrap();
    }

    /// Runs a command of `redis-cli` on the server.
    pub fn cli(&self, arguments: &[&str]) -> String {
        cli(self.port, arguments)
    }

    /// How often the server has run a command.
    pub fn calls(&self, command: &str) -> u64 {
        let told = self.cli(&["INFO", "commandstats"]);
        let calls = told.split(&format!("cmdstat_{command}:calls=")).nth(1);
        calls.map_or(0, |calls| calls.split(',').next().unwrap().parse().unwrap())
    }

    async fn is_up(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            // With a password or TLS it answers otherwise, but it answers. While it reads its log, it is not up yet.
            if let Ok(stream) = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await {
                drop(stream);
                if !self.cli(&["PING"]).contains("LOADING") {
                    return true;
                }
            }
            sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Of the files of a log, the one that grows.
fn is_increment(file: &Path) -> bool {
    file.file_stem().is_some_and(|name| name.to_string_lossy().ends_with(".incr"))
}

fn spawn(port: u16, directory: &TempDir, arguments: &[String]) -> Child {
    let has_own_port = arguments.iter().any(|argument| argument == "--port");
    let port_arguments = if has_own_port { vec![] } else { vec!["--port".to_owned(), port.to_string()] };
    let started = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--daemonize", "no", "--dir"])
        .arg(directory.path())
        .args(port_arguments)
        .args(arguments.iter().map(|argument| argument.replace("{port}", &port.to_string())))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Err(error) if error.kind() == io::ErrorKind::NotFound => panic!(
            "redis-server is not installed, and these tests run on a real one: \
             install it with `apt-get install redis-server` or `brew install redis`"
        ),
        started => started.unwrap(),
    }
}

/// A port that nobody has, and whose port for the bus of a cluster nobody has.
fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let bus = port.checked_add(10_000);
        if bus.is_some_and(|bus| TcpListener::bind(("127.0.0.1", bus)).is_ok()) {
            return port;
        }
    }
}

/// What `redis-cli` answers to a command.
pub fn cli(port: u16, arguments: &[&str]) -> String {
    let output = Command::new("redis-cli").args(["-p", &port.to_string()]).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
