//! A process from its start to its end, as its supervisor and its scraper see it.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Command,
    time::Duration,
};

use tokio::time::Instant;

use crate::support::{Running, narthex, outcome};

#[test]
fn dev_greets_serves_and_drains() {
    let (running, said) = Running::dev();
    let place = format!("http://{}/v1", running.listen.as_ref().unwrap());
    assert!(said.contains(&place) && said.contains("the model demo"), "{said}");
    assert!(!said.contains('\x1b'), "no colours in a pipe: {said}");

    assert_eq!(running.admin("/healthz"), (200, "alive\n".to_owned()));
    assert_eq!(running.admin("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(running.admin("/").0, 404);
    let admin = format!("http://{}", running.admin);
    assert_eq!(outcome(narthex(["health", "--admin", &admin])).0, 0);

    running.signal("TERM");
    assert_eq!(running.wait().code(), Some(0));
}

#[test]
fn the_command_to_try_first_works_as_it_is() {
    let (_running, said) = Running::dev();
    let (_, command) = said.split_once("curl -N").unwrap();
    let (command, _) = command.split_once("\n\n").unwrap();
    let (code, printed, _) = outcome({
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("curl -sN {command}")]);
        shell
    });
    assert_eq!(code, 0);
    assert!(
        printed.contains("event: response.completed") && printed.ends_with("data: [DONE]\n\n"),
        "{printed}"
    );
}

#[test]
fn a_drain_lets_streams_end() {
    let (running, _) = Running::dev();
    let mut stream = running.stream("demo:tokens=20 demo:slow=20ms");
    running.signal("TERM");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("event: response.completed") && rest.contains("data: [DONE]"), "{rest}");
    assert_eq!(running.wait().code(), Some(0));
}

#[test]
fn a_second_signal_does_not_wait() {
    let (running, _) = Running::dev();
    let _stream = running.stream("demo:hang");
    running.signal("TERM");
    while running.admin("/readyz") != (503, "draining\n".to_owned()) {}
    running.signal("TERM");
    assert_eq!(running.wait().code(), Some(143));
}

#[test]
fn metrics_name_the_build_and_measure_the_process() {
    let (running, _) = Running::dev();
    let (status, page) = running.admin("/metrics");
    assert_eq!(status, 200);
    assert!(page.ends_with("# EOF\n"));
    let version = concat!("narthex_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\",role=\"dev\"} 1\n");
    assert!(page.contains(version), "{page}");
    if cfg!(target_os = "linux") {
        for name in ["process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds "] {
            assert!(page.contains(&format!("\n{name}")), "{page}");
        }
    }
}

#[test]
fn what_pods_are_scaled_by_is_told_before_anybody_came() {
    let (running, _) = Running::dev();
    let (_, page) = running.admin("/metrics");
    for nothing in [
        r#"narthex_gateway_connections{transport="http"} 0"#,
        r#"narthex_gateway_connections{transport="websocket"} 0"#,
        r#"narthex_worker_running_responses{model="demo"} 0"#,
    ] {
        assert!(page.lines().any(|line| line == nothing), "no {nothing} in {page}");
    }
}

#[test]
fn a_taken_port_is_told_in_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, complaint) = outcome(narthex(["dev", "--listen", &address, "--log", "off"]));
    assert_eq!(code, 1);
    assert_eq!(
        complaint,
        format!(
            "error: cannot listen on {address}: another program uses this port: stop it, or choose another port \
             with --listen (0 takes a free one)\n"
        )
    );
}

#[test]
fn health_tells_why_not() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (code, _, complaint) = outcome(narthex(["health", "--admin", &format!("http://{closed}")]));
    assert_eq!(code, 1);
    assert!(complaint.contains("nobody answers"), "{complaint}");
}

/// Answers the first request with a list of one model, and returns what was asked.
fn tell_models(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut asked = [0; 4096];
    let length = stream.read(&mut asked).unwrap();
    let models = r#"{"data":[{"id":"tiny"}]}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    write!(stream, "{head}content-length: {}\r\n\r\n{models}", models.len()).unwrap();
    String::from_utf8_lossy(&asked[..length]).into_owned()
}

#[test]
fn a_model_server_may_come_up_later() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}/v1");
    let flags =
        ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--upstream-key-env", "TINY_KEY"];
    let mut command = narthex(["dev", "--upstream", &url].into_iter().chain(flags));
    command.env("TINY_KEY", "hunter2");
    let mut running = Running::start(command);
    let (status, reason) = running.admin("/readyz");
    assert_eq!(status, 503);
    assert!(reason.starts_with("starting: "), "{reason}");

    let asked = tell_models(&TcpListener::bind(address).unwrap());
    assert!(asked.starts_with("GET /v1/models ") && asked.contains("Bearer hunter2"), "{asked}");
    assert!(running.greeting().contains("the model tiny"));
    assert_eq!(running.admin("/readyz").0, 200);
}

#[test]
fn a_signal_ends_a_process_that_is_still_waiting() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}/v1");
    let flags = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let running = Running::start(narthex(["dev", "--upstream", &url].into_iter().chain(flags)));
    while !running.admin("/readyz").1.contains(&url) {}
    running.signal("INT");
    assert!(running.wait().success());
}

#[test]
fn a_client_that_reads_nothing_does_not_hold_its_connection() {
    let ports = ["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let short = ["--set", "gateway.ping_interval=500ms", "--set", "gateway.idle_timeout=1s"];
    let mut running = Running::start(narthex(ports.iter().chain(&short)));
    running.greeting();
    let connections = || {
        let (_, metrics) = running.admin("/metrics");
        let line =
            metrics.lines().find(|line| line.starts_with("narthex_gateway_connections{transport=\"http\"}"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).unwrap_or_default()
    };
    let stream = running.stream("demo:tokens=1000000 demo:slow=0ms");
    assert_eq!(connections(), 1);
    let begun = Instant::now();
    while connections() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the connection is still there");
        std::thread::yield_now();
    }
    drop(stream);
}

#[test]
fn what_is_too_much_for_the_memory_is_not_taken() {
    let ports = ["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let mut running =
        Running::start(narthex(ports.iter().chain(&["--set", "gateway.limits.max_memory=1MiB"])));
    running.greeting();
    let place = format!("http://{}/v1/responses", running.listen.as_ref().unwrap());
    let body = r#"{"model":"demo","input":"demo:tokens=1"}"#;
    let begun = Instant::now();
    let answer = loop {
        let (_, answer, _) = outcome({
            let mut curl = Command::new("curl");
            curl.args(["-si", &place, "-H", "content-type: application/json", "-d", body]);
            curl
        });
        // It is looked at twice a second.
        if answer.contains("503 Service Unavailable") || begun.elapsed() > Duration::from_secs(10) {
            break answer;
        }
    };
    assert!(answer.contains("retry-after") && answer.contains("overloaded"), "{answer}");
    let (_, metrics) = running.admin("/metrics");
    assert!(metrics.contains("narthex_gateway_limited_total{limit=\"overloaded\"} 1"), "{metrics}");
}
