//! No secret appears where somebody may read it: a whole scene, written at the finest level, and searched.

use std::{fs::File, process::Stdio};

use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{
    client::{Http, Socket},
    openid::{OpenId, now},
    otlp::Receiver,
};

use crate::support::{Running, narthex, outcome};

const CLIENT_SECRETS_KEY: &str = "swordfish-swordfish-swordfish-swordfish";
const SHARED_SECRET: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";
const UPSTREAM_KEY: &str = "correct-horse-battery-staple";
const EXPORT_KEY: &str = "open-sesame-open-sesame-open-sesame";
const PROMPT: &str = "Tell me of xylophones.";

/// The parts of a token, each of which must not be told: the head of one is no secret.
fn parts(token: &str) -> Vec<String> {
    let text = token.trim_start_matches("nk_").trim_start_matches("ek_");
    let parts = text.split(['.', '_']).filter(|part| part.len() > 20).map(str::to_owned);
    parts.filter(|part| !part.starts_with("eyJ")).chain([token.to_owned()]).collect()
}

// Of several threads: what receives spans has to answer while this waits for the process to end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_ever_told() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let make = |name: &str| {
        let (code, key, _) =
            outcome(narthex(["keys", "make", name, "--scope", "admin", "--keys-file", &at("keys.toml")]));
        assert_eq!(code, 0);
        key.trim().to_owned()
    };
    let (key, lost) = (make("alice"), make("lost"));
    assert_eq!(outcome(narthex(["keys", "revoke", "lost", "--keys-file", &at("keys.toml")])).0, 0);
    let (server, receiver) = (OpenId::start().await, Receiver::start().await);
    let settings = format!(
        "log = \"trace\"\nauth.keys.file = {:?}\nauth.client_secrets.key = {CLIENT_SECRETS_KEY:?}\n\
         [[auth.jwt]]\nissuer = \"shared\"\naudience = \"x\"\nsecret = {SHARED_SECRET:?}\n\
         [[auth.jwt]]\nissuer = {:?}\naudience = \"narthex-tests\"\ntenant = \"default\"\n\
         [[upstream]]\nengine = \"demo\"\nmodels = [\"demo\"]\ndemo.tokens_per_second = 0\n\
         [[upstream]]\nurl = \"http://127.0.0.1:9/v1\"\nmodels = [\"away\"]\napi_key = {UPSTREAM_KEY:?}\n\
         [traces]\nendpoint = {:?}\n[[traces.headers]]\nname = \"authorization\"\nvalue = {EXPORT_KEY:?}\n",
        at("keys.toml"),
        server.issuer(),
        receiver.url(),
    );
    std::fs::write(at("narthex.toml"), settings).unwrap();
    let log = File::create(at("log")).unwrap();
    let ports =
        ["dev", "--config", &at("narthex.toml"), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let mut running = Running::start_with_log(narthex(ports), Stdio::from(log));
    let mut said = running.greeting();
    let address = running.listen.as_ref().unwrap().parse().unwrap();
    let http = Http::new(address);
    let ask = async |token: &str, path: &str, body: Option<Value>| {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        http.clone().with_token(token).json(method, path, body).await
    };

    let (status, made) = ask(&key, "/v1/client_secrets", Some(json!({"user": "alice"}))).await;
    assert_eq!(status, 200, "{made}");
    let secret = made["value"].as_str().unwrap().to_owned();
    let jwt = server.token("alice", json!({}));
    let ended = server.token("alice", json!({"exp": now() - 600}));
    let forged = format!("{}AAAA", &jwt[..jwt.len() - 4]);
    for good in [&key, &secret, &jwt] {
        said +=
            &ask(good, "/v1/responses", Some(json!({"model": "demo", "input": PROMPT}))).await.1.to_string();
    }
    // A model server that is not there: what is said of it must not tell its key.
    let away = json!({"model": "away", "input": "Hi", "background": true});
    said += &ask(&key, "/v1/responses", Some(away)).await.1.to_string();
    for bad in [&lost, &ended, &forged, &format!("{key}x"), &format!("{secret}x")] {
        let (status, told) = ask(bad, "/v1/models", None).await;
        assert_eq!(status, 401, "{told}");
        said += &told.to_string();
    }
    said += &http.json(Method::GET, &format!("/v1/models?access_token={key}"), None).await.1.to_string();
    let protocols = format!("narthex.v1.json, narthex.bearer.{secret}");
    let (mut socket, _) =
        Socket::try_connect(address, &[("sec-websocket-protocol", &protocols)]).await.unwrap();
    said += &socket.next().await.to_string();
    // One after the other is checked, also where a client errs.
    for message in [
        json!({"type": "narthex:token.update", "token": jwt}),
        json!({"type": "narthex:token.update", "token": forged}),
        json!({"type": "narthex:token.update", "tokne": key}),
        json!({"type": "narthex:token.update", "token": {"secret": key}}),
    ] {
        socket.send(message).await;
        said += &socket.next().await.to_string();
    }
    assert!(said.contains("narthex:token.updated") && said.contains("token_expired"), "{said}");
    let (code, config, complaints) = outcome(narthex(["config", "--config", &at("narthex.toml")]));
    assert_eq!(code, 0, "{complaints}");
    said += &config;
    said += &outcome(narthex(["keys", "list", "--keys-file", &at("keys.toml")])).1;
    running.signal("TERM");
    assert!(running.wait().success());

    let log = std::fs::read_to_string(at("log")).unwrap();
    assert!(
        log.contains("\"level\":\"DEBUG\"") && log.contains("credential refused"),
        "the log says too little"
    );
    let mut secrets: Vec<String> =
        [CLIENT_SECRETS_KEY, SHARED_SECRET, UPSTREAM_KEY, EXPORT_KEY].map(str::to_owned).into();
    secrets.extend([&key, &lost, &secret, &jwt, &ended, &forged].into_iter().flat_map(|token| parts(token)));
    let exports = receiver.requests();
    assert!(exports.iter().any(|(head, _)| head["authorization"] == EXPORT_KEY));
    let spans: String = exports.iter().map(|(_, body)| String::from_utf8_lossy(body)).collect();
    // Of one trace, the log and the spans.
    assert!(spans.contains("produce") && log.contains("\"trace_id\":\""), "traces say too little");
    for private in ["alice", "xylophone"] {
        assert!(!spans.contains(private), "the spans tell of users or contents: {private}");
    }
    for secret in secrets {
        for (place, text) in [("log", &log), ("answers", &said), ("spans", &spans)] {
            if let Some(line) = text.lines().find(|line| line.contains(&secret)) {
                panic!("the {place} tell a secret: {line:.400}");
            }
        }
    }
}
