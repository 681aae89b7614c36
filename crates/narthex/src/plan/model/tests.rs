use std::time::Duration;

use super::{Costs, Load, Model, Month, Pods};
use crate::plan::args::Codec;

/// With costs that can be reckoned in one's head.
fn model() -> Model {
    let mut costs = Costs::default();
    for (name, value) in [
        ("gateway_us_per_token", 10.0),
        ("worker_us_per_token", 5.0),
        ("broker_us_per_token", 2.0),
        ("kb_per_connection", 10.0),
        ("kb_per_stream", 20.0),
        ("kb_per_response", 50.0),
        ("mb_per_process", 0.0),
        ("broker_bytes_per_token", 100.0),
        ("json_bytes_per_token", 200.0),
        ("proto_bytes_per_token", 50.0),
        ("broker_in_bytes_per_token", 125.0),
        ("broker_out_bytes_per_token", 25.0),
    ] {
        costs.set(name, value, "test").unwrap();
    }
    let load = Load {
        connections: 100_000.0,
        streaming: 0.1,
        tokens_per_second: 50.0,
        codec: Codec::Json,
        growth: 1.0,
        kept: Duration::from_secs(600),
    };
    let pods = Pods {
        cores: 2.0,
        memory_gib: 4.0,
        connections_per_gateway: 1e9,
        shard_memory_gib: 16.0,
        headroom: 0.5,
        spare: 1,
    };
    Model { load, pods, costs }
}

fn month(model: &Model, n: usize) -> Month {
    model.months(12).unwrap().remove(n)
}

#[test]
fn a_load_takes_what_can_be_reckoned_by_hand() {
    let now = month(&model(), 0);
    // 10,000 streams of 50 tokens are 500,000 a second: 5 cores of gateways, 2.5 of workers, 1 of the broker; half of each is free.
    assert_eq!((now.streams, now.tokens_per_second), (10_000.0, 500_000.0));
    assert_eq!((now.gateways, now.workers, now.shards), (5 + 1, 3 + 1, 4));
    assert_eq!(now.gateway_memory_bytes, 1.2e9);
    assert_eq!(now.worker_memory_bytes, 0.5e9);
    // Which takes more than the broker's one core: 30 GB on shards of which 8 GiB are usable.
    assert_eq!(now.broker_memory_bytes, 30e9);
    assert_eq!(now.to_clients_bits_per_second, 800e6);
    assert_eq!((now.broker_in_bits_per_second, now.broker_out_bits_per_second), (500e6, 100e6));
}

#[test]
fn it_doubles_with_the_connections() {
    let [now, next, last] = [0, 1, 12].map(|n| month(&model(), n));
    assert_eq!((now.month, next.month, last.month), (0, 1, 12));
    assert_eq!((next.connections, last.connections), (200_000.0, 409_600_000.0));
    assert_eq!((next.gateways, next.workers), (10 + 1, 5 + 1));
}

#[test]
fn the_scarcest_decides() {
    let by_connections = Pods { connections_per_gateway: 5_000.0, ..model().pods };
    assert_eq!(month(&Model { pods: by_connections, ..model() }, 0).gateways, 20 + 1);
    let by_memory = Pods { memory_gib: 0.2, ..model().pods };
    let month_of_small = month(&Model { pods: by_memory, ..model() }, 0);
    assert_eq!((month_of_small.gateways, month_of_small.workers), (12 + 1, 5 + 1));
}

#[test]
fn a_codec_changes_the_way_to_clients_alone() {
    let proto = Model { load: Load { codec: Codec::Proto, ..model().load }, ..model() };
    let (json, proto) = (month(&model(), 0), month(&proto, 0));
    assert_eq!(proto.to_clients_bits_per_second * 4.0, json.to_clients_bits_per_second);
    assert_eq!(Month { to_clients_bits_per_second: json.to_clients_bits_per_second, ..proto }, json);
}

#[test]
fn there_is_always_one_of_each() {
    let small = Model { load: Load { connections: 1.0, growth: 0.0, ..model().load }, ..model() };
    let now = month(&small, 0);
    assert_eq!((now.gateways, now.workers, now.shards), (2, 2, 1));
}

/// Of each thing that makes a load larger, more never takes less.
#[test]
fn more_never_takes_less() {
    let larger: [fn(&mut Model, f64); 8] = [
        |model, by| model.load.connections *= by,
        |model, by| model.load.streaming = (model.load.streaming * by).min(1.0),
        |model, by| model.load.tokens_per_second *= by,
        |model, by| model.load.kept = model.load.kept.mul_f64(by),
        |model, by| model.pods.headroom = 1.0 - (1.0 - model.pods.headroom) / by,
        |model, by| model.pods.cores /= by,
        |model, by| model.pods.shard_memory_gib /= by,
        |model, by| {
            let names: Vec<_> = model.costs.all().iter().map(|cost| (cost.name, cost.value)).collect();
            for (name, value) in names {
                model.costs.set(name, value * by, "test").unwrap();
            }
        },
    ];
    let takes = |month: &Month| [month.gateways, month.workers, month.shards];
    for (n, enlarge) in larger.iter().enumerate() {
        let mut before = [0; 3];
        for step in 0..200 {
            let mut model = model();
            model.load.growth = 0.05;
            enlarge(&mut model, 1.02_f64.powi(step));
            let months = model.months(3).unwrap();
            assert!(
                months.is_sorted_by(|a, b| takes(a).iter().zip(takes(b)).all(|(a, b)| *a <= b)),
                "{months:?}"
            );
            let now = takes(&months[0]);
            assert!(
                now.iter().zip(before).all(|(now, before)| *now >= before),
                "{n}: {before:?} then {now:?}"
            );
            before = now;
        }
    }
}

#[test]
fn what_cannot_be_is_told() {
    let mut small = model();
    small.costs.set("mb_per_process", 5_000.0, "test").unwrap();
    assert!(small.months(0).unwrap_err().contains("--memory-gib leaves 2147 MB"));
    let absurd = Model { load: Load { connections: 1e15, ..model().load }, ..model() };
    assert!(absurd.months(0).unwrap_err().contains("more than a million pods"));
}
