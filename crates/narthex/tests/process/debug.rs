//! What a process says of its inside.

use std::process::Command;

use serde_json::Value;

use crate::support::{Running, outcome};

#[test]
fn a_profile_shows_where_the_time_goes() {
    let (running, _) = Running::dev();
    let _busy = running.stream("demo:tokens=1000000 demo:slow=0ms");
    let (status, folded) = running.admin("/debug/pprof/profile?seconds=2&format=folded");
    assert_eq!(status, 200, "{folded}");
    let of_runtime = folded.lines().find(|line| line.contains("tokio::runtime"));
    let (stack, count) = of_runtime.unwrap_or_else(|| panic!("{folded}")).rsplit_once(' ').unwrap();
    assert!(stack.split(';').count() > 3, "{stack}");
    assert!(count.parse::<u64>().unwrap() > 0);
}

#[test]
fn what_cannot_be_profiled_is_told() {
    let (running, _) = Running::dev();
    for query in ["seconds=0", "seconds=121", "seconds=x", "format=svg", "second=1"] {
        let (status, page) = running.admin(&format!("/debug/pprof/profile?{query}"));
        assert_eq!(status, 400, "{query}");
        assert!(page.starts_with("`seconds` is 1 to 120"), "{page}");
    }
    std::thread::scope(|scope| {
        let both =
            [0, 1].map(|_| scope.spawn(|| running.admin("/debug/pprof/profile?seconds=1&format=folded").0));
        let mut both = both.map(|one| one.join().unwrap());
        both.sort_unstable();
        assert_eq!(both, [200, 409], "one at a time");
    });
    assert_eq!(running.admin("/debug/").0, 404);
}

#[test]
fn the_log_is_changed_while_it_runs() {
    let (running, _) = Running::dev();
    let put = |filter: &str| {
        let place = format!("http://{}/log", running.admin);
        let arguments = ["-s", "-X", "PUT", "--data", filter, "-w", "%{http_code}", &place];
        outcome({
            let mut curl = Command::new("curl");
            curl.args(arguments);
            curl
        })
        .1
    };
    assert_eq!(put("warn,gateway=debug"), "gateway=debug,warn\n200");
    assert_eq!(running.admin("/log"), (200, "gateway=debug,warn\n".to_owned()));
    let refused = put("gateway=loud");
    assert!(refused.contains("is no log filter") && refused.ends_with("400"), "{refused}");
    assert_eq!(running.admin("/log").1, "gateway=debug,warn\n", "the old one stays");
}

#[test]
fn memory_and_runtime_are_told() {
    let (running, _) = Running::dev();
    let told = |path: &str| -> Value {
        let (status, page) = running.admin(path);
        assert_eq!(status, 200, "{page}");
        serde_json::from_str(&page).unwrap()
    };
    let memory = told("/debug/memory");
    let bytes = |name: &str| memory[name].as_u64().unwrap();
    assert!(bytes("allocated_bytes") > 0 && bytes("resident_bytes") >= bytes("allocated_bytes"), "{memory}");
    let runtime = told("/debug/runtime");
    assert!(runtime["tasks"].as_u64().unwrap() > 0 && !runtime["threads"].as_array().unwrap().is_empty());
}
