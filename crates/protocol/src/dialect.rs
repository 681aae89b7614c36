//! What the standard and OpenAI name differently.
//!
//! Open Responses tells reasoning as `response.reasoning.delta` and `.done`; OpenAI's own service, its SDKs and most model
//! servers have `response.reasoning_text.*` for the same events. Clients differ in what they do with a type that they do
//! not know: most skip it, but the `stream()` helper of OpenAI's JavaScript SDK throws. So an event is told in the names
//! that its client knows. Everything else is the same in both.

use stream::EventKind;

/// The names of events that a client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dialect {
    /// Those of Open Responses.
    #[default]
    Standard,
    /// Those of OpenAI's SDKs.
    OpenAi,
}

impl Dialect {
    /// The dialect of the client that sent these headers. All official SDKs send `x-stainless-lang` over HTTP. On a WebSocket
    /// the one for JavaScript sends its user agent only (`OpenAI/JS …`).
    pub fn of_client(x_stainless_lang: Option<&str>, user_agent: Option<&str>) -> Self {
        const AGENTS: [&str; 3] = ["openai/", "ai-sdk/", "codex"];
        let agent = user_agent.unwrap_or_default().to_ascii_lowercase();
        let knows_openai = x_stainless_lang.is_some() || AGENTS.iter().any(|known| agent.contains(known));
        if knows_openai { Self::OpenAi } else { Self::Standard }
    }

    /// The `type` of an event.
    pub const fn event_name(self, kind: EventKind) -> &'static str {
        match (self, kind) {
            (Self::OpenAi, EventKind::ReasoningDelta) => "response.reasoning_text.delta",
            (Self::OpenAi, EventKind::ReasoningDone) => "response.reasoning_text.done",
            _ => kind.name(),
        }
    }
}
