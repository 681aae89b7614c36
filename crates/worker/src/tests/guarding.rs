//! What the composer is told of outputs that are guarded, and what is counted.

use std::sync::Arc;

use engine::{Finish, Output};
use guard::{Config, Guard, PatternConfig, Treatment};
use prometheus_client::{encoding::text::encode, registry::Registry};
use protocol::{Request, TextFormat};
use serde_json::{Value, json};
use stream::ResponseId;

use crate::{
    composer::{Composer, Ending},
    guarding::{Guarding, Told},
    metrics::{Guarded, Metrics},
};

/// What a response whose model says `outputs` has come to, and the metrics after it.
fn respond(request: &Request, outputs: Vec<Output>) -> (Value, String) {
    let email = PatternConfig { name: "email".to_owned(), ..PatternConfig::default() };
    let config = Config { terminal_escapes: Treatment::Remove, patterns: vec![email], ..Config::default() };
    let guard = Arc::new(Guard::build(&config).unwrap().unwrap());
    let mut registry = Registry::default();
    let family = Metrics::register(&mut registry).guarded;
    let mut guarding = Guarding::begin(&guard, Guarded { model: "m".to_owned(), family }, None);
    let (mut composer, _) = Composer::resume(ResponseId::from_parts(0, 7), false, &[]);
    for output in outputs {
        assert_eq!(guarding.add(output, &mut composer, request), Told::More);
    }
    let finish = guarding.add(Output::Finish(Finish::Stop), &mut composer, request);
    assert_eq!(finish, Told::Finished(Finish::Stop));
    let resource = composer.end(&Ending::Completed, 2).0.response().unwrap();
    let mut metrics = String::new();
    encode(&mut metrics, &registry).unwrap();
    (resource, metrics)
}

fn text(text: &str) -> Output {
    Output::Text { text: text.into(), logprobs: Some(json!([{ "token": text, "logprob": -0.5 }])) }
}

#[test]
fn what_is_found_is_counted_and_not_spelled_out_in_log_probabilities() {
    let outputs = vec![text("\x1b[1mAsk a@"), text("b.org"), text(" or c@d.org")];
    let (resource, metrics) = respond(&Request::new("m"), outputs);
    let part = &resource["output"][0]["content"][0];
    assert_eq!((&part["text"], &part["logprobs"]), (&json!("Ask [email] or [email]"), &json!([])));
    for line in [
        r#"narthex_worker_guarded_total{model="m",rule="email",effect="masked"} 2"#,
        r#"narthex_worker_guarded_total{model="m",rule="terminal_escapes",effect="removed"} 1"#,
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[test]
fn an_answer_in_json_stays_json() {
    let mut request = Request::new("m");
    request.text.format = TextFormat::JsonObject;
    let (resource, _) = respond(&request, vec![text(r#"{"to": "\u0061@b"#), text(r#".org", "n": 1}"#)]);
    assert_eq!(resource["output"][0]["content"][0]["text"], r#"{"to": "[email]", "n": 1}"#);
}
