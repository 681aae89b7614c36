//! What goes wrong, and when: decided by a seed and nothing else, so that the same seed goes the same way again.
//!
//! A plan knows the size of the cluster and not its state. Who is struck while a stroke before it still works waits for that.

use std::{fmt, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

use crate::arguments::Broker;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// `kill -9`; started again after a moment, as a supervisor would.
    KillWorker,
    /// The same.
    KillGateway,
    /// SIGSTOP for longer than a lease, then SIGCONT.
    FreezeWorker,
    /// SIGSTOP for longer than its clients are patient, then SIGCONT.
    FreezeGateway,
    /// A planned stop, with a successor that is there before.
    ReplaceWorker,
    /// The same.
    ReplaceGateway,
    /// `kill -9` of Redis, of a master of its cluster, or of a node of Kafka; started again on the same data.
    KillBroker,
    /// A slot of a Redis Cluster moves to another master, with all that is in it.
    MoveSlot,
    /// A planned stop of a node of Kafka, and a start.
    RestartBroker,
    /// SIGSTOP and SIGCONT.
    FreezeBroker,
    /// All connections of one process to the broker are reset.
    CutBroker,
    /// What one process says to the broker, or what it is told, stays on its way for seconds.
    HoldBroker,
    /// Everything between one process and the broker takes longer.
    DelayBroker,
    /// `kill -9` of the Redis beside Kafka.
    KillStore,
    /// SIGSTOP and SIGCONT.
    FreezeStore,
    /// All connections of one process to it are reset.
    CutStore,
    /// Some of the connections of one gateway's clients are reset.
    CutClients,
    /// What one gateway's clients say, or what they are told, stays on its way for seconds.
    HoldClients,
    /// Some of the connections to one model server are reset.
    CutModel,
}

impl Kind {
    /// All kinds, and how often each of them comes among the others.
    pub(crate) const ALL: [(Self, usize); 19] = [
        (Self::KillWorker, 8),
        (Self::KillGateway, 8),
        (Self::FreezeWorker, 6),
        (Self::FreezeGateway, 6),
        (Self::ReplaceWorker, 3),
        (Self::ReplaceGateway, 3),
        (Self::KillBroker, 4),
        (Self::MoveSlot, 6),
        (Self::RestartBroker, 2),
        (Self::FreezeBroker, 3),
        (Self::CutBroker, 10),
        (Self::HoldBroker, 8),
        (Self::DelayBroker, 5),
        (Self::KillStore, 3),
        (Self::FreezeStore, 2),
        (Self::CutStore, 4),
        (Self::CutClients, 10),
        (Self::HoldClients, 5),
        (Self::CutModel, 6),
    ];

    /// The name in figures and on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::KillWorker => "kill-worker",
            Self::KillGateway => "kill-gateway",
            Self::FreezeWorker => "freeze-worker",
            Self::FreezeGateway => "freeze-gateway",
            Self::ReplaceWorker => "replace-worker",
            Self::ReplaceGateway => "replace-gateway",
            Self::KillBroker => "kill-broker",
            Self::MoveSlot => "move-slot",
            Self::RestartBroker => "restart-broker",
            Self::FreezeBroker => "freeze-broker",
            Self::CutBroker => "cut-broker",
            Self::HoldBroker => "hold-broker",
            Self::DelayBroker => "delay-broker",
            Self::KillStore => "kill-store",
            Self::FreezeStore => "freeze-store",
            Self::CutStore => "cut-store",
            Self::CutClients => "cut-clients",
            Self::HoldClients => "hold-clients",
            Self::CutModel => "cut-model",
        }
    }

    /// The kind with this name.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        let all = || Self::ALL.iter().map(|(kind, _)| *kind);
        all().find(|kind| kind.name() == name).ok_or_else(|| {
            let names: Vec<_> = all().map(Self::name).collect();
            format!("not one of {}", names.join(", "))
        })
    }

    /// Whether there is something to strike.
    pub(crate) const fn comes_with(self, broker: Broker) -> bool {
        match self {
            Self::RestartBroker | Self::KillStore | Self::FreezeStore | Self::CutStore => {
                matches!(broker, Broker::Kafka)
            }
            Self::MoveSlot => matches!(broker, Broker::RedisCluster),
            _ => true,
        }
    }

    /// Whether it strikes the broker itself. Such faults come one after the other.
    pub(crate) const fn strikes_broker(self) -> bool {
        matches!(self, Self::KillBroker | Self::RestartBroker | Self::FreezeBroker | Self::MoveSlot)
    }

    /// For how long, in milliseconds. A lease is 2.5 s.
    const fn milliseconds(self) -> (u64, u64) {
        match self {
            Self::KillWorker | Self::KillGateway => (100, 2_000),
            Self::FreezeWorker | Self::FreezeGateway => (3_000, 7_000),
            Self::KillBroker | Self::KillStore => (0, 1_500),
            Self::FreezeBroker | Self::FreezeStore => (200, 4_000),
            Self::HoldBroker | Self::HoldClients => (500, 6_000),
            Self::DelayBroker => (2_000, 6_000),
            Self::ReplaceWorker
            | Self::ReplaceGateway
            | Self::MoveSlot
            | Self::RestartBroker
            | Self::CutBroker
            | Self::CutStore
            | Self::CutClients
            | Self::CutModel => (0, 0),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    /// What.
    pub(crate) kind: Kind,
    /// To whom, among those of the kind: a number to take modulo their count.
    pub(crate) target: usize,
    /// For how long, where it is not over at once.
    pub(crate) lasts: Duration,
    /// Of connections that are held or delayed: whether it is what goes to the server.
    pub(crate) towards_server: bool,
    /// Of connections that are cut: which share.
    pub(crate) share: f64,
    /// How long each piece takes, where it is delayed.
    pub(crate) delay: Duration,
    /// How long after the fault before it.
    pub(crate) pause: Duration,
}

/// An endless sequence of faults.
#[derive(Debug)]
pub(crate) struct Plan {
    random: StdRng,
    kinds: Vec<Kind>,
    round: Vec<Kind>,
    interval: Duration,
}

impl Plan {
    /// The plan of `seed`, without the kinds in `without`; a fault every `interval` on average.
    pub(crate) fn new(seed: u64, interval: Duration, without: &[Kind]) -> Self {
        let allowed = || Kind::ALL.into_iter().filter(|(kind, _)| !without.contains(kind));
        let kinds = allowed().flat_map(|(kind, weight)| vec![kind; weight]).collect();
        let mut random = StdRng::seed_from_u64(seed);
        // Each kind once, before chance has its way: a short run shall not miss one.
        let mut round: Vec<Kind> = allowed().map(|(kind, _)| kind).collect();
        round.shuffle(&mut random);
        Self { random, kinds, round, interval }
    }
}

impl Iterator for Plan {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        if self.round.is_empty() {
            self.round.clone_from(&self.kinds);
            self.round.shuffle(&mut self.random);
        }
        let kind = self.round.pop()?;
        let random = &mut self.random;
        let (least, most) = kind.milliseconds();
        Some(Fault {
            kind,
            target: random.random_range(0..1 << 16),
            lasts: Duration::from_millis(random.random_range(least..=most)),
            towards_server: random.random_bool(0.5),
            share: random.random_range(0.1..0.6),
            delay: Duration::from_millis(random.random_range(10..200)),
            pause: self.interval.mul_f64(random.random_range(0.0..2.0)),
        })
    }
}

#[cfg(test)]
mod tests;
