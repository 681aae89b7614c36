//! The real program, as a shell would run it.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
};

/// The program with these arguments, and nothing of this machine's own settings.
pub(crate) fn narthex<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_narthex"));
    let is_own = |name: &str| name.starts_with("NARTHEX_") || name.starts_with("OTEL_");
    let own = std::env::vars_os().filter(|(name, _)| is_own(&name.to_string_lossy()));
    for (name, _) in own {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// What a command that ends by itself wrote, and its exit code.
pub(crate) fn outcome(mut command: Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A running `narthex`. It is killed when a test drops it.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// `host:port` of the public listener, if there is one.
    pub(crate) listen: Option<String>,
    /// `host:port` of the admin listener.
    pub(crate) admin: String,
}

impl Running {
    /// Starts `command`, and reads where it listens.
    pub(crate) fn start(command: Command) -> Self {
        Self::start_with_log(command, Stdio::null())
    }

    /// Starts `command` with its log going there, and reads where it listens.
    pub(crate) fn start_with_log(mut command: Command, log: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut listen = None;
        let admin = loop {
            let line = next_line(&mut stdout);
            match line.replacen("https", "http", 1).split_once(" http://") {
                Some(("listen", address)) => listen = Some(address.to_owned()),
                Some(("admin", address)) => break address.to_owned(),
                _ => panic!("expected an address, found {line:?}"),
            }
        };
        Self { child, stdout, listen, admin }
    }

    /// `narthex dev` on free ports, ready, with what it said.
    pub(crate) fn dev() -> (Self, String) {
        let ports = ["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let mut running = Self::start(narthex(ports));
        let said = running.greeting();
        (running, said)
    }

    /// What `narthex dev` says once it is ready.
    pub(crate) fn greeting(&mut self) -> String {
        let mut said = String::new();
        while !said.contains("Ctrl-C") {
            said.push_str(&next_line(&mut self.stdout));
            said.push('\n');
        }
        said
    }

    /// Asks for a streamed response, and returns once its first event is there.
    pub(crate) fn stream(&self, input: &str) -> BufReader<TcpStream> {
        let address = self.listen.as_ref().unwrap();
        let body = serde_json::json!({"model": "demo", "input": input, "stream": true}).to_string();
        let mut stream = TcpStream::connect(address).unwrap();
        let head = "content-type: application/json\r\nconnection: close";
        let length = body.len();
        write!(
            stream,
            "POST /v1/responses HTTP/1.1\r\nhost: {address}\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut stream = BufReader::new(stream);
        while !next_line(&mut stream).contains("response.created") {}
        stream
    }

    /// The number of the process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for the end.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// The status line and the body of a GET of the admin listener.
    pub(crate) fn admin(&self, path: &str) -> (u16, String) {
        get(&self.admin, path)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn next_line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    assert_ne!(from.read_line(&mut line).unwrap(), 0, "the process ended");
    line.trim_end().to_owned()
}

/// The status and the body of a GET.
fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
