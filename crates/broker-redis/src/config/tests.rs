use super::Config;
use crate::target::Target;

fn config(urls: &[&str]) -> Config {
    Config { urls: urls.iter().map(|&url| url.into()).collect(), ..Config::default() }
}

fn target(urls: &[&str]) -> Target {
    Target::new(&config(urls)).unwrap()
}

#[test]
fn one_url_is_one_server() {
    let target = target(&["redis://10.0.0.1:7000/3"]);
    assert!(!target.is_cluster());
    assert_eq!(target.to_string(), "10.0.0.1:7000");
}

#[test]
fn a_cluster_is_named_or_has_several_nodes() {
    for urls in [
        &["redis+cluster://a:1"][..],
        &["redis://a:1,redis://b:2"],
        &["redis://a:1", "redis://b:2"],
        &["redis+cluster://a:1, b:2"],
    ] {
        assert!(target(urls).is_cluster(), "{urls:?}");
    }
    assert_eq!(target(&["redis+cluster://a:1, b:2", "c:3"]).to_string(), "a:1, b:2, c:3");
}

#[test]
fn credentials_and_tls_are_those_of_the_node_before() {
    let urls = ["rediss+cluster://user:p%2Cw@a:1,b:2"];
    // Nothing is connected before the process has chosen its cryptography.
    assert!(!Target::new(&config(&urls)).map(|target| target.to_string()).unwrap_err().is_retryable());
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let target = target(&urls);
    for info in target.connections() {
        assert_eq!(info.redis_settings().username(), Some("user"));
        assert_eq!(info.redis_settings().password(), Some("p,w"));
        assert!(matches!(info.addr(), redis::ConnectionAddr::TcpTls { .. }));
    }
    let later = target.connection("[::1]:7005").unwrap();
    assert_eq!(
        (later.addr().to_string().as_str(), later.redis_settings().password()),
        ("::1:7005", Some("p,w"))
    );
}

#[test]
fn what_is_not_a_url_of_redis_is_refused() {
    for url in ["", "http://127.0.0.1", "127.0.0.1", "redis://:secret@", "unix:///tmp/redis.sock"] {
        let refused = Target::new(&config(&[url])).map(|target| target.to_string());
        if url == "127.0.0.1" {
            // An address alone is enough.
            assert_eq!(refused.unwrap(), "127.0.0.1:6379");
            continue;
        }
        let error = refused.unwrap_err();
        assert!(!error.is_retryable() && !format!("{error:?}").contains("secret"), "{url}: {error:?}");
    }
    let braces = Config { key_prefix: "{nx}:".into(), ..Config::default() };
    assert!(Target::new(&braces).is_err());
}

#[test]
fn no_password_is_ever_shown() {
    let config = config(&["redis://user:secret@a:1,b:2", "rediss+cluster://:sec%20ret@c"]);
    let shown = format!("{config:?}");
    assert!(shown.contains("a:1") && shown.contains("c:6379"), "{shown}");
    assert!(!shown.contains("sec") && !shown.contains("user"), "{shown}");
}
