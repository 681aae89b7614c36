//! How long things take. Printed, and judged only where it is far off: the machine may be busy.

use std::time::Duration;

use broker::{Header, Member, OpenMode};
use stream::{Delta, DeltaKind, Event};
use tokio::time::Instant;

use crate::node::config;

/// More than ten times what it takes on a machine with nothing else to do.
const FAR_OFF: Duration = Duration::from_millis(50);

fn delta() -> Event {
    let text = "token".into();
    Event::Delta(Delta { kind: DeltaKind::OutputText, output_index: 0, part_index: 0, text, logprobs: None })
}

/// A step on the path of a first token, many times.
#[expect(clippy::print_stdout, reason = "the figures are what the test is for")]
async fn p50(what: &str, times: usize, mut step: impl AsyncFnMut(usize)) -> Duration {
    let mut taken = Vec::new();
    for n in 0..times {
        let begin = Instant::now();
        step(n).await;
        taken.push(begin.elapsed());
    }
    taken.sort();
    println!(
        "{what}: p50 {:?}, p90 {:?}, p99 {:?}",
        taken[times / 2],
        taken[times * 9 / 10],
        taken[times * 99 / 100]
    );
    taken[times / 2]
}

/// An append is in the log, read back and judged, in a few milliseconds, and so is a stream that another process began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_held_back() {
    let gateway = broker_kafka::connect(config().await).await.unwrap();
    let worker = broker_kafka::connect(config().await).await.unwrap();
    let header = Header { background: true, ..Header::default() };
    let ids: Vec<_> = (0..100).map(|_| gateway.log.new_id()).collect();
    let create = p50("create", ids.len(), async |n| {
        gateway.log.create(ids[n], &header, &[delta()]).await.unwrap();
    });
    let create = create.await;
    let owner = Member::random("worker");
    let open = p50("open elsewhere", ids.len(), async |n| {
        worker.log.open(ids[n], &owner, OpenMode::TakeOver).await.unwrap();
    });
    let open = open.await;
    let epoch = worker.log.open(ids[0], &owner, OpenMode::TakeOver).await.unwrap().epoch;
    let append = p50("append", 300, async |n| {
        worker.log.append(ids[0], epoch, 1 + n as u64, &[delta()]).await.unwrap();
    });
    let append = append.await;
    assert!([create, open, append].iter().all(|p50| *p50 < FAR_OFF), "{create:?}, {open:?}, {append:?}");
}
