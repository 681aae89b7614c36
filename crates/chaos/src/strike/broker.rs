//! Strokes at the broker itself, and at the store beside it.

use std::io;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time;

use super::Striker;
use crate::plan::{Fault, Kind};

impl Striker {
    /// Ends Redis, or a node of Kafka, which then comes back.
    pub(super) async fn kill_broker(&self, fault: &Fault) -> io::Result<()> {
        let Some(kafka) = &self.cluster.kafka else {
            self.kill_redis(fault, "the broker").await;
            return Ok(());
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

    pub(super) async fn kill_redis(&self, fault: &Fault, role: &str) {
        let mut redis = self.cluster.redis.lock().await;
        self.ledger.fault(fault.kind, &format!("{:?}", fault.lasts));
        redis.kill();
        time::sleep(fault.lasts).await;
        redis.start_again().await;
        self.ledger.tell(format!("{role} is there again"));
    }

    pub(super) async fn freeze_redis(&self, fault: &Fault, role: &str) -> io::Result<()> {
        let redis = self.cluster.redis.lock().await;
        self.ledger.fault(fault.kind, &format!("{:?}", fault.lasts));
        let pid = redis.pid().try_into().ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other(format!("{role} has no pid")))?;
        kill_process(pid, Signal::STOP)?;
        time::sleep(fault.lasts).await;
        kill_process(pid, Signal::CONT)?;
        self.ledger.tell(format!("{role} goes on"));
        Ok(())
    }
}
