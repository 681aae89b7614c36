//! What a process says of its inside.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    process::Command,
    sync::mpsc,
    thread,
};

use serde_json::Value;

use crate::support::{Running, narthex, outcome};

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

/// How long an input is that is worth remembering.
const INPUT: usize = 200_000;

/// Has the process remember more and more, for whoever may continue a response, until `profile` is done.
fn while_it_remembers<T: Send>(running: &Running, profile: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let profile = scope.spawn(profile);
        while !profile.is_finished() {
            running.stream(&format!("demo:tokens=1 {}", "x".repeat(INPUT)));
        }
        profile.join().unwrap()
    })
}

/// Bytes and stack of each line.
fn held(folded: &str) -> Vec<(u64, &str)> {
    let line = |line| {
        let (stack, bytes) = str::rsplit_once(line, ' ').unwrap();
        (bytes.parse().unwrap(), stack)
    };
    folded.lines().map(line).collect()
}

#[test]
fn a_heap_profile_shows_who_holds_the_memory() {
    const HEAP: &str = "/debug/pprof/heap?seconds=1&format=folded";
    let (running, _) = Running::dev();
    let (status, folded) = while_it_remembers(&running, || running.admin(HEAP));
    assert_eq!(status, 200, "{folded}");
    let told = held(&folded);
    let total = |told: &[(u64, &str)]| told.iter().map(|(bytes, _)| bytes).sum::<u64>();
    assert!(total(&told) > 4 * INPUT as u64, "{folded}");
    let most = told.iter().max().unwrap().1;
    assert!(most.contains("gateway::") && !most.contains("_rjem_"), "{most}");
    let (status, folded) = running.admin(HEAP);
    assert_eq!(status, 200, "{folded}");
    assert!(total(&held(&folded)) < total(&told) / 2, "of what was before it knows nothing: {folded}");
}

/// Where there is a Go, as it is what people read profiles with.
#[test]
fn a_heap_profile_is_read_by_go() {
    let is_there = |go: &&str| Command::new(go).arg("version").output().is_ok();
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.venv/bin/go");
    let Some(go) = ["go", own].into_iter().find(is_there) else { return };
    let (running, _) = Running::dev();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("heap");
    let place = format!("http://{}/debug/pprof/heap?seconds=1", running.admin);
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", &place, "--output"]).arg(&file);
    assert_eq!(while_it_remembers(&running, || outcome(curl).0), 0);
    let mut pprof = Command::new(go);
    pprof.args(["tool", "pprof", "-top", "-cum"]).arg(file).env("PPROF_TMPDIR", directory.path());
    let (code, page, errors) = outcome(pprof);
    assert_eq!(code, 0, "{errors}");
    assert!(page.contains("Type: inuse_space\n") && page.contains("gateway::"), "{page}");
}

#[test]
fn what_cannot_be_profiled_is_told() {
    let (running, _) = Running::dev();
    for query in ["seconds=0", "seconds=121", "seconds=x", "format=svg", "second=1"] {
        for kind in ["profile", "heap"] {
            let (status, page) = running.admin(&format!("/debug/pprof/{kind}?{query}"));
            assert_eq!(status, 400, "{query}");
            assert!(page.starts_with("`seconds` is 1 to 120"), "{page}");
        }
    }
    thread::scope(|scope| {
        let both =
            [0, 1].map(|_| scope.spawn(|| running.admin("/debug/pprof/profile?seconds=1&format=folded").0));
        let mut both = both.map(|one| one.join().unwrap());
        both.sort_unstable();
        assert_eq!(both, [200, 409], "one at a time");
    });
    assert_eq!(running.admin("/debug/").0, 404);
}

#[test]
fn a_profile_ends_with_who_asked_for_it() {
    let (running, _) = Running::dev();
    for kind in ["profile", "heap"] {
        let request = format!("GET /debug/pprof/{kind}?seconds=120 HTTP/1.1\r\nhost: admin\r\n\r\n");
        let ask = || {
            let mut client = TcpStream::connect(&running.admin).unwrap();
            client.write_all(request.as_bytes()).unwrap();
            client
        };
        // Whichever comes first is profiled for. The other one is told so at once, and so it is known that the first has begun.
        let clients = [ask(), ask()];
        let (answered, answers) = mpsc::channel();
        for (place, client) in clients.iter().enumerate() {
            let (mut client, answered) = (client.try_clone().unwrap(), answered.clone());
            thread::spawn(move || {
                let mut status = [0; 12];
                let read = client.read_exact(&mut status);
                // The test may be over.
                let _ = answered.send((place, read.map(|()| status)));
            });
        }
        let (refused, status) = answers.recv().unwrap();
        assert_eq!(&status.unwrap(), b"HTTP/1.1 409");
        clients[1 - refused].shutdown(Shutdown::Both).unwrap();
        let next = || running.admin(&format!("/debug/pprof/{kind}?seconds=1&format=folded")).0;
        assert!((0..5_000).any(|_| next() == 200), "it goes on");
    }
}

#[test]
fn an_allocator_that_was_not_prepared_tells_no_heap_profile() {
    let mut command = narthex(["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.env("_RJEM_MALLOC_CONF", "prof:false");
    let (status, page) = Running::start(command).admin("/debug/pprof/heap?seconds=1");
    assert_eq!(status, 500);
    assert!(page.contains("_RJEM_MALLOC_CONF=prof:true"), "{page}");
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
