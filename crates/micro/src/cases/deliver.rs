//! A whole gateway with the broker in memory, from the log to the bytes of a connection that is no socket.
//!
//! In place of a worker somebody appends deltas, so that is counted here, too. The client reads no more of what it is told than it
//! needs to see the end.

use std::{io, net::SocketAddr, sync::Arc};

use broker::{Broker, Claim, Member, Model, OpenMode, memory};
use gateway::{Accept, Config, Gateway, Limits, Metrics, Pressure};
use identity::Authenticator;
use prometheus_client::registry::Registry;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::Runtime,
    sync::mpsc,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::produce::{Speaker, work};
use crate::{
    EVENTS,
    case::Run,
    samples::{LONG, MODEL, PAUSE, completed, deltas, runtime},
};

/// What a connection holds.
const BUFFER: usize = 64 * 1024;

const UPGRADE: &[u8] =
    b"GET /v1/responses HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/// How the last event of a stream begins.
const COMPLETED: &[u8] = br#"{"type":"response.completed""#;

/// A delta in each record, as event streams.
pub(crate) fn sse() -> Run {
    let mut scene = Scene::new(1);
    let body = format!(r#"{{"model":"{MODEL}","input":"Hello","stream":true,"store":false}}"#);
    let length = body.len();
    let request = format!(
        "POST /v1/responses HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    Box::new(move || {
        scene.say(request.as_bytes());
        scene.hear_until(|heard| heard.ends_with(b"\r\n0\r\n\r\n"));
    })
}

/// A delta in each record, as messages.
pub(crate) fn websocket() -> Run {
    messages(Scene::new(1))
}

/// Many deltas in each record, which leave in one write: what is left is mostly what each of them costs by itself.
pub(crate) fn burst() -> Run {
    messages(Scene::new(16))
}

fn messages(scene: Scene) -> Run {
    let mut turn = turns(scene);
    Box::new(move || assert!(turn() >= EVENTS, "each delta comes by itself to a client that keeps up"))
}

/// Responses of one word, one after the other on one connection, each from the message that asks for it to the end of its job.
pub(crate) fn responses() -> Run {
    let speaker = Speaker { pause: Some(PAUSE), tokens: 1 };
    let mut turn = turns(Scene::with(async move |broker| work(&broker, speaker, &TaskTracker::new()).await));
    Box::new(move || (0..EVENTS).for_each(|_| assert!(turn() > 1, "there is a word, and an end")))
}

/// Each call is a turn on a WebSocket, and tells how many messages came.
fn turns(mut scene: Scene) -> impl FnMut() -> u64 {
    scene.say(UPGRADE);
    scene.hear_until(|heard| heard.ends_with(b"\r\n\r\n"));
    let message = format!(r#"{{"type":"response.create","model":"{MODEL}","input":"Hello","store":false}}"#);
    // A text of less than 126 bytes, with a mask that leaves it as it is.
    let mut frame = vec![0x81, 0x80 | u8::try_from(message.len()).expect("a short text"), 0, 0, 0, 0];
    frame.extend(message.bytes());
    move || {
        scene.say(&frame);
        let (mut at, mut frames) = (0, 0);
        scene.hear_until(|heard| {
            while let Some(content) = frame_at(heard, &mut at) {
                frames += 1;
                if content.starts_with(COMPLETED) {
                    return true;
                }
            }
            false
        });
        frames
    }
}

/// The content of the frame at this place, if it is all there; the place is then that of the next.
fn frame_at<'a>(bytes: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let rest = bytes.get(*at..)?;
    let (head, length) = match *rest.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]))),
        length => (2, usize::from(length)),
    };
    let content = rest.get(head..head + length)?;
    *at += head + length;
    Some(content)
}

/// A gateway, and the one connection to it.
struct Scene {
    runtime: Runtime,
    connection: DuplexStream,
    heard: Vec<u8>,
    _tasks: TaskTracker,
}

impl Scene {
    /// Somebody writes its streams, so many deltas in a record.
    fn new(deltas_of_a_record: usize) -> Self {
        Self::with(move |broker| write(broker, deltas_of_a_record))
    }

    /// With what has the part of the workers.
    fn with<W: Future<Output = ()> + Send + 'static>(workers: impl FnOnce(Broker) -> W) -> Self {
        let (runtime, broker, tasks) = (runtime(), memory::broker(), TaskTracker::new());
        let (arrive, arrivals) = mpsc::channel(1);
        let limits = Limits { messages_per_second: 0, max_connection_bytes: usize::MAX, ..Limits::default() };
        let gateway = Gateway::build(
            Config { limits, max_connection_age: LONG, ..Config::default() },
            Arc::new(Authenticator::open()),
            broker.clone(),
            Member::new("gateway"),
            Metrics::register(&mut Registry::default()),
            Pressure::default(),
        );
        let connection = runtime.block_on(async {
            let model = Model { name: MODEL.to_owned(), owned_by: String::new(), created: 0 };
            broker.control.announce(&[model], LONG).await.expect("a broker");
            tasks.spawn(workers(broker));
            tasks.spawn(gateway.run(Arrivals(arrivals), None, CancellationToken::new()));
            let (here, there) = duplex(BUFFER);
            arrive.send(there).await.expect("a gateway");
            // It looks at the roster first.
            sleep(PAUSE).await;
            here
        });
        Self { runtime, connection, heard: Vec::new(), _tasks: tasks }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.runtime.block_on(self.connection.write_all(bytes)).expect("a gateway");
    }

    fn hear_until(&mut self, mut is_all: impl FnMut(&[u8]) -> bool) {
        self.heard.clear();
        self.runtime.block_on(async {
            while !is_all(&self.heard) {
                let read = self.connection.read_buf(&mut self.heard).await.expect("a gateway");
                assert!(read > 0, "the gateway hung up: {}", String::from_utf8_lossy(&self.heard));
            }
        });
    }
}

struct Arrivals(mpsc::Receiver<DuplexStream>);

impl Accept for Arrivals {
    type Connection = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        match self.0.recv().await {
            Some(connection) => Ok((connection, SocketAddr::from(([127, 0, 0, 1], 80)))),
            // Nobody else comes.
            None => std::future::pending().await,
        }
    }
}

/// Does no more of a worker's work than that the gateway has something to tell.
async fn write(broker: Broker, deltas_of_a_record: usize) {
    let worker = Member::new("worker");
    loop {
        let claims = broker.jobs.claim(MODEL, &worker, 1, LONG, LONG).await.expect("a broker");
        for Claim { job, ticket, .. } in claims {
            let opened = broker.log.open(job.id, &worker, OpenMode::TakeOver).await.expect("a stream");
            let events: Vec<_> = deltas(job.id).chain([completed(job.id)]).collect();
            let mut next = opened.next();
            for record in events.chunks(deltas_of_a_record) {
                sleep(PAUSE).await;
                broker.log.append(job.id, opened.epoch, next, record).await.expect("an append");
                next += record.len() as u64;
            }
            broker.log.expire(job.id, PAUSE).await.expect("a broker");
            broker.jobs.finish(&ticket).await.expect("a broker");
        }
    }
}
