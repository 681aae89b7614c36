//! A whole gateway with a worker behind it, in memory: what clients send it comes in as bytes of a connection.
//!
//! Time is paused and moves on when nothing else happens. So to wait for a moment is to wait until all is done.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use broker::{Broker, Header, Member, memory};
use engine::{DemoConfig, DemoEngine};
use futures_util::{SinkExt, StreamExt};
use gateway::{Accept, Gateway};
use identity::Authenticator;
use prometheus_client::registry::Registry;
use protocol::{Item, Outcome, Request, Role, StoredInput, created, end};
use stream::ResponseId;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split},
    runtime::{Builder, Runtime},
    sync::mpsc,
    time::{advance, sleep, timeout},
};
use tokio_tungstenite::{
    client_async,
    tungstenite::{ClientRequestBuilder, Message},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use worker::{Continuation, ModelConfig, Served, Timeouts, Worker};

/// When time has moved on by so much, nothing else was left to do.
const QUIET: Duration = Duration::from_millis(1);

/// A connection that lasts longer is left alone.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much time goes by between two inputs.
const BETWEEN: Duration = Duration::from_secs(1);

/// How long what is stored is kept, by a time that runs fast.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// What a connection holds, and the longest answer that is looked at.
const MAX_BYTES: usize = 256 * 1024;

/// The model that is served.
const MODEL: &str = "m";

/// A response that has ended, of whoever comes where nobody is asked: `resp_000000000000000000000000000000000001`.
const STORED: ResponseId = ResponseId::from_parts(0, 1);

/// A gateway, and the way to it.
pub struct Edge {
    runtime: Runtime,
    arrivals: mpsc::Sender<(DuplexStream, SocketAddr)>,
    broker: Broker,
    _tasks: TaskTracker,
}

struct Arrivals(mpsc::Receiver<(DuplexStream, SocketAddr)>);

impl Accept for Arrivals {
    type Connection = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        self.0.recv().await.ok_or_else(|| io::ErrorKind::ConnectionAborted.into())
    }
}

impl Edge {
    /// A gateway for those whom `authenticator` lets in. It answers as fast as it is asked, and remembers little.
    pub fn new(config: gateway::Config, authenticator: Authenticator) -> Self {
        let runtime =
            Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        let limits =
            gateway::Limits { arrivals_per_second: 0, max_connections_per_address: 0, ..config.limits };
        let config = gateway::Config { limits, ..config };
        let bounds = memory::Config {
            max_streams: 1024,
            max_log_bytes: 16 << 20,
            max_store_bytes: 4 << 20,
            ..memory::Config::default()
        };
        let broker = memory::Memory::new(bounds).broker();
        let (tasks, (arrivals, arriving)) = (TaskTracker::new(), mpsc::channel(1));
        let gateway = Gateway::build(
            config,
            Arc::new(authenticator),
            broker.clone(),
            Member::new("gateway"),
            gateway::Metrics::register(&mut Registry::default()),
            gateway::Pressure::default(),
        );
        let of_gateway = gateway.run(Arrivals(arriving), None, CancellationToken::new());
        tasks.spawn_on(of_gateway, runtime.handle());
        runtime.block_on(work(&broker, &tasks));
        Self { runtime, arrivals, broker, _tasks: tasks }
    }

    /// What the gateway answers to a client at `from` that says this and, once all is quiet, leaves.
    pub fn say(&self, from: SocketAddr, bytes: &[u8]) -> Vec<u8> {
        let mut answer = Vec::new();
        self.runtime.block_on(async {
            let (read, mut write) = split(self.arrive(from).await);
            let saying = async {
                let _ = write.write_all(bytes).await;
                sleep(QUIET).await;
                let _ = write.shutdown().await;
            };
            let mut read = read.take(MAX_BYTES as u64);
            let _ = timeout(PATIENCE, async { tokio::join!(saying, read.read_to_end(&mut answer)) }).await;
        });
        answer
    }

    /// What the gateway says on a WebSocket to a client that may use the extension, sends these texts and, once all is quiet, leaves.
    pub fn converse<'a>(&self, from: SocketAddr, texts: impl Iterator<Item = &'a str>) -> Vec<String> {
        let mut told = Vec::new();
        self.runtime.block_on(async {
            let connection = self.arrive(from).await;
            let address = "ws://localhost/v1/responses".parse().expect("an address");
            let request = ClientRequestBuilder::new(address).with_sub_protocol("narthex.v1.json");
            let socket = client_async(request, connection).await;
            let (socket, _) = socket.expect("a WebSocket");
            let (mut sink, mut source) = socket.split();
            let saying = async {
                for text in texts {
                    if sink.send(Message::text(text)).await.is_err() {
                        return;
                    }
                }
                sleep(QUIET).await;
                let _ = sink.close().await;
            };
            let hearing = async {
                while let Some(Ok(message)) = source.next().await {
                    told.extend(
                        message.into_text().ok().filter(|text| !text.is_empty()).map(|text| text.to_string()),
                    );
                }
            };
            let _ = timeout(PATIENCE, async { tokio::join!(saying, hearing) }).await;
        });
        told
    }

    /// A new connection from `from`. Some time has gone by since the last: what was left behind there ends.
    async fn arrive(&self, from: SocketAddr) -> DuplexStream {
        advance(BETWEEN).await;
        remember(&self.broker).await;
        let (here, there) = duplex(MAX_BYTES);
        self.arrivals.send((there, from)).await.expect("a gateway");
        here
    }
}

/// Lets a worker serve the built-in model, and waits until it is known.
async fn work(broker: &Broker, tasks: &TaskTracker) {
    let metrics = worker::Metrics::register(&mut Registry::default());
    let worker = Worker::build(worker::Config::default(), broker.clone(), Member::new("worker"), metrics);
    let servers = worker.servers();
    tasks.spawn(worker.run(CancellationToken::new()));
    let config = ModelConfig {
        name: MODEL.to_owned(),
        upstream_name: MODEL.to_owned(),
        concurrency: 64,
        timeouts: Timeouts::default(),
        continuation: Continuation::None,
    };
    let models = vec![MODEL.to_owned()];
    let engine = DemoEngine::new(DemoConfig { models, ..DemoConfig::unpaced() });
    servers.add(Served { config, engine: Arc::new(engine) }).await;
    while broker.control.models().await.expect("a broker").is_empty() {
        tokio::task::yield_now().await;
    }
}

/// Puts a response there, unless it still is: inputs may ask for it, continue and delete it.
async fn remember(broker: &Broker) {
    let header = Header {
        tenant: "default".to_owned(),
        user: "anonymous".to_owned(),
        model: MODEL.to_owned(),
        store: true,
        ..Header::default()
    };
    let begun = created(STORED, 0, &Request::new(MODEL), "queued");
    let ended = end(Some(&begun), Vec::new(), None, &Outcome::Completed, 0);
    let events = [begun.into(), ended.into()];
    broker.log.create(STORED, &header, &events).await.expect("a broker");
    let input = StoredInput {
        tenant: header.tenant,
        user: header.user,
        input: vec![Item::message(Role::User, "Hello")],
        previous_response_id: None,
    };
    let input = serde_json::to_vec(&input).expect("JSON");
    broker.store.put(&StoredInput::key(STORED), input.into(), KEPT).await.expect("a broker");
}
