//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};

use crate::{abuse, plan::Kind};

/// Runs a cluster of real processes under load, lets things go wrong, and checks every byte that its clients get.
///
/// Exits with 1 if anything was lost, repeated, reordered, altered or miscounted, or if a response failed.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) instead: Option<Instead>,
    /// How many faults; with 0 there is only the load, for as long as a rolling deploy takes.
    #[arg(long, default_value_t = 300)]
    pub(crate) faults: usize,
    /// Decides which faults come, and what clients do; by default another one each time. It is printed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// How many responses are under way at a time; half of them on WebSockets.
    #[arg(long, default_value_t = 200, value_parser = positive)]
    pub(crate) streams: usize,
    /// The time between two faults, on average.
    #[arg(long, default_value = "1s", value_parser = humantime::parse_duration)]
    pub(crate) interval: Duration,
    /// After the faults, replaces all gateways and workers one after the other, under the same load.
    #[arg(long)]
    pub(crate) rolling: bool,
    /// A kind of fault to leave out. May be given several times.
    #[arg(long, value_parser = Kind::parse)]
    pub(crate) without: Vec<Kind>,
    /// Only this kind of fault. May be given several times.
    #[arg(long, value_parser = Kind::parse, conflicts_with = "without")]
    pub(crate) only: Vec<Kind>,
    /// A code with which responses may fail. They are counted all the same. May be given several times.
    #[arg(long)]
    pub(crate) allow: Vec<String>,
    /// How many gateways.
    #[arg(long, default_value_t = 3, value_parser = positive)]
    pub(crate) gateways: usize,
    /// How many workers.
    #[arg(long, default_value_t = 3, value_parser = positive)]
    pub(crate) workers: usize,
    /// How many model servers; each worker can call all of them.
    #[arg(long, default_value_t = 2, value_parser = positive)]
    pub(crate) model_servers: usize,
    /// What carries jobs and streams. Beside Kafka a Redis keeps state by key.
    #[arg(long, value_enum, default_value_t = Broker::Redis)]
    pub(crate) broker: Broker,
    /// How many nodes of Kafka. Each takes up to 400 MB.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=9))]
    pub(crate) nodes: u32,
    /// What Redis keeps on its disk. Only with `always` nothing may be lost; without it `--allow` what clients are told then.
    #[arg(long, value_enum, default_value_t = Persistence::Always)]
    pub(crate) persistence: Persistence,
    /// The program; by default `narthex` beside this one.
    #[arg(long)]
    pub(crate) program: Option<PathBuf>,
    /// Where the logs of all processes go, to stay there. By default they are kept only if something went wrong.
    #[arg(long)]
    pub(crate) logs: Option<PathBuf>,
    /// How the figures are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// What else there is to run.
#[derive(Debug, Subcommand)]
pub(crate) enum Instead {
    /// Lets clients abuse a gateway while honest ones stream, and measures what those notice: see docs/abuse.md
    Abuse(abuse::Arguments),
    /// The abusers: started by `abuse`, with their orders on the standard input
    #[command(hide = true)]
    Attack,
}

/// What carries jobs and streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Broker {
    Redis,
    /// Three masters.
    RedisCluster,
    Kafka,
}

/// What Redis keeps on its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Persistence {
    /// Everything, before it answers.
    Always,
    /// Everything; for up to a second only the system has it.
    Everysec,
    /// Nothing.
    None,
}

/// How the figures are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line for people.
    Text,
    /// One JSON object for programs.
    Json,
}

impl Persistence {
    /// As arguments of Redis.
    pub(crate) const fn arguments(self) -> [&'static str; 4] {
        match self {
            Self::Always => ["--appendonly", "yes", "--appendfsync", "always"],
            Self::Everysec => ["--appendonly", "yes", "--appendfsync", "everysec"],
            Self::None => ["--appendonly", "no", "--save", ""],
        }
    }
}

impl Arguments {
    /// The kinds of faults that do not come.
    pub(crate) fn left_out(&self) -> Vec<Kind> {
        let is_left_out = |kind: &Kind| {
            self.without.contains(kind)
                || !self.only.is_empty() && !self.only.contains(kind)
                || !kind.comes_with(self.broker)
        };
        Kind::ALL.into_iter().map(|(kind, _)| kind).filter(is_left_out).collect()
    }
}

pub(crate) fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=10_000) => Ok(number),
        _ => Err("not a number from 1 to 10000".to_owned()),
    }
}
