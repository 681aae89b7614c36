//! Carries a plan out on a cluster.

mod broker;

use std::{io, panic::AssertUnwindSafe, slice, sync::Arc};

use futures_util::FutureExt as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rustix::process::Signal;
use tokio::{sync::Semaphore, time};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    cluster::{Cluster, Member},
    ledger::Ledger,
    plan::{Fault, Kind, Plan},
    proxy::{Flow, Proxy, Weather},
};

/// So many faults may last at a time, beside those of the broker; the next one waits.
const AT_ONCE: usize = 8;

/// Whoever strikes.
#[derive(Debug, Clone)]
pub(crate) struct Striker {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) ledger: Arc<Ledger>,
}

impl Striker {
    /// Carries out the first `count` faults of `plan`, and waits until the last one is over. `begun` is called for each of them.
    pub(crate) async fn carry_out(
        &self,
        plan: Plan,
        count: usize,
        stop: &CancellationToken,
        begun: impl Fn(),
    ) {
        let (room, tasks) = (Arc::new(Semaphore::new(AT_ONCE)), TaskTracker::new());
        for fault in plan.take(count) {
            if stop.run_until_cancelled(time::sleep(fault.pause)).await.is_none() {
                break;
            }
            // Those of the broker come one after the other, and take long on Kafka: the others do not wait for that.
            let permit = match fault.kind.strikes_broker() {
                true => None,
                false => Arc::clone(&room).acquire_owned().await.ok(),
            };
            begun();
            let striker = self.clone();
            tasks.spawn(async move {
                let kind = fault.kind;
                // The test kit panics where something does not come back.
                let struck = AssertUnwindSafe(striker.strike(fault)).catch_unwind().await;
                let struck = struck.unwrap_or_else(|_| Err(io::Error::other("a panic, as told above")));
                if let Err(error) = struck {
                    striker.ledger.fail("cluster_broken", &format!("after {kind}: {error}"));
                }
                drop(permit);
            });
        }
        tasks.close();
        tasks.wait().await;
    }

    /// Replaces every gateway and every worker, one after the other.
    pub(crate) async fn roll(&self) {
        for member in self.cluster.gateways.iter().chain(&self.cluster.workers) {
            let mut life = member.life.lock().await;
            member.check(&mut life, &self.ledger);
            self.ledger.tell(format!("rolling: {} is replaced", member.name));
            if let Err(error) = member.replace(&mut life, &self.ledger).await {
                self.ledger.fail("cluster_broken", &format!("replacing {}: {error}", member.name));
            }
            self.ledger.tell(format!("rolling: {} was replaced", member.name));
        }
    }

    /// Notes every process that is not there any more.
    pub(crate) async fn check(&self) {
        for member in self.cluster.gateways.iter().chain(&self.cluster.workers) {
            member.check(&mut *member.life.lock().await, &self.ledger);
        }
    }

    async fn strike(&self, fault: Fault) -> io::Result<()> {
        match fault.kind {
            Kind::KillWorker | Kind::KillGateway => self.kill(&fault).await,
            Kind::FreezeWorker | Kind::FreezeGateway => self.freeze(&fault).await,
            Kind::ReplaceWorker | Kind::ReplaceGateway => self.replace(&fault).await,
            Kind::KillBroker | Kind::RestartBroker => self.kill_broker(&fault).await,
            Kind::FreezeBroker => self.freeze_broker(&fault).await,
            Kind::MoveSlot => {
                self.move_slot(&fault).await;
                Ok(())
            }
            Kind::KillStore => self.kill_redis(&fault, "the store").await,
            Kind::FreezeStore => self.freeze_redis(&fault, "the store").await,
            Kind::CutBroker => {
                let member = self.anyone(&fault);
                self.cut(&fault, &member.lines.broker, 1.0, &format!("of {}", member.name));
                Ok(())
            }
            Kind::CutStore => {
                let member = self.anyone(&fault);
                self.cut(&fault, member.lines.store.as_slice(), 1.0, &format!("of {}", member.name));
                Ok(())
            }
            Kind::HoldBroker | Kind::DelayBroker => {
                let member = self.anyone(&fault);
                let (lines, whose) = self.some_lines(&fault, member);
                self.weather(&fault, lines, &whose).await;
                Ok(())
            }
            Kind::CutClients => {
                let member = self.gateway(&fault);
                self.cut(&fault, member.clients.as_slice(), fault.share, &format!("of {}", member.name));
                Ok(())
            }
            Kind::HoldClients => {
                let member = self.gateway(&fault);
                self.weather(&fault, member.clients.as_slice(), &member.name).await;
                Ok(())
            }
            Kind::CutModel => {
                let number = fault.target % self.cluster.models.len();
                let (_, proxy) = &self.cluster.models[number];
                self.cut(&fault, slice::from_ref(proxy), fault.share, &format!("server {number}"));
                Ok(())
            }
        }
    }

    fn gateway(&self, fault: &Fault) -> &Member {
        &self.cluster.gateways[fault.target % self.cluster.gateways.len()]
    }

    fn worker(&self, fault: &Fault) -> &Member {
        &self.cluster.workers[fault.target % self.cluster.workers.len()]
    }

    fn process(&self, fault: &Fault) -> &Member {
        match fault.kind {
            Kind::KillWorker | Kind::FreezeWorker | Kind::ReplaceWorker => self.worker(fault),
            _ => self.gateway(fault),
        }
    }

    fn anyone(&self, fault: &Fault) -> &Member {
        let Cluster { gateways, workers, .. } = &*self.cluster;
        let at = fault.target % (gateways.len() + workers.len());
        gateways.get(at).unwrap_or_else(|| &workers[at - gateways.len()])
    }

    /// Of a process's lines to the broker: all of them, or those to one of several nodes.
    fn some_lines<'a>(&self, fault: &Fault, member: &'a Member) -> (&'a [Proxy], String) {
        let all = &member.lines.broker[..];
        let members = self.cluster.gateways.len() + self.cluster.workers.len();
        let at = fault.target / members % (all.len() + 1);
        match all.get(at) {
            Some(line) if all.len() > 1 => {
                (slice::from_ref(line), format!("{} and node {}", member.name, at + 1))
            }
            _ => (all, member.name.clone()),
        }
    }

    async fn kill(&self, fault: &Fault) -> io::Result<()> {
        let member = self.process(fault);
        let mut life = member.life.lock().await;
        member.check(&mut life, &self.ledger);
        self.ledger.fault(fault.kind, &format!("{}, {:?}", member.name, fault.lasts));
        if let Some(process) = life.take() {
            process.kill().await?;
        }
        if let Some(clients) = &member.clients {
            clients.lead_to(None);
        }
        time::sleep(fault.lasts).await;
        member.up(&mut life, &self.ledger).await?;
        self.ledger.tell(format!("{} is there again", member.name));
        Ok(())
    }

    async fn freeze(&self, fault: &Fault) -> io::Result<()> {
        let member = self.process(fault);
        let mut life = member.life.lock().await;
        member.check(&mut life, &self.ledger);
        self.ledger.fault(fault.kind, &format!("{}, {:?}", member.name, fault.lasts));
        member.signal(&life, Signal::STOP)?;
        time::sleep(fault.lasts).await;
        member.signal(&life, Signal::CONT)?;
        self.ledger.tell(format!("{} goes on", member.name));
        Ok(())
    }

    async fn replace(&self, fault: &Fault) -> io::Result<()> {
        let member = self.process(fault);
        let mut life = member.life.lock().await;
        member.check(&mut life, &self.ledger);
        self.ledger.fault(fault.kind, &member.name);
        member.replace(&mut life, &self.ledger).await?;
        self.ledger.tell(format!("{} was replaced", member.name));
        Ok(())
    }

    fn cut(&self, fault: &Fault, proxies: &[Proxy], share: f64, whose: &str) {
        let mut random = StdRng::seed_from_u64(fault.target as u64);
        let lines: usize = proxies.iter().map(|proxy| proxy.cut(|| random.random_bool(share))).sum();
        self.ledger.fault(fault.kind, &format!("{whose}: {lines} lines"));
    }

    async fn weather(&self, fault: &Fault, proxies: &[Proxy], whose: &str) {
        let bad = if fault.kind == Kind::DelayBroker { Flow::Late(fault.delay) } else { Flow::Held };
        let (weather, way) = match (fault.kind, fault.towards_server) {
            (Kind::DelayBroker, _) => (Weather { to_server: bad, to_clients: bad }, "both ways"),
            (_, true) => (Weather { to_server: bad, ..Weather::default() }, "to the server"),
            (_, false) => (Weather { to_clients: bad, ..Weather::default() }, "from the server"),
        };
        self.ledger.fault(fault.kind, &format!("of {whose}, {way}, {bad:?}, {:?}", fault.lasts));
        proxies.iter().for_each(|proxy| proxy.set(weather));
        time::sleep(fault.lasts).await;
        proxies.iter().for_each(|proxy| proxy.set(Weather::default()));
        self.ledger.tell(format!("{} of {whose} is over", fault.kind));
    }
}
