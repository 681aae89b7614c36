//! What model servers say. The first byte says to which engine and as what, the next eight how to cut the rest.
//!
//! However an event stream is cut on its way, the same outputs come of it.
#![no_main]
#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

use std::sync::{Arc, LazyLock};

use engine::{Call, ChatConfig, ChatEngine, Engine, Output, ResponsesEngine, UpstreamConfig};
use futures_util::StreamExt;
use fuzz::{Answer, Elsewhere, cut};
use libfuzzer_sys::fuzz_target;
use protocol::Request;

struct World {
    elsewhere: Elsewhere,
    chat: ChatEngine,
    responses: ResponsesEngine,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let elsewhere = Elsewhere::new();
    let chat = ChatEngine::new(ChatConfig::new(elsewhere.url())).expect("an engine");
    let responses = ResponsesEngine::new(&UpstreamConfig::new(elsewhere.url())).expect("an engine");
    World { elsewhere, chat, responses }
});

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    let Some((whole, pieces)) = cut(rest) else { return };
    let World { chat, responses, .. } = &*WORLD;
    match kind {
        b'r' => assert_eq!(outputs(responses, &pieces), outputs(responses, &[whole])),
        b'e' => answers(chat, 400, whole),
        b'b' => answers(chat, 503, whole),
        b'a' => answers(responses, 200, whole),
        _ => assert_eq!(outputs(chat, &pieces), outputs(chat, &[whole])),
    }
});

/// What an engine makes of a stream in these pieces, its error at the end.
fn outputs(engine: &dyn Engine, pieces: &[&[u8]]) -> (Vec<Output>, Option<String>) {
    WORLD.elsewhere.say(Answer::events(pieces));
    WORLD.elsewhere.runtime.block_on(async {
        let mut told = engine.generate(call()).await.expect("a stream");
        let (mut all, mut failed) = (Vec::new(), None);
        while let Some(output) = told.next().await {
            match output {
                // One that has no id from its server has a random one.
                Ok(Output::Call { index, name, .. }) => {
                    all.push(Output::Call { index, name, call_id: String::new() })
                }
                Ok(output) => all.push(output),
                Err(error) => failed = Some(format!("{error:?}")),
            }
        }
        (all, failed)
    })
}

/// What is no stream is an error, or a list of models.
fn answers(engine: &dyn Engine, status: u16, body: &[u8]) {
    WORLD.elsewhere.say(Answer::json(status, body));
    WORLD.elsewhere.runtime.block_on(async {
        assert!(engine.generate(call()).await.is_err());
        let _ = engine.models().await;
    });
}

fn call() -> Call {
    Call { request: Arc::new(Request::new("m")), prefix: None, trace: None }
}
