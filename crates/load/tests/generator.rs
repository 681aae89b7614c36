//! The generator against real servers: it measures what is there, and sees what is wrong.

#![expect(clippy::unwrap_used, reason = "a test whose ground gives way has failed")]

mod support;

use std::time::Duration;

use load::{Crew, Damage, Dialect, Expect, Load, Watch, Watched};
use support::{Server, damaged, run};

/// Short, and all that there is to be heard.
fn load(url: String, dialect: Dialect) -> Load {
    Load {
        urls: vec![url],
        dialect,
        model: testkit::cluster::MODEL.to_owned(),
        prompt: "demo:tokens=50".to_owned(),
        clients: 8,
        ramp: Duration::ZERO,
        duration: Duration::from_millis(500),
        patience: Duration::from_secs(20),
        ..Load::default()
    }
}

#[tokio::test]
async fn it_hears_every_token_in_every_dialect() {
    let server = Server::start().await;
    for dialect in
        [Dialect::Websocket, Dialect::Json, Dialect::Msgpack, Dialect::Proto, Dialect::Sse, Dialect::Chat]
    {
        let report = run(load(server.url(), dialect)).await;
        assert!(report.is_good(), "{dialect}: {report:#?}");
        assert_eq!(report.connections, 8, "{dialect}");
        assert!(report.completed >= 8, "{dialect}: {report:#?}");
        assert!(report.tokens > 0 && report.first_token.count > 0, "{dialect}: {report:#?}");
    }
}

#[tokio::test]
async fn it_sees_what_is_lost_repeated_reordered_or_altered() {
    let good: Vec<(u64, usize)> = (0..10).map(|index| (index as u64, index)).collect();
    let told = async |tokens: &[(u64, usize)]| {
        let url = damaged(tokens.to_vec()).await;
        let load = Load { clients: 1, expect: Expect::Numbered, ..load(url, Dialect::Peer) };
        let report = run(Load { rate: Some(2.0), ..load }).await;
        assert_eq!((report.streams, report.completed), (1, 1), "{report:#?}");
        assert_eq!(report.is_good(), report.damage == Damage::default());
        report.damage
    };
    assert_eq!(told(&good).await, Damage::default());

    let mut tokens = good.clone();
    tokens.remove(4);
    let lost = told(&tokens).await;
    assert_eq!((lost.lost, lost.repeated, lost.reordered), (1, 0, 0));

    let mut tokens = good.clone();
    tokens.insert(4, good[3]);
    assert_eq!(told(&tokens).await, Damage { repeated: 1, ..Damage::default() });

    let mut tokens = good.clone();
    tokens.swap(4, 5);
    let reordered = told(&tokens).await;
    assert_eq!((reordered.lost, reordered.repeated, reordered.reordered), (0, 0, 1));

    let mut tokens = good.clone();
    tokens[4].1 = 77;
    let altered = told(&tokens).await;
    assert_eq!((altered.lost, altered.repeated, altered.reordered), (0, 0, 0));
    assert!(altered.altered > 0);
}

#[tokio::test]
async fn streams_go_on_where_their_connections_were_cut() {
    let server = Server::start().await;
    for dialect in [Dialect::Json, Dialect::Proto, Dialect::Sse] {
        let storm = Load {
            prompt: "demo:tokens=100 demo:slow=10ms".to_owned(),
            storm: Some(Duration::from_millis(300)),
            ..load(server.url(), dialect)
        };
        let report = run(storm).await;
        assert!(report.is_good(), "{dialect}: {report:#?}");
        assert_eq!(report.resumed.count, 8, "{dialect}: {report:#?}");
    }
}

#[tokio::test]
async fn followers_hear_the_same_and_those_who_never_read_disturb_nobody() {
    let server = Server::start().await;
    let fan = Load { clients: 2, followers: 3, stalled: 2, ..load(server.url(), Dialect::Msgpack) };
    let report = run(Load { rate: Some(4.0), duration: Duration::from_secs(1), ..fan }).await;
    assert!(report.is_good(), "{report:#?}");
    assert_eq!(report.connections, 10);
    assert_eq!(report.streams, 4 * (1 + 3), "four streams, each heard by four");
}

#[tokio::test]
async fn connections_that_the_server_pings_are_counted_once() {
    let often = gateway::Config { ping_interval: Duration::from_millis(50), ..gateway::Config::default() };
    let server = Server::with(often).await;
    // Two are at rest, and six are pinged while they stream.
    let prompt = "demo:tokens=100 demo:slow=5ms".to_owned();
    let load = Load { prompt, rate: Some(6.0), ..load(server.url(), Dialect::Websocket) };
    let report = run(Load { duration: Duration::from_secs(1), ..load }).await;
    assert!(report.is_good(), "{report:#?}");
    assert_eq!((report.connections, report.pinged), (8, 8), "{report:#?}");
}

#[tokio::test]
async fn who_has_to_wait_for_a_stream_is_not_left_out() {
    let server = Server::start().await;
    let slow = Load {
        prompt: "demo:tokens=50 demo:slow=20ms".to_owned(),
        clients: 1,
        rate: Some(10.0),
        duration: Duration::from_secs(1),
        patience: Duration::from_millis(1500),
        ..load(server.url(), Dialect::Websocket)
    };
    let report = run(slow).await;
    // The second was due after 100 ms, and the one client had to hear the first one to its end before.
    assert!(report.first_token.max_ms > 800.0, "{report:#?}");
    assert!(report.errors.get("no_client_was_free").is_some_and(|count| *count >= 6), "{report:#?}");
    assert!(!report.is_good());
}

#[tokio::test]
async fn a_stream_that_failed_is_counted_and_lost_nothing() {
    let server = Server::start().await;
    for dialect in [Dialect::Websocket, Dialect::Sse] {
        let failing = Load { prompt: "demo:fail".to_owned(), clients: 1, ..load(server.url(), dialect) };
        let report = run(Load { rate: Some(2.0), ..failing }).await;
        assert_eq!(report.errors.get("upstream_error"), Some(&1), "{dialect}: {report:#?}");
        assert_eq!(report.damage, Damage::default(), "{dialect}");
        assert!(!report.is_good());
    }
}

#[tokio::test]
async fn it_says_what_the_servers_took() {
    let server = Server::start().await;
    let load = load(server.url(), Dialect::Websocket);
    // The server is in this process.
    let this = Watched { name: "all".to_owned(), pid: std::process::id() };
    let watch = Watch::begin(vec![this]).unwrap();
    let crew = Crew::here(load.clone()).unwrap();
    let report = load::conduct(&load, crew, &watch, Duration::ZERO, drop).await.unwrap();
    let all = &report.processes[0];
    assert!(all.cpu_s > 0.0 && all.cpu_us_per_token.is_some_and(|each| each > 0.0), "{report:#?}");
    assert!(all.memory.before > 0 && all.memory.most >= all.memory.before, "{report:#?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_of() {
    let load = load("http://127.0.0.1:9/v1".to_owned(), Dialect::Websocket);
    let crew = Crew::here(load.clone()).unwrap();
    let watch = Watch::begin(Vec::new()).unwrap();
    let failed = load::conduct(&load, crew, &watch, Duration::ZERO, drop).await.unwrap_err();
    assert!(failed.to_string().contains("connectionrefused"), "{failed}");
}
