//! Strokes at the broker itself, and at the store beside it.

use std::io;

use rustix::process::Signal;
use tokio::time;

use super::Striker;
use crate::plan::{Fault, Kind};

impl Striker {
    /// Ends Redis, or a node of Kafka, which then comes back.
    pub(super) async fn kill_broker(&self, fault: &Fault) -> io::Result<()> {
        let Some(kafka) = &self.cluster.kafka else {
            return self.kill_redis(fault, "the broker").await;
        };
        let kafka = kafka.lock().await;
        let node = kafka.node(fault.target);
        self.ledger.fault(fault.kind, &format!("node {node}"));
        let signal = if fault.kind == Kind::RestartBroker { Signal::TERM } else { Signal::KILL };
        kafka.end(node, signal).await?;
        self.ledger.tell(format!("node {node} is there again and in sync"));
        Ok(())
    }

    pub(super) async fn freeze_broker(&self, fault: &Fault) -> io::Result<()> {
        let Some(kafka) = &self.cluster.kafka else { return self.freeze_redis(fault, "the broker").await };
        let kafka = kafka.lock().await;
        let node = kafka.node(fault.target);
        self.ledger.fault(fault.kind, &format!("node {node}, {:?}", fault.lasts));
        kafka.signal(node, Signal::STOP)?;
        time::sleep(fault.lasts).await;
        kafka.signal(node, Signal::CONT)?;
        self.ledger.tell(format!("node {node} goes on"));
        kafka.in_sync(node).await?;
        self.ledger.tell(format!("node {node} is in sync"));
        Ok(())
    }

    pub(super) async fn kill_redis(&self, fault: &Fault, role: &str) -> io::Result<()> {
        let mut redis = self.cluster.redis.lock().await;
        let (node, name) = redis.node(fault.target);
        self.ledger.fault(fault.kind, &format!("{name}{:?}", fault.lasts));
        redis.kill(node, fault.lasts).await?;
        self.ledger.tell(format!("{name}{role} is there again"));
        Ok(())
    }

    pub(super) async fn freeze_redis(&self, fault: &Fault, role: &str) -> io::Result<()> {
        let redis = self.cluster.redis.lock().await;
        let (node, name) = redis.node(fault.target);
        self.ledger.fault(fault.kind, &format!("{name}{:?}", fault.lasts));
        redis.freeze(node, fault.lasts).await?;
        self.ledger.tell(format!("{name}{role} goes on"));
        Ok(())
    }

    pub(super) async fn move_slot(&self, fault: &Fault) {
        let redis = self.cluster.redis.lock().await;
        let moved = redis.move_slot(fault.target);
        self.ledger.fault(fault.kind, &moved);
    }
}
