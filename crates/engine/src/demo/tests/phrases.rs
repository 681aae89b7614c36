use protocol::Reasoning;

use super::*;
use crate::Fault;

#[tokio::test]
async fn it_fails_as_it_is_told() {
    for (phrase, fault) in [
        ("demo:fail", Fault::Failed),
        ("demo:fail=busy.", Fault::Busy { retry_after: None }),
        ("demo:fail=refused", Fault::Refused),
        ("demo:fail=unauthorized", Fault::Unauthorized),
        ("demo:fail=unreachable", Fault::Unreachable),
        ("demo:fail=garbled", Fault::Garbled),
        ("demo:fail=timeout", Fault::Timeout("answer")),
    ] {
        let (outputs, error) = read(asking(&format!("hello {phrase}")), "").await;
        assert_eq!((outputs.len(), error.unwrap().fault), (0, fault), "{phrase}");
    }
    for (phrase, fault) in [("demo:fail-after=7", Fault::Failed), ("demo:cut-after=7", Fault::Unreachable)] {
        let (outputs, error) = read(asking(&format!("tell me a poem {phrase}")), "").await;
        assert_eq!((outputs.len(), error.unwrap().fault), (7, fault), "{phrase}");
    }
}

#[tokio::test]
async fn a_phrase_that_it_does_not_know_is_refused() {
    for phrase in ["demo:nonsense", "demo:tokens=many", "demo:slow=5", "demo:fail=somehow", "demo:"] {
        let error = read(asking(phrase), "").await.1.unwrap();
        assert_eq!((error.fault, error.param.as_deref()), (Fault::Refused, Some("input")), "{phrase}");
    }
}

#[tokio::test]
async fn phrases_do_not_get_into_the_answer() {
    assert_eq!(said(asking("echo demo:first=0s one demo:slow=0ms two")).await, "one two");
}

#[tokio::test]
async fn a_request_can_be_looked_at() {
    let reasoning = Reasoning { effort: Some("none".to_owned()), summary: None, ..Reasoning::default() };
    let request = Request {
        instructions: Some("be kind".to_owned()),
        temperature: Some(0.5),
        reasoning: Some(reasoning),
        ..asking("demo:inspect")
    };
    let seen: Request = serde_json::from_str(&said(request.clone()).await).unwrap();
    assert_eq!(seen, request);
}

#[tokio::test]
async fn a_call_that_carries_on_is_past_its_mishap() {
    let request = asking("tell me a poem demo:cut-after=7");
    let (before, error) = read(request.clone(), "").await;
    assert!(error.is_some());
    let (after, error) = read(request, &text_of(&before)).await;
    assert!(error.is_none());
    // The phrase is part of the question, so the poem is another one than without it.
    let whole = text_of(&before) + &text_of(&after);
    assert!(crate::demo::prose::POEMS.contains(&whole.as_str()));
}
