//! What an operator should know of a Redis before it carries anything: `narthex doctor`.
//!
//! Of a cluster the first node that answers is asked, and what that knows of all; settings are told of that node.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use broker::{Error, Finding};
use redis::{RedisResult, aio::MultiplexedConnection};
use tokio::time::Instant;

use crate::{
    Config,
    probe::{evicts, field, first_answer, judge, keeps_no_log, name},
    target::Target,
};

/// An append is a round trip, and so is each token that a slow model makes.
const SLOW: Duration = Duration::from_millis(20);

/// Queue times are told by two clocks, and what expires by one of them.
const CLOCK_DIFFERS: Duration = Duration::from_secs(1);

/// Of its memory, what may be in use before somebody should know, in percent.
const FULL: u64 = 80;

/// Looks at a Redis, and changes nothing there. Each of its few questions has the configured timeout.
///
/// # Errors
/// As [`connect`](crate::connect): when no server can be reached, or the one that answers cannot be used.
pub async fn examine(config: Config) -> Result<Vec<Finding>, Error> {
    let target = Target::new(&config)?;
    let (mut connection, info) = first_answer(&target).await?;
    judge(&target, &info)?;
    let (asked, here) = (Instant::now(), SystemTime::now());
    let there: RedisResult<(u64, u64)> = redis::cmd("TIME").query_async(&mut connection).await;
    let took = asked.elapsed();
    let mut findings = vec![
        reached(&target, &info, took),
        memory(&info),
        persistence(&info, setting(&mut connection, "appendfsync").await),
        replication(&info, setting(&mut connection, "min-replicas-to-write").await),
    ];
    if let Ok((seconds, micros)) = there {
        let there = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros);
        // It looked at its clock about half way.
        findings.push(clock(here + took / 2, there));
    }
    if target.is_cluster() {
        findings.push(slots(redis::cmd("CLUSTER").arg("INFO").query_async(&mut connection).await));
    }
    Ok(findings)
}

/// A setting, where the server lets us see it: managed services often do not.
async fn setting(connection: &mut MultiplexedConnection, name: &str) -> Option<String> {
    let answer: RedisResult<HashMap<String, String>> =
        redis::cmd("CONFIG").arg("GET").arg(name).query_async(connection).await;
    answer.ok()?.remove(name)
}

fn reached(target: &Target, info: &str, took: Duration) -> Finding {
    let seen = format!("{} at {target} answers in {:.1} ms", name(info), took.as_secs_f64() * 1e3);
    if took <= SLOW {
        return Finding::fine("redis", seen);
    }
    Finding::warning(
        "redis",
        format!("{seen}, and each append of tokens waits as long: run gateways and workers next to it"),
    )
}

fn memory(info: &str) -> Finding {
    let about = "redis memory";
    if let Some(policy) = evicts(info) {
        return Finding::problem(
            about,
            format!(
                "when memory is full it throws keys away (maxmemory-policy {policy}), and running streams with them: set \
                 maxmemory-policy noeviction"
            ),
        );
    }
    let number = |name| field(info, name).and_then(|value| value.parse::<u64>().ok()).unwrap_or_default();
    let (used, limit) = (number("used_memory"), number("maxmemory"));
    let mebibytes = |bytes: u64| bytes >> 20;
    if limit == 0 {
        return Finding::warning(
            about,
            format!(
                "{} MiB in use, and no limit: set maxmemory below what its machine has, so that a full Redis refuses new \
                 jobs and is not ended by the system",
                mebibytes(used)
            ),
        );
    }
    let seen = format!("{} of {} MiB in use, maxmemory-policy noeviction", mebibytes(used), mebibytes(limit));
    if used.saturating_mul(100) < limit.saturating_mul(FULL) {
        return Finding::fine(about, seen);
    }
    Finding::warning(about, format!("{seen}: give it more, or keep streams for shorter (worker.replay_ttl)"))
}

fn persistence(info: &str, sync: Option<String>) -> Finding {
    let about = "redis persistence";
    if keeps_no_log(info) {
        return Finding::warning(
            about,
            "it keeps no append-only file, so its restart loses all streams, jobs and stored responses: set appendonly yes",
        );
    }
    if field(info, "aof_last_write_status").is_some_and(|status| status != "ok") {
        return Finding::problem(
            about,
            "it failed to write its append-only file: look at its log, and whether its disk is full",
        );
    }
    let lost = match sync.as_deref() {
        Some("always") => "appendfsync always: nothing is lost",
        Some("everysec") => "appendfsync everysec: if its machine dies, about the last second is lost",
        Some("no") => {
            return Finding::warning(
                about,
                "appendonly yes, appendfsync no: if its machine dies, often 30 s are lost; set appendfsync everysec",
            );
        }
        _ => "how often it is synced cannot be seen from here",
    };
    Finding::fine(about, format!("appendonly yes, {lost}"))
}

fn replication(info: &str, at_least: Option<String>) -> Finding {
    let about = "redis replicas";
    if field(info, "role") == Some("slave") {
        return Finding::problem(
            about,
            "this is a replica, which takes no writes: set the URL of its master",
        );
    }
    let replicas = field(info, "connected_slaves").unwrap_or("0");
    match (replicas, at_least.as_deref()) {
        ("0", Some(n)) if n != "0" => Finding::problem(
            about,
            format!(
                "min-replicas-to-write is {n}, and there is no replica, so it takes no writes: start the replicas, or set it to 0"
            ),
        ),
        ("0", _) => Finding::fine(about, "none: when it dies, streams stall until it is back"),
        (_, Some("0")) => Finding::warning(
            about,
            format!(
                "{replicas}, but a master that is cut off from them goes on taking writes, which a fail-over loses: set \
                 min-replicas-to-write 1 and min-replicas-max-lag 1"
            ),
        ),
        (_, Some(n)) => Finding::fine(about, format!("{replicas}, min-replicas-to-write {n}")),
        (_, None) => {
            Finding::fine(about, format!("{replicas}; min-replicas-to-write cannot be seen from here"))
        }
    }
}

fn clock(here: SystemTime, there: SystemTime) -> Finding {
    let about = "redis clock";
    let ahead = there.duration_since(here);
    let apart = ahead.as_ref().map_or_else(|error| error.duration(), |ahead| *ahead);
    if apart < CLOCK_DIFFERS {
        return Finding::fine(about, format!("{} ms from this machine's", apart.as_millis()));
    }
    let word = if ahead.is_ok() { "ahead of" } else { "behind" };
    Finding::warning(
        about,
        format!(
            "{:.1} s {word} this machine's, so measured waits are wrong by that: synchronise both with NTP",
            apart.as_secs_f64()
        ),
    )
}

fn slots(info: RedisResult<String>) -> Finding {
    let about = "redis cluster";
    let Ok(info) = info else {
        return Finding::warning(
            about,
            "CLUSTER INFO is refused, so whether all slots are served is unknown",
        );
    };
    let told = |name| field(&info, name).unwrap_or("unknown");
    let seen = format!("{} of 16384 slots in {} masters", told("cluster_slots_ok"), told("cluster_size"));
    if told("cluster_state") == "ok" {
        return Finding::fine(about, seen);
    }
    Finding::problem(
        about,
        format!("{seen}, and it says that it is down: bring its masters back, or give their slots to others"),
    )
}

#[cfg(test)]
mod tests;
