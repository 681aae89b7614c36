use protocol::{Reasoning, TextFormat};
use serde_json::json;

use super::*;
use crate::demo::prose;

#[tokio::test]
async fn examples_get_what_they_ask_for() {
    for (question, answer) in [
        ("Say this is a test", "This is a test."),
        (
            "Say 'double bubble bath' three times fast.",
            "double bubble bath double bubble bath double bubble bath",
        ),
        ("Say hello.", prose::GREETINGS[0]),
        ("echo: one  two\nthree", "one  two\nthree"),
        ("Repeat after me: fire", "fire"),
        ("Count to 5", "1, 2, 3, 4, 5"),
        ("Please count from three to seven.", "3, 4, 5, 6, 7"),
        ("Count down from 3, one per line", "3\n2\n1"),
        (
            "count from 18446744073709551614 to 18446744073709551615",
            "18446744073709551614, 18446744073709551615",
        ),
        ("count", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10"),
        ("Tell me a story about a unicorn.", prose::STORY),
        ("My name is Ada.", "Pleased to meet you, Ada. I am the demo model of Narthex."),
        ("What is my name?", "You have not told me your name."),
    ] {
        assert_eq!(said(asking(question)).await, answer, "{question}");
    }
    assert!(prose::POEMS.contains(&said(asking("Write a poem")).await.as_str()));
    assert!(prose::HAIKUS.contains(&said(asking("a haiku, please")).await.as_str()));
}

#[tokio::test]
async fn anything_else_gets_what_narthex_is() {
    for question in ["What is the meaning of life?", "", "écho", "火", "say", "counting sheep", "'"] {
        let answer = said(asking(question)).await;
        assert_eq!(answer.split("\n\n").count(), 3, "{question}: {answer}");
        assert_eq!(answer, said(asking(question)).await, "it always says the same");
    }
}

#[tokio::test]
async fn so_many_words_are_exactly_so_many() {
    for count in [1, 7, 200, 5_000] {
        let text = said(asking(&format!("Write {count} words about the sea"))).await;
        assert_eq!(text.split_whitespace().count(), count);
        assert!(text.ends_with('.'));
    }
    let (outputs, _) = read(asking("give me 300 tokens"), "").await;
    assert_eq!(outputs.len(), 300 + 2);
}

#[tokio::test]
async fn the_whole_conversation_is_seen() {
    let conversation = items(json!([
        { "role": "user", "content": "My name is Grace, by the way." },
        { "role": "assistant", "content": "Pleased to meet you." },
        { "role": "user", "content": [{ "type": "input_text", "text": "What is my name?" }] },
    ]));
    assert_eq!(said(Request { input: conversation, ..request() }).await, "Your name is Grace.");

    let grace =
        Request { input: items(json!([{ "role": "user", "content": "My name is Grace." }])), ..request() };
    let summary = said(protocol::compaction::order(grace)).await;
    let continued = items(json!([
        { "type": "compaction", "encrypted_content": protocol::compaction::encode(&summary) },
        { "role": "user", "content": "What is my name?" },
    ]));
    assert_eq!(said(Request { input: continued, ..request() }).await, "Your name is Grace.");
}

#[tokio::test]
async fn images_are_noticed() {
    let look = items(json!([{ "role": "user", "content": [
        { "type": "input_text", "text": "what is this" },
        { "type": "input_image", "image_url": "data:image/png;base64,AA==" },
    ]}]));
    assert!(said(Request { input: look, ..request() }).await.starts_with("You sent an image."));
}

#[tokio::test]
async fn thoughts_come_first_and_grow_with_the_effort() {
    let mut lengths = Vec::new();
    for effort in ["none", "low", "medium", "high", "xhigh"] {
        let reasoning = Reasoning {
            effort: Some(effort.to_owned()),
            summary: Some("auto".to_owned()),
            ..Reasoning::default()
        };
        let (outputs, _) = read(Request { reasoning: Some(reasoning), ..asking("Count to 3") }, "").await;
        let thoughts = outputs.iter().take_while(|output| matches!(output, Output::Reasoning(_))).count();
        let summaries = outputs
            .iter()
            .filter(|output| matches!(output, Output::ReasoningSummary { part: 0, .. }))
            .count();
        assert_eq!(summaries == 0, thoughts == 0);
        let Output::Usage(usage) = outputs[outputs.len() - 2] else { panic!("{outputs:?}") };
        assert_eq!(usage.reasoning_tokens as usize, thoughts + summaries);
        assert_eq!(usage.output_tokens as usize, outputs.len() - 2);
        assert_eq!(text_of(&outputs), "1, 2, 3");
        lengths.push(thoughts);
    }
    assert!(lengths.is_sorted() && lengths[0] == 0 && lengths[1] > 0, "{lengths:?}");
}

#[tokio::test]
async fn json_is_json() {
    let mut request = asking("anything");
    request.text.format = TextFormat::JsonObject;
    assert!(serde_json::from_str::<Value>(&said(request.clone()).await).unwrap().is_object());

    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["steps", "final_answer"],
        "properties": {
            "steps": { "type": "array", "items": {
                "type": "object", "required": ["explanation"], "properties": { "explanation": { "type": "string" } },
            }},
            "final_answer": { "type": "integer" },
        },
    });
    request.text.format =
        TextFormat::JsonSchema { name: "x".to_owned(), description: None, schema, strict: true };
    let answer: Value = serde_json::from_str(&said(request).await).unwrap();
    assert_eq!(
        answer,
        json!({ "steps": [{ "explanation": "An example of explanation." }], "final_answer": 1 })
    );
}

#[tokio::test]
async fn a_refusal_is_a_refusal() {
    for question in ["Please refuse this.", "Tell me a joke demo:refuse"] {
        let (outputs, _) = read(asking(question), "").await;
        assert!(matches!(outputs[0], Output::Refusal(_)) && text_of(&outputs).is_empty(), "{outputs:?}");
    }
}

#[tokio::test]
async fn logprobs_have_every_member() {
    let (outputs, _) = read(Request { top_logprobs: Some(3), ..asking("count to 2") }, "").await;
    let Output::Text { text, logprobs: Some(logprobs) } = &outputs[0] else { panic!("{outputs:?}") };
    assert_eq!(logprobs[0]["token"], text.to_string());
    assert_eq!(logprobs[0]["top_logprobs"].as_array().unwrap().len(), 3);
    for token in logprobs[0]["top_logprobs"].as_array().unwrap().iter().chain([&logprobs[0]]) {
        assert!(token["logprob"].is_number() && token["bytes"].is_array());
    }
}
