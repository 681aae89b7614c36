//! What came of a run: the shape that programs read, in milliseconds, microseconds and bytes as the names say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Damage, Dialect, Figures, Load, Watch, figures::Times, gauge::Taken};

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How the servers were spoken to.
    pub dialect: Dialect,
    /// Clients that asked for streams.
    pub clients: usize,
    /// Processes of the generator.
    pub generators: usize,
    /// How long was measured.
    pub measured_s: f64,
    /// Connections that stood, of how many.
    pub connections: u64,
    /// How many there should have been.
    pub connections_wanted: usize,
    /// Of these, those that the server has pinged. None can be over HTTP.
    pub pinged: u64,
    /// Connections made a second, while they were made.
    pub connections_per_second: f64,
    /// How long it took until each stood.
    pub connecting: Latency,
    /// Streams begun, from first to last.
    pub streams: u64,
    /// Of these, those that ended well.
    pub completed: u64,
    /// Tokens delivered in the measured time.
    pub tokens: u64,
    /// The same a second.
    pub tokens_per_second: f64,
    /// Tokens in one event, on average: more than one where a client was behind, and deltas were told as one.
    pub tokens_per_event: f64,
    /// From when a stream was due to its first token.
    pub first_token: Latency,
    /// Between two tokens.
    pub between_tokens: Latency,
    /// From when a stream was due to its end.
    pub whole: Latency,
    /// From when a connection was lost to the stream's next event.
    pub resumed: Latency,
    /// What was wrong with streams.
    pub damage: Damage,
    /// What failed, by codes.
    pub errors: BTreeMap<String, u64>,
    /// What the watched processes took.
    pub processes: Vec<Processes>,
    /// What the generator itself took. One that computes nearly all the time measures itself.
    pub generator: Processes,
}

/// Times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Latency {
    /// How many there were.
    pub count: u64,
    /// On average.
    pub mean_ms: f64,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// Nine in ten.
    pub p90_ms: f64,
    /// 99 in 100.
    pub p99_ms: f64,
    /// 999 in 1,000.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// What processes of one name took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Processes {
    /// Their name.
    pub name: String,
    /// How many they are.
    pub processes: usize,
    /// User and system time in the measured time.
    pub cpu_s: f64,
    /// The same for each token that was delivered then; `None` if there was none.
    pub cpu_us_per_token: Option<f64>,
    /// Their resident memory.
    pub memory: Memory,
}

/// Resident memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Before the first connection.
    pub before: u64,
    /// When all connections stood and nothing was asked yet.
    pub connected: u64,
    /// The most, while streams were under way.
    pub most: u64,
    /// When all streams had ended and the connections still stood.
    pub after: u64,
}

/// What watched processes took, at the moments that matter.
#[derive(Debug)]
pub(crate) struct Looks {
    pub(crate) connected: Vec<Taken>,
    pub(crate) start: Vec<Taken>,
    pub(crate) end: Vec<Taken>,
    pub(crate) most: Vec<u64>,
    pub(crate) after: Vec<Taken>,
    pub(crate) own: (Taken, Taken),
}

impl Report {
    pub(crate) fn new(
        load: &Load,
        generators: usize,
        figures: &Figures,
        watch: &Watch,
        looks: &Looks,
    ) -> Self {
        let measured_s = load.duration.as_secs_f64();
        let cpu = |start: Taken, end: Taken| (end.cpu.saturating_sub(start.cpu)).as_secs_f64();
        let for_each = |cpu_s: f64| (figures.tokens > 0).then(|| cpu_s * 1e6 / figures.tokens as f64);
        let taken = |(index, group): (usize, &crate::gauge::Group)| {
            let at = |looks: &[Taken]| looks.get(index).copied().unwrap_or_default();
            let cpu_s = cpu(at(&looks.start), at(&looks.end));
            Processes {
                name: group.name.clone(),
                processes: group.pids.len(),
                cpu_s,
                cpu_us_per_token: for_each(cpu_s),
                memory: Memory {
                    before: group.before.memory,
                    connected: at(&looks.connected).memory,
                    most: looks.most.get(index).copied().unwrap_or_default(),
                    after: at(&looks.after).memory,
                },
            }
        };
        let own = cpu(looks.own.0, looks.own.1);
        Self {
            dialect: load.dialect,
            clients: load.clients,
            generators,
            measured_s,
            connections: figures.connections,
            connections_wanted: load.connections(),
            pinged: figures.pinged,
            connections_per_second: ratio(figures.connections as f64, figures.connected_s),
            connecting: Latency::of(&figures.connecting),
            streams: figures.streams,
            completed: figures.completed,
            tokens: figures.tokens,
            tokens_per_second: ratio(figures.tokens as f64, measured_s),
            tokens_per_event: ratio(figures.tokens as f64, figures.events as f64),
            first_token: Latency::of(&figures.first_token),
            between_tokens: Latency::of(&figures.between_tokens),
            whole: Latency::of(&figures.whole),
            resumed: Latency::of(&figures.resumed),
            damage: figures.damage,
            errors: figures.errors.clone(),
            processes: watch.groups.iter().enumerate().map(taken).collect(),
            generator: Processes {
                name: "generator".to_owned(),
                processes: generators,
                cpu_s: own,
                cpu_us_per_token: for_each(own),
                memory: Memory { most: looks.own.1.memory, ..Memory::default() },
            },
        }
    }

    /// Whether every stream was as it must be and nothing failed.
    pub fn is_good(&self) -> bool {
        !self.damage.is_any() && self.errors.is_empty() && self.completed == self.streams
    }

    /// CPU time of all watched processes for each token that was delivered, in microseconds.
    pub fn cpu_us_per_token(&self) -> Option<f64> {
        self.processes.iter().map(|processes| processes.cpu_us_per_token).sum()
    }
}

fn ratio(one: f64, other: f64) -> f64 {
    if other > 0.0 { one / other } else { 0.0 }
}

impl Latency {
    fn of(times: &Times) -> Self {
        let at = |quantile| times.0.value_at_quantile(quantile) as f64 / 1000.0;
        if times.0.is_empty() {
            return Self::default();
        }
        Self {
            count: times.0.len(),
            mean_ms: times.0.mean() / 1000.0,
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: times.0.max() as f64 / 1000.0,
        }
    }
}
