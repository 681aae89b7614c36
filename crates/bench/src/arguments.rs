//! The command line.

use std::{io, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};
use serde::Serialize;

use crate::peer;

/// Measures Narthex on this machine: docs/bench.md.
///
/// Exits with 1 if a token was lost, repeated, reordered or altered, or a stream failed.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) instead: Option<Instead>,
    /// Which scenes, with commas between them; by default all.
    #[arg(long, value_enum, value_delimiter = ',')]
    scenes: Vec<Scene>,
    /// Only those runs of a scene whose name contains this, as in `--only saturation`.
    #[arg(long, default_value = "")]
    only: String,
    /// What carries jobs and streams. With `memory` all is one process.
    #[arg(long, value_enum, default_value_t = Broker::Redis)]
    pub(crate) broker: Broker,
    /// How long each run is measured.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    pub(crate) duration: Duration,
    /// Connections of the scenes `idle` (otherwise 10,000) and `connections` (otherwise as many as one gateway may hold here; more
    /// than that are held by several).
    #[arg(long)]
    pub(crate) connections: Option<usize>,
    /// Measures the peers of bench/peers, too, where a scene has something to compare: all of them, or those that are named, as in
    /// `--peers=node,litellm`.
    #[arg(long, value_name = "PEER", num_args = 0.., require_equals = true, value_delimiter = ',', value_parser = peer::parser())]
    peers: Option<Vec<&'static peer::Kind>>,
    /// The program; by default `narthex` beside this one.
    #[arg(long)]
    program: Option<PathBuf>,
    /// A setting of all gateways and workers, as their `--set` takes it. May be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Prints one JSON object instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What else there is to run: parts of a measurement.
#[derive(Debug, Subcommand)]
pub(crate) enum Instead {
    /// The load generator, with its orders on the standard input
    #[command(hide = true)]
    Generate,
    /// The model server, which prints its URL
    #[command(hide = true)]
    Model,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scene {
    /// What a token costs: 200 streams at 50 tokens/s, and as many as go.
    Tokens,
    /// What Narthex adds to the time to the first token.
    Latency,
    /// Memory of connections that do nothing, before and after they have streamed, plain and with TLS.
    Idle,
    /// As many connections as a gateway can hold, and what each costs as they grow.
    Connections,
    /// Many who follow one stream.
    Fanout,
    /// All clients lose their connections at once.
    Resume,
    /// Clients that never read, beside others that do.
    Slow,
    /// What a token costs at two gateways beside each other, and at one.
    Pair,
    /// What a token costs with ever more streams.
    Growth,
}

/// What carries jobs and streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Broker {
    Memory,
    Redis,
    RedisCluster,
    Kafka,
}

impl Arguments {
    pub(crate) fn scenes(&self) -> Vec<Scene> {
        match self.scenes.as_slice() {
            [] => Scene::value_variants().to_vec(),
            some => some.to_vec(),
        }
    }

    /// The peers that were asked for.
    pub(crate) fn peers(&self) -> Vec<&'static peer::Kind> {
        match self.peers.as_deref() {
            None => Vec::new(),
            Some([]) => peer::ALL.iter().collect(),
            Some(some) => some.to_vec(),
        }
    }

    /// Whether a run of this name was not left out.
    pub(crate) fn wants(&self, what: &str) -> bool {
        what.contains(&self.only)
    }

    /// The program that is measured.
    pub(crate) fn program(&self) -> io::Result<PathBuf> {
        let program = match &self.program {
            Some(program) => program.clone(),
            None => std::env::current_exe()?.with_file_name("narthex"),
        };
        if program.is_file() {
            return Ok(program);
        }
        Err(io::Error::other(format!(
            "{} is not there: build it, or name it with --program",
            program.display()
        )))
    }
}

#[cfg(test)]
mod tests;
