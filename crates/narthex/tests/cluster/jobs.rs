//! A job that kills its workers, and what `narthex jobs` tells of it and does about it.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use testkit::{
    client::{EventStream, Http, text},
    model_server::{Fault, Script},
};

use tokio::time::Instant;

use crate::support::{Cluster, MODEL, Process, body};

const SECRET: &str = "The user's own words.";
const PATIENCE: Duration = Duration::from_secs(20);
const LEASE: &str = "worker.lease=1s";

impl Cluster {
    /// From now on the model says nothing, and ends never.
    fn mute(&self) {
        let script = Script { fault: Some((0, Fault::Hang)), ..Script::default() };
        self.model_server.set_script(MODEL, script);
    }

    /// Waits until the model was called so often, in all.
    async fn called(&self, times: u64) {
        self.model_server.wait_until(|stats| stats.requests >= times, PATIENCE).await.unwrap();
    }

    /// What `narthex jobs list` tells to programs.
    fn list(&self, arguments: &[&str]) -> Value {
        let (code, told, complaint) = self.jobs(&[&["list", "--format", "json"], arguments].concat());
        assert_eq!((code, complaint.as_str()), (0, ""));
        assert!(!told.contains(SECRET), "a list tells what a user said: {told}");
        serde_json::from_str(&told).unwrap()
    }

    /// What is listed, once that `holds`.
    fn list_until(&self, holds: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let told = self.list(&[]);
            if holds(&told) {
                return told;
            }
            assert!(Instant::now() < deadline, "{told}");
        }
    }

    /// Nothing is listed.
    fn has_no_jobs(&self) {
        let nothing = json!({"queues": [], "jobs": [], "more": 0, "untold": []});
        assert_eq!(self.list(&[]), nothing);
    }

    /// The only job, once it is in this state.
    fn only_job(&self, state: &str) -> Value {
        let told = self.list_until(|told| told["jobs"][0]["state"] == state);
        assert_eq!(told["jobs"].as_array().unwrap().len(), 1, "{told}");
        told["jobs"][0].clone()
    }

    /// Kills each worker that takes the job, until it is given up; all that its client hears. The last worker lives.
    async fn poison(&self, mut stream: EventStream, max_attempts: u32) -> (Vec<Value>, Process) {
        let limit = format!("worker.max_attempts={max_attempts}");
        let mut events = vec![stream.next().await.unwrap()];
        let calls = self.model_server.stats().requests;
        for attempt in 1..=max_attempts {
            let worker = self.worker_set(&[LEASE, &limit]);
            self.called(calls + u64::from(attempt)).await;
            let job = self.only_job("claimed");
            assert_eq!((&job["attempts"], &job["stuck"]), (&json!(attempt), &json!(attempt > 1)));
            worker.kill();
        }
        let last = self.worker_set(&[LEASE, &limit]);
        events.extend(stream.rest().await);
        self.only_job("dead");
        assert_eq!(self.model_server.stats().requests, calls + u64::from(max_attempts));
        (events, last)
    }
}

/// A gateway, and a model that is known though no worker is left.
fn prepared(cluster: &Cluster) -> (Process, Http) {
    let gateway = cluster.gateway(&[]);
    cluster.worker().kill();
    cluster.mute();
    let http = Http::new(gateway.public());
    (gateway, http)
}

async fn response(http: &Http, id: &str) -> Value {
    let (status, response) = http.json(Method::GET, &format!("/v1/responses/{id}"), None).await;
    assert_eq!(status, 200, "{response}");
    response
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_job_fails_is_kept_and_can_be_retried() {
    poisoned(&Cluster::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_kafka_a_poison_job_fails_is_kept_and_can_be_retried() {
    poisoned(&Cluster::on_kafka().await).await;
}

async fn poisoned(cluster: &Cluster) {
    let (_gateway, http) = prepared(cluster);
    let stream = http.events(Method::POST, "/v1/responses", Some(body(SECRET))).await;
    let (events, _worker) = cluster.poison(stream, 2).await;
    let end = events.last().unwrap();
    assert_eq!(end["type"], "response.failed");
    assert_eq!(end["response"]["error"]["code"], "too_many_attempts");

    // It is kept, and says why.
    let id = end["response"]["id"].as_str().unwrap();
    let told = cluster.list(&["--state", "dead", "--model", MODEL]);
    let counts = json!([{
        "model": MODEL, "waiting": 0, "claimed": 0, "stuck": 0, "dead": 1, "oldest_waiting_ms": null
    }]);
    assert_eq!(told["queues"], counts);
    let job = &told["jobs"][0];
    assert_eq!(
        (&job["response"], &job["attempts"], &job["user"]),
        (&json!(id), &json!(3), &json!("anonymous"))
    );
    assert!(job["reason"].as_str().unwrap().contains("too many attempts"), "{job}");
    let (code, shown, _) = cluster.jobs(&["show", id, "--format", "json"]);
    assert_eq!(code, 0);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["request"]["input"][0]["content"], SECRET);
    assert_eq!(shown["stream"], end["response"]);

    // People read the same in a table, and of the request no more than they ask for.
    let (_, table, _) = cluster.jobs(&[]);
    assert!(table.starts_with("QUEUE ") && table.contains(id) && !table.contains(SECRET), "{table}");
    assert!(!table.contains('\u{1b}'), "colours in a pipe: {table}");
    let (_, page, _) = cluster.jobs(&["show", id]);
    assert!(page.contains("too_many_attempts") && page.contains(SECRET), "{page}");

    // Tried again, with a model that is well, it is a new response; the old one stays as it was.
    cluster.model_server.set_script(MODEL, Script::default());
    let (code, new, hint) = cluster.jobs(&["retry", id]);
    assert_eq!(code, 0, "{hint}");
    let new = new.trim();
    assert!(new != id && hint.contains(&format!("/v1/responses/{new}?stream=true")), "{hint}");
    let path = format!("/v1/responses/{new}?stream=true");
    let retried = http.events(Method::GET, &path, None).await.rest().await;
    assert_eq!(retried.last().unwrap()["type"], "response.completed");
    assert!(!text(&retried).is_empty());
    assert_eq!(response(&http, new).await, retried.last().unwrap()["response"]);
    assert_eq!(response(&http, id).await, end["response"]);
    let (code, _, complaint) = cluster.jobs(&["show", id]);
    assert_eq!(code, 1);
    assert!(complaint.starts_with(&format!("error: there is no job of {id}")), "{complaint}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_job_is_dropped_and_needs_a_worker_to_be_retried() {
    let cluster = Cluster::start().await;
    let (_gateway, http) = prepared(&cluster);
    let stream = http.events(Method::POST, "/v1/responses", Some(body(SECRET))).await;
    let (events, worker) = cluster.poison(stream, 1).await;
    let id = events[0]["response"]["id"].as_str().unwrap();

    worker.kill();
    cluster.redis.cli(&["DEL", "nx:{roster}"]);
    let (code, _, complaint) = cluster.jobs(&["retry", id]);
    assert_eq!(code, 1);
    assert!(complaint.contains("no worker serves the model scripted"), "{complaint}");

    let (code, said, _) = cluster.jobs(&["drop", id]);
    assert_eq!((code, said), (0, format!("{id} is forgotten\n")));
    cluster.has_no_jobs();
    let (code, _, complaint) = cluster.jobs(&["drop", id]);
    assert_eq!(code, 1);
    assert!(complaint.contains("there is no job"), "{complaint}");
    assert_eq!(response(&http, id).await, events.last().unwrap()["response"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_or_runs_is_cancelled_when_it_is_dropped() {
    dropped(&Cluster::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_kafka_what_waits_or_runs_is_cancelled_when_it_is_dropped() {
    dropped(&Cluster::on_kafka().await).await;
}

async fn dropped(cluster: &Cluster) {
    let (_gateway, http) = prepared(cluster);
    let background = json!({"model": MODEL, "input": SECRET, "background": true});
    let ask = async || {
        let (_, response) = http.json(Method::POST, "/v1/responses", Some(background.clone())).await;
        response["id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (ask().await, ask().await);
    let told = cluster.list(&["--state", "stuck", "--stuck-after", "0s", "--max", "1"]);
    let queue = &told["queues"][0];
    assert_eq!((&queue["waiting"], &queue["stuck"]), (&json!(2), &json!(2)));
    assert_eq!((&told["jobs"][0]["response"], &told["more"]), (&json!(first), &json!(1)));
    assert!(queue["oldest_waiting_ms"].as_u64().is_some(), "{queue}");
    assert_eq!(cluster.list(&["--state", "stuck", "--stuck-after", "1h"])["jobs"], json!([]));

    // What waits ends here and now.
    let (code, said, _) = cluster.jobs(&["drop", &first]);
    assert_eq!((code, said), (0, format!("{first} is cancelled\n")));
    assert_eq!(response(&http, &first).await["status"], "cancelled");
    assert_eq!(cluster.only_job("waiting")["response"], second);

    // What runs is ended by its worker, which lets go of the model.
    let _worker = cluster.worker();
    cluster.called(1).await;
    let (code, _, complaint) = cluster.jobs(&["retry", &second]);
    assert_eq!(code, 1);
    assert!(complaint.contains("is not dead but claimed"), "{complaint}");
    let (code, said, _) = cluster.jobs(&["drop", &second]);
    assert_eq!(code, 0);
    assert!(said.contains("its worker ends it"), "{said}");
    cluster.model_server.wait_until(|stats| stats.aborted == 1, PATIENCE).await.unwrap();
    cluster.list_until(|told| told["queues"] == json!([]));
    assert_eq!(response(&http, &second).await["status"], "cancelled");
}
