use std::time::Duration;

use protocol::Reasoning;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::{Fault, Finish, demo::tokens};

#[test]
fn tokens_are_the_text() {
    for text in
        ["", " ", "a", "a  b\n\nc ", "Donaudampfschifffahrtsgesellschaft", "火と語 🔥👩‍🚀 done", "\t\n "]
    {
        assert_eq!(tokens::split(text).collect::<String>(), text);
        assert!(
            tokens::split(text).all(|token| !token.is_empty() && token.trim_start().chars().count() <= 8)
        );
    }
}

#[tokio::test]
async fn a_text_is_carried_on_from_any_place() {
    let reasoning = Reasoning { effort: Some("low".to_owned()), summary: None, ..Reasoning::default() };
    for question in ["Write 40 words", "Count to 30", "say 火火火火火火火火火火火 🔥👩‍🚀!", "what is narthex"]
    {
        let request = Request { reasoning: Some(reasoning.clone()), ..asking(question) };
        let (undisturbed, _) = read(request.clone(), "").await;
        let whole = text_of(&undisturbed);
        for at in (1..=whole.len()).filter(|at| whole.is_char_boundary(*at)) {
            let (rest, error) = read(request.clone(), &whole[..at]).await;
            assert!(error.is_none());
            assert_eq!(text_of(&rest), whole[at..], "{question}, at {at}");
            assert_eq!(rest[rest.len() - 2..], undisturbed[undisturbed.len() - 2..], "usage, at {at}");
        }
    }
    let (_, error) = read(asking("Count to 30"), "1, 2, four").await;
    assert_eq!(error.unwrap().fault, Fault::Refused);
}

#[tokio::test]
async fn the_bound_on_tokens_is_kept_also_when_carrying_on() {
    let bounded = Request { max_output_tokens: Some(20), ..asking("Write 100 words") };
    let (outputs, _) = read(bounded.clone(), "").await;
    let whole = text_of(&outputs);
    assert_eq!((outputs.len(), outputs.last()), (22, Some(&Output::Finish(Finish::Length))));
    for at in (1..=whole.len()).filter(|at| whole.is_char_boundary(*at)) {
        let (rest, _) = read(bounded.clone(), &whole[..at]).await;
        assert_eq!(text_of(&rest), whole[at..]);
        assert_eq!(rest[rest.len() - 2..], outputs[20..]);
    }
    let (outputs, _) = read(Request { max_output_tokens: Some(5), ..asking("demo:tokens=5") }, "").await;
    assert_eq!(outputs.last(), Some(&Output::Finish(Finish::Stop)), "it had said all");
}

#[tokio::test]
async fn so_many_tokens_are_exactly_so_many() {
    let (outputs, _) = read(asking("demo:tokens=1000"), "").await;
    assert_eq!(outputs.len(), 1000 + 2);
    let other = DemoEngine::new(DemoConfig { seed: 1, ..DemoConfig::unpaced() });
    let mut other = other.generate(call(asking("demo:tokens=1000"), "")).await.unwrap();
    let mut text = String::new();
    while let Some(Ok(output)) = other.next().await {
        text.push_str(&text_of(&[output]));
    }
    assert_ne!(text, text_of(&outputs), "another seed says something else");
}

#[tokio::test(start_paused = true)]
async fn tokens_come_in_time_and_delays_do_not_add_up() {
    let config = DemoConfig {
        first_token: Duration::from_millis(500),
        tokens_per_second: 100.0,
        ..DemoConfig::default()
    };
    let start = Instant::now();
    let mut outputs = DemoEngine::new(config).generate(call(asking("demo:tokens=200"), "")).await.unwrap();
    for index in 0..200 {
        outputs.next().await.unwrap().unwrap();
        let due = Duration::from_millis(500 + 10 * index);
        let late = start.elapsed().saturating_sub(due);
        assert!(start.elapsed() >= due && late < Duration::from_millis(6), "token {index}: {late:?}");
        // A reader that is now and then slow, but not too slow.
        if index % 10 == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn phrases_set_the_pace() {
    let start = Instant::now();
    let (outputs, _) = read(asking("demo:tokens=5 demo:first=2s demo:slow=200ms"), "").await;
    assert_eq!(outputs.len(), 7);
    assert_eq!(start.elapsed().as_millis(), 2_800);
}

#[tokio::test(start_paused = true)]
async fn hanging_is_silence_without_an_end() {
    let engine = DemoEngine::new(DemoConfig::unpaced());
    let mut outputs = engine.generate(call(asking("a poem demo:hang-after=3"), "")).await.unwrap();
    for _ in 0..3 {
        outputs.next().await.unwrap().unwrap();
    }
    assert!(timeout(Duration::from_secs(3_600), outputs.next()).await.is_err());
}

#[tokio::test]
async fn without_a_pace_it_leaves_others_their_turn() {
    let engine = DemoEngine::new(DemoConfig::unpaced());
    let mut outputs = engine.generate(call(asking("demo:tokens=10000"), "")).await.unwrap();
    let reading = async { while outputs.next().await.is_some() {} };
    let turns = async {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = reading => panic!("nobody else had a turn"),
        () = turns => {}
    }
}
