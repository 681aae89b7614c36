//! Scenes of `narthex.v1` over real sockets: each encoding, resume and cancel, credit, signed frames.
#![expect(clippy::unwrap_used, reason = "the lint knows tests, but not their helpers")]

use std::time::Duration;

use hyper::Method;
use protocol::session::Encoding;
use serde_json::{Value, json};
use testkit::{
    client::{Socket, sequence, text},
    cluster::{Cluster, model},
    people::People,
    puppet::puppet,
    scene::{Scene, create},
    session::Session,
};
use tokio_tungstenite::tungstenite::Message;

/// Nothing here may take longer.
const PATIENCE: Duration = Duration::from_secs(20);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.unwrap()
}

async fn session(scene: &Scene, encoding: Encoding) -> Session {
    soon(Session::connect(scene.gateway.address, encoding, None)).await
}

/// A turn that is asked for and answered.
async fn answered(scene: &Scene, session: &mut Session, words: &[&str], more: Value) -> Vec<Value> {
    session.send(create("hi", more)).await;
    let (events, ()) = soon(async { tokio::join!(session.turn(), scene.answer(words)) }).await;
    events
}

#[tokio::test]
async fn each_encoding_tells_the_same() {
    let scene = Scene::new().await;
    for encoding in Encoding::ALL {
        let mut session = session(&scene, encoding).await;
        let events =
            answered(&scene, &mut session, &["Grüße, ", "", "\"Welt\" 👋"], json!({"stream_id": "a"})).await;
        assert_eq!(text(&events), "Grüße, \"Welt\" 👋", "{encoding:?}");
        assert_eq!(sequence(&events), (0..events.len() as u64).collect::<Vec<_>>(), "{encoding:?}");
        assert!(events.iter().all(|event| event["stream_id"] == "a"), "{encoding:?}: {events:?}");
        assert_eq!(events.last().unwrap()["response"]["status"], "completed");

        session.send(create("hi", json!({"model": "nope"}))).await;
        let error = soon(session.next()).await;
        assert_eq!((&error["type"], &error["error"]["code"]), (&json!("error"), &json!("model_not_found")));
    }
}

#[tokio::test]
async fn a_text_frame_is_json_in_each_encoding() {
    let scene = Scene::new().await;
    let mut session = session(&scene, Encoding::Protobuf).await;
    session.send_raw(Message::text(create("hi", json!({})).to_string())).await;
    let (events, ()) = soon(async { tokio::join!(session.turn(), scene.answer(&["hello"])) }).await;
    assert_eq!(text(&events), "hello");
}

#[tokio::test]
async fn what_waits_leaves_in_few_frames() {
    let scene = Scene::new().await;
    let mut session = session(&scene, Encoding::MessagePack).await;
    let events = answered(&scene, &mut session, &["x"], json!({})).await;
    let id = events[0]["response"]["id"].clone();
    session.frames = 0;
    session.send(json!({"type": "narthex:response.resume", "response_id": id})).await;
    assert_eq!(soon(session.next()).await["type"], "narthex:response.resumed");
    let again = soon(session.turn()).await;
    assert_eq!(again, events);
    assert!(session.frames < events.len(), "{} frames for {} events", session.frames, events.len());
}

#[tokio::test]
async fn a_stream_is_resumed_on_another_socket() {
    let scene = Scene::new().await;
    for encoding in Encoding::ALL {
        let mut first = session(&scene, encoding).await;
        first.send(create("hi", json!({}))).await;
        let call = soon(scene.stage.next_call()).await;
        call.say("one ").await;
        let mut heard = Vec::new();
        while text(&heard) != "one " {
            heard.push(soon(first.next()).await);
        }
        let id = heard[0]["response"]["id"].clone();
        drop(first);

        let mut second = session(&scene, encoding).await;
        let last = heard.last().unwrap()["sequence_number"].clone();
        let resume = json!({"type": "narthex:response.resume", "response_id": id, "starting_after": last, "stream_id": "b"});
        second.send(resume.clone()).await;
        let resumed = soon(second.next()).await;
        assert_eq!(resumed["type"], "narthex:response.resumed");
        assert_eq!((&resumed["ended"], &resumed["stream_id"]), (&json!(false), &json!("b")));
        call.say("two").await;
        call.finish().await;
        let rest = soon(second.turn()).await;
        heard.extend(rest);
        assert_eq!(text(&heard), "one two");
        assert_eq!(sequence(&heard), (0..heard.len() as u64).collect::<Vec<_>>(), "{encoding:?}");

        // After the last event there is nothing, and the client is told so.
        let mut at_end = resume;
        at_end["starting_after"] = heard.last().unwrap()["sequence_number"].clone();
        second.send(at_end).await;
        let resumed = soon(second.next()).await;
        assert_eq!((&resumed["type"], &resumed["ended"]), (&json!("narthex:response.resumed"), &json!(true)));
        // The lane is free again.
        let events = answered(&scene, &mut second, &["three"], json!({"stream_id": "b"})).await;
        assert_eq!(text(&events), "three");
    }
}

#[tokio::test]
async fn a_response_is_cancelled_on_the_socket() {
    let scene = Scene::new().await;
    let mut session = session(&scene, Encoding::Json).await;
    session.send(create("hi", json!({}))).await;
    let call = soon(scene.stage.next_call()).await;
    let id = soon(session.next()).await["response"]["id"].clone();
    session.send(json!({"type": "narthex:response.cancel", "response_id": id})).await;
    soon(call.aborted()).await;
    let (mut ended, mut told) = (None, None);
    while ended.is_none() || told.is_none() {
        let event = soon(session.next()).await;
        match event["type"].as_str().unwrap() {
            "response.incomplete" => ended = Some(event["response"]["status"].clone()),
            "narthex:response.cancelled" => told = Some(event["status"].clone()),
            _ => {}
        }
    }
    assert_eq!((ended, told), (Some(json!("cancelled")), Some(json!("cancelled"))));

    for id in ["resp_0", "nonsense"] {
        session.send(json!({"type": "narthex:response.cancel", "response_id": id})).await;
        assert_eq!(soon(session.next()).await["error"]["code"], "response_not_found");
        session.send(json!({"type": "narthex:response.resume", "response_id": id})).await;
        assert_eq!(soon(session.next()).await["error"]["code"], "response_not_found");
    }
}

#[tokio::test]
async fn events_are_told_against_credit_and_not_one_more() {
    let scene = Scene::new().await;
    for encoding in Encoding::ALL {
        let mut session = session(&scene, encoding).await;
        session.send(json!({"type": "narthex:session.update", "credit": 3})).await;
        assert_eq!(soon(session.next()).await["credit"], 3);
        session.send(create("hi", json!({}))).await;
        let words: Vec<String> = (0..40).map(|n| format!("{n} ")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        soon(scene.answer(&words)).await;
        let mut events = Vec::new();
        for _ in 0..3 {
            events.push(soon(session.next()).await);
        }
        // Without credit events wait, but the connection lives: it answers.
        session.send(json!({"type": "narthex:response.cancel", "response_id": "resp_0"})).await;
        assert_eq!(soon(session.next()).await["error"]["code"], "response_not_found");
        // Credit by single events: what waits is merged, and each costs one.
        while events.last().is_none_or(|event| event["type"] != "response.completed") {
            session.send(json!({"type": "narthex:credit", "events": 1})).await;
            events.push(soon(session.next()).await);
        }
        assert_eq!(text(&events), words.concat(), "{encoding:?}");
        assert!(events.len() < 40, "what waited is merged: {} events", events.len());
        let mut next = 0;
        for event in &events {
            let first = event.get("narthex:merged_from").unwrap_or(&event["sequence_number"]);
            assert_eq!(first.as_u64(), Some(next), "{event}");
            next = event["sequence_number"].as_u64().unwrap() + 1;
        }
    }
}

#[tokio::test]
async fn signed_frames_carry_everything() {
    let cluster = Cluster::new(broker::memory::broker());
    let people = People::new();
    let (engine, stage) = puppet();
    let _worker = cluster.worker(worker::Config::default(), model(), engine).await;
    let key = people.key("acme", "alice", &["models"]);
    let gateway = cluster.gateway_for(gateway::Config::default(), people.authenticator(Vec::new()));
    for encoding in Encoding::ALL {
        let mut session = soon(Session::connect(gateway.address, encoding, Some(&key))).await;
        session.sign(&key).await;
        session.send(create("hi", json!({}))).await;
        let events = soon(async {
            let call = stage.next_call().await;
            call.say("signed").await;
            call.finish().await;
            session.turn().await
        });
        assert_eq!(text(&events.await), "signed", "{encoding:?}");

        // The same frame again.
        let frame = session.frame(&json!({"type": "narthex:credit", "events": 1}));
        session.send_raw(frame.clone()).await;
        session.send_raw(frame).await;
        assert_eq!(soon(session.closed()).await, Some(4400), "{encoding:?}");
    }
    for frame in [Message::text("{}"), Message::binary(vec![1; 100]), Message::text("x".repeat(100))] {
        let mut session = soon(Session::connect(gateway.address, Encoding::Json, Some(&key))).await;
        session.sign(&key).await;
        session.send_raw(frame).await;
        assert_eq!(soon(session.closed()).await, Some(4400));
    }
}

#[tokio::test]
async fn who_did_not_ask_hears_nothing_of_it() {
    let scene = Scene::new().await;
    let mut socket = scene.socket().await;
    for message in [
        json!({"type": "narthex:credit", "events": 1}),
        json!({"type": "narthex:session.update", "credit": 1}),
        json!({"type": "narthex:response.cancel", "response_id": "resp_0"}),
        json!({"type": "narthex:response.resume", "response_id": "resp_0"}),
    ] {
        socket.send(message).await;
        assert_eq!(soon(socket.next()).await["error"]["code"], "extension_not_negotiated");
    }
    socket.send(create("hi", json!({}))).await;
    let (events, ()) = soon(async { tokio::join!(socket.turn(), scene.answer(&["pure"])) }).await;
    assert!(events.iter().all(|event| !event["type"].as_str().unwrap().starts_with("narthex:")));
    socket.send_raw(Message::binary(vec![0x80])).await;
    assert_eq!(soon(socket.next()).await["error"]["code"], "binary_not_supported");
}

#[tokio::test]
async fn another_users_response_is_not_there() {
    let cluster = Cluster::new(broker::memory::broker());
    let people = People::new();
    let (engine, stage) = puppet();
    let _worker = cluster.worker(worker::Config::default(), model(), engine).await;
    let (alice, bob) = (people.key("acme", "alice", &["models"]), people.key("acme", "bob", &["models"]));
    let gateway = cluster.gateway_for(gateway::Config::default(), people.authenticator(Vec::new()));
    let mut hers = soon(Session::connect(gateway.address, Encoding::MessagePack, Some(&alice))).await;
    hers.send(create("hi", json!({}))).await;
    let call = soon(stage.next_call()).await;
    let id = soon(hers.next()).await["response"]["id"].as_str().unwrap().to_owned();

    let mut his = soon(Session::connect(gateway.address, Encoding::MessagePack, Some(&bob))).await;
    for kind in ["narthex:response.resume", "narthex:response.cancel"] {
        his.send(json!({"type": kind, "response_id": id})).await;
        assert_eq!(soon(his.next()).await["error"]["code"], "response_not_found", "{kind}");
    }
    call.say("unharmed").await;
    call.finish().await;
    assert_eq!(text(&soon(hers.turn()).await), "unharmed");
}

#[tokio::test]
async fn a_browser_offers_its_secret_beside_any_encoding() {
    let scene = Scene::new().await;
    let offered = "narthex.v1.proto, narthex.v1.msgpack, narthex.bearer.nk_x";
    let (_, answer) =
        Socket::try_connect(scene.gateway.address, &[("sec-websocket-protocol", offered)]).await.unwrap();
    assert_eq!(answer["sec-websocket-protocol"], "narthex.v1.proto", "the first that the client offers");
    assert_eq!(scene.http().json(Method::GET, "/v1/models", None).await.0, 200);
}
