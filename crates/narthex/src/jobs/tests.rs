//! What people and programs read of jobs.

use std::time::Duration;

use broker::{Broker, Header, Job, JobStatus, Kind, Member};
use bytes::Bytes;
use stream::ResponseId;

use super::{
    args::{List, State},
    listing::Listing,
    show::{self, Stream},
    words::duration,
};
use crate::table::{Cell, Table, harmless};

#[test]
fn durations_are_short() {
    let cases = [(0, "0s"), (59, "59s"), (61, "1m 1s"), (3_600, "1h"), (93_784, "1day 2h")];
    for (seconds, text) in cases {
        assert_eq!(duration(Duration::from_millis(seconds * 1000 + 999)), text);
    }
}

#[test]
fn a_terminal_obeys_no_name() {
    assert_eq!(harmless("a\u{1b}[31mb\u{9b}\tß\n"), "a\\u{1b}[31mb\\u{9b}\\tß\n");
    let mut table = Table::new(&["NAME", "#N"]);
    table.push(vec![Cell::text("a\nb\u{7}"), Cell::number(7)]);
    table.push(vec![Cell::text("x"), Cell::number(1_000)]);
    let plain = anstream::adapter::strip_str(&table.to_text()).to_string();
    assert_eq!(plain, "NAME          N\na\\nb\\u{7}     7\nx          1000\n");
}

async fn enqueue(broker: &Broker, model: &str) {
    let header = Header { model: model.into(), user: "\u{1b}]0;me".into(), ..Header::default() };
    let request = Bytes::from_static(b"secret");
    let id = ResponseId::random(0);
    let job = Job { id, header, kind: Kind::Response, request, trace: None, enqueued_at_us: 0 };
    broker.jobs.enqueue(&job).await.unwrap();
}

/// How many jobs are listed as stuck, of how many that are said to be.
async fn stuck(broker: &Broker) -> (usize, u64) {
    let asked = List { state: Some(State::Stuck), ..List::default() };
    let told = Listing::collect(broker, &asked).await.unwrap().to_json();
    (told["jobs"].as_array().unwrap().len(), told["queues"][0]["stuck"].as_u64().unwrap())
}

#[tokio::test(start_paused = true)]
async fn stuck_is_what_makes_no_progress() {
    let broker = broker::memory::broker();
    let (second, patience) = (Duration::from_secs(1), List::default().stuck_after());
    enqueue(&broker, "m").await;
    tokio::time::advance(patience).await;
    assert_eq!(stuck(&broker).await, (0, 0));
    tokio::time::advance(second).await;
    assert_eq!(stuck(&broker).await, (1, 1), "it waits for long");

    let claim = async |lease| {
        let claims = broker.jobs.claim("m", &Member::random("worker"), 1, Duration::ZERO, lease).await;
        claims.unwrap().remove(0)
    };
    claim(patience).await;
    assert_eq!(stuck(&broker).await, (0, 0));
    tokio::time::advance(patience + second).await;
    assert_eq!(stuck(&broker).await, (1, 1), "its worker is silent");

    let second_claim = claim(patience).await;
    assert_eq!(stuck(&broker).await, (1, 1), "it is claimed again");
    broker.jobs.bury(&second_claim.ticket, "it kills its workers").await.unwrap();
    assert_eq!(stuck(&broker).await, (0, 0), "the dead are dead");
}

#[tokio::test]
async fn a_table_says_what_is_there_and_what_is_left_out() {
    let broker = broker::memory::broker();
    let told = async |arguments: List| {
        let told = Listing::collect(&broker, &arguments).await.unwrap().to_table();
        anstream::adapter::strip_str(&told).to_string()
    };
    let nothing = "There are no jobs: none waits, none is claimed, none is dead.\n";
    assert_eq!(told(List::default()).await, nothing);
    for _ in 0..101 {
        enqueue(&broker, "m").await;
    }
    let table = told(List::default()).await;
    assert!(table.contains("\nm          101        0      0     0  0s\n"), "{table}");
    assert!(table.contains("/\\u{1b}]0;me  response\n") && !table.contains("secret"), "{table}");
    assert!(table.ends_with("\n1 more: --max lists them, --state and --model choose\n"), "{table}");
    let other = List { model: Some("other".into()), ..List::default() };
    assert!(told(other).await.starts_with("There are no jobs of the model other: "));
}

#[tokio::test]
async fn a_job_is_shown_whatever_became_of_its_stream() {
    let broker = broker::memory::broker();
    enqueue(&broker, "m").await;
    let id = broker.jobs.list("m", JobStatus::Waiting, 1).await.unwrap()[0].id;
    let found = broker.jobs.find(id).await.unwrap().unwrap();
    let text = |stream| anstream::adapter::strip_str(&show::to_text(&found, &stream)).to_string();

    let expired = Stream::read(&broker, id).await.unwrap();
    assert_eq!(show::to_json(&found, &expired)["stream"], serde_json::Value::Null);
    let page = text(expired);
    assert!(page.contains("\nstream     expired\n") && page.ends_with("\n\nsecret\n"), "{page}");
    assert!(page.contains("\nowner      /\\u{1b}]0;me\n"), "{page}");

    let lost = Stream::Unreadable("use the broker: a part is lost".to_owned());
    assert!(text(lost).contains("\nstream     failed to use the broker: a part is lost\n"));
}
