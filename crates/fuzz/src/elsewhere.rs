//! A server of somebody else's: it answers every request with what it was given to say.

use std::{io, net::SocketAddr, sync::Arc};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};
use tokio_util::task::TaskTracker;

/// The server, on the loopback, and the runtime that it shares with who asks it.
pub struct Elsewhere {
    /// Where both run, in one thread: so what is reached is the input's doing.
    pub runtime: Runtime,
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    _tasks: TaskTracker,
}

/// An answer, head and body.
#[derive(Debug, Clone, Default)]
pub struct Answer(Vec<u8>);

impl Answer {
    /// An event stream whose body comes in these pieces.
    pub fn events(pieces: &[&[u8]]) -> Self {
        let mut bytes =
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                .to_vec();
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            bytes.extend(format!("{:x}\r\n", piece.len()).bytes());
            bytes.extend(*piece);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        Self(bytes)
    }

    /// A document.
    pub fn json(status: u16, body: &[u8]) -> Self {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        Self([head.as_bytes(), body].concat())
    }
}

impl Elsewhere {
    /// A server on a free port.
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (tasks, answer) = (TaskTracker::new(), Arc::<Mutex<Answer>>::default());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (connections, said) = (tasks.clone(), Arc::clone(&answer));
        tasks.spawn_on(
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    connections.spawn(serve(stream, Arc::clone(&said)));
                }
            },
            runtime.handle(),
        );
        Self { runtime, address, answer, _tasks: tasks }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it says from now on.
    pub fn say(&self, answer: Answer) {
        *self.answer.lock() = answer;
    }
}

impl Default for Elsewhere {
    fn default() -> Self {
        Self::new()
    }
}

async fn serve(mut stream: TcpStream, answer: Arc<Mutex<Answer>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    loop {
        while !is_whole(&request) {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        // Nobody asks twice at a time.
        request.clear();
        let Answer(bytes) = answer.lock().clone();
        stream.write_all(&bytes).await?;
    }
}

/// Whether a request is all there, as our own clients write it.
fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|end| end == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    request.len() >= head + 4 + length.unwrap_or(0_usize)
}
