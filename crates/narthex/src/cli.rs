//! The command line. What it says becomes the topmost layer of the configuration.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    bench::{BENCH_HELP, BenchArgs},
    config::{Layer, Origin, Role},
    doctor::{DOCTOR_HELP, DoctorArgs},
    jobs::{JobsArgs, LIST_HELP},
    keys::{KEYS_HELP, KeysArgs},
    plan::{PLAN_HELP, PlanArgs},
};

const EXAMPLES: &str = "\
Try it, with nothing else installed:
  narthex dev
  narthex dev --upstream http://localhost:11434/v1      a real model server behind it

Run it, on as many machines as wanted:
  narthex keys make me --keys-file keys.toml
  narthex gateway --broker redis://redis:6379 --keys-file keys.toml
  narthex worker  --broker redis://redis:6379 --upstream http://vllm:8000/v1

See what waits, what is stuck and what died:
  narthex jobs    --broker redis://redis:6379

Set it in a file (--config), by variables (NARTHEX_GATEWAY__GRACE=60s is
gateway.grace) or by flags; the later counts more. `narthex config` shows what
is in effect and who said so, `narthex config --reference` all there is to set.";

const DEV: &str = "\
The broker is in memory unless --broker names another, and the model is a
built-in demonstration unless --upstream names a model server:
  narthex dev --upstream http://localhost:11434/v1
  narthex dev --upstream https://api.example.com/v1 --upstream-key-env EXAMPLE_API_KEY --model small";

const GATEWAY: &str = "\
Any number of gateways share one broker; a client may come back at any of them.
  narthex gateway --broker redis://redis:6379 --keys-file keys.toml
It lets in whom it knows: by API keys (narthex keys --help), tokens of an issuer
([[auth.jwt]] in the file) and client secrets. Without any of them it starts on a
loopback address only, and only if told so:
  narthex gateway --broker redis://redis:6379 --auth none";

const WORKER: &str = "\
Any number of workers share one broker; each takes as many jobs as it has room
for. Several model servers, each with its models, are a list in the file:
  narthex worker --config narthex.toml

  # narthex.toml
  broker = \"redis://redis:6379\"
  [[upstream]]
  url = \"http://vllm:8000/v1\"
  [[upstream]]
  url = \"https://api.example.com/v1\"
  api_key_env = \"EXAMPLE_API_KEY\"
  models = [\"small\", { name = \"large\", concurrency = 4 }]";

/// Carries live model output from inference workers to clients, and never loses, repeats or reorders a token.
#[derive(Debug, Parser)]
#[command(name = "narthex", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process, to try it and to develop against it
    #[command(after_help = DEV)]
    Dev {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        edge: Edge,
        #[command(flatten)]
        upstream: Upstreams,
    },
    /// Run the edge: accepts clients, and follows the streams they ask for
    #[command(after_help = GATEWAY)]
    Gateway {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        edge: Edge,
    },
    /// Run a producer: takes jobs, calls model servers, writes the streams
    #[command(after_help = WORKER)]
    Worker {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        upstream: Upstreams,
    },
    /// Check these settings against the broker, model servers, keys, certificates and limits, and say what to fix
    #[command(after_help = DOCTOR_HELP)]
    Doctor(DoctorArgs),
    /// See what waits, what is stuck and what died; try a dead job again, or drop one
    #[command(after_help = LIST_HELP)]
    Jobs(JobsArgs),
    /// Reckon how many gateways, workers and broker shards a load takes, now and as it grows
    #[command(after_help = PLAN_HELP)]
    Plan(PlanArgs),
    /// Load a server over real sockets, check every token that it delivers, and measure
    #[command(after_help = BENCH_HELP)]
    Bench(BenchArgs),
    /// Make, list and revoke API keys
    #[command(after_help = KEYS_HELP)]
    Keys(KeysArgs),
    /// Print the configuration in effect and where each value comes from; secrets are masked
    Config {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        edge: Edge,
        #[command(flatten)]
        upstream: Upstreams,
        /// `toml` for people (and to be read again), `json` for programs
        #[arg(long, value_enum, default_value_t = Format::Toml)]
        format: Format,
        /// Fail unless this role could start with it, without starting anything
        #[arg(long, value_name = "ROLE", value_enum)]
        check: Option<Role>,
        /// Print instead all there is to set, what it means, and the defaults (Markdown)
        #[arg(long)]
        reference: bool,
    },
    /// Ask a running gateway or worker whether it is ready; exits with 0 if so (for container health checks)
    Health {
        #[command(flatten)]
        common: Common,
        /// Where its admin listener is [default: as configured, on this machine]
        #[arg(long, value_name = "URL")]
        admin: Option<String>,
    },
}

/// How `narthex config` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// With an origin behind each line.
    Toml,
    /// `{"settings": {…}, "origins": {…}}`.
    Json,
}

/// Flags of every role.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Read settings from this TOML file [env: NARTHEX_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to tell health and metrics; port 0 takes a free one [default: 127.0.0.1:9090]
    #[arg(long, global = true, value_name = "ADDRESS")]
    admin_listen: Option<String>,
    /// memory, redis://…, rediss://…, kafka://… or kafkas://…; put a password into NARTHEX_BROKER rather than here [default: memory]
    #[arg(long, global = true, value_name = "URL")]
    broker: Option<String>,
    /// A level, or a filter such as info,gateway=debug [default: info]
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// auto, text or json [default: auto, which is text on a terminal]
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Set anything by its name: --set gateway.grace=90s (may be repeated)
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

/// Flags of whatever has a public listener.
#[derive(Debug, Args)]
pub(crate) struct Edge {
    /// Where clients connect; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Whether callers are told apart: `required`, or `none` on a loopback address [default: as keys and tokens are set]
    #[arg(long, value_name = "MODE")]
    auth: Option<String>,
    /// The file of API keys; `narthex keys make` makes it
    #[arg(long, value_name = "FILE")]
    keys_file: Option<String>,
    /// Let anyone who can reach --listen use the models without authentication (trials only)
    #[arg(long)]
    insecure_allow_remote_none: bool,
    /// Serve HTTPS and WSS with this certificate (PEM, with those that lead to its authority)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<String>,
    /// The private key (PEM) of that certificate
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<String>,
    /// Serve clients beyond this machine without encryption (trials only)
    #[arg(long)]
    insecure_allow_remote_plain: bool,
}

/// Flags of whatever calls model servers.
#[derive(Debug, Args)]
pub(crate) struct Upstreams {
    /// A model server, such as http://localhost:11434/v1, or `demo` (may be repeated; replaces those of the file)
    #[arg(long, value_name = "URL")]
    upstream: Vec<String>,
    /// What it speaks: chat or responses [default: chat]
    #[arg(long, value_name = "ENGINE", requires = "upstream")]
    upstream_engine: Option<String>,
    /// Serve this model only, instead of all that the server has (may be repeated; with one --upstream)
    #[arg(long, value_name = "NAME", requires = "upstream")]
    model: Vec<String>,
    /// The environment variable that holds the server's key
    #[arg(long, value_name = "VARIABLE", requires = "upstream")]
    upstream_key_env: Option<String>,
    /// The file that holds the server's key
    #[arg(long, value_name = "FILE", requires = "upstream", conflicts_with = "upstream_key_env")]
    upstream_key_file: Option<String>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, such as gateway.grace=90s")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

impl Common {
    /// Adds what these flags say.
    pub(crate) fn give(&self, layer: &mut Layer) {
        layer.flag("admin_listen", self.admin_listen.as_ref(), "--admin-listen");
        layer.flag("broker", self.broker.as_ref(), "--broker");
        layer.flag("log", self.log.as_ref(), "--log");
        layer.flag("log_format", self.log_format.as_ref(), "--log-format");
        for (key, value) in &self.set {
            layer.give(key, value, Origin::Flag("--set"));
        }
    }
}

impl Edge {
    /// Adds what these flags say.
    pub(crate) fn give(&self, layer: &mut Layer) {
        layer.flag("listen", self.listen.as_ref(), "--listen");
        layer.flag("auth.mode", self.auth.as_ref(), "--auth");
        layer.flag("auth.keys.file", self.keys_file.as_ref(), "--keys-file");
        if self.insecure_allow_remote_none {
            let flag = Origin::Flag("--insecure-allow-remote-none");
            layer.give("auth.allow_none_beyond_loopback", "true", flag);
        }
        layer.flag("tls.certificate_file", self.tls_certificate.as_ref(), "--tls-certificate");
        layer.flag("tls.key_file", self.tls_key.as_ref(), "--tls-key");
        if self.insecure_allow_remote_plain {
            let flag = Origin::Flag("--insecure-allow-remote-plain");
            layer.give("tls.allow_plain_beyond_loopback", "true", flag);
        }
    }
}

impl Upstreams {
    /// Adds what these flags say. They replace the list of the file, and do not merge into it: a key that stands
    /// there must not be sent to the server that is named here.
    pub(crate) fn give(&self, layer: &mut Layer) -> Result<(), String> {
        if self.upstream.is_empty() {
            return Ok(());
        }
        if self.upstream.len() > 1 && !self.model.is_empty() {
            return Err(
                "--model cannot tell which of several --upstream has the model: list the model servers as \
                        [[upstream]] in a file, each with its `models`, and give it with --config"
                    .to_owned(),
            );
        }
        layer.replace("upstream");
        for (index, place) in self.upstream.iter().enumerate() {
            let key = |name: &str| format!("upstream.{index}.{name}");
            if place == "demo" {
                layer.give(key("engine"), "demo", Origin::Flag("--upstream"));
                continue;
            }
            layer.give(key("url"), place, Origin::Flag("--upstream"));
            layer.flag(&key("engine"), self.upstream_engine.as_ref(), "--upstream-engine");
            layer.flag(&key("api_key_env"), self.upstream_key_env.as_ref(), "--upstream-key-env");
            layer.flag(&key("api_key_file"), self.upstream_key_file.as_ref(), "--upstream-key-file");
        }
        for (n, name) in self.model.iter().enumerate() {
            layer.give(format!("upstream.0.models.{n}"), name, Origin::Flag("--model"));
        }
        Ok(())
    }
}
