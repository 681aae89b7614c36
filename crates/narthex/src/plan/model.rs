//! From a load to what it takes: values in, values out. More load never takes less.
//!
//! Each line of [`Model::month`] is a line of [`FORMULAS`], with the same names.

use std::time::Duration;

use super::{args::Codec, costs::Costs};

/// What `--explain` prints.
pub(super) const FORMULAS: &str = "\
connections   = connections now × (1 + growth)^month
streams       = connections × streaming
tokens        = streams × tokens per second of one                      (per second)
usable        = 1 − headroom

gateways      = spare + the most of
                tokens × gateway_us_per_token / (cores × usable)
                (connections × kb_per_connection + streams × kb_per_stream) / (memory × usable − mb_per_process)
                connections / connections per gateway
workers       = spare + the most of
                tokens × worker_us_per_token / (cores × usable)
                streams × kb_per_response / (memory × usable − mb_per_process)
shards        = the most of                                             (a shard has one core)
                tokens × broker_us_per_token / usable
                tokens × kept × broker_bytes_per_token / (shard memory × usable)
                each of the above rounded up, and at least 1

memory        = of gateways: connections × kb_per_connection + streams × kb_per_stream + gateways × mb_per_process
                of workers:  streams × kb_per_response + workers × mb_per_process
                of shards:   tokens × kept × broker_bytes_per_token
to clients    = tokens × bytes per token in the codec × 8
broker in     = tokens × broker_in_bytes_per_token × 8
broker out    = tokens × broker_out_bytes_per_token × 8
";

const KB: f64 = 1e3;
const MB: f64 = 1e6;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// Who comes, at the peak.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Load {
    /// Now.
    pub(super) connections: f64,
    /// The share of the connections that streams.
    pub(super) streaming: f64,
    /// Of one stream.
    pub(super) tokens_per_second: f64,
    pub(super) codec: Codec,
    /// Each month, as a share.
    pub(super) growth: f64,
    /// How long tokens stay in the broker.
    pub(super) kept: Duration,
}

/// What there is to put it on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pods {
    pub(super) cores: f64,
    pub(super) memory_gib: f64,
    pub(super) connections_per_gateway: f64,
    pub(super) shard_memory_gib: f64,
    /// The share that stays free, less than 1.
    pub(super) headroom: f64,
    /// How many more there are of each than are needed.
    pub(super) spare: u32,
}

/// All that the plan depends on.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) load: Load,
    pub(super) pods: Pods,
    pub(super) costs: Costs,
}

/// What one month takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Month {
    /// 0 is now.
    pub(super) month: u32,
    pub(super) connections: f64,
    pub(super) streams: f64,
    pub(super) tokens_per_second: f64,
    pub(super) gateways: u64,
    pub(super) workers: u64,
    pub(super) shards: u64,
    /// In use on all gateways together, and so on.
    pub(super) gateway_memory_bytes: f64,
    pub(super) worker_memory_bytes: f64,
    pub(super) broker_memory_bytes: f64,
    pub(super) to_clients_bits_per_second: f64,
    pub(super) broker_in_bits_per_second: f64,
    pub(super) broker_out_bits_per_second: f64,
}

impl Model {
    /// This month and so many more.
    ///
    /// # Errors
    /// When a pod is too small to hold anything.
    pub(super) fn months(&self, count: u32) -> Result<Vec<Month>, String> {
        (0..=count).map(|month| self.month(month)).collect()
    }

    fn month(&self, month: u32) -> Result<Month, String> {
        let Self { load, pods, costs } = self;
        let connections = load.connections * (1.0 + load.growth).powf(month.into());
        let streams = connections * load.streaming;
        let tokens = streams * load.tokens_per_second;
        let usable = 1.0 - pods.headroom;
        let (cores, room) = (pods.cores * usable, self.room()?);
        let busy = |micros: f64| tokens * micros / 1e6;

        let held = (connections * costs.kb_per_connection.value + streams * costs.kb_per_stream.value) * KB;
        let gateways = most([
            busy(costs.gateway_us_per_token.value) / cores,
            held / room,
            connections / pods.connections_per_gateway,
        ])?;
        let produced = streams * costs.kb_per_response.value * KB;
        let workers = most([busy(costs.worker_us_per_token.value) / cores, produced / room])?;
        let kept = tokens * load.kept.as_secs_f64() * costs.broker_bytes_per_token.value;
        let shards = most([
            busy(costs.broker_us_per_token.value) / usable,
            kept / (pods.shard_memory_gib * GIB * usable),
        ])?;

        let (gateways, workers) = (gateways + u64::from(pods.spare), workers + u64::from(pods.spare));
        let own = costs.mb_per_process.value * MB;
        Ok(Month {
            month,
            connections,
            streams,
            tokens_per_second: tokens,
            gateways,
            workers,
            shards,
            gateway_memory_bytes: held + own * gateways as f64,
            worker_memory_bytes: produced + own * workers as f64,
            broker_memory_bytes: kept,
            to_clients_bits_per_second: tokens * self.bytes_per_token() * 8.0,
            broker_in_bits_per_second: tokens * costs.broker_in_bytes_per_token.value * 8.0,
            broker_out_bits_per_second: tokens * costs.broker_out_bytes_per_token.value * 8.0,
        })
    }

    /// What one pod has for what it is there for, in bytes.
    fn room(&self) -> Result<f64, String> {
        let usable = self.pods.memory_gib * GIB * (1.0 - self.pods.headroom);
        let room = usable - self.costs.mb_per_process.value * MB;
        if room > 0.0 {
            return Ok(room);
        }
        Err(format!(
            "--memory-gib leaves {:.0} MB of a pod after the headroom, and a process takes {:.0} MB before anyone comes: give it \
             more",
            usable / MB,
            self.costs.mb_per_process.value
        ))
    }

    fn bytes_per_token(&self) -> f64 {
        match self.load.codec {
            Codec::Json => self.costs.json_bytes_per_token.value,
            Codec::Msgpack => self.costs.msgpack_bytes_per_token.value,
            Codec::Proto => self.costs.proto_bytes_per_token.value,
        }
    }
}

/// Beyond this, something was entered wrong.
const MOST: f64 = 1e6;

/// Whole ones of the largest, and at least one.
fn most<const N: usize>(needs: [f64; N]) -> Result<u64, String> {
    let most = needs.into_iter().fold(1.0, f64::max).ceil();
    if most <= MOST {
        return Ok(most as u64);
    }
    Err("this load takes more than a million pods: check the numbers, or plan fewer months".to_owned())
}

#[cfg(test)]
mod tests;
