use super::{judge, keeps_no_log, name};
use crate::{Config, target::Target};

fn judged(url: &str, info: &str) -> Result<(), String> {
    let target = Target::new(&Config { urls: vec![url.into()], ..Config::default() }).unwrap();
    judge(&target, info).map_err(|error| std::error::Error::source(&error).unwrap().to_string())
}

#[test]
fn a_server_of_the_right_kind_will_do() {
    assert_eq!(
        judged("redis://a:1", "# Server\r\nredis_version:7.0.15\r\n# Cluster\r\ncluster_enabled:0\r\n"),
        Ok(())
    );
    assert_eq!(judged("redis+cluster://a:1", "redis_version:8.2.1\r\ncluster_enabled:1\r\n"), Ok(()));
}

#[test]
fn any_other_is_told_what_to_do_about() {
    let old = judged("redis://a:1", "redis_version:6.2.14\r\ncluster_enabled:0\r\n").unwrap_err();
    assert_eq!(old, "the Redis at a:1 has version 6.2.14: run version 7 or later");
    assert!(
        judged("redis://a:1", "redis_version:7.4.0\r\ncluster_enabled:1\r\n")
            .unwrap_err()
            .contains("+cluster")
    );
    assert!(judged("redis+cluster://a:1", "redis_version:7.4.0\r\n").unwrap_err().contains("one URL"));
    assert!(judged("redis://a:1", "").is_err());
}

#[test]
fn a_server_is_told_by_its_own_name() {
    assert_eq!(name("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\n"), "Valkey 8.1.1");
    assert_eq!(name("redis_version:7.4.0\r\n"), "Redis 7.4.0");
}

#[test]
fn a_server_that_still_reads_its_log_has_one() {
    assert!(keeps_no_log("loading:0\r\naof_enabled:0\r\n"));
    assert!(!keeps_no_log("loading:1\r\naof_enabled:0\r\n"));
    assert!(!keeps_no_log("loading:0\r\naof_enabled:1\r\n"));
}
