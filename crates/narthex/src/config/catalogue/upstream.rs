//! Model servers: `upstream`.

use super::{Setting, entry, setting};
use crate::config::{
    Config, Upstream, UpstreamModel,
    upstream::{Discover, Header},
    value::{above_zero, at},
};

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        "upstream.*.engine",
        "What the model server speaks: `chat` is `/v1/chat/completions` (vLLM, Ollama, llama.cpp, SGLang, …), \
         `responses` is `/v1/responses`, `demo` is built in.",
        |c, i| at(&mut upstream(c, i).engine),
    ),
    setting("upstream.*.url", "Where it is, up to and including `/v1`.", |c, i| {
        at(&mut upstream(c, i).server.base_url)
    }),
    setting("upstream.*.api_key", "Its key. Better in a variable or a file.", |c, i| {
        at(&mut upstream(c, i).api_key.value)
    }),
    setting("upstream.*.api_key_env", "The environment variable that holds its key.", |c, i| {
        at(&mut upstream(c, i).api_key.env)
    }),
    setting("upstream.*.api_key_file", "The file that holds its key.", |c, i| {
        at(&mut upstream(c, i).api_key.file)
    }),
    setting(
        "upstream.*.concurrency",
        "How many responses one worker produces at a time, for each model.",
        |c, i| above_zero(&mut upstream(c, i).concurrency),
    ),
    setting(
        "upstream.*.continuation",
        "Whether the server carries on a trailing assistant message (`prefill`), so that a response survives its \
         worker after it was shown in part. The demo engine does; of others, `none` is assumed.",
        |c, i| at(&mut upstream(c, i).continuation),
    ),
    setting(
        "upstream.*.models",
        "Which of its models to serve: `\"discover\"` asks the server at the start; else a list of names, or of \
         `[[upstream.models]]` tables.",
        |c, i| Box::new(Discover(&mut upstream(c, i).models)),
    ),
    setting(
        "upstream.*.tls.authorities_file",
        "The certificates (PEM) of the authorities to trust with `https://`, in place of those that the system trusts.",
        |c, i| at(&mut upstream(c, i).tls.authorities_file),
    ),
    setting(
        "upstream.*.tls.certificate_file",
        "The certificate (PEM) to identify with, and those that lead to its authority, if the server asks for one.",
        |c, i| at(&mut upstream(c, i).tls.certificate_file),
    ),
    setting("upstream.*.tls.key_file", "The private key (PEM) of that certificate.", |c, i| {
        at(&mut upstream(c, i).tls.key_file)
    }),
    setting(
        "upstream.*.timeouts.connect",
        "How long until a connection stands, name lookup and TLS included.",
        |c, i| above_zero(&mut upstream(c, i).server.connect_timeout),
    ),
    setting("upstream.*.timeouts.first_token", "How long until the first output.", |c, i| {
        above_zero(&mut upstream(c, i).timeouts.first_token)
    }),
    setting("upstream.*.timeouts.between_tokens", "How long between two outputs.", |c, i| {
        above_zero(&mut upstream(c, i).timeouts.between_tokens)
    }),
    setting("upstream.*.timeouts.response", "How long for the whole response.", |c, i| {
        above_zero(&mut upstream(c, i).timeouts.response)
    }),
    setting(
        "upstream.*.chat.max_tokens_field",
        "The member that bounds the output. OpenAI's reasoning models want the newer name.",
        |c, i| at(&mut upstream(c, i).chat.max_tokens_field),
    ),
    setting(
        "upstream.*.chat.prefill",
        "How the server is asked to carry on a text, with `continuation = \"prefill\"`: `trailing` (Ollama, \
         llama.cpp), `continue_final_message` (vLLM, SGLang), `prefix_member` (DeepSeek, Mistral).",
        |c, i| at(&mut upstream(c, i).chat.prefill),
    ),
    setting(
        "upstream.*.chat.reasoning_member",
        "The member in which a model's earlier reasoning is sent back, such as `reasoning_content`; without it, it is not.",
        |c, i| at(&mut upstream(c, i).chat.reasoning_member),
    ),
    setting(
        "upstream.*.chat.continuous_usage",
        "Whether the server is asked to tell usage with every token (vLLM, SGLang), so that cancelled responses have theirs; \
         one that refuses is not asked again.",
        |c, i| at(&mut upstream(c, i).chat.continuous_usage),
    ),
    setting(
        "upstream.*.chat.send_metadata",
        "Whether a request's `metadata` goes to the server; it is returned with the response in any case.",
        |c, i| at(&mut upstream(c, i).chat.send_metadata),
    ),
    setting(
        "upstream.*.demo.tokens_per_second",
        "How fast it speaks; with 0 as fast as it is read.",
        |c, i| at(&mut upstream(c, i).demo.tokens_per_second),
    ),
    setting("upstream.*.demo.first_token", "How long it thinks before the first token.", |c, i| {
        at(&mut upstream(c, i).demo.first_token)
    }),
    setting(
        "upstream.*.demo.seed",
        "Which of its texts it says; the same for the same seed and input.",
        |c, i| at(&mut upstream(c, i).demo.seed),
    ),
    setting("upstream.*.headers.*.name", "A header to send with every request.", |c, i| {
        at(&mut header(c, i).name)
    }),
    setting("upstream.*.headers.*.value", "Its value, which is treated as a secret.", |c, i| {
        at(&mut header(c, i).value)
    }),
    setting("upstream.*.models.*.name", "The name that clients ask for.", |c, i| at(&mut model(c, i).name)),
    setting(
        "upstream.*.models.*.upstream_name",
        "The name that the server knows it by, if it is another.",
        |c, i| at(&mut model(c, i).upstream_name),
    ),
    setting("upstream.*.models.*.concurrency", "As above, for this model.", |c, i| {
        above_zero(&mut model(c, i).concurrency)
    }),
    setting("upstream.*.models.*.continuation", "As above, for this model.", |c, i| {
        at(&mut model(c, i).continuation)
    }),
    setting("upstream.*.models.*.timeouts.first_token", "As above, for this model.", |c, i| {
        above_zero(&mut model(c, i).first_token)
    }),
    setting("upstream.*.models.*.timeouts.between_tokens", "As above, for this model.", |c, i| {
        above_zero(&mut model(c, i).between_tokens)
    }),
    setting("upstream.*.models.*.timeouts.response", "As above, for this model.", |c, i| {
        above_zero(&mut model(c, i).response)
    }),
];

/// The upstream that the first index names; a new one if there is none yet.
fn upstream<'a>(config: &'a mut Config, indices: &[usize]) -> &'a mut Upstream {
    entry(&mut config.upstream, indices.first())
}

/// The header that both indices name.
fn header<'a>(config: &'a mut Config, indices: &[usize]) -> &'a mut Header {
    entry(&mut upstream(config, indices).headers, indices.get(1))
}

/// The model that both indices name.
fn model<'a>(config: &'a mut Config, indices: &[usize]) -> &'a mut UpstreamModel {
    entry(&mut upstream(config, indices).models, indices.get(1))
}
