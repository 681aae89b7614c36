//! Scenes at the door of a gateway, over real sockets: who is let in, and what becomes of a socket whose token ends.
#![expect(clippy::unwrap_used, reason = "the lint knows tests, but not their helpers")]

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::Method;
use serde_json::{Value, json};
use testkit::{
    client::{Http, Socket, text},
    cluster::{Cluster, MODEL, Running, RunningGateway, model},
    people::People,
    puppet::{Stage, puppet},
    scene::{body, create},
};

/// Nothing here may take longer.
const PATIENCE: Duration = Duration::from_secs(20);

struct Scene {
    people: People,
    gateway: RunningGateway,
    stage: std::sync::Arc<Stage>,
    _worker: Running,
}

async fn scene(config: gateway::Config) -> Scene {
    let (cluster, people) = (Cluster::new(broker::memory::broker()), People::new());
    let (engine, stage) = puppet();
    let worker = cluster.worker(worker::Config::default(), model(), engine).await;
    let gateway = cluster.gateway_for(config, people.authenticator(Vec::new()));
    Scene { people, gateway, stage, _worker: worker }
}

impl Scene {
    fn http(&self) -> Http {
        Http::new(self.gateway.address)
    }

    /// A key of which the gateway knows already.
    async fn key(&self, user: &str, scopes: &[&str], lifetime: Option<Duration>) -> String {
        let key = self.people.key_for("acme", user, scopes, lifetime);
        let http = self.http().with_token(key.clone());
        soon(async { while http.json(Method::GET, "/v1/models", None).await.0 != 200 {} }).await;
        key
    }

    async fn client_secret(&self, key: &str, body: Value) -> (u16, Value) {
        self.http().with_token(key).json(Method::POST, "/v1/client_secrets", Some(body)).await
    }
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.unwrap()
}

/// The next message, whatever it is.
async fn next(socket: &mut Socket) -> Value {
    soon(socket.next()).await
}

#[tokio::test]
async fn nobody_is_let_in_who_is_not_known() {
    let scene = scene(gateway::Config::default()).await;
    let key = scene.key("alice", &["models"], None).await;
    let get = async |headers: &[(&str, &str)], path: &str| {
        let response = scene.http().send(Method::GET, path, headers, None).await;
        let challenge =
            response.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        (status, body["error"]["code"].as_str().unwrap_or_default().to_owned(), challenge.unwrap_or_default())
    };
    let is = |status: u16, code: &str, challenge: &str| (status, code.to_owned(), challenge.to_owned());
    let invalid = is(401, "invalid_api_key", "Bearer error=\"invalid_token\"");
    assert_eq!(get(&[], "/v1/models").await, is(401, "missing_credentials", "Bearer"));
    for wrong in ["Bearer sk-1", "Bearer nk_1_2", "Bearer ek_1", "Bearer a.b.c", "Basic eDp5", "Bearer "] {
        assert_eq!(get(&[("authorization", wrong)], "/v1/models").await, invalid, "{wrong}");
    }
    let in_url = get(&[], &format!("/v1/models?api_key={key}")).await;
    assert_eq!(in_url, is(401, "credentials_in_url", "Bearer error=\"invalid_token\""));
    for (name, value) in
        [("authorization", format!("bearer {key}")), ("api-key", key.clone()), ("x-api-key", key.clone())]
    {
        assert_eq!(get(&[(name, &value)], "/v1/models").await.0, 200, "{name}");
    }
    // What is there is told to nobody else.
    assert_eq!(get(&[], "/v1/nowhere").await.0, 401);
    assert_eq!(get(&[("api-key", &key)], "/v1/nowhere").await.0, 404);
    let no_token = Socket::try_connect(scene.gateway.address, &[]).await.unwrap_err();
    assert_eq!((no_token.0, &no_token.1["error"]["code"]), (401, &json!("missing_credentials")));
}

/// A browser can set nothing but subprotocols, and wants one of them back.
#[tokio::test]
async fn a_browser_shows_its_token_as_a_subprotocol() {
    let scene = scene(gateway::Config::default()).await;
    let key = scene.key("alice", &["models"], None).await;
    let connect = async |protocols: &str| {
        let headers = [("sec-websocket-protocol", protocols)];
        let (socket, headers) = Socket::try_connect(scene.gateway.address, &headers).await?;
        drop(socket);
        Ok::<_, (u16, Value)>(headers.get("sec-websocket-protocol").unwrap().to_str().unwrap().to_owned())
    };
    for (offered, chosen) in [
        (format!("narthex.v1.json, narthex.bearer.{key}"), "narthex.v1.json".to_owned()),
        (format!("openai-insecure-api-key.{key}, realtime"), "realtime".to_owned()),
        (format!("narthex.bearer.{key}"), format!("narthex.bearer.{key}")),
    ] {
        assert_eq!(connect(&offered).await.unwrap(), chosen, "{offered}");
    }
    assert_eq!(connect("realtime, narthex.bearer.nk_1_2").await.unwrap_err().0, 401);
}

#[tokio::test]
async fn a_client_secret_is_for_one_user_and_its_models() {
    let scene = scene(gateway::Config::default()).await;
    let key = scene.key("backend", &["models", "client_secrets"], None).await;
    let wish =
        json!({"expires_after": {"anchor": "created_at", "seconds": 60}, "user": "alice", "models": [MODEL]});
    let (status, made) = scene.client_secret(&key, wish).await;
    assert_eq!(status, 200, "{made}");
    assert!(made["expires_at"].as_u64().unwrap() > testkit::openid::now());
    let secret = made["value"].as_str().unwrap();
    let mut socket = Socket::connect_with(scene.gateway.address, secret).await;
    socket.send(create("Hi", json!({}))).await;
    let call = scene.stage.next_call().await;
    call.say("Hello").await;
    call.finish().await;
    let events = soon(socket.turn()).await;
    assert_eq!(text(&events), "Hello");
    // It is alice's, and not the backend's.
    let path = format!("/v1/responses/{}", events[0]["response"]["id"].as_str().unwrap());
    assert_eq!(scene.http().with_token(secret).json(Method::GET, &path, None).await.0, 200);
    assert_eq!(scene.http().with_token(&key).json(Method::GET, &path, None).await.0, 404);
    let other = json!({"user": "alice", "models": ["other"]});
    let (_, narrow) = scene.client_secret(&key, other).await;
    let http = scene.http().with_token(narrow["value"].as_str().unwrap());
    assert_eq!(http.json(Method::GET, "/v1/models", None).await.1["data"], json!([]));
    let refused = http.json(Method::POST, "/v1/responses", Some(body("Hi", json!({})))).await;
    assert_eq!((refused.0, &refused.1["error"]["code"]), (404, &json!("model_not_found")));
    // Nobody makes what they may not.
    assert_eq!(scene.client_secret(secret, json!({})).await.0, 403);
    let plain = scene.key("plain", &["models"], None).await;
    assert_eq!(scene.client_secret(&plain, json!({})).await.0, 403);
    for (bad, param) in [
        (json!({"expires_after": {"seconds": 7201}}), "expires_after.seconds"),
        (json!({"expires_after": {"seconds": 0}}), "expires_after.seconds"),
        (json!({"allowence": {}}), "allowence"),
        (json!({"models": []}), "models"),
    ] {
        let (status, error) = scene.client_secret(&key, bad).await;
        assert_eq!((status, &error["error"]["param"]), (400, &json!(param)));
    }
}

#[tokio::test]
async fn a_socket_whose_key_is_revoked_is_closed() {
    let scene = scene(gateway::Config::default()).await;
    let key = scene.key("alice", &["models", "client_secrets"], None).await;
    let stays = scene.key("bob", &["models"], None).await;
    let (_, made) = scene.client_secret(&key, json!({})).await;
    let secret = made["value"].as_str().unwrap();
    let mut by_key = Socket::connect_with(scene.gateway.address, &key).await;
    let mut by_secret = Socket::connect_with(scene.gateway.address, secret).await;
    let mut other = Socket::connect_with(scene.gateway.address, &stays).await;
    scene.people.revoke("alice");
    assert_eq!(soon(by_key.closed()).await, Some(4403));
    assert_eq!(soon(by_secret.closed()).await, Some(4403));
    for token in [&*key, secret] {
        assert_eq!(scene.http().with_token(token).json(Method::GET, "/v1/models", None).await.0, 401);
    }
    other.send(create("Hi", json!({}))).await;
    scene.stage.next_call().await.finish().await;
    assert_eq!(soon(other.turn()).await.last().unwrap()["type"], "response.completed");
}

/// Settings in which a token of a few seconds is warned of at once.
fn impatient(grace: Duration) -> gateway::Config {
    gateway::Config {
        token_warning: Duration::from_secs(60),
        token_grace: grace,
        ..gateway::Config::default()
    }
}

#[tokio::test]
async fn a_socket_is_warned_and_goes_on_with_another_token() {
    let scene = scene(impatient(Duration::from_secs(60))).await;
    let key = scene.key("backend", &["models", "client_secrets"], None).await;
    let secret = async |user: &str, seconds: u64| {
        let wish = json!({"expires_after": {"seconds": seconds}, "user": user});
        let (_, made) = scene.client_secret(&key, wish).await;
        (made["value"].as_str().unwrap().to_owned(), made["expires_at"].clone())
    };
    let (first, ends) = secret("alice", 30).await;
    let protocols = format!("narthex.v1.json, narthex.bearer.{first}");
    let headers = [("sec-websocket-protocol", &*protocols)];
    let (mut socket, _) = Socket::try_connect(scene.gateway.address, &headers).await.unwrap();
    assert_eq!(next(&mut socket).await["type"], "narthex:session.created");
    let warning = next(&mut socket).await;
    assert_eq!((&warning["type"], &warning["expires_at"]), (&json!("narthex:token.expiring"), &ends));
    let update = |token: &str| json!({"type": "narthex:token.update", "token": token});
    let (mallory, _) = secret("mallory", 600).await;
    for (token, code) in [(&*mallory, "identity_mismatch"), ("nk_1_2", "invalid_api_key")] {
        socket.send(update(token)).await;
        assert_eq!(next(&mut socket).await["error"]["code"], code);
    }
    let (second, ends) = secret("alice", 600).await;
    socket.send(update(&second)).await;
    let updated = next(&mut socket).await;
    assert_eq!((&updated["type"], &updated["expires_at"]), (&json!("narthex:token.updated"), &ends));
    socket.send(create("Hi", json!({}))).await;
    scene.stage.next_call().await.finish().await;
    assert_eq!(soon(socket.turn()).await.last().unwrap()["type"], "response.completed");
}

#[tokio::test]
async fn a_socket_ends_with_its_token_after_what_runs() {
    let scene = scene(impatient(Duration::from_secs(60))).await;
    let key = scene.key("backend", &["models", "client_secrets"], None).await;
    let (_, made) = scene.client_secret(&key, json!({"expires_after": {"seconds": 2}})).await;
    let secret = made["value"].as_str().unwrap();
    let mut idle = Socket::connect_with(scene.gateway.address, secret).await;
    let mut busy = Socket::connect_with(scene.gateway.address, secret).await;
    busy.send(create("one", json!({}))).await;
    busy.send(create("two", json!({}))).await;
    let call = scene.stage.next_call().await;
    call.say("still ").await;
    // Whoever did not ask for extension events sees none.
    let ended = next(&mut idle).await;
    assert_eq!(
        (&ended["type"], &ended["error"]["code"], &ended["status"]),
        (&json!("error"), &json!("token_expired"), &json!(401))
    );
    assert_eq!(soon(idle.closed()).await, Some(4401));
    // What runs ends in peace; what waits, and what is new, is refused.
    let mut events = Vec::new();
    while events.last().is_none_or(|event: &Value| event["error"]["code"] != "token_expired") {
        events.push(next(&mut busy).await);
    }
    busy.send(create("three", json!({}))).await;
    assert_eq!(next(&mut busy).await["error"]["code"], "token_expired");
    call.say("here").await;
    call.finish().await;
    events.extend(soon(busy.turn()).await);
    assert_eq!(text(&events), "still here");
    assert_eq!(next(&mut busy).await["error"]["code"], "token_expired", "the one that waited");
    assert_eq!(soon(busy.closed()).await, Some(4401));
}

#[tokio::test]
async fn what_runs_for_longer_than_the_grace_is_cut_off() {
    let scene = scene(impatient(Duration::from_millis(100))).await;
    let key = scene.key("backend", &["models", "client_secrets"], None).await;
    let (_, made) = scene.client_secret(&key, json!({"expires_after": {"seconds": 1}})).await;
    let mut socket = Socket::connect_with(scene.gateway.address, made["value"].as_str().unwrap()).await;
    socket.send(create("Hi", json!({}))).await;
    let call = scene.stage.next_call().await;
    call.say("endless").await;
    assert_eq!(soon(socket.closed()).await, Some(4401));
    // The response itself goes on for whoever comes back for it.
    assert!(call.say(" and on").await);
}

#[tokio::test]
async fn the_background_is_a_scope_of_its_own() {
    let scene = scene(gateway::Config::default()).await;
    let key = scene.key("alice", &["models"], None).await;
    let request = Some(body("Hi", json!({"background": true})));
    let (status, refused) = scene.http().with_token(key).json(Method::POST, "/v1/responses", request).await;
    assert_eq!((status, &refused["error"]["code"]), (403, &json!("insufficient_permissions")));
}
