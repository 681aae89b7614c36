//! `narthex doctor` in front of a real world that is well, and of one that is not.

use std::{
    net::TcpListener,
    time::{Duration, SystemTime},
};

use serde_json::Value;
use tempfile::TempDir;
use testkit::{
    certificates::{Authority, Issued},
    kafka,
    model_server::{ModelServer, Script},
    openid::{AUDIENCE, OpenId},
    otlp::Receiver,
    redis::Server,
};
use tokio::time::Instant;

use crate::support::{Running, narthex, outcome};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Nobody listens there.
const NOWHERE: &str = "127.0.0.1:1";

/// What it found.
struct Report {
    code: i32,
    told: Value,
}

impl Report {
    /// Of these settings, on free ports.
    async fn of(arguments: &[&str]) -> Self {
        let ports = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        Self::at(&[arguments, &ports].concat()).await
    }

    async fn at(arguments: &[&str]) -> Self {
        let command = narthex([&["doctor", "--format", "json"], arguments].concat());
        // What it looks at may be in this process.
        let (code, said, complaint) = tokio::task::spawn_blocking(|| outcome(command)).await.unwrap();
        let told = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{complaint}"));
        Self { code, told }
    }

    /// The status of a check, whose sentence has these words in it.
    #[track_caller]
    fn has(&self, check: &str, status: &str, words: &str) {
        let is_it = |told: &&Value| told["check"] == check && told["status"] == status;
        let told = self.told["checks"].as_array().unwrap().iter().find(is_it);
        let found = told.unwrap_or_else(|| panic!("{:#}", self.told))["found"].as_str().unwrap();
        assert!(found.contains(words), "{found}");
    }
}

fn file(folder: &TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_is_well() {
    let redis = Server::start(&["--appendonly", "yes", "--maxmemory", "1gb"]).await;
    let server = ModelServer::start(Script::default()).await.unwrap();
    let folder = TempDir::new().unwrap();
    let Issued { certificate, key } = Authority::new().issue();
    let (certificate, key) = (file(&folder, "own.pem", &certificate), file(&folder, "own.key", &key));
    let keys = folder.path().join("keys.toml");
    let keys = keys.to_str().unwrap();
    assert_eq!(outcome(narthex(["keys", "make", "me", "--keys-file", keys])).0, 0);
    let report = Report::of(&[
        "--broker",
        &redis.url(),
        "--upstream",
        &server.url(),
        "--keys-file",
        keys,
        "--tls-certificate",
        &certificate,
        "--tls-key",
        &key,
        "--set",
        "gateway.limits.max_memory=64MiB",
    ])
    .await;
    assert_eq!((report.code, &report.told["problems"]), (0, &0.into()), "{:#}", report.told);
    for (check, words) in [
        ("settings", "the role dev starts with them"),
        ("redis", "answers in"),
        ("redis memory", "of 1024 MiB in use"),
        ("redis persistence", "appendonly yes, appendfsync everysec"),
        ("redis replicas", "none"),
        ("redis clock", "ms from this machine's"),
        ("upstream.0", "with the models scripted"),
        ("auth.keys.file", "has 1 keys, 1 of them alive"),
        ("tls.certificate_file", "valid for"),
        ("listen", "is free"),
        ("admin_listen", "is free"),
        ("memory", "64 MiB"),
    ] {
        report.has(check, "ok", words);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_would_lose_streams_is_told() {
    let redis = Server::start(&["--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lru"]).await;
    let report = Report::of(&["--role", "gateway", "--auth", "none", "--broker", &redis.url()]).await;
    assert_eq!(report.code, 1);
    report.has("redis memory", "problem", "set maxmemory-policy noeviction");
    report.has("redis persistence", "warning", "set appendonly yes");
    redis.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let report = Report::of(&["--role", "gateway", "--auth", "none", "--broker", &redis.url()]).await;
    assert_eq!(report.code, 0, "{:#}", report.told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_away_is_told_soon() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    let (away, wrong) = (format!("http://{NOWHERE}/v1"), format!("{}/wrong", server.url()));
    let broker = format!("redis://{NOWHERE}");
    let begin = Instant::now();
    let report = Report::of(&["--broker", &broker, "--upstream", &away, "--upstream", &wrong]).await;
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_eq!((report.code, &report.told["problems"]), (1, &3.into()), "{:#}", report.told);
    report.has("redis", "problem", "no Redis answers at 127.0.0.1:1: start one there");
    report.has("upstream.0", "problem", "cannot ask http://127.0.0.1:1/v1: ");
    report.has("upstream.1", "problem", "does not list its models: check the path of its url");

    let model = ["--upstream", &server.url(), "--model", "another"];
    let report = Report::of(&[&["--role", "worker", "--broker", &broker], &model[..]].concat()).await;
    report.has("upstream.0", "warning", "does not list another");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_told_before_they_end() {
    let (authority, folder, now) = (Authority::new(), TempDir::new().unwrap(), SystemTime::now());
    let look = async |own: &Issued, key: &str| {
        let (own, key) = (file(&folder, "own.pem", &own.certificate), file(&folder, "own.key", key));
        Report::of(&["--tls-certificate", &own, "--tls-key", &key]).await
    };
    let over = authority.issue_until(now - DAY);
    let report = look(&over, &over.key).await;
    assert_eq!(report.code, 1);
    report.has("tls.certificate_file", "problem", "expired on ");

    let soon = authority.issue_until(now + DAY * 10 + DAY / 2);
    let report = look(&soon, &soon.key).await;
    assert_eq!(report.code, 0, "{:#}", report.told);
    report.has("tls.certificate_file", "warning", "expires in 10 days, on ");

    let report = look(&soon, &over.key).await;
    assert_eq!(report.code, 1);
    report.has("tls", "problem", "the key has to be that of the first certificate");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_is_asked_for_its_keys() {
    let (issuer, folder) = (OpenId::start().await, TempDir::new().unwrap());
    let name = issuer.issuer().to_owned();
    let jwt = format!("[[auth.jwt]]\nissuer = \"{name}\"\naudience = [\"{AUDIENCE}\"]\n");
    let config = file(&folder, "narthex.toml", &jwt);
    let report = Report::of(&["--config", &config]).await;
    assert_eq!(report.code, 0, "{:#}", report.told);
    report.has(&format!("issuer {name}"), "ok", "publishes 1 keys");
    drop(issuer);
    let report = Report::of(&["--config", &config]).await;
    assert_eq!(report.code, 1);
    report.has(&format!("issuer {name}"), "problem", "cannot be fetched");

    let report = Report::of(&["--keys-file", "/nowhere/keys.toml"]).await;
    assert_eq!(report.code, 1);
    report.has("auth", "problem", "/nowhere/keys.toml");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_are_free_or_our_own() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let report = Report::at(&["--listen", &taken, "--admin-listen", "127.0.0.1:0"]).await;
    assert_eq!(report.code, 1);
    report.has("listen", "problem", "another program uses this port");

    let (running, _) = Running::dev();
    let own = ["--listen", running.listen.as_ref().unwrap(), "--admin-listen", &running.admin];
    let report = Report::at(&own).await;
    assert_eq!(report.code, 0, "{:#}", report.told);
    report.has("listen", "ok", "a narthex runs here and is ready");
}

#[test]
fn people_get_a_table_and_the_rest_of_the_checks() {
    // Settings that a role cannot start with are a line of it, and not the end of it.
    let (code, table, complaint) = outcome(narthex([
        "doctor",
        "--role",
        "gateway",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ]));
    assert_eq!((code, &*complaint), (1, ""));
    let mut lines = table.lines();
    assert_eq!(lines.next().unwrap().split_whitespace().collect::<Vec<_>>(), ["STATUS", "CHECK", "FOUND"]);
    assert!(
        lines.next().unwrap().starts_with("problem  settings      a separate gateway cannot use"),
        "{table}"
    );
    assert!(table.contains("\nok       listen        127.0.0.1:0 is free\n"), "{table}");
    assert!(!table.contains('\u{1b}'), "{table}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_for_the_names_by_which_clients_come() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let Issued { certificate, key } =
        authority.issue_for(&["chat.example.com", "*.api.example.com", "10.0.0.5"]);
    let (own, key) = (file(&folder, "own.pem", &certificate), file(&folder, "own.key", &key));
    let look = async |more: &[&str]| {
        Report::of(&[&["--tls-certificate", &own, "--tls-key", &key], more].concat()).await
    };
    let names = "it is for chat.example.com, *.api.example.com, 10.0.0.5";
    look(&[]).await.has("tls names", "ok", names);
    let report =
        look(&["--host", "chat.example.com", "--host", "eu.api.example.com", "--host", "10.0.0.5"]).await;
    assert_eq!(report.code, 0, "{:#}", report.told);
    let report = look(&["--host", "chat.example.com", "--host", "chat.example.org"]).await;
    assert_eq!(report.code, 1);
    report.has(
        "tls names",
        "problem",
        &format!("{names}, and not for chat.example.org: have it made for that, too"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_traces_and_metrics_is_asked() {
    let receiver = Receiver::start().await;
    let (traces, metrics) =
        (format!("traces.endpoint={}", receiver.url()), format!("metrics.endpoint={}/wrong", receiver.url()));
    let report = Report::of(&["--set", &traces, "--set", &metrics]).await;
    assert_eq!(report.code, 0, "{:#}", report.told);
    report.has("traces.endpoint", "ok", "/v1/traces takes it in ");
    report.has(
        "metrics.endpoint",
        "warning",
        "/wrong does not take it (the receiver answered 404 Not Found)",
    );
    assert_eq!((receiver.spans().len(), receiver.pushes()), (0, 0), "it changes nothing");

    let away = format!("metrics.endpoint=http://{NOWHERE}");
    let report = Report::of(&["--set", &away]).await;
    report.has("metrics.endpoint", "warning", "see that a receiver of OTLP over HTTP listens there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kafka_that_works_tells_what_an_operator_should_know() {
    let (node, server) = tokio::join!(kafka::Cluster::shared(), ModelServer::start(Script::default()));
    let server = server.unwrap();
    let (broker, url) = (format!("kafka://{}", node.addresses), server.url());
    let prefix = "kafka.topic_prefix=doctor.";
    let worker =
        ["worker", "--broker", &broker, "--upstream", &url, "--set", prefix, "--admin-listen", "127.0.0.1:0"];
    let running = Running::start(narthex(worker));
    let is_ready = || running.admin("/readyz").0 == 200;
    let patience = Instant::now() + Duration::from_secs(30);
    while !is_ready() {
        assert!(Instant::now() < patience, "the worker is not ready");
        tokio::task::yield_now().await;
    }
    let gateway = ["--role", "gateway", "--auth", "none", "--broker", &broker, "--set", prefix];
    let report = Report::of(&gateway).await;
    assert_eq!(report.code, 0, "{:#}", report.told);
    report.has("kafka version", "ok", "4 or later");
    report.has("kafka clock", "ok", "old by this machine's");
    report.has("kafka topic doctor.events", "ok", "1 copies of each, 1 of which must be in sync");
}
