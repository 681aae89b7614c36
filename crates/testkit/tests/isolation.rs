//! What belongs to one user is not there for another: every way to ask for it answers, to the letter, as for what does not exist.
#![expect(clippy::unwrap_used, reason = "the lint knows tests, but not their helpers")]

use std::{sync::Arc, time::Duration};

use broker::Broker;
use http_body_util::BodyExt as _;
use hyper::Method;
use serde_json::{Value, json};
use testkit::{
    client::{Http, Socket, text},
    cluster::{Cluster, MODEL, Running, RunningGateway, model},
    kafka,
    people::People,
    puppet::{Playing, Stage, puppet},
    redis::Server,
    scene::{body, create},
};

const PATIENCE: Duration = Duration::from_secs(20);

/// An id of the same form that nobody has.
const NOBODYS: &str = "resp_000000000000ffffffffffffffffffffffff";

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.unwrap()
}

struct Scene {
    gateway: RunningGateway,
    other_gateway: RunningGateway,
    stage: Arc<Stage>,
    owner: String,
    /// By what is different about them.
    strangers: Vec<(&'static str, String)>,
    _worker: Running,
    _people: People,
}

impl Scene {
    async fn on(broker: Broker) -> Self {
        let (cluster, people) = (Cluster::new(broker), People::new());
        let (engine, stage) = puppet();
        let worker = cluster.worker(worker::Config::default(), model(), engine).await;
        let all = ["models", "background"];
        let owner = people.key("acme", "alice", &all);
        let strangers = vec![
            ("another user", people.key("acme", "bob", &all)),
            ("another tenant", people.key("umbrella", "bob", &all)),
            ("the same name in another tenant", people.key("umbrella", "alice", &all)),
            // What is written together would be the same.
            ("a name that looks the same", people.key("acmea", "lice", &all)),
            ("an operator", people.key("acme", "root", &["admin"])),
        ];
        let gateway = |_| cluster.gateway_for(gateway::Config::default(), people.authenticator(Vec::new()));
        let [gateway, other_gateway] = [0, 1].map(gateway);
        Self { gateway, other_gateway, stage, owner, strangers, _worker: worker, _people: people }
    }

    fn http(&self, key: &str) -> Http {
        Http::new(self.gateway.address).with_token(key)
    }

    /// Begins a response of the owner's, which runs.
    async fn begin(&self, more: Value) -> (String, Playing) {
        let mut request = body("secret question", json!({"background": true}));
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, begun) = self.http(&self.owner).json(Method::POST, "/v1/responses", Some(request)).await;
        assert_eq!(status, 200, "{begun}");
        let call = soon(self.stage.next_call()).await;
        call.say("secret ").await;
        (begun["id"].as_str().unwrap().to_owned(), call)
    }

    async fn end(&self, id: &str, call: Playing) {
        call.say("answer").await;
        call.finish().await;
        let http = self.http(&self.owner);
        let path = format!("/v1/responses/{id}");
        soon(async { while http.json(Method::GET, &path, None).await.1["status"] != "completed" {} }).await;
    }
}

/// A request's whole answer, without what names the request itself.
async fn ask(
    http: &Http,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> (u16, String) {
    let response = soon(http.send(method, path, headers, body)).await;
    let status = response.status().as_u16();
    let bytes = soon(response.into_body().collect()).await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

/// A request: method, path, headers and body.
type Asked = (Method, String, Vec<(&'static str, &'static str)>, Option<Value>);

/// Every way to ask over HTTP for what has this id.
fn ways(id: &str) -> Vec<Asked> {
    let path = |rest: &str| format!("/v1/responses/{id}{rest}");
    let follow = |more: Value| {
        let mut request = body("go on", json!({"previous_response_id": id}));
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Some(request)
    };
    let create = "/v1/responses".to_owned();
    vec![
        (Method::GET, path(""), vec![], None),
        (Method::GET, path("?stream=true"), vec![], None),
        (Method::GET, path("?stream=true&starting_after=1"), vec![], None),
        (
            Method::GET,
            path("?stream=true"),
            vec![("last-event-id", "1"), ("accept", "text/event-stream")],
            None,
        ),
        (Method::GET, path("/input_items"), vec![], None),
        (Method::POST, path("/cancel"), vec![], None),
        (Method::POST, create.clone(), vec![], follow(json!({}))),
        (Method::POST, create.clone(), vec![], follow(json!({"stream": true}))),
        (Method::POST, create.clone(), vec![], follow(json!({"background": true}))),
        (Method::POST, create, vec![], follow(json!({"store": false}))),
        (
            Method::POST,
            "/v1/responses/compact".to_owned(),
            vec![],
            Some(json!({"model": MODEL, "previous_response_id": id})),
        ),
        // Last, as it would leave nothing for the others.
        (Method::DELETE, path(""), vec![], None),
    ]
}

/// Asks for `id` in every way, by everyone who may not, and as if there were nothing.
async fn is_nowhere(scene: &Scene, id: &str) {
    for (who, key) in &scene.strangers {
        for gateway in [&scene.gateway, &scene.other_gateway] {
            let http = Http::new(gateway.address).with_token(key);
            for ((method, path, headers, body), (_, nowhere, _, nothing)) in
                ways(id).into_iter().zip(ways(NOBODYS))
            {
                let (status, told) = ask(&http, method.clone(), &path, &headers, body).await;
                let expected = ask(&http, method.clone(), &nowhere, &headers, nothing).await;
                assert_eq!((status, told.replace(id, NOBODYS)), expected, "{who}: {method} {path}");
                assert!(
                    (400..500).contains(&status) && !told.contains("secret"),
                    "{who}: {method} {path}: {told}"
                );
            }
        }
        let mut socket = Socket::connect_with(scene.gateway.address, key).await;
        let mut told = Vec::new();
        for id in [id, NOBODYS] {
            socket.send(create("go on", json!({"previous_response_id": id}))).await;
            told.push(soon(socket.next()).await.to_string().replace(id, NOBODYS));
            socket.send(json!({"type": "response.steer", "previous_response_id": id, "input": "x"})).await;
            told.push(soon(socket.next()).await.to_string().replace(id, NOBODYS));
        }
        assert_eq!(told[..2], told[2..], "{who}");
        assert!(told[0].contains("previous_response_not_found"), "{who}: {}", told[0]);
    }
}

async fn a_response_is_its_users_alone(broker: Broker) {
    let scene = Scene::on(broker).await;
    let (id, call) = scene.begin(json!({})).await;
    is_nowhere(&scene, &id).await;
    // It runs on, as nobody could cancel or delete it.
    scene.end(&id, call).await;
    is_nowhere(&scene, &id).await;
    let owner = scene.http(&scene.owner);
    for (method, path, headers, body) in ways(&id) {
        if matches!(method, Method::GET) || path.ends_with("/cancel") {
            let (status, told) = ask(&owner, method, &path, &headers, body).await;
            assert_eq!((status, told.contains("secret")), (200, true), "{path}: {told}");
        }
    }
    assert_eq!(owner.json(Method::DELETE, &format!("/v1/responses/{id}"), None).await.0, 200);
}

async fn a_key_is_its_users_alone(broker: Broker) {
    let scene = Scene::on(broker).await;
    let key = json!({"idempotency_key": "the same"});
    let (id, call) = scene.begin(key.clone()).await;
    scene.end(&id, call).await;
    for (who, stranger) in &scene.strangers {
        // The same request under the same key: another response, by another call of the model.
        let request = body("secret question", json!({"background": true, "idempotency_key": "the same"}));
        let (status, begun) = scene.http(stranger).json(Method::POST, "/v1/responses", Some(request)).await;
        assert_eq!(status, 200, "{who}: {begun}");
        assert_ne!(begun["id"].as_str().unwrap(), id, "{who}");
        let call = soon(scene.stage.next_call()).await;
        call.say("mine").await;
        call.finish().await;
        // Another body is no conflict with somebody else's, but with one's own.
        let request = body("another question", key.clone());
        assert_eq!(
            scene.http(stranger).json(Method::POST, "/v1/responses", Some(request)).await.0,
            409,
            "{who}"
        );
    }
    // The owner has the stored answer, without another call.
    let mut socket = Socket::connect_with(scene.gateway.address, &scene.owner).await;
    let request = body("secret question", json!({"background": true, "idempotency_key": "the same"}));
    let (_, again) = scene.http(&scene.owner).json(Method::POST, "/v1/responses", Some(request)).await;
    assert_eq!(again["id"].as_str().unwrap(), id);
    // And a key that is new to the owner is nothing of theirs.
    socket.send(create("secret question", json!({"idempotency_key": "another"}))).await;
    let call = soon(scene.stage.next_call()).await;
    call.say("new").await;
    call.finish().await;
    assert_eq!(text(&soon(socket.turn()).await), "new");
}

/// A model that is not in a key's scopes is not there, by whatever door.
async fn a_model_that_is_not_allowed_is_not_there(broker: Broker) {
    let (cluster, people) = (Cluster::new(broker), People::new());
    let (engine, _stage) = puppet();
    let _worker = cluster.worker(worker::Config::default(), model(), engine).await;
    let narrow = people.key("acme", "alice", &["model:other", "background"]);
    let nothing = people.key("acme", "alice", &[]);
    let gateway = cluster.gateway_for(gateway::Config::default(), people.authenticator(Vec::new()));
    for key in [narrow, nothing] {
        let http = Http::new(gateway.address).with_token(&key);
        let chat = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Hi"}]});
        let request = |model: &str| json!({"model": model, "input": "Hi", "idempotency_key": "k"});
        let (real, none) = (MODEL, "there-is-none");
        for (method, path, bodies) in [
            (Method::POST, "/v1/responses", Some([request(real), request(none)])),
            (Method::POST, "/v1/responses/compact", Some([request(real), request(none)])),
            (Method::POST, "/v1/chat/completions", Some([chat(real), chat(none)])),
            (Method::GET, "/v1/models/", None),
        ] {
            let at = |model: &str| if bodies.is_none() { format!("{path}{model}") } else { path.to_owned() };
            let [one, two] = bodies.clone().map_or([None, None], |bodies| bodies.map(Some));
            let (status, told) = ask(&http, method.clone(), &at(real), &[], one).await;
            let expected = ask(&http, method.clone(), &at(none), &[], two).await;
            assert_eq!((status, told.replace(real, none)), expected, "{method} {path}");
            assert_eq!(status, 404, "{method} {path}: {told}");
        }
        assert_eq!(http.json(Method::GET, "/v1/models", None).await.1["data"], json!([]));
        let mut socket = Socket::connect_with(gateway.address, &key).await;
        let mut told = Vec::new();
        for model in [real, none] {
            socket.send(json!({"type": "response.create", "model": model, "input": "Hi"})).await;
            told.push(soon(socket.next()).await.to_string().replace(real, none));
        }
        assert_eq!(told[0], told[1]);
        assert!(told[0].contains("model_not_found"));
    }
}

/// Each of them, on each broker.
macro_rules! on_brokers {
    ($($scene:ident)*) => {
        mod on_memory {
            $(#[tokio::test]
            async fn $scene() {
                super::$scene(broker::memory::broker()).await;
            })*
        }

        mod on_redis {
            $(#[tokio::test]
            async fn $scene() {
                let server = super::Server::start(&[]).await;
                super::$scene(super::redis(&server).await).await;
            })*
        }

        mod on_kafka {
            $(#[tokio::test]
            async fn $scene() {
                let server = super::Server::start(&[]).await;
                super::$scene(super::kafka(&server, stringify!($scene)).await).await;
            })*
        }
    };
}

on_brokers! { a_response_is_its_users_alone a_key_is_its_users_alone a_model_that_is_not_allowed_is_not_there }

async fn redis(server: &Server) -> Broker {
    let config = broker_redis::Config { urls: vec![server.url()], ..broker_redis::Config::default() };
    broker_redis::connect(config).await.unwrap()
}

/// Kafka carries, Redis remembers.
async fn kafka(store: &Server, topics: &str) -> Broker {
    let config = broker_kafka::Config {
        bootstrap_servers: kafka::Cluster::shared().await.addresses.clone(),
        topic_prefix: format!("{topics}."),
        partitions: 4,
        ..broker_kafka::Config::default()
    };
    Broker { store: redis(store).await.store, ..broker_kafka::connect(config).await.unwrap() }
}
