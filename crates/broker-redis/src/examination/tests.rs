use std::time::{Duration, SystemTime};

use broker::{Finding, Verdict};

use super::{clock, memory, persistence, replication};

fn told(finding: Finding, verdict: Verdict, words: &str) {
    assert_eq!(finding.verdict, verdict, "{finding:?}");
    assert!(finding.sentence.contains(words), "{finding:?}");
}

#[test]
fn memory_must_not_be_had_by_throwing_streams_away() {
    told(memory("maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n"), Verdict::Problem, "set maxmemory-policy");
    let of_hundred =
        |used: u64| format!("used_memory:{used}\r\nmaxmemory:104857600\r\nmaxmemory_policy:noeviction\r\n");
    told(memory(&of_hundred(79 << 20)), Verdict::Fine, "79 of 100 MiB");
    told(memory(&of_hundred(80 << 20)), Verdict::Warning, "worker.replay_ttl");
    told(memory("used_memory:1048576\r\nmaxmemory:0\r\n"), Verdict::Warning, "set maxmemory below");
}

#[test]
fn what_a_restart_loses_is_told() {
    let kept = "loading:0\r\naof_enabled:1\r\naof_last_write_status:ok\r\n";
    let sync = |word: &str| persistence(kept, Some(word.to_owned()));
    told(sync("always"), Verdict::Fine, "nothing is lost");
    told(sync("everysec"), Verdict::Fine, "last second");
    told(sync("no"), Verdict::Warning, "set appendfsync everysec");
    told(persistence(kept, None), Verdict::Fine, "cannot be seen");
    told(persistence("aof_enabled:0\r\n", None), Verdict::Warning, "set appendonly yes");
    told(
        persistence("aof_enabled:1\r\naof_last_write_status:err\r\n", None),
        Verdict::Problem,
        "disk is full",
    );
}

#[test]
fn replicas_count_only_if_they_are_waited_for() {
    let with = |replicas: &str, at_least: &str| {
        replication(&format!("role:master\r\nconnected_slaves:{replicas}\r\n"), Some(at_least.to_owned()))
    };
    told(with("0", "0"), Verdict::Fine, "none");
    told(with("0", "1"), Verdict::Problem, "takes no writes");
    told(with("2", "0"), Verdict::Warning, "min-replicas-to-write 1");
    told(with("2", "1"), Verdict::Fine, "2, min-replicas-to-write 1");
    told(replication("role:slave\r\n", None), Verdict::Problem, "its master");
}

#[test]
fn clocks_that_differ_are_told_which_way() {
    let (now, long) = (SystemTime::now(), Duration::from_millis(1_500));
    told(clock(now, now + Duration::from_millis(999)), Verdict::Fine, "999 ms");
    told(clock(now, now + long), Verdict::Warning, "1.5 s ahead of");
    told(clock(now + long, now), Verdict::Warning, "1.5 s behind");
}
