//! What a person reads who sets something, or sets something wrong.

use crate::support::{narthex, outcome};

fn file(text: &str) -> (std::path::PathBuf, String) {
    let directory = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = directory.join(format!("{}.toml", std::thread::current().name().unwrap().replace("::", "-")));
    std::fs::write(&path, text).unwrap();
    let name = path.display().to_string();
    (path, name)
}

#[test]
fn config_tells_what_counts_and_who_said_so() {
    let (_, name) = file("log = \"debug\"\n\n[gateway]\ngrace = \"90s\"\n");
    let mut command = narthex(["config", "--config", &name, "--listen", "127.0.0.1:0"]);
    command.env("NARTHEX_WORKER__LEASE", "3s");
    let (code, printed, _) = outcome(command);
    assert_eq!(code, 0);
    let line = |start: &str| {
        let line = printed.lines().find(|line| line.starts_with(start)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("log ="), format!("log = \"debug\" # from {name}:1"));
    assert_eq!(line("grace ="), format!("grace = \"90s\" # from {name}:4"));
    assert_eq!(line("lease ="), "lease = \"3s\" # from NARTHEX_WORKER__LEASE");
    assert_eq!(line("listen ="), "listen = \"127.0.0.1:0\" # from --listen");
    assert_eq!(line("admin_listen ="), "admin_listen = \"127.0.0.1:9090\" # default");
}

#[test]
fn config_speaks_to_programs_too() {
    let (_, name) = file("[[upstream]]\nurl = \"http://one/v1\"\napi_key = \"hunter2\"\n");
    let mut command = narthex(["config", "--format", "json"]);
    command.env("NARTHEX_CONFIG", &name);
    let (_, printed, _) = outcome(command);
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["settings"]["upstream"][0]["url"], "http://one/v1");
    assert_eq!(printed["settings"]["upstream"][0]["api_key"], "***");
    assert_eq!(printed["settings"]["gateway"]["limits"]["max_lanes"], 32);
    assert_eq!(printed["origins"]["upstream.0.url"], format!("{name}:2"));
    assert_eq!(printed["origins"]["gateway.grace"], "default");
}

#[test]
fn what_cannot_start_says_so_and_exits_with_2() {
    let (_, name) = file("[gateway]\ngrce = \"90s\"\n");
    let cases: [(&[&str], String); 12] = [
        (
            &["gateway", "--config", &name],
            format!("error: {name}:2: `gateway.grce` is no setting; did you mean `gateway.grace`?\n"),
        ),
        (
            &["gateway", "--config", "/nowhere/narthex.toml"],
            "error: cannot read the configuration file /nowhere/narthex.toml: No such file or directory (os error 2); \
             check the path given with --config or NARTHEX_CONFIG\n"
                .to_owned(),
        ),
        (
            &["gateway", "--auth", "none"],
            "error: a separate gateway cannot use the memory broker, which lives inside one process: set --broker \
             redis://host:6379, or run `narthex dev`, which is gateway and worker in one\n"
                .to_owned(),
        ),
        (
            &["gateway", "--broker", "redis://localhost", "--auth", "none", "--listen", "0.0.0.0:0"],
            "error: on 0.0.0.0:0 anyone could use the models without authentication (auth.mode is `none`): set \
             auth.keys.file or [[auth.jwt]], listen on 127.0.0.1, or, for a trial behind a boundary of its own, set \
             auth.allow_none_beyond_loopback = true (--insecure-allow-remote-none)\nerror: on 0.0.0.0:0 keys and answers \
             could be read on their way: set tls.certificate_file and tls.key_file; or, behind a proxy that ends TLS, \
             proxy.addresses to where it is; or, for a trial on a network of its own, \
             tls.allow_plain_beyond_loopback = true (--insecure-allow-remote-plain)\n"
                .to_owned(),
        ),
        (
            &["gateway", "--broker", "redis://localhost"],
            "error: a gateway must know its callers: set auth.keys.file (`narthex keys make` makes a key) or [[auth.jwt]]; \
             or, for a trial on this machine, --auth none\n"
                .to_owned(),
        ),
        (
            &["gateway", "--broker", "redis://localhost", "--keys-file", "/nowhere/keys.toml", "--auth", "none"],
            "error: auth.mode is `none`, but auth.keys.file is set: remove one of the two\n".to_owned(),
        ),
        (
            &["keys", "list"],
            "error: where are the keys? Name their file with --keys-file FILE, or set auth.keys.file\n".to_owned(),
        ),
        (
            &["jobs", "show", "resp_0000000000000000000000000000000000ff"],
            "error: the memory broker keeps its jobs inside the process that runs it, where no other can look: set \
             --broker to the one that gateways and workers share, such as redis://host:6379\n"
                .to_owned(),
        ),
        (
            &["jobs", "--broker", "redis://localhost", "--state", "dead", "drop", "resp_0000000000000000000000000000000000ff"],
            "error: --model, --state, --stuck-after and --max say what to list: write them after `list`\n".to_owned(),
        ),
        (&["gateway", "--auth", "jwt"], "error: --auth: \"jwt\" is not `none` or `required`\n".to_owned()),
        (
            &["worker", "--broker", "kafkas://host:9093/narthex", "--upstream", "demo"],
            "error: broker: what follows `kafka://` or `kafkas://` is `host:port`, or several with commas, and nothing \
             else but `user:password@` before them\n"
                .to_owned(),
        ),
        (
            &["dev", "--upstream", "http://a", "--upstream", "http://b", "--model", "m"],
            "error: --model cannot tell which of several --upstream has the model: list the model servers as \
             [[upstream]] in a file, each with its `models`, and give it with --config\n"
                .to_owned(),
        ),
    ];
    for (arguments, complaint) in cases {
        assert_eq!(outcome(narthex(arguments)), (2, String::new(), complaint), "{arguments:?}");
    }
}

#[test]
fn a_key_is_read_where_it_is_said_to_be() {
    let missing = ["dev", "--upstream", "http://localhost:1/v1", "--upstream-key-env", "NO_SUCH_KEY"];
    let ports = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log", "off"];
    let (code, _, complaint) = outcome(narthex(missing.into_iter().chain(ports)));
    assert_eq!(code, 2);
    assert_eq!(
        complaint,
        "error: upstream.0.api_key_env names the variable NO_SUCH_KEY, which is not set: set it to the key, or to nothing \
         if there is none\n"
    );
}

#[test]
fn config_can_tell_whether_a_role_could_start() {
    let (code, _, complaint) =
        outcome(narthex(["config", "--check", "worker", "--broker", "redis://localhost"]));
    assert_eq!(code, 2);
    assert!(complaint.contains("--upstream URL"), "{complaint}");
    assert_eq!(
        outcome(narthex(["config", "--check", "gateway", "--broker", "redis://localhost", "--auth", "none"]))
            .0,
        0
    );
}

#[test]
fn help_teaches() {
    let (code, help, _) = outcome(narthex(["--help"]));
    assert_eq!(code, 0);
    assert!(help.contains("narthex dev --upstream http://localhost:11434/v1"), "{help}");
    let (code, help, _) = outcome(narthex(["jobs", "--help"]));
    assert_eq!(code, 0);
    assert!(help.contains("narthex jobs retry resp_") && help.contains("A job is stuck if"), "{help}");
    assert_eq!(outcome(narthex(["--version"])).1, concat!("narthex ", env!("CARGO_PKG_VERSION"), "\n"));
}
