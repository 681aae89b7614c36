use load::numbered;
use tokio::time::Instant;

use super::{Answer, Ask, directive};

fn ask(prompt: &str, more: &str) -> Ask {
    serde_json::from_str(&format!(r#"{{"messages":[{{"role":"user","content":"{prompt}"}}]{more}}}"#))
        .unwrap()
}

/// All that it says, and in how many writes.
async fn said(ask: &Ask) -> (String, usize) {
    let (mut answer, mut all, mut writes) = (Answer::to(ask), String::new(), 0);
    while let Some(write) = answer.next().await {
        all.push_str(str::from_utf8(&write).unwrap());
        writes += 1;
    }
    (all, writes)
}

#[tokio::test]
async fn it_says_as_many_tokens_as_the_prompt_wants_and_no_more_than_are_allowed() {
    let (all, writes) =
        said(&ask("Count. [[tokens=100]]", r#","stream_options":{"include_usage":true}"#)).await;
    let lines: Vec<&str> = all.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(
        (lines.len(), writes),
        (103, 2),
        "tokens, their end, usage, and the end of all, in two writes"
    );
    for (number, line) in lines[..100].iter().enumerate() {
        let chunk: serde_json::Value = serde_json::from_str(line.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(chunk["choices"][0]["delta"]["content"], numbered::token(number));
    }
    assert!(lines[101].contains(r#""completion_tokens":100"#), "{}", lines[101]);
    assert_eq!(lines[102], "data: [DONE]");
    let (all, _) = said(&ask("Count. [[tokens=100]]", r#","max_tokens":20"#)).await;
    assert_eq!(all.matches("\"content\"").count(), 20);
}

#[tokio::test]
async fn a_paced_answer_takes_its_time() {
    let begin = Instant::now();
    let (all, writes) = said(&ask("[[tokens=11 rate=100]]", "")).await;
    assert_eq!(all.matches("\"content\"").count(), 11);
    // The first at once, and each further one after 10 ms; a busy machine may make several due at a time.
    assert!(begin.elapsed().as_millis() >= 100, "{:?}", begin.elapsed());
    assert!((2..=11).contains(&writes), "{writes}");
}

#[test]
fn a_prompt_directs_only_between_brackets() {
    assert_eq!(directive("[[tokens=5 rate=0.5]]", "rate="), Some(0.5));
    assert_eq!(directive("tokens=5", "tokens="), None);
}
