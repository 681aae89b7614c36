use super::{Heard, chunk, event, message_pack, peer, protobuf};

/// What was heard, as text: values borrow from the frame.
fn told(read: impl FnOnce(&mut dyn FnMut(Heard<'_>))) -> Vec<String> {
    let mut told = Vec::new();
    read(&mut |heard| told.push(format!("{heard:?}")));
    told
}

fn of_event(json: &str) -> Vec<String> {
    told(|mut take| event(json, &mut take))
}

#[test]
fn of_an_event_that_is_read_which_matters() {
    let delta = r#"{"type":"response.output_text.delta","sequence_number":7,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"a\"b","logprobs":[],"narthex:merged_from":5}"#;
    assert_eq!(of_event(delta), [r#"Piece { numbers: Some((5, 7)), text: Some("a\"b") }"#]);
    let thought = r#"{"type":"response.reasoning.delta","sequence_number":7,"delta":"hm"}"#;
    assert_eq!(of_event(thought), ["Piece { numbers: Some((7, 7)), text: None }"]);
    let created = r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","error":null,"text":{"format":{"type":"text"}}}}"#;
    assert_eq!(of_event(created), [r#"Created { number: 0, response: "resp_1" }"#]);
    let failed = r#"{"type":"response.failed","sequence_number":3,"response":{"id":"resp_1","error":{"code":"stream_lost","message":"x"}}}"#;
    assert_eq!(of_event(failed), [r#"End { number: Some(3), outcome: Err("stream_lost") }"#]);
    let refused = r#"{"type":"error","status":429,"error":{"code":"too_many_requests","message":"x"}}"#;
    assert_eq!(of_event(refused), [r#"Refused("too_many_requests")"#]);
    let greeting =
        r#"{"type":"narthex:session.created","sequence_number":0,"subprotocol":"narthex.v1.json"}"#;
    assert_eq!(of_event(greeting), ["Aside"]);
    assert_eq!(of_event("{"), [r#"Refused("garbled")"#]);
}

#[test]
fn binary_frames_have_several_events() {
    let list = rmp_serde::to_vec(&(
        (11, 4, 0, 0, " one"),
        (11, 7, 0, 0, " two", Option::<String>::None, 5),
        std::collections::BTreeMap::from([("type", "response.in_progress")]),
    ))
    .unwrap();
    assert_eq!(
        told(|mut take| message_pack(&list, &mut take)),
        [
            r#"Piece { numbers: Some((4, 4)), text: Some(" one") }"#,
            r#"Piece { numbers: Some((5, 7)), text: Some(" two") }"#,
            "Other { number: 0 }",
        ]
    );
    let mut frame = Vec::new();
    proto::socket::push_event(&mut frame, r#"{"type":"response.completed","sequence_number":9}"#.to_owned());
    assert_eq!(told(|mut take| protobuf(&frame, &mut take)), ["End { number: Some(9), outcome: Ok(()) }"]);
}

#[test]
fn chunks_and_peers_have_texts() {
    let json = r#"{"id":"x","choices":[{"index":0,"delta":{"content":" one"},"finish_reason":null}]}"#;
    assert_eq!(told(|mut take| chunk(json, &mut take)), [r#"Piece { numbers: None, text: Some(" one") }"#]);
    assert!(told(|mut take| chunk(r#"{"choices":[],"usage":{}}"#, &mut take)).is_empty());
    let token = r#"{"type":"token","index":3,"text":" four"}"#;
    assert_eq!(
        told(|mut take| peer(token, &mut take)),
        [r#"Piece { numbers: Some((3, 3)), text: Some(" four") }"#]
    );
    assert_eq!(
        told(|mut take| peer(r#"{"type":"done"}"#, &mut take)),
        ["End { number: None, outcome: Ok(()) }"]
    );
}
