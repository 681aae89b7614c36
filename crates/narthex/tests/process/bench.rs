//! `narthex bench`, as a person and a program read it.

use serde_json::Value;

use crate::support::{Running, narthex, outcome};

const SHORT: [&str; 6] = ["--streams", "4", "--ramp", "0s", "--duration", "1s"];

fn bench(running: &Running, arguments: &[&str]) -> (i32, String, String) {
    let url = format!("http://{}/v1", running.listen.as_ref().unwrap());
    outcome(narthex([&["bench", "--url", &url][..], &SHORT, arguments].concat()))
}

#[test]
fn a_server_is_loaded_by_several_processes_and_watched() {
    let (running, _) = Running::dev();
    let pid = format!("dev={}", running.pid());
    let arguments = ["--processes", "2", "--prompt", "demo:tokens=30 demo:slow=5ms", "--pid", &pid];
    let (code, said, complaint) = bench(&running, &[&arguments[..], &["--format", "json"]].concat());
    assert_eq!(code, 0, "{said} {complaint}");
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&report["connections"], &report["generators"]), (&4.into(), &2.into()), "{report:#}");
    assert!(report["completed"].as_u64() >= Some(4), "{report:#}");
    assert!(report["first_token"]["p50_ms"].as_f64() > Some(0.0), "{report:#}");
    assert_eq!(report["processes"][0]["name"], "dev");
    assert!(report["processes"][0]["cpu_us_per_token"].as_f64() > Some(0.0), "{report:#}");

    let (code, table, _) = bench(&running, &["--dialect", "proto", "--pid", &pid]);
    assert_eq!(code, 0, "{table}");
    for part in ["to the first token", "US/TOKEN", "lost 0, repeated 0, reordered 0, altered 0, failed 0"] {
        assert!(table.contains(part), "{table}");
    }
}

#[test]
fn what_goes_wrong_is_told() {
    let (running, _) = Running::dev();
    let (code, table, _) = bench(&running, &["--prompt", "demo:fail"]);
    assert_eq!(code, 1, "{table}");
    assert!(table.contains("times upstream_error"), "{table}");
    for (arguments, complaint) in [
        (
            &["--storm", "1s"][..],
            "streams are taken up again only in the dialects json, msgpack, proto and sse",
        ),
        (&["--dialect", "telegraph"], "it is one of websocket, json"),
        (&["--pid", "gateway=4294967295"], "it takes NAME=PID of a process on this machine"),
        (&["--url", "ftp://127.0.0.1/v1"], "write http://host:port/v1"),
        (&["--url", "https://127.0.0.1/v1", "--authorities-file", "Cargo.toml"], "no certificates in PEM"),
        (&["--authorities-file", "nowhere.pem"], "--authorities-file: cannot read nowhere.pem"),
    ] {
        let (code, said, error) = bench(&running, arguments);
        assert_eq!((code, &*said), (2, ""), "{arguments:?}: {error}");
        assert!(error.contains(complaint), "{arguments:?}: {error}");
    }
}
