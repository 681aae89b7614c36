//! What the same bytes cost with nothing around them: the processor time of a server that only sends, for each frame.
//!
//! ```text
//! floor [SOCKETS] [SECONDS]      200 sockets for 10 seconds, if nothing is said
//! ```
//!
//! A server of its own sends each socket the frame of a delta every 20 ms, in three ways one after the other. Its time is what `/proc` says;
//! the reading is done here.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program for people")]

use std::{
    env, fs,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::SinkExt;
use parking_lot::Mutex;
use protocol::Place;
use stream::{DeltaKind, ResponseId};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::{Instant, interval, sleep},
};
use tokio_tungstenite::{
    accept_async_with_config, client_async,
    tungstenite::{Message, protocol::WebSocketConfig},
};
use tokio_util::task::TaskTracker;

const PAUSE: Duration = Duration::from_millis(20);

/// The ways, and what each of them is.
const WAYS: [(&str, &str); 3] = [
    ("websocket", "tokio-tungstenite, a task for each socket"),
    ("socket", "TCP, a task for each socket"),
    ("loop", "TCP, one task for all: a wake-up serves every socket"),
];

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [serve, way] = arguments.as_slice()
        && serve == "serve"
    {
        return self::serve(way).await;
    }
    let number =
        |at: usize, usual: u64| arguments.get(at).map_or(usual, |text| text.parse().expect("a number"));
    let (sockets, seconds) = (number(0, 200), number(1, 10));
    println!("| {sockets} sockets, a frame of {} bytes each 20 ms | frames/s | µs a frame |", frame().len());
    println!("| --- | ---: | ---: |");
    for (way, what) in WAYS {
        let (per_second, each) = measure(way, sockets, Duration::from_secs(seconds)).await;
        println!("| {what} | {per_second:.0} | {:.2} |", each.as_secs_f64() * 1e6);
    }
}

/// What is sent: the event of a delta.
fn text() -> String {
    let response = ResponseId::from_parts(0, 1 << 120);
    let place = Place { response, kind: DeltaKind::OutputText, output_index: 0, part_index: 0 };
    let mut text = String::new();
    protocol::event_json(&mut text, response, 500, &place.delta(" quick".into(), None), None, None);
    text
}

/// The same as a frame of a WebSocket: a text of 126 bytes or more.
fn frame() -> Vec<u8> {
    let text = text();
    let length = u16::try_from(text.len()).expect("a short text");
    assert!(length > 125, "its length takes two bytes");
    [&[0x81, 126], length.to_be_bytes().as_slice(), text.as_bytes()].concat()
}

/// Serves whoever comes, and first says where.
async fn serve(way: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("{}", listener.local_addr().expect("an address"));
    let (tasks, all) = (TaskTracker::new(), Arc::<Mutex<Vec<TcpStream>>>::default());
    if way == "loop" {
        tasks.spawn(send_to_all(Arc::clone(&all)));
    }
    while let Ok((socket, _)) = listener.accept().await {
        socket.set_nodelay(true).expect("a socket");
        match way {
            "websocket" => drop(tasks.spawn(send_messages(socket))),
            "socket" => drop(tasks.spawn(send_frames(socket))),
            _ => all.lock().push(socket),
        }
    }
}

async fn send_messages(socket: TcpStream) {
    // As a gateway sets it.
    let config = WebSocketConfig::default().read_buffer_size(1024).write_buffer_size(1024);
    let Ok(mut socket) = accept_async_with_config(socket, Some(config)).await else { return };
    let (message, mut ticks) = (Message::text(text()), interval(PAUSE));
    while socket.send(message.clone()).await.is_ok() {
        ticks.tick().await;
    }
}

async fn send_frames(mut socket: TcpStream) {
    let (frame, mut ticks) = (frame(), interval(PAUSE));
    while socket.write_all(&frame).await.is_ok() {
        ticks.tick().await;
    }
}

async fn send_to_all(sockets: Arc<Mutex<Vec<TcpStream>>>) {
    let (frame, mut ticks) = (frame(), interval(PAUSE));
    loop {
        ticks.tick().await;
        // Who cannot take a small frame has left.
        sockets.lock().retain(|socket| socket.try_write(&frame).is_ok());
    }
}

/// How many frames came in a second, and what each cost its server.
async fn measure(way: &str, sockets: u64, time: Duration) -> (f64, Duration) {
    let (mut server, address) = start(way).await;
    let (tasks, read) = (TaskTracker::new(), Arc::<AtomicU64>::default());
    for _ in 0..sockets {
        let mut socket = TcpStream::connect(&address).await.expect("a server");
        if way == "websocket" {
            socket =
                client_async(format!("ws://{address}/"), socket).await.expect("a WebSocket").0.into_inner();
        }
        tasks.spawn(count(socket, Arc::clone(&read)));
    }
    // By then all have come, and buffers have their size.
    sleep(Duration::from_secs(1)).await;
    let so_far = || (Instant::now(), cpu_time(&server), read.load(Ordering::Relaxed));
    let before = so_far();
    sleep(time).await;
    let after = so_far();
    server.kill().await.expect("a server");
    tasks.close();
    tasks.wait().await;
    let frames = (after.2 - before.2) as f64 / frame().len() as f64;
    let elapsed = after.0.duration_since(before.0);
    (frames / elapsed.as_secs_f64(), (after.1 - before.1).div_f64(frames))
}

async fn start(way: &str) -> (Child, String) {
    let program = env::current_exe().expect("this program");
    let mut server = Command::new(program);
    server.args(["serve", way]).stdout(Stdio::piped()).kill_on_drop(true);
    let mut server = server.spawn().expect("a server");
    let said = server.stdout.take().expect("its output");
    let address = BufReader::new(said).lines().next_line().await.expect("a line").expect("an address");
    (server, address)
}

/// Counts the bytes that come.
async fn count(mut socket: TcpStream, read: Arc<AtomicU64>) {
    let mut buffer = [0; 4096];
    while let Ok(more @ 1..) = socket.read(&mut buffer).await {
        read.fetch_add(more as u64, Ordering::Relaxed);
    }
}

/// What the processor has done for a process so far, kernel included. Not by the crate procfs: its other features of rustix would have all
/// of the gateway built anew for an example.
fn cpu_time(server: &Child) -> Duration {
    let id = server.id().expect("a running server");
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("/proc");
    // After the name, which may hold anything, in hundredths of a second: user time is the 12th, the kernel's the 13th.
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let ticks: u64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
