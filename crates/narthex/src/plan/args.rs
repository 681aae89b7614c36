//! What `narthex plan` can be told.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::model::{Load, Pods};
use crate::{failure::Failure, table::Format};

/// What follows the flags of `narthex plan --help`.
pub(crate) const PLAN_HELP: &str = "\
  narthex plan --connections 50000 --streaming 0.2
  narthex plan --users 2000000 --online 0.05 --growth 0.15 --codec proto
  narthex plan --cores 4 --memory-gib 8 --cost gateway_us_per_token=6 --explain
  narthex plan --costs costs.json --format json | jq '.months[-1]'

Month 0 is now. All is at the peak: how much there has to be, not how much is used
on average. What each token and connection costs was measured once, as --explain
says; put your own measurements into --cost NAME=NUMBER or a file (--costs):
  {\"gateway_us_per_token\": 6.0, \"kb_per_connection\": 5.5}";

/// `narthex plan …`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Connections of clients at the peak
    #[arg(long, value_name = "N", default_value_t = 10_000.0, conflicts_with_all = ["users", "online"])]
    connections: f64,
    /// Users, of whom --online have a connection at the peak; instead of --connections
    #[arg(long, value_name = "N")]
    users: Option<f64>,
    /// The share of the users that has a connection at the peak, each one
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, requires = "users")]
    online: f64,
    /// The share of the connections on which a response streams at the peak
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    streaming: f64,
    /// Tokens per second of one stream
    #[arg(long, value_name = "N", default_value_t = 40.0)]
    tokens_per_second: f64,
    /// How clients are told of tokens
    #[arg(long, value_enum, default_value_t = Codec::Json)]
    codec: Codec,
    /// By how much the connections grow each month: 0.1 is a tenth
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, allow_negative_numbers = true)]
    growth: f64,
    /// How many months to plan
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(0..=120))]
    pub(super) months: u32,
    /// The share of each pod and shard that stays free
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    headroom: f64,
    /// Gateways and workers that may be lost, of each
    #[arg(long, value_name = "N", default_value_t = 1)]
    spare: u32,
    /// Cores of one gateway or worker
    #[arg(long, value_name = "N", default_value_t = 2.0)]
    cores: f64,
    /// Memory of one gateway or worker, in GiB
    #[arg(long, value_name = "N", default_value_t = 2.0)]
    memory_gib: f64,
    /// Connections on one gateway at most: if it dies, as many come back to the others at once
    #[arg(long, value_name = "N", default_value_t = 20_000.0)]
    connections_per_gateway: f64,
    /// Memory of one broker shard, in GiB
    #[arg(long, value_name = "N", default_value_t = 8.0)]
    shard_memory_gib: f64,
    /// How long streams are kept after their end (worker.replay_ttl)
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    kept: Duration,
    /// What one token and one connection cost, as JSON; what is not in it is as --explain says
    #[arg(long, value_name = "FILE")]
    pub(super) costs: Option<PathBuf>,
    /// The same, one by one (may be repeated)
    #[arg(long, value_name = "NAME=NUMBER", value_parser = cost)]
    pub(super) cost: Vec<(String, f64)>,
    /// Print the formulas, and where each cost comes from
    #[arg(long)]
    pub(super) explain: bool,
    /// `table` for people, `json` for programs
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

/// How clients are told of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Codec {
    /// WebSockets and event streams as everyone speaks them.
    Json,
    /// MessagePack on `narthex.v1`.
    Msgpack,
    /// Protobuf on `narthex.v1`.
    Proto,
}

impl PlanArgs {
    pub(super) fn load(&self) -> Result<Load, Failure> {
        let connections = self.users.map_or(self.connections, |users| users * self.online);
        share("--online", self.online)?;
        share("--streaming", self.streaming)?;
        positive("--connections or --users", connections)?;
        positive("--tokens-per-second", self.tokens_per_second)?;
        if !(-1.0..=10.0).contains(&self.growth) {
            return Err(Failure::configuration("--growth is a share of each month, such as 0.1 for a tenth"));
        }
        Ok(Load {
            connections,
            streaming: self.streaming,
            tokens_per_second: self.tokens_per_second,
            codec: self.codec,
            growth: self.growth,
            kept: self.kept,
        })
    }

    pub(super) fn pods(&self) -> Result<Pods, Failure> {
        positive("--cores", self.cores)?;
        positive("--memory-gib", self.memory_gib)?;
        positive("--shard-memory-gib", self.shard_memory_gib)?;
        positive("--connections-per-gateway", self.connections_per_gateway)?;
        if !(0.0..1.0).contains(&self.headroom) {
            return Err(Failure::configuration(
                "--headroom is the share that stays free, such as 0.3: less than 1",
            ));
        }
        Ok(Pods {
            cores: self.cores,
            memory_gib: self.memory_gib,
            connections_per_gateway: self.connections_per_gateway,
            shard_memory_gib: self.shard_memory_gib,
            headroom: self.headroom,
            spare: self.spare,
        })
    }
}

fn share(flag: &str, share: f64) -> Result<(), Failure> {
    let is_one = (0.0..=1.0).contains(&share);
    is_one.then_some(()).ok_or_else(|| Failure::configuration(format!("{flag} is a share, from 0 to 1")))
}

fn positive(flag: &str, number: f64) -> Result<(), Failure> {
    let is_positive = number.is_finite() && number > 0.0;
    is_positive.then_some(()).ok_or_else(|| Failure::configuration(format!("{flag} must be more than 0")))
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a duration such as 10m".to_owned())
}

fn cost(text: &str) -> Result<(String, f64), String> {
    let pair = text.split_once('=').and_then(|(name, number)| Some((name.to_owned(), number.parse().ok()?)));
    pair.ok_or_else(|| "write NAME=NUMBER, such as gateway_us_per_token=6".to_owned())
}
