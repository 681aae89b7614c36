//! One model server, and which of its models to serve.

use std::time::Duration;

use engine::{ChatConfig, DemoConfig, MaxTokensField, PrefillStyle, Secret, UpstreamConfig};
use worker::{Continuation, Timeouts};

use super::{
    secret_place::SecretPlace,
    tls_files::TlsFiles,
    value::{Choice, Value},
};

/// What stands for "ask the server".
const DISCOVER: &str = "discover";

/// One model server.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    /// What it speaks.
    pub(crate) engine: EngineKind,
    /// Where it is; its key is not in here. The demo engine has no place.
    pub(crate) server: UpstreamConfig,
    /// Where its key is.
    pub(crate) api_key: SecretPlace,
    /// Whom to trust, and what to identify with.
    pub(crate) tls: TlsFiles,
    /// Headers to send with every request.
    pub(crate) headers: Vec<Header>,
    /// How to speak Chat Completions with it; its own `upstream` is not used.
    pub(crate) chat: ChatConfig,
    /// How the demo engine behaves; its `models` come from elsewhere.
    pub(crate) demo: DemoConfig,
    /// How many responses at a time, for each of its models that does not say otherwise.
    pub(crate) concurrency: usize,
    /// What it can carry on, likewise; if it is not set, what its engine surely can.
    pub(crate) continuation: Option<Continuation>,
    /// Bounds on its time, likewise.
    pub(crate) timeouts: Timeouts,
    /// Its models; empty to ask the server.
    pub(crate) models: Vec<UpstreamModel>,
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            engine: EngineKind::default(),
            server: UpstreamConfig::new(""),
            api_key: SecretPlace::default(),
            tls: TlsFiles::default(),
            headers: Vec::new(),
            chat: ChatConfig::new(""),
            demo: DemoConfig::default(),
            concurrency: 16,
            continuation: None,
            timeouts: Timeouts::default(),
            models: Vec::new(),
        }
    }
}

/// A header to send with every request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Header {
    /// Its name.
    pub(crate) name: String,
    /// Its value, which may be as secret as a key.
    pub(crate) value: Option<Secret>,
}

impl Header {
    /// What is wrong with `headers`, which the setting `name` gives.
    pub(super) fn check(name: &str, headers: &[Self]) -> Option<String> {
        let is_half = |header: &Self| header.name.is_empty() || header.value.is_none();
        headers.iter().any(is_half).then(|| format!("{name} has an entry without name or value: give both"))
    }
}

/// One model of a model server. What is not set is as its server's.
#[derive(Debug, Clone, Default)]
pub(crate) struct UpstreamModel {
    /// The name that clients ask for.
    pub(crate) name: String,
    /// The name that the server knows it by, if it is another.
    pub(crate) upstream_name: Option<String>,
    /// How many responses at a time.
    pub(crate) concurrency: Option<usize>,
    /// Whether the server can carry on from the text so far.
    pub(crate) continuation: Option<Continuation>,
    /// Until the first output.
    pub(crate) first_token: Option<Duration>,
    /// Between two outputs.
    pub(crate) between_tokens: Option<Duration>,
    /// For the whole response.
    pub(crate) response: Option<Duration>,
}

impl Upstream {
    /// The settings of `model`, with this server's own where it has none.
    pub(crate) fn serve(&self, model: &UpstreamModel) -> worker::ModelConfig {
        worker::ModelConfig {
            name: model.name.clone(),
            upstream_name: model.upstream_name.clone().unwrap_or_else(|| model.name.clone()),
            concurrency: model.concurrency.unwrap_or(self.concurrency),
            continuation: model.continuation.or(self.continuation).unwrap_or(self.engine.continuation()),
            timeouts: Timeouts {
                first_token: model.first_token.unwrap_or(self.timeouts.first_token),
                between_tokens: model.between_tokens.unwrap_or(self.timeouts.between_tokens),
                response: model.response.unwrap_or(self.timeouts.response),
            },
        }
    }
}

/// What a model server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum EngineKind {
    /// `/v1/chat/completions`.
    #[default]
    Chat,
    /// `/v1/responses`.
    Responses,
    /// Nothing: the model is built in.
    Demo,
}

impl EngineKind {
    /// Whether such a server can carry on from the text so far, as far as that is certain: most chat servers can, but
    /// one that cannot would begin anew in the middle of what was shown.
    const fn continuation(self) -> Continuation {
        match self {
            Self::Chat | Self::Responses => Continuation::None,
            Self::Demo => Continuation::Prefill,
        }
    }
}

impl Choice for EngineKind {
    const WORDS: &'static [(&'static str, Self)] =
        &[("chat", Self::Chat), ("responses", Self::Responses), ("demo", Self::Demo)];
}

impl Choice for Continuation {
    const WORDS: &'static [(&'static str, Self)] = &[("none", Self::None), ("prefill", Self::Prefill)];
}

impl Choice for MaxTokensField {
    const WORDS: &'static [(&'static str, Self)] =
        &[("max_tokens", Self::MaxTokens), ("max_completion_tokens", Self::MaxCompletionTokens)];
}

impl Choice for PrefillStyle {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("trailing", Self::Trailing),
        ("continue_final_message", Self::ContinueFinalMessage),
        ("prefix_member", Self::PrefixMember),
    ];
}

/// The word in place of a list of models.
pub(super) struct Discover<'a>(pub(super) &'a mut Vec<UpstreamModel>);

impl Value for Discover<'_> {
    fn set(&mut self, text: &str) -> Result<(), String> {
        if text != DISCOVER {
            return Err(self.form());
        }
        self.0.clear();
        Ok(())
    }

    fn show(&self) -> Option<toml::Value> {
        self.0.is_empty().then(|| DISCOVER.into())
    }

    fn form(&self) -> String {
        format!("`{DISCOVER}`, or a list of names, or of tables with a `name`")
    }

    fn kind(&self) -> String {
        format!("`{DISCOVER}` or list")
    }
}
