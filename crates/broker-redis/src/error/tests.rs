use redis::{RedisError, make_extension_error};

use super::from_redis;

fn server_says(line: &str) -> RedisError {
    let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
    value.extract_error().unwrap_err()
}

#[test]
fn what_may_pass_is_retryable() {
    for line in [
        "LOADING Redis is loading the dataset in memory",
        "CLUSTERDOWN The cluster is down",
        "MASTERDOWN Link with MASTER is down",
        "READONLY You can't write against a read only replica. script: 1f, on @user_script:9.",
        "MOVED 3999 127.0.0.1:6381",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "MISCONF Redis is configured to save RDB snapshots",
        "NOREPLICAS Not enough good replicas to write.",
    ] {
        assert!(from_redis(server_says(line)).is_retryable(), "{line}");
    }
    let closed = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    assert!(from_redis(closed.into()).is_retryable());
}

#[test]
fn what_will_not_pass_is_refused() {
    for line in [
        "ERR wrong number of arguments",
        "WRONGTYPE Operation against a key holding the wrong kind of value",
        "NOAUTH Authentication required.",
        "NOPERM this user has no permissions to run the 'xadd' command",
    ] {
        assert!(!from_redis(server_says(line)).is_retryable(), "{line}");
    }
    assert!(!from_redis(make_extension_error("WRONGPASS".into(), None)).is_retryable());
}
