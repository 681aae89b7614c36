//! What the layers say together, what is printed of it, and what is complained about.

use std::{ffi::OsString, time::Duration};

use super::{
    BrokerUrl, Config, Effective, EngineKind, Layer, Origin, Role, catalogue::settings, environment, file,
    load, units,
};
use crate::failure::Failure;

fn from_file(text: &str) -> Layer {
    file::parse("narthex.toml", text).unwrap()
}

fn from_environment(variables: &[(&str, &str)]) -> Layer {
    environment::read(variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))))
        .unwrap()
}

fn from_flags(flags: &[(&str, &str)]) -> Layer {
    let mut layer = Layer::default();
    for (key, value) in flags {
        layer.give(*key, *value, Origin::Flag("--set"));
    }
    layer
}

fn origin<'a>(effective: &'a Effective, key: &str) -> &'a Origin {
    effective.origins.get(key).unwrap_or(&Origin::Default)
}

fn complaints(layers: impl IntoIterator<Item = Layer>) -> String {
    load(layers).unwrap_err().to_string()
}

#[test]
fn nothing_said_is_all_defaults() {
    let effective = load([]).unwrap();
    assert!(effective.origins.is_empty());
    assert_eq!(effective.config.gateway.grace, gateway::Config::default().grace);
    assert_eq!(effective.config.broker, BrokerUrl::Memory);
}

#[test]
fn later_layers_count_more() {
    let file = "[gateway]\ngrace = \"1s\"\nping_interval = \"1s\"\nidle_timeout = \"1s\"\n";
    let variables = [("NARTHEX_GATEWAY__GRACE", "2s"), ("NARTHEX_GATEWAY__PING_INTERVAL", "2s")];
    let effective =
        load([from_file(file), from_environment(&variables), from_flags(&[("gateway.grace", "3s")])])
            .unwrap();
    let gateway = &effective.config.gateway;
    assert_eq!(
        [gateway.grace, gateway.ping_interval, gateway.idle_timeout],
        [3, 2, 1].map(Duration::from_secs)
    );
    assert_eq!(origin(&effective, "gateway.grace"), &Origin::Flag("--set"));
    assert_eq!(origin(&effective, "gateway.ping_interval").to_string(), "NARTHEX_GATEWAY__PING_INTERVAL");
    assert_eq!(origin(&effective, "gateway.idle_timeout").to_string(), "narthex.toml:4");
    assert_eq!(origin(&effective, "gateway.store_ttl"), &Origin::Default);
}

#[test]
fn upstreams_come_with_their_models() {
    let file = r#"
        [[upstream]]
        url = "http://one/v1"
        concurrency = 3
        models = ["a", { name = "b", upstream_name = "b-2", concurrency = 1, timeouts.response = "7s" }]

        [[upstream]]
        engine = "responses"
        url = "https://two/v1"
    "#;
    let config = load([from_file(file)]).unwrap().config;
    let [one, two] = config.upstream.as_slice() else { panic!("two upstreams") };
    let served: Vec<_> = one.models.iter().map(|model| one.serve(model)).collect();
    assert_eq!(
        (served[0].name.as_str(), served[0].upstream_name.as_str(), served[0].concurrency),
        ("a", "a", 3)
    );
    assert_eq!(
        (served[1].name.as_str(), served[1].upstream_name.as_str(), served[1].concurrency),
        ("b", "b-2", 1)
    );
    assert_eq!(served[1].timeouts.response, Duration::from_secs(7));
    assert_eq!(served[1].timeouts.first_token, one.timeouts.first_token);
    assert_eq!(two.engine, EngineKind::Responses);
    assert!(two.models.is_empty());
}

#[test]
fn a_layer_that_says_a_list_in_another_form_replaces_it() {
    let file =
        from_file("[[upstream]]\nurl = \"http://one/v1\"\nmodels = [{ name = \"a\" }, { name = \"b\" }]\n");
    let discover = from_environment(&[("NARTHEX_UPSTREAM__0__MODELS", "discover")]);
    assert!(load([file.clone(), discover]).unwrap().config.upstream[0].models.is_empty());
    let bare = from_environment(&[("NARTHEX_UPSTREAM__0__MODELS__0", "c")]);
    let config = load([file, bare]).unwrap().config;
    let names: Vec<_> = config.upstream[0].models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["c", "b"]);
}

#[test]
fn a_layer_that_gives_a_list_whole_takes_nothing_from_below() {
    let file = from_file("[[upstream]]\nurl = \"http://one/v1\"\napi_key = \"sk-secret\"\n");
    let mut flags = Layer::default();
    flags.replace("upstream");
    flags.give("upstream.0.url", "http://two/v1", Origin::Flag("--upstream"));
    let config = load([file, flags]).unwrap().config;
    assert_eq!(config.upstream.len(), 1);
    assert_eq!(config.upstream[0].server.base_url, "http://two/v1");
    assert_eq!(config.upstream[0].api_key.value, None);
}

#[test]
fn unknown_settings_are_named_with_what_was_probably_meant() {
    let cases = [
        (
            "[gateway]\n\ngrce = \"1s\"\n",
            "narthex.toml:3: `gateway.grce` is no setting; did you mean `gateway.grace`?",
        ),
        ("lease = \"1s\"\n", "narthex.toml:1: `lease` is no setting; did you mean `worker.lease`?"),
        (
            "[[upstream]]\nurl = \"http://one/v1\"\n[[upstream]]\nmodells = \"discover\"\n",
            "narthex.toml:4: `upstream.1.modells` is no setting; did you mean `upstream.1.models`?",
        ),
        (
            "gateway = 3\n",
            "narthex.toml:1: `gateway` is a table; set what is in it, such as `gateway.handshake_timeout`",
        ),
        ("colour = \"red\"\n", "narthex.toml:1: `colour` is no setting; `narthex config` lists all of them"),
    ];
    for (text, complaint) in cases {
        assert_eq!(complaints([from_file(text)]), complaint);
    }
    assert_eq!(
        complaints([from_environment(&[("NARTHEX_GATEWAY_GRACE", "1s")])]),
        "NARTHEX_GATEWAY_GRACE is no setting; did you mean NARTHEX_GATEWAY__GRACE?"
    );
}

#[test]
fn wrong_values_are_named_with_what_is_expected() {
    let cases = [
        (
            "gateway.grace = 60\n",
            "narthex.toml:1: `gateway.grace` is \"60\", but must be a number with its unit, such as `30s`, `5m` or `250ms`",
        ),
        (
            "gateway.max_message_bytes = \"1 mile\"\n",
            "narthex.toml:1: `gateway.max_message_bytes` is \"1 mile\", but must be a size above zero, such as `64KiB` or `1MiB`",
        ),
        (
            "worker.max_attempts = 0\n",
            "narthex.toml:1: `worker.max_attempts` is \"0\", but must be a whole number, above zero",
        ),
        (
            "log_format = \"xml\"\n",
            "narthex.toml:1: `log_format` is \"xml\", but must be `auto`, `text` or `json`",
        ),
        (
            "upstream = [{ models = [] }]\n",
            "narthex.toml:1: `upstream.0.models` is \"[]\", but must be `discover`, or a list of names, or of tables with a `name`",
        ),
    ];
    for (text, complaint) in cases {
        assert_eq!(complaints([from_file(text)]), complaint);
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text =
        complaints([from_file("colour = 1\nlog_format = 2\n"), from_flags(&[("worker.lease", "soon")])]);
    assert_eq!(text.lines().count(), 3);
}

#[test]
fn broken_toml_is_told_with_its_line() {
    let failure = file::parse("narthex.toml", "listen = \"127.0.0.1:0\"\nbroker = \n").unwrap_err();
    assert!(failure.to_string().starts_with("narthex.toml:2: this is not valid TOML: "), "{failure}");
}

#[test]
fn secrets_never_show() {
    let file = "broker = \"redis://user:hunter2@host:6379\"\n[[upstream]]\nurl = \"http://one/v1\"\napi_key = \"hunter2\"\n\
                headers = [{ name = \"x-key\", value = \"hunter2\" }]\n[kafka.sasl]\npassword = \"hunter2\"\n";
    let effective = load([from_file(file)]).unwrap();
    assert_eq!(effective.config.broker, BrokerUrl::Redis("redis://user:hunter2@host:6379".to_owned()));
    assert_eq!(effective.config.upstream[0].api_key.value.as_ref().unwrap().reveal(), "hunter2");
    assert!(!format!("{effective:?}").contains("hunter2"));
    for shown in [effective.to_toml(), effective.to_json().to_string()] {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(shown.matches("***").count(), 4, "{shown}");
    }
    let wrong = "broker = \"redys://user:hunter2@host\"\n[[upstream]]\napi_key = \"\"\n";
    assert!(!complaints([from_file(wrong)]).contains("hunter2"));
    let typed = complaints([from_flags(&[("upstream.0.api_key", "hunter2")])]);
    assert!(typed.contains("NARTHEX_UPSTREAM__0__API_KEY") && !typed.contains("hunter2"), "{typed}");
}

#[test]
fn a_printed_mask_is_not_taken_for_a_secret() {
    let text =
        complaints([from_file("broker = \"redis://user:***@host\"\nupstream = [{ api_key = \"***\" }]\n")]);
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn what_is_printed_can_be_read_again() {
    let file = r#"
        log = "info,gateway=debug"
        broker = "rediss://host:6380"
        [[upstream]]
        url = "http://one/v1"
        models = ["a", { name = "b", timeouts.first_token = "1500ms" }]
        [[upstream]]
        engine = "demo"
    "#;
    let first = load([from_file(file)]).unwrap();
    let again = load([from_file(&first.to_toml())]).unwrap();
    assert_eq!(format!("{:?}", again.config), format!("{:?}", first.config));
    assert_eq!(again.to_json()["settings"], first.to_json()["settings"]);
}

#[test]
fn every_setting_can_be_set_by_what_it_shows() {
    let mut config = Config::default();
    for setting in settings() {
        let mut place = (setting.place)(&mut config, &[0, 0]);
        let Some(shown) = place.show() else { continue };
        if place.is_secret() {
            continue;
        }
        let entries = || {
            Some(shown.as_array()?.iter().filter_map(|entry| entry.as_str()).collect::<Vec<_>>().join(","))
        };
        let text =
            entries().or_else(|| Some(shown.as_str()?.to_owned())).unwrap_or_else(|| shown.to_string());
        place.set(&text).unwrap_or_else(|expected| panic!("{} = {text}: expected {expected}", setting.key));
        assert_eq!(place.show(), Some(shown), "{}", setting.key);
    }
}

#[test]
fn variables_of_clients_and_those_that_kubernetes_makes_up_are_not_settings() {
    let variables = [
        ("NARTHEX_GATEWAY_SERVICE_HOST", "10.0.0.1"),
        ("NARTHEX_GATEWAY_SERVICE_PORT", "8080"),
        ("NARTHEX_GATEWAY_SERVICE_PORT_HTTP", "8080"),
        ("NARTHEX_GATEWAY_PORT", "tcp://10.0.0.1:8080"),
        ("NARTHEX_GATEWAY_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("NARTHEX_GATEWAY_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("NARTHEX_PORT_8080_TCP_PROTO", "tcp"),
        ("NARTHEX_CONFIG", "/etc/narthex.toml"),
        ("NARTHEX_API_KEY", "nk_of_a_client"),
        ("PATH", "/bin"),
    ];
    assert!(load([from_environment(&variables)]).unwrap().origins.is_empty());
    // No setting may ever look like one of those, or it could not be set by a variable.
    for setting in settings() {
        let name = environment::variable_of(&setting.key.replace('*', "0"));
        let text = (setting.place)(&mut Config::default(), &[0, 0])
            .show()
            .map_or_else(String::new, |v| v.to_string());
        assert_eq!(from_environment(&[(name.as_str(), text.as_str())]).given.len(), 1, "{name}");
    }
}

#[test]
fn durations_and_sizes_are_written_as_they_are_read() {
    for text in ["0s", "1ms", "2500ms", "90s", "1h", "1d", "30d", "25h"] {
        assert_eq!(units::write_duration(units::read_duration(text).unwrap()), text);
    }
    for text in ["0B", "1B", "1000B", "1KiB", "1536KiB", "1MiB", "3GiB"] {
        assert_eq!(units::write_size(units::read_size(text).unwrap()), text);
    }
    assert_eq!(units::read_size("2 MB"), Some(2_000_000));
    assert_eq!(units::read_size("2mib"), Some(2 << 20));
    for wrong in ["", "MiB", "1.5MiB", "1 mile", "-1B", "99999999999999999999GiB"] {
        assert_eq!(units::read_size(wrong), None, "{wrong}");
    }
}

fn role(role: Role, text: &str) -> Result<Config, Failure> {
    load([from_file(text)]).unwrap().config.for_role(role)
}

#[test]
fn dev_needs_nothing() {
    let config = role(Role::Dev, "").unwrap();
    assert_eq!(config.upstream[0].engine, EngineKind::Demo);
}

#[test]
fn separate_roles_need_a_shared_broker() {
    for who in [Role::Gateway, Role::Worker] {
        let text = role(who, "").unwrap_err().to_string();
        assert!(text.contains("--broker redis://"), "{text}");
    }
}

#[test]
fn beside_kafka_only_redis_keeps_state() {
    let text = "auth.mode = \"none\"\nbroker = \"kafka://one:9092,two:9092\"\nkafka.store = \"redis://:hunter2@host\"\n";
    let config = role(Role::Gateway, text).unwrap();
    assert_eq!(config.kafka.store.as_ref().unwrap().reveal(), "redis://:hunter2@host");
    for (is_gateway, homes) in [(true, 2), (false, 0)] {
        let settings = config.kafka.settings("kafka://one:9092,two:9092/", is_gateway, |_| None).unwrap();
        assert_eq!((&*settings.bootstrap_servers, settings.home_partitions), ("one:9092,two:9092", homes));
    }
    for other in ["memory", "kafka://host:9092", "redis://"] {
        load([from_file(&format!("kafka.store = \"{other}\"\n"))]).unwrap_err();
    }
}

#[test]
fn beyond_this_machine_callers_are_known_and_encrypted() {
    let redis = "broker = \"redis://host\"\n";
    let none = "broker = \"redis://host\"\nauth.mode = \"none\"\n";
    let guarded = [
        "tls.allow_plain_beyond_loopback = true",
        "proxy.addresses = [\"10.0.0.0/8\", \"fd00::/8\"]",
        "[tls]\ncertificate_file = \"c.pem\"\nkey_file = \"k.pem\"",
    ];
    for open in ["0.0.0.0:8080", "[::]:8080", "192.168.1.2:8080", "[::ffff:10.0.0.1]:8080"] {
        let text = role(Role::Gateway, &format!("{none}listen = \"{open}\"\n")).unwrap_err().to_string();
        assert!(text.contains("auth.allow_none_beyond_loopback"), "{text}");
        assert!(text.contains("tls.allow_plain_beyond_loopback"), "{text}");
        // With a way to tell callers apart, or with an operator's word.
        for known in [
            format!("{none}listen = \"{open}\"\nauth.allow_none_beyond_loopback = true\n"),
            format!("{redis}listen = \"{open}\"\nauth.keys.file = \"k\"\n"),
        ] {
            for guarded in guarded {
                role(Role::Gateway, &format!("{known}{guarded}\n")).unwrap();
            }
        }
        role(Role::Dev, &format!("listen = \"{open}\"\ntls.allow_plain_beyond_loopback = true\n"))
            .unwrap_err();
    }
    for closed in ["127.0.0.1:0", "127.1.2.3:8080", "[::1]:8080", "[::ffff:127.0.0.1]:8080"] {
        role(Role::Gateway, &format!("{none}listen = \"{closed}\"\n")).unwrap();
        role(Role::Dev, &format!("listen = \"{closed}\"\n")).unwrap();
    }
    for half in ["tls.key_file = \"k.pem\"", "tls.client_authorities_file = \"a.pem\""] {
        let text = role(Role::Gateway, &format!("{redis}{half}\n")).unwrap_err().to_string();
        assert!(text.contains("tls.certificate_file"), "{text}");
    }
}

#[test]
fn lists_are_written_in_either_way() {
    let networks = |text: &str| load([from_file(text)]).unwrap().config.gateway.proxies.addresses;
    let both = networks("proxy.addresses = [\"10.0.0.0/8\", \"fd00::/8\"]\n");
    assert_eq!(both.len(), 2);
    assert_eq!(networks("proxy.addresses = \"10.0.0.0/8, fd00::/8\"\n"), both);
    assert_eq!(networks("proxy.addresses = []\n"), []);
    for wrong in ["[\"10.0.0.0/8\", \"here\"]", "[8]", "8", "\"10.0.0.1/33\""] {
        load([from_file(&format!("proxy.addresses = {wrong}\n"))]).unwrap_err();
    }
    let shown = load([from_file("proxy.addresses = \"10.0.0.0/8\"\n")]).unwrap();
    assert!(shown.to_toml().contains("addresses = [\"10.0.0.0/8\"]"), "{}", shown.to_toml());
    assert_eq!(shown.to_json()["settings"]["proxy"]["addresses"], serde_json::json!(["10.0.0.0/8"]));
}

#[test]
fn a_gateway_must_know_its_callers() {
    let redis = "broker = \"redis://host\"\n";
    let issuer = "[[auth.jwt]]\nissuer = \"https://login.example/\"\n";
    let cases = [
        (String::new(), "a gateway must know its callers"),
        ("auth.mode = \"required\"\n".to_owned(), "a gateway must know its callers"),
        ("auth.mode = \"none\"\nauth.keys.file = \"k\"\n".to_owned(), "remove one of the two"),
        (issuer.to_owned(), "auth.jwt.0.audience"),
        ("[[auth.jwt]]\naudience = \"api\"\n".to_owned(), "auth.jwt.0.issuer"),
        (format!("{issuer}audience = \"api\"\njwks_url = \"https://a\"\nkey_file = \"k\"\n"), "keep one"),
        ("auth.keys.file = \"k\"\nauth.client_secrets.previous_key = \"p\"\n".to_owned(), "no key"),
        ("auth.mode = \"none\"\nauth.client_secrets.key = \"p\"\n".to_owned(), "nobody could make one"),
    ];
    for (text, complaint) in cases {
        let text = role(Role::Gateway, &format!("{redis}{text}")).unwrap_err().to_string();
        assert!(text.contains(complaint), "{text}");
    }
}

#[test]
fn a_list_of_texts_is_one_setting() {
    let text = "[[auth.jwt]]\nissuer = \"i\"\naudience = [\"one\", \"two\"]\nscopes = []\n";
    let effective = load([from_file(text)]).unwrap();
    assert_eq!(effective.config.auth.jwt[0].audience, ["one", "two"]);
    assert!(effective.config.auth.jwt[0].scopes.is_empty());
    assert!(effective.to_toml().contains("audience = [\"one\", \"two\"]"), "{}", effective.to_toml());
    assert_eq!(effective.to_json()["settings"]["auth"]["jwt"][0]["audience"][1], "two");
    let variable = from_environment(&[("NARTHEX_AUTH__JWT__0__AUDIENCE", "three,four")]);
    assert_eq!(load([from_file(text), variable]).unwrap().config.auth.jwt[0].audience, ["three", "four"]);
}

#[test]
fn a_silent_client_is_asked_before_it_is_closed() {
    let text = "broker = \"redis://host\"\ngateway.idle_timeout = \"30s\"\n";
    let text = role(Role::Gateway, text).unwrap_err().to_string();
    assert!(text.contains("gateway.ping_interval"), "{text}");
}

#[test]
fn a_worker_needs_model_servers_that_can_be_called() {
    let redis = "broker = \"redis://host\"\n";
    let cases = [
        ("", "--upstream URL"),
        ("[[upstream]]\n url = \"localhost:11434\"\n", "upstream.0.url"),
        ("[[upstream]]\n engine = \"demo\"\nurl = \"http://one\"\n", "calls nobody"),
        ("[[upstream]]\n url = \"http://one\"\napi_key = \"a\"\napi_key_env = \"B\"\n", "keep one"),
        (
            "[[upstream]]\n url = \"http://one\"\nmodels = [{ concurrency = 1 }]\n",
            "upstream.0.models.0 has no `name`",
        ),
    ];
    for (text, complaint) in cases {
        let text = role(Role::Worker, &format!("{redis}{text}")).unwrap_err().to_string();
        assert!(text.contains(complaint), "{text}");
    }
}

#[test]
fn an_output_guard_is_built_for_workers_alone() {
    let file = r#"
        [worker.guard]
        terminal_escapes = "remove"
        patterns = ["github_token", { name = "own", regex = "E-[0-9]{6}", action = "stop", replacement = "[e]" }]
    "#;
    let effective = load([from_file(file)]).unwrap();
    assert_eq!(effective.config.guard.patterns[1].regex.as_deref(), Some("E-[0-9]{6}"));
    let again = load([from_file(&effective.to_toml())]).unwrap();
    assert_eq!(again.config.guard, effective.config.guard, "{}", effective.to_toml());
    assert!(role(Role::Dev, file).unwrap().worker.guard.is_some());
    assert!(role(Role::Dev, "").unwrap().worker.guard.is_none());
    let wrong = "[[worker.guard.patterns]]\nname = \"own\"\nregex = \"a.*b\"\n";
    let text = role(Role::Dev, wrong).unwrap_err().to_string();
    assert!(
        text.starts_with("worker.guard cannot be used: the pattern `own` may hold back any number"),
        "{text}"
    );
}

#[test]
fn the_page_about_settings_is_up_to_date() {
    let page = include_str!("../../../../docs/configuration.md");
    assert!(page == super::reference(), "docs/configuration.md is out of date: run `make docs`");
}
