//! How long things take. Printed, not judged: the machine is shared.

use std::time::Duration;

use broker::{Header, Member, OpenMode};
use stream::{Delta, DeltaKind, Event};
use tokio::time::Instant;

use crate::node::config;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latency() {
    let _ = config().await;
    let t = Instant::now();
    let a = broker_kafka::connect(config().await).await.unwrap();
    println!("connect a {:?}", t.elapsed());
    let t = Instant::now();
    let b = broker_kafka::connect(config().await).await.unwrap();
    println!("connect b {:?}", t.elapsed());
    let event = |t: &str| {
        Event::Delta(Delta {
            kind: DeltaKind::OutputText,
            output_index: 0,
            part_index: 0,
            text: t.into(),
            logprobs: None,
        })
    };
    for round in 0..5 {
        let id = a.log.new_id();
        let t = Instant::now();
        a.log.create(id, &Header { background: true, ..Header::default() }, &[event("a")]).await.unwrap();
        println!("{round} create {:?}", t.elapsed());
        let t = Instant::now();
        let o = b.log.open(id, &Member::random("w"), OpenMode::TakeOver).await.unwrap();
        println!("{round} open elsewhere {:?}", t.elapsed());
        let mut times = vec![];
        for n in 0..200 {
            let t = Instant::now();
            b.log.append(id, o.epoch, 1 + n, &[event("b")]).await.unwrap();
            times.push(t.elapsed());
        }
        times.sort();
        println!("{round} append p50 {:?} p90 {:?} p99 {:?}", times[100], times[180], times[198]);
        let t = Instant::now();
        a.log.read(id, 0, 1 << 20).await.unwrap().unwrap();
        println!("{round} read {:?}", t.elapsed());
    }
    let t = Instant::now();
    drop(a);
    println!("drop a {:?}", t.elapsed());
    let t = Instant::now();
    drop(b);
    println!("drop b {:?}", t.elapsed());
    tokio::time::sleep(Duration::from_millis(100)).await;
}
