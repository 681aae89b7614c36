//! What befalls gateways and workers, and when.

use std::{sync::Arc, time::Duration};

use crate::{
    cluster::{Cluster, Role},
    dice::Dice,
    journal::Journal,
};

/// What can befall a member.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It ends at once, and another one comes after a while.
    Kill { back_after: Duration },
    /// It stands still, and goes on.
    Freeze(Duration),
    /// It cannot reach the broker.
    CutOff(Duration),
    /// It is replaced as planned.
    Drain,
}

/// Faults at their times, one after the other.
#[derive(Debug)]
pub(crate) struct Schedule(Vec<(Duration, Role, usize, Fault)>);

impl Schedule {
    /// What `seed` has in store during `time`.
    pub(crate) fn draw(seed: u64, time: Duration, cluster: &Cluster) -> Self {
        let mut dice = Dice::new(seed, "faults");
        let count = dice.number(0..=8);
        let mut faults: Vec<_> = (0..count).map(|_| Self::draw_one(&mut dice, time, cluster)).collect();
        if dice.chance(0.1) {
            faults.push((time / 3, Role::Worker, ALL, Fault::CutOff(dice.millis(500..=5000))));
            faults.push((time / 3, Role::Gateway, ALL, Fault::CutOff(dice.millis(500..=5000))));
        }
        if dice.chance(0.06) {
            // Longer than a response waits for a worker.
            faults.push((
                time / 2,
                Role::Worker,
                ALL,
                Fault::Kill { back_after: dice.millis(20_000..=50_000) },
            ));
        }
        faults.sort_by_key(|(at, ..)| *at);
        Self(faults)
    }

    fn draw_one(dice: &mut Dice, time: Duration, cluster: &Cluster) -> (Duration, Role, usize, Fault) {
        let role = *dice.pick(&[Role::Gateway, Role::Worker, Role::Worker]);
        let place = dice.number(0..=cluster.places(role) as u64 - 1) as usize;
        let at = dice.millis(0..=time.as_millis() as u64);
        let fault = match dice.number(0..=9) {
            0..=3 => Fault::Kill { back_after: dice.skewed_millis(100..=12_000) },
            4..=6 => Fault::Freeze(dice.skewed_millis(200..=12_000)),
            7..=8 => Fault::CutOff(dice.skewed_millis(100..=8000)),
            _ => Fault::Drain,
        };
        (at, role, place, fault)
    }

    /// Whether anybody is cut off from the broker.
    pub(crate) fn cuts_off(&self) -> bool {
        self.0.iter().any(|(.., fault)| matches!(fault, Fault::CutOff(_)))
    }

    /// Lets it all happen.
    pub(crate) async fn run(self, cluster: Arc<Cluster>, journal: Journal) {
        for (at, role, place, fault) in self.0 {
            tokio::time::sleep(at.saturating_sub(journal.now())).await;
            let places = if place == ALL { 0..cluster.places(role) } else { place..place + 1 };
            for place in places {
                strike(&cluster, &journal, role, place, fault);
            }
        }
    }
}

/// Every place: as when the broker itself is away.
const ALL: usize = usize::MAX;

fn strike(cluster: &Arc<Cluster>, journal: &Journal, role: Role, place: usize, fault: Fault) {
    let Some(running) = cluster.at(role, place) else { return };
    journal.count(name(role, fault));
    journal.note(format_args!("{}: {fault:?}", running.life.name()));
    let cluster_later = Arc::clone(cluster);
    match fault {
        Fault::Kill { back_after } => {
            cluster.kill(role, place);
            cluster.tasks().spawn(async move {
                tokio::time::sleep(back_after).await;
                cluster_later.start(role, place);
            });
        }
        Fault::Drain => {
            cluster.drain(role, place);
            cluster.start(role, place);
        }
        Fault::Freeze(time) => {
            running.life.freeze();
            cluster.tasks().spawn(async move {
                tokio::time::sleep(time).await;
                running.life.thaw();
            });
        }
        Fault::CutOff(time) => {
            running.line.cut();
            cluster.tasks().spawn(async move {
                tokio::time::sleep(time).await;
                running.line.mend();
            });
        }
    }
}

const fn name(role: Role, fault: Fault) -> &'static str {
    match (role, fault) {
        (Role::Gateway, Fault::Kill { .. }) => "gateways killed",
        (Role::Worker, Fault::Kill { .. }) => "workers killed",
        (Role::Gateway, Fault::Freeze(_)) => "gateways frozen",
        (Role::Worker, Fault::Freeze(_)) => "workers frozen",
        (Role::Gateway, Fault::CutOff(_)) => "gateways cut off",
        (Role::Worker, Fault::CutOff(_)) => "workers cut off",
        (Role::Gateway, Fault::Drain) => "gateways drained",
        (Role::Worker, Fault::Drain) => "workers drained",
    }
}
