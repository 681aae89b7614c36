//! What `narthex bench` can be told.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::Args;
use load::{Dialect, Expect, Load, Watched};

use crate::{config, failure::Failure, table::Format};

/// What follows the flags of `narthex bench --help`.
pub(crate) const BENCH_HELP: &str = "\
  narthex dev &
  narthex bench                                              10 streams at a time, for 10 s
  narthex bench --rate 20 --streams 500 --dialect sse        20 new streams a second, come what may
  narthex bench --streams 200 --pid gateway=4711 --pid worker=4712 --pid redis=4713
  narthex bench --prompt 'demo:tokens=200 demo:slow=20ms' --format json | jq .first_token
  narthex bench --url https://gateway:8443/v1 --authorities-file authority.pem

It exits with 1 if anything was lost, repeated, reordered or altered, or failed.
With --rate, latencies count from when a stream was due, so a server that stalls
is charged for all who had to wait. A gateway takes 100 new connections a second
from an address, after the first 1,000; on one machine clients have an address
for each 500. What the columns mean is in docs/bench.md.";

/// `narthex bench …`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// The server's base URL, or that of one gateway of several (may be repeated: clients are dealt out)
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/v1")]
    url: Vec<String>,
    /// Trust these authorities (PEM) where a URL is https or wss [default: those that the system trusts]
    #[arg(long, value_name = "FILE")]
    authorities_file: Option<PathBuf>,
    /// websocket or sse; json, msgpack or proto (narthex.v1); chat (any model server); peer (bench/peers)
    #[arg(long, value_name = "DIALECT", default_value_t)]
    dialect: Dialect,
    /// The model to ask
    #[arg(long, value_name = "NAME", default_value = "demo")]
    model: String,
    /// The environment variable that holds the API key
    #[arg(long, value_name = "VARIABLE", default_value = config::API_KEY)]
    key_env: String,
    /// Streams at a time at most, each on a connection of its own
    #[arg(long, value_name = "N", default_value_t = 10)]
    streams: usize,
    /// New streams a second, however fast they end [default: each connection asks again when its stream has ended]
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// How long the load rises before it is measured
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    ramp: Duration,
    /// How long is measured
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    duration: Duration,
    /// How long streams may take to end after that
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    patience: Duration,
    /// What to ask
    #[arg(long, value_name = "TEXT", default_value = "Tell me a story.")]
    prompt: String,
    /// Make the prompt so long, with words that mean nothing
    #[arg(long, value_name = "N", default_value_t = 0)]
    prompt_bytes: usize,
    /// Tokens of an answer at most [default: as the model likes]
    #[arg(long, value_name = "N")]
    tokens: Option<u64>,
    /// The answers are ` 0000 0001 0002 …`, as the model server of `make bench` says them: check each word
    #[arg(long)]
    numbered: bool,
    /// New connections a second at first [default: as fast as they can be made]
    #[arg(long, value_name = "N", default_value_t = 0.0, hide_default_value = true)]
    connect_rate: f64,
    /// So long after the measurement began, cut all connections at once, and take up the streams at the next URL
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    storm: Option<Duration>,
    /// Further clients that ask once and then never read
    #[arg(long, value_name = "N", default_value_t = 0)]
    stalled: usize,
    /// What these ask [default: the same as all]
    #[arg(long, value_name = "TEXT", requires = "stalled")]
    stalled_prompt: Option<String>,
    /// Further clients that follow each stream
    #[arg(long, value_name = "N", default_value_t = 0)]
    followers: usize,
    /// Processes that make the load, for what is more than one core can do
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    processes: u16,
    /// A process on this machine whose CPU time and memory to tell (may be repeated, with a name for several, too)
    #[arg(long, value_name = "NAME=PID", value_parser = watched)]
    pid: Vec<(String, u32)>,
    /// How long to wait before memory is looked at, with all connections at rest
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub(super) settle: Duration,
    /// `table` for people, `json` for programs
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    /// One of --processes: its orders come on the standard input
    #[arg(long, hide = true)]
    pub(super) member: bool,
}

impl BenchArgs {
    /// What is asked for. `variable` looks into the environment.
    pub(super) fn load(&self, variable: impl FnOnce(&str) -> Option<OsString>) -> Result<Load, Failure> {
        let key = variable(&self.key_env).map(|key| {
            let told = |_| Failure::configuration(format!("{} is no text: put a key into it", self.key_env));
            key.into_string().map_err(told)
        });
        let authorities = self.authorities_file.as_ref().map(|path| {
            let told = |error| {
                let path = path.display();
                Failure::configuration(format!("--authorities-file: cannot read {path}: {error}"))
            };
            std::fs::read_to_string(path).map_err(told)
        });
        let load = Load {
            urls: self.url.clone(),
            authorities: authorities.transpose()?,
            dialect: self.dialect,
            model: self.model.clone(),
            key: key.transpose()?,
            prompt: padded(&self.prompt, self.prompt_bytes),
            max_tokens: self.tokens,
            expect: if self.numbered { Expect::Numbered } else { Expect::Anything },
            clients: self.streams,
            rate: self.rate,
            connect_rate: self.connect_rate,
            ramp: self.ramp,
            duration: self.duration,
            patience: self.patience,
            storm: self.storm,
            stalled: self.stalled,
            stalled_prompt: self.stalled_prompt.clone(),
            followers: self.followers,
            part: (0, 1),
        };
        load.check().map_err(|invalid| Failure::configuration(invalid.to_string()))?;
        Ok(load)
    }

    pub(super) const fn processes(&self) -> usize {
        self.processes as usize
    }

    pub(super) fn watched(&self) -> Vec<Watched> {
        self.pid.iter().map(|(name, pid)| Watched { name: name.clone(), pid: *pid }).collect()
    }
}

/// `prompt` after as many words that mean nothing as make it `bytes` long.
fn padded(prompt: &str, bytes: usize) -> String {
    let filler = "lorem ipsum dolor sit amet ".chars().cycle();
    filler.take(bytes.saturating_sub(prompt.len())).chain(prompt.chars()).collect()
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a duration such as 10s".to_owned())
}

fn watched(text: &str) -> Result<(String, u32), String> {
    let pair = text.split_once('=').and_then(|(name, pid)| Some((name.to_owned(), pid.parse().ok()?)));
    pair.ok_or_else(|| "write NAME=PID, such as gateway=4711".to_owned())
}
