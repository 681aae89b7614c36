//! HTTP/1.1 at a gateway: heads, paths, queries, credentials, `Forwarded`, `X-Forwarded-*`, origins, bodies. The first byte says who
//! asks: a client on this machine, or one behind a proxy that writes one kind of header or the other.
//!
//! No answer blames the server, and an error has the standard's form.
#![no_main]
#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

use std::{io::Write as _, net::SocketAddr, sync::LazyLock};

use fuzz::Edge;
use gateway::{Config, ForwardedHeader, Origins, Proxies};
use identity::Authenticator;
use libfuzzer_sys::fuzz_target;

static OPEN: LazyLock<Edge> = LazyLock::new(|| Edge::new(Config::default(), Authenticator::open()));
static X_FORWARDED: LazyLock<Edge> = LazyLock::new(|| behind_proxy(ForwardedHeader::XForwarded));
static FORWARDED: LazyLock<Edge> = LazyLock::new(|| behind_proxy(ForwardedHeader::Forwarded));

fuzz_target!(|data: &[u8]| {
    let Some((who, request)) = data.split_first() else { return };
    let (edge, from) = match who {
        b'x' => (&*X_FORWARDED, "10.0.0.1:80"),
        b'f' => (&*FORWARDED, "10.0.0.1:80"),
        _ => (&*OPEN, "127.0.0.1:80"),
    };
    let answer = edge.say(from.parse::<SocketAddr>().expect("an address"), request);
    let answer = String::from_utf8_lossy(&answer);
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return };
    let status: u16 = head.get(9..12).and_then(|code| code.parse().ok()).expect("a status");
    assert!((100..500).contains(&status) || status == 503 || body.contains("model_error"), "{answer}");
    let is_ours = status >= 400 && head.contains("x-request-id");
    assert!(!is_ours || body.is_empty() || body.starts_with("{\"error\":{"), "{answer}");
});

fn behind_proxy(header: ForwardedHeader) -> Edge {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(fuzz::KEYS.as_bytes()).expect("a file");
    let sources = identity::Config { keys_file: Some(file.path().to_owned()), ..identity::Config::default() };
    let proxies = Proxies { addresses: vec!["10.0.0.0/8".parse().expect("a network")], header };
    let origins = Origins(vec!["https://app.example.com".to_owned()]);
    let config = Config { proxies, origins, ..Config::default() };
    Edge::new(config, Authenticator::build(sources).expect("an authenticator"))
}
