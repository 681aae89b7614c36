//! What people and programs read of an examination.

use std::{future::pending, time::Duration};

use broker::{Finding, Verdict};

use super::{PATIENCE, in_time, to_json, to_table};

#[test]
fn each_check_is_a_line() {
    let findings = [
        Finding::fine("redis", "version 7"),
        Finding::warning("redis memory", "no limit: set maxmemory"),
        Finding::problem("upstream.0", "a\u{1b}b\nc"),
    ];
    let table = anstream::adapter::strip_str(&to_table(&findings)).to_string();
    assert_eq!(
        table,
        "STATUS   CHECK         FOUND\nok       redis         version 7\nwarning  redis memory  no limit: set maxmemory\n\
         problem  upstream.0    a\\u{1b}b\\nc\n"
    );
    let told = to_json(&findings);
    assert_eq!((&told["problems"], &told["warnings"]), (&1.into(), &1.into()));
    assert_eq!(told["checks"][1]["status"], "warning");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_does_not_end_is_a_problem() {
    let begin = tokio::time::Instant::now();
    let findings = in_time("broker", pending()).await;
    assert_eq!(begin.elapsed().as_secs(), PATIENCE.as_secs());
    assert_eq!((findings[0].verdict, &*findings[0].about), (Verdict::Problem, "broker"));
    assert!(PATIENCE <= Duration::from_secs(5));
}
