use super::*;

#[test]
fn what_helps_the_client_stays() {
    for message in [
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
        "Invalid schema for response_format 'answer': In context=(), 'additionalProperties' is required.",
        "1 validation error: messages.0.content: Input should be a valid string [type=string_type]",
        "The model `meta-llama/Llama-3.1-8B-Instruct` does not support tools",
    ] {
        assert_eq!(mask(message), message);
    }
}

#[test]
fn where_the_server_is_and_what_opens_it_goes() {
    for (message, masked) in [
        ("see https://gpu-7.internal:8000/v1/x for more", "see […] for more"),
        ("connect to 10.0.3.17:8000 failed", "connect to […] failed"),
        ("no route to 10.0.3.17.", "no route to […]"),
        ("upstream gpu-7.internal:8000/v1 said no", "upstream […] said no"),
        ("vllm-0.models.svc is loading", "[…] is loading"),
        ("at localhost, port 80", "at […], port 80"),
        ("host ::1 and [fe80::1]:443", "host […] and […]"),
        ("Incorrect API key provided: sk-proj-abcd1234.", "Incorrect API key provided: […]"),
        ("header was 'Bearer secret-token'", "header was 'Bearer […]'"),
        ("token=a8f5f167f44f4964e6c998dee827110c", "token=[…]"),
    ] {
        assert_eq!(mask(message), masked);
    }
}

#[test]
fn a_long_message_is_cut() {
    let masked = mask(&"wörter ".repeat(1_000));
    assert_eq!(masked.chars().count(), MAX_CHARS + 1);
}
