//! The extension, from values to values: what is written is read again, by readers that know nothing of our writers.

use proptest::prelude::*;
use prost::Message as _;
use proto::socket::{Entry, ServerFrame};
use serde_json::{Value, json};
use stream::{Delta, DeltaKind, Event, EventKind, ResponseId, Whole};

use crate::{
    ClientMessage, Dialect, Resume, SessionUpdate,
    session::{
        Encoding,
        signing::{BadFrame, Binding, KeyPair, Side, Signer, Verifier},
    },
};

const DEPTH: usize = 32;

fn delta(text: &str, logprobs: Option<&str>) -> Event {
    let logprobs = logprobs.map(Into::into);
    Event::Delta(Delta {
        kind: DeltaKind::OutputText,
        output_index: 1,
        part_index: 2,
        text: text.into(),
        logprobs,
    })
}

fn frame(encoding: Encoding, events: &[(u64, Event, Option<&str>, Option<u64>)]) -> Vec<u8> {
    let mut batch = encoding.batch().unwrap();
    for (sequence, event, lane, merged_from) in events {
        batch.push_event(Dialect::Standard, ResponseId::random(0), *sequence, event, *lane, *merged_from);
    }
    let frame = batch.take().unwrap();
    assert_eq!(batch.take(), None, "a frame is taken once");
    frame
}

#[test]
fn messagepack_has_short_deltas_and_whole_events() {
    let done =
        Event::Whole(Whole { kind: EventKind::Completed, body: r#"{"response":{"id":"r","n":1.5}}"#.into() });
    let events = [
        (5, delta("Grüße", None), None, None),
        (6, delta("", None), Some("lane"), None),
        (9, delta("x", Some("[1,{}]")), None, Some(7)),
        (10, done, Some("lane"), None),
    ];
    let read: Value = rmp_serde::from_slice(&frame(Encoding::MessagePack, &events)).unwrap();
    assert_eq!(
        read,
        json!([
            [11, 5, 1, 2, "Grüße"],
            [11, 6, 1, 2, "", "lane"],
            [11, 9, 1, 2, "x", null, 7, [1, {}]],
            {"type": "response.completed", "sequence_number": 10, "response": {"id": "r", "n": 1.5}, "stream_id": "lane"},
        ])
    );
}

#[test]
fn eight_tokens_cost_what_one_does_in_json() {
    let token = delta(" wonder", None);
    let mut json = String::new();
    crate::event_json(&mut json, ResponseId::random(0), 123, &token, None, None);
    for encoding in [Encoding::MessagePack, Encoding::Protobuf] {
        let tokens: Vec<_> = (0..8).map(|i| (123 + i, token.clone(), None, None)).collect();
        let bytes = frame(encoding, &tokens).len();
        assert!(
            bytes < json.len() * 8 / 7,
            "{encoding:?}: {bytes} bytes for 8 tokens, {} for one in JSON",
            json.len()
        );
    }
}

#[test]
fn what_a_client_says_is_the_same_in_each_encoding() {
    let message = json!({"type": "narthex:response.resume", "response_id": "resp_1", "starting_after": 7, "stream_id": "a"});
    let resume =
        Resume { response_id: "resp_1".into(), starting_after: Some(7), stream_id: Some("a".into()) };
    let expected = ClientMessage::Resume(resume);
    assert_eq!(crate::client_message(&message.to_string(), DEPTH).unwrap(), expected);
    assert_eq!(
        Encoding::MessagePack.read(&rmp_serde::to_vec_named(&message).unwrap(), DEPTH).unwrap(),
        expected
    );
    let mut frame = vec![0x0a, message.to_string().len() as u8];
    frame.extend(message.to_string().bytes());
    assert_eq!(Encoding::Protobuf.read(&frame, DEPTH).unwrap(), expected);
}

#[test]
fn binary_frames_that_are_no_messages_are_refused_in_one_sentence() {
    let code = |encoding: Encoding, frame: &[u8]| {
        let error = encoding.read(frame, DEPTH).unwrap_err().error;
        assert!(error.message.ends_with('.'), "{}", error.message);
        error.code.unwrap()
    };
    assert_eq!(code(Encoding::Json, b"{}"), "binary_not_supported");
    assert_eq!(code(Encoding::MessagePack, b""), "invalid_messagepack");
    assert_eq!(code(Encoding::MessagePack, &[0xc1]), "invalid_messagepack");
    assert_eq!(code(Encoding::MessagePack, &[0x80, 0x80]), "invalid_messagepack", "something follows");
    assert_eq!(
        code(Encoding::MessagePack, &[0xdd, 0xff, 0xff, 0xff, 0xff]),
        "invalid_messagepack",
        "no memory is taken on trust"
    );
    assert_eq!(code(Encoding::MessagePack, &[0x90]), "invalid_type");
    assert_eq!(code(Encoding::MessagePack, &[0x91; 100_000]), "invalid_messagepack", "too deep");
    assert_eq!(code(Encoding::Protobuf, &[0xff]), "invalid_protobuf");
    assert_eq!(code(Encoding::Protobuf, &[0x0a, 0x01, 0xff]), "invalid_protobuf", "not UTF-8");
}

#[test]
fn depth_is_bounded_alike_in_each_encoding() {
    let nested = |depth: usize| (1..depth).fold(json!(1), |inner, _| json!({ "a": inner }));
    for (depth, code) in [(4, "missing_required_parameter"), (5, "json_too_deep")] {
        let error = crate::client_message(&nested(depth + 1).to_string(), 4).unwrap_err().error;
        assert_eq!(error.code.as_deref(), Some(code), "{depth}");
    }
    let packed =
        |depth: usize| Encoding::MessagePack.read(&rmp_serde::to_vec_named(&nested(depth + 1)).unwrap(), 4);
    assert_eq!(packed(4).unwrap_err().error.code.as_deref(), Some("missing_required_parameter"));
    assert_eq!(packed(5).unwrap_err().error.code.as_deref(), Some("invalid_messagepack"));
}

#[test]
fn sessions_are_asked_for_within_bounds() {
    let read = |message: Value| crate::client_message(&message.to_string(), DEPTH);
    let param = |message: Value| read(message).unwrap_err().error.param;
    assert_eq!(
        read(json!({"type": "narthex:session.update", "credit": 0})).unwrap(),
        ClientMessage::SessionUpdate(SessionUpdate { credit: Some(0), signing: None })
    );
    assert_eq!(read(json!({"type": "narthex:credit", "events": 5})).unwrap(), ClientMessage::Credit(5));
    assert_eq!(param(json!({"type": "narthex:credit", "events": 0})).as_deref(), Some("events"));
    assert_eq!(param(json!({"type": "narthex:credit", "events": 1_000_001})).as_deref(), Some("events"));
    assert_eq!(param(json!({"type": "narthex:session.update", "credits": 1})).as_deref(), Some("credits"));
    let key = json!({"type": "narthex:session.update", "signing": {"public_key": "AAAA"}});
    assert_eq!(param(key).as_deref(), Some("signing.public_key"));
    assert_eq!(param(json!({"type": "narthex:response.cancel"})).as_deref(), Some("response_id"));
}

/// The two ends of one connection.
fn ends(client: &str, gateway: &str) -> ((Signer, Verifier), (Signer, Verifier)) {
    let (one, other) = (KeyPair::new().unwrap(), KeyPair::new().unwrap());
    let (one_key, other_key) = (one.public_key().clone(), other.public_key().clone());
    (
        one.agree(Side::Client, &other_key, &Binding::to(client)).unwrap(),
        other.agree(Side::Gateway, &one_key, &Binding::to(gateway)).unwrap(),
    )
}

#[test]
fn signed_frames_arrive_in_order_or_not_at_all() {
    let ((mut client, mut to_client), (mut gateway, mut to_gateway)) = ends("nk_1", "nk_1");
    let frames: Vec<String> = ["{}", "", "Grüße"].iter().map(|text| gateway.sign_text(text)).collect();
    assert_eq!(to_client.open_text(&frames[0]), Ok("{}"));
    assert_eq!(
        to_client.open_text(&frames[0]),
        Err(BadFrame::OutOfOrder { expected: 1, found: 0 }),
        "repeated"
    );
    assert_eq!(
        to_client.open_text(&frames[2]),
        Err(BadFrame::OutOfOrder { expected: 1, found: 2 }),
        "one is missing"
    );
    assert_eq!(to_client.open_text(&frames[1]), Ok(""));
    assert_eq!(to_client.open_text("{}"), Err(BadFrame::NotSigned));
    assert_eq!(to_client.open_text(&"ä".repeat(60)), Err(BadFrame::NotSigned), "not cut within a letter");
    assert_eq!(to_client.open_text(&frames[2].replace("Grüße", "Grüsse")), Err(BadFrame::Wrong), "changed");
    let own = client.sign_text("{}");
    assert_eq!(to_client.open_text(&own), Err(BadFrame::Wrong), "its own, sent back");
    assert_eq!(to_gateway.open_text(&own), Ok("{}"));

    let frame = client.sign_binary(b"abc");
    assert_eq!(to_gateway.open_binary(&frame[..39]), Err(BadFrame::NotSigned));
    assert_eq!(to_gateway.open_binary(&frame), Ok(&b"abc"[..]));
}

#[test]
fn a_text_frame_is_no_binary_frame() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let ((mut client, _), (_, mut to_gateway)) = ends("", "");
    let frame = client.sign_text("{}");
    let mut binary = URL_SAFE_NO_PAD.decode(frame.strip_suffix(".{}").unwrap()).unwrap();
    binary.extend(b"{}");
    assert_eq!(to_gateway.open_binary(&binary), Err(BadFrame::Wrong));
}

#[test]
fn who_does_not_know_the_credential_cannot_sign() {
    let ((_, mut to_client), (mut gateway, _)) = ends("nk_1", "nk_2");
    assert_eq!(to_client.open_text(&gateway.sign_text("{}")), Err(BadFrame::Wrong));
}

#[test]
fn a_public_key_that_makes_no_secret_is_refused() {
    let zero = crate::session::PublicKey::parse(&"A".repeat(43)).unwrap();
    assert!(KeyPair::new().unwrap().agree(Side::Gateway, &zero, &Binding::to("")).is_err());
}

proptest! {
    /// The Protobuf that is written by hand is what the generated reader reads.
    #[test]
    fn protobuf_is_what_the_schema_says(
        deltas in prop::collection::vec((any::<u64>(), any::<u32>(), any::<u32>(), ".{0,300}", prop::option::of("[a-z]{1,9}"), prop::option::of(any::<u64>()), prop::option::of("[0-9]{0,200}")), 1..8),
    ) {
        let events: Vec<_> = deltas.iter().map(|(sequence, output_index, part_index, text, lane, merged_from, logprobs)| {
            let event = Event::Delta(Delta {
                kind: DeltaKind::Reasoning, output_index: *output_index, part_index: *part_index,
                text: text.as_str().into(), logprobs: logprobs.as_deref().map(Into::into),
            });
            (*sequence, event, lane.as_deref(), *merged_from)
        }).collect();
        let read = ServerFrame::decode(&*frame(Encoding::Protobuf, &events)).unwrap();
        prop_assert_eq!(read.entries.len(), deltas.len());
        for (entry, (sequence, output_index, part_index, text, lane, merged_from, logprobs)) in read.entries.into_iter().zip(deltas) {
            let Some(Entry::Delta(delta)) = entry.entry else { panic!("a delta") };
            prop_assert_eq!(delta.kind, 15);
            prop_assert_eq!((delta.sequence_number, delta.output_index, delta.part_index), (sequence, output_index, part_index));
            prop_assert_eq!((delta.delta, delta.stream_id, delta.merged_from, delta.logprobs), (text, lane, merged_from, logprobs));
        }
    }

    #[test]
    fn no_binary_frame_is_too_much(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for encoding in Encoding::ALL {
            let _ = encoding.read(&bytes, DEPTH);
        }
    }
}
