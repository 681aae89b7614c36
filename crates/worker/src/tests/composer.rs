//! What a model says, as events in the standard's order.

use engine::{Finish, Output, Usage};
use protocol::{ApiError, ChoiceMode, Request, ToolChoice};
use serde_json::{Value, json};
use stream::{Epoch, EventKind, Record, ResponseId};

use crate::{
    Continuation,
    composer::{Composer, Ending},
    plan::Plan,
};

const ID: ResponseId = ResponseId::from_parts(0, 7);

fn created() -> Record {
    let created = protocol::created(ID, 1, &Request::new("m"), "in_progress");
    Record { epoch: Epoch(0), first: 0, events: vec![created.into()] }
}

/// A composer after a stream that is whole.
fn resume(id: ResponseId, is_compaction: bool, records: &[Record]) -> Composer {
    let (composer, whole) = Composer::resume(id, is_compaction, records);
    whole.unwrap();
    composer
}

fn composer() -> Composer {
    resume(ID, false, &[created()])
}

/// The type of the terminal event, and the resource that it shows.
fn end(composer: &mut Composer, ending: &Ending) -> (EventKind, Value) {
    let (terminal, _) = composer.end(ending, 2);
    (terminal.kind, terminal.response().unwrap())
}

fn text(text: &str) -> Output {
    Output::Text { text: text.into(), logprobs: None }
}

fn call(index: u32, name: &str) -> Output {
    Output::Call { index, call_id: format!("call_{index}"), name: name.to_owned() }
}

fn arguments(index: u32, text: &str) -> Output {
    Output::Arguments { index, text: text.into() }
}

/// Composes a whole response: the types of its events, and the resource at its end.
fn compose(request: &Request, outputs: Vec<Output>, ending: &Ending) -> (Vec<&'static str>, Value) {
    let mut composer = composer();
    composer.begin();
    let mut finish = None;
    for output in outputs {
        finish = finish.or(composer.add(output, request));
    }
    assert_eq!(finish.is_some(), *ending == Ending::Completed);
    let (terminal, resource) = end(&mut composer, ending);
    let mut kinds: Vec<_> = composer.take().iter().map(|event| event.kind().name()).collect();
    kinds.push(terminal.name());
    (kinds, resource)
}

fn completed(request: &Request, mut outputs: Vec<Output>) -> (Vec<&'static str>, Value) {
    outputs.push(Output::Finish(Finish::Stop));
    compose(request, outputs, &Ending::Completed)
}

#[test]
fn an_answer_is_told_in_the_standards_order() {
    let usage = Usage { input_tokens: 3, output_tokens: 2, ..Usage::default() };
    let (kinds, resource) =
        completed(&Request::new("m"), vec![text("Hel"), text("lo"), Output::Usage(usage)]);
    assert_eq!(
        kinds,
        [
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    assert_eq!(resource["output"][0]["content"][0]["text"], "Hello");
    assert_eq!(resource["output"][0]["status"], "completed");
    assert_eq!(resource["usage"]["total_tokens"], 5);
}

#[test]
fn reasoning_text_refusal_and_calls_follow_on_each_other() {
    let outputs = vec![
        Output::Reasoning("hm".into()),
        text("I think"),
        Output::Refusal("no".into()),
        call(0, "a"),
        call(1, "b"),
        arguments(1, "{}"),
        arguments(0, "{\"x\":1}"),
    ];
    let (_, resource) = completed(&Request::new("m"), outputs);
    let output = resource["output"].as_array().unwrap();
    let kinds: Vec<_> = output.iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["reasoning", "message", "function_call", "function_call"]);
    assert_eq!(output[0]["content"][0]["text"], "hm");
    assert_eq!(output[1]["content"][0]["text"], "I think");
    assert_eq!(output[1]["content"][1]["refusal"], "no");
    assert_eq!((&output[2]["arguments"], &output[3]["arguments"]), (&json!("{\"x\":1}"), &json!("{}")));
}

#[test]
fn a_summary_has_its_parts() {
    let part = |part, text: &str| Output::ReasoningSummary { part, text: text.into() };
    let (_, resource) = completed(&Request::new("m"), vec![part(0, "one"), part(1, "two"), text("x")]);
    assert_eq!(resource["output"][0]["summary"][1]["text"], "two");
}

#[test]
fn a_call_that_is_not_allowed_is_not_told() {
    let allowed = |choice| Request { tool_choice: choice, ..Request::new("m") };
    let only_a = ToolChoice::Allowed { names: vec!["a".to_owned()], mode: ChoiceMode::Auto };
    let outputs = || vec![call(0, "b"), arguments(0, "{}"), call(1, "a"), arguments(1, "{}")];
    let names = |request: &Request| {
        let (_, resource) = completed(request, outputs());
        let items = resource["output"].as_array().unwrap().clone();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&allowed(only_a)), ["a"]);
    assert_eq!(names(&allowed(ToolChoice::Function("b".to_owned()))), ["b"]);
    assert!(names(&allowed(ToolChoice::Mode(ChoiceMode::None))).is_empty());
    assert_eq!(names(&Request { max_tool_calls: Some(1), ..Request::new("m") }), ["b"]);
}

#[test]
fn a_response_that_is_cut_off_closes_what_was_open() {
    let (kinds, resource) = compose(&Request::new("m"), vec![text("Hel")], &Ending::Cancelled);
    assert_eq!(kinds[kinds.len() - 2..], ["response.output_item.done", "response.incomplete"]);
    assert_eq!(
        (&resource["status"], &resource["output"][0]["status"]),
        (&json!("cancelled"), &json!("incomplete"))
    );
    let failed = Ending::Failed(ApiError::model("broken", "It broke."));
    let (kinds, resource) = compose(&Request::new("m"), vec![text("Hel")], &failed);
    assert_eq!(kinds[kinds.len() - 2..], ["error", "response.failed"]);
    assert_eq!(resource["error"], json!({"code": "broken", "message": "It broke."}));
}

#[test]
fn a_compaction_is_one_item() {
    let mut composer = resume(ID, true, &[created()]);
    let request = Request::new("m");
    composer.add(text("in "), &request);
    composer.add(text("short"), &request);
    let (_, resource) = end(&mut composer, &Ending::Completed);
    let encoded = resource["output"][0]["encrypted_content"].as_str().unwrap();
    assert_eq!(protocol::compaction::decode(encoded).as_deref(), Some("in short"));
    assert_eq!(composer.take().len(), 2, "nothing but the item was told");
}

/// What a worker that takes over plans to do, after its predecessor told `outputs`.
fn plan(request: &Request, outputs: Vec<Output>, continuation: Continuation) -> Plan {
    let mut first = composer();
    first.begin();
    for output in outputs {
        first.add(output, request);
    }
    let told = Record { epoch: Epoch(1), first: 1, events: first.take() };
    let opening = Record::opening(Epoch(2), told.next());
    let mut second = resume(ID, false, &[created(), told, opening]);
    Plan::make(&mut second, request, continuation)
}

#[test]
fn a_successor_carries_on_plain_text_alone() {
    let request = Request::new("m");
    let prefill = Continuation::Prefill;
    assert_eq!(plan(&request, vec![], Continuation::None), Plan::Start);
    let prefix = Plan::Continue { prefix: "Hello".to_owned() };
    assert_eq!(plan(&request, vec![text("Hel"), text("lo")], prefill), prefix);
    assert!(matches!(plan(&request, vec![text("Hello")], Continuation::None), Plan::Fail(_)));
    assert!(matches!(plan(&request, vec![text("Hello"), call(0, "a")], prefill), Plan::Fail(_)));
    assert!(matches!(plan(&request, vec![Output::Refusal("no".into())], prefill), Plan::Fail(_)));
    let mut json = Request::new("m");
    json.text.format = protocol::TextFormat::JsonObject;
    assert!(matches!(plan(&json, vec![text("{")], prefill), Plan::Fail(_)));
}

#[test]
fn a_successor_goes_on_in_the_same_item() {
    let request = Request::new("m");
    let mut first = composer();
    first.begin();
    first.add(text("Hel"), &request);
    let told = Record { epoch: Epoch(1), first: 1, events: first.take() };
    let mut second = resume(ID, false, &[created(), told]);
    second.begin();
    second.add(text("lo"), &request);
    let (_, resource) = end(&mut second, &Ending::Completed);
    assert_eq!(resource["output"].as_array().unwrap().len(), 1);
    assert_eq!(resource["output"][0]["content"][0]["text"], "Hello");
    let kinds: Vec<_> = second.take().iter().map(|event| event.kind().name()).collect();
    assert_eq!(kinds[0], "response.output_text.delta", "no second beginning: {kinds:?}");
}

#[test]
fn the_bill_has_the_input_once_and_the_output_as_told() {
    let request = Request::new("m");
    let usage = |input_tokens, output_tokens| {
        Output::Usage(Usage { input_tokens, cached_tokens: 9, output_tokens, reasoning_tokens: 0 })
    };
    let mut first = composer();
    first.begin();
    first.begin_call(false);
    for word in ["a ", "b ", "c "] {
        first.add(text(word), &request);
    }
    let told = Record { epoch: Epoch(1), first: 1, events: first.take() };
    let mut second = resume(ID, false, &[created(), told]);
    // The server is handed the three tokens as input, after the ten of the request, and adds two.
    second.begin_call(true);
    second.add(text("d "), &request);
    second.add(text("e"), &request);
    second.add(usage(13, 2), &request);
    let (_, resource) = end(&mut second, &Ending::Completed);
    assert_eq!(resource["usage"]["input_tokens"], 10);
    assert_eq!(resource["usage"]["output_tokens"], 5);
    assert_eq!(resource["usage"]["total_tokens"], 15);
}

#[test]
fn a_call_that_begins_anew_costs_what_it_alone_costs() {
    let request = Request::new("m");
    let usage = Usage { input_tokens: 10, cached_tokens: 0, output_tokens: 2, reasoning_tokens: 0 };
    let mut composer = resume(ID, true, &[created()]);
    composer.begin_call(false);
    composer.add(text("lost"), &request);
    composer.add(Output::Usage(Usage { output_tokens: 700, ..usage }), &request);
    composer.begin_call(false);
    composer.add(text("short"), &request);
    composer.add(Output::Usage(usage), &request);
    let (_, resource) = end(&mut composer, &Ending::Completed);
    assert_eq!(resource["usage"]["output_tokens"], 2);
    let encoded = resource["output"][0]["encrypted_content"].as_str().unwrap();
    assert_eq!(protocol::compaction::decode(encoded).as_deref(), Some("short"), "nothing of the first call");
}

#[test]
fn logprobs_of_a_predecessor_are_told_again_at_the_end() {
    let request = Request::new("m");
    let logprob = |token: &str| Some(json!([{ "token": token, "logprob": -0.5 }]));
    let mut first = composer();
    first.begin();
    first.add(Output::Text { text: "a".into(), logprobs: logprob("a") }, &request);
    let told = Record { epoch: Epoch(1), first: 1, events: first.take() };
    let mut second = resume(ID, false, &[created(), told]);
    second.add(Output::Text { text: "b".into(), logprobs: logprob("b") }, &request);
    let (_, resource) = end(&mut second, &Ending::Completed);
    let logprobs = &resource["output"][0]["content"][0]["logprobs"];
    assert_eq!((&logprobs[0]["token"], &logprobs[1]["token"]), (&json!("a"), &json!("b")));
}

#[test]
fn a_stream_with_a_gap_can_still_be_ended() {
    let gap = Record { epoch: Epoch(1), first: 5, events: vec![protocol::item_added(0, &json!({}))] };
    let (mut composer, whole) = Composer::resume(ID, false, &[created(), gap]);
    assert!(whole.is_err());
    let (terminal, resource) = end(&mut composer, &Ending::Failed(ApiError::server("stream_lost", "Lost.")));
    assert_eq!(terminal, EventKind::Failed);
    assert_eq!(resource["error"]["code"], "stream_lost");
}
