//! One run, from a seed to what came of it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use broker::Broker;
use parking_lot::Mutex;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::task::TaskTracker;

use crate::{
    check::{Evidence, Witness},
    client::{Client, Errand, MODELS, Party, Seen, World},
    cluster::Cluster,
    dice::Dice,
    faults::Schedule,
    flaw::Flaw,
    journal::Journal,
    ledger::Ledger,
    network::Surroundings,
};

/// When nothing goes wrong any more, every client has what it wants within this.
const CLIENTS_BOUND: Duration = Duration::from_secs(200);

/// And every response that was accepted has ended within this, though nobody may be there for it.
const QUIET_BOUND: Duration = Duration::from_secs(120);

/// What is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What everything follows from.
    pub seed: u64,
    /// Whether the trace is told while it happens, on the standard error.
    pub is_told: bool,
    /// What is broken on purpose.
    pub flaw: Option<Flaw>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// A hash of the whole trace. Two runs of one seed have the same.
    pub trace: u64,
    /// How long it was, in simulated time.
    pub time: Duration,
    /// What was counted.
    pub figures: BTreeMap<&'static str, u64>,
    /// What must not have happened.
    pub violations: Vec<String>,
}

/// Runs a seed.
///
/// It is the same every time only where randomness is: see the program.
///
/// # Panics
/// When there is no runtime.
pub fn run(options: Options) -> Report {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(simulate(options))
}

async fn simulate(options: Options) -> Report {
    let Options { seed, is_told, flaw } = options;
    let journal = Journal::new(is_told);
    let ledger = Arc::new(Ledger::new(journal.clone()));
    let truth = broker::memory::broker();
    let seen_broker = flaw.map_or_else(|| truth.clone(), |flaw| flaw.broker(&truth));
    let around = Surroundings {
        seed,
        journal: journal.clone(),
        ledger: Arc::clone(&ledger),
        tasks: TaskTracker::new(),
    };
    let mut dice = Dice::new(seed, "run");
    let (gateways, workers) = (dice.number(1..=3) as usize, dice.number(1..=3) as usize);
    let cluster = Arc::new(Cluster::new(around.clone(), seen_broker, gateways, workers));
    cluster.fill();
    around.tasks.spawn(Arc::clone(&cluster).supervise());
    while truth.control.models().await.is_ok_and(|models| models.len() < MODELS.len()) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let time = dice.skewed_millis(3_000..=30_000);
    let schedule = Schedule::draw(seed, time, &cluster);
    let was_fair = cluster.is_fair() && !schedule.cuts_off();
    let world = World { journal: journal.clone(), doors: cluster.doors.clone(), tasks: around.tasks.clone() };
    let crowd = Crowd::gather(&world, seed, &mut dice, time);
    around.tasks.spawn(schedule.run(Arc::clone(&cluster), journal.clone()));
    tokio::time::sleep(time).await;
    journal.note(format_args!("the weather clears up"));
    cluster.clear_up();

    let witnesses = crowd.come_home(&journal).await;
    wait_until_quiet(&truth, &ledger).await;
    let evidence = Evidence {
        stories: Evidence::stories(&truth, &ledger).await,
        entries: ledger.entries(),
        calls: cluster.model().calls(),
        journal: journal.clone(),
        witnesses,
        was_fair,
    };
    evidence.judge(&truth).await;
    let findings = journal.findings();
    Report {
        trace: findings.trace,
        time: journal.now(),
        figures: findings.figures,
        violations: findings.violations,
    }
}

/// Waits until all that was accepted has ended, or the time for it is over.
async fn wait_until_quiet(truth: &Broker, ledger: &Ledger) {
    let give_up = Instant::now() + QUIET_BOUND;
    while Instant::now() < give_up {
        let stories = Evidence::stories(truth, ledger).await;
        let accepted = ledger.entries().into_iter().filter(|(_, entry)| entry.prompt.is_some());
        let mut ends =
            accepted.map(|(id, _)| stories.get(&id).is_some_and(|story| story.terminal().is_some()));
        let have_ended = ends.all(|has_ended| has_ended);
        let mut left = 0;
        for (model, _) in MODELS {
            let depth = truth.jobs.depth(model).await.unwrap_or_default();
            left += depth.waiting + depth.claimed;
        }
        if have_ended && left == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// All clients of a run.
struct Crowd(Arc<Mutex<Vec<Member>>>);

struct Member {
    errand: Errand,
    seen: Arc<Mutex<Seen>>,
    /// The client comes home, unless its party was lost.
    task: JoinHandle<Option<Client>>,
}

impl Crowd {
    /// Sends clients on their errands, some of them with others that listen.
    fn gather(world: &World, seed: u64, dice: &mut Dice, time: Duration) -> Self {
        let crowd = Self(Arc::default());
        for number in 1..=dice.number(2..=7) {
            let errand = Errand::draw(dice, number);
            let begin = dice.millis(0..=time.as_millis() as u64);
            let client = Client::new(world.clone(), seed, errand.clone());
            if dice.chance(0.4) {
                crowd.let_watch(world, seed, &client, dice);
            }
            crowd.send(world, errand, client, begin);
        }
        if dice.chance(0.3) {
            crowd.send_party(world, seed, dice, time);
        }
        crowd
    }

    fn send(&self, world: &World, errand: Errand, client: Client, after: Duration) {
        world.journal.count("clients");
        let seen = client.seen();
        let task = world.tasks.spawn(async move {
            tokio::time::sleep(after).await;
            Some(client.run().await)
        });
        self.0.lock().push(Member { errand, seen, task });
    }

    /// Sends clients that share one WebSocket.
    fn send_party(&self, world: &World, seed: u64, dice: &mut Dice, time: Duration) {
        world.journal.count("shared connections");
        let mut party = Party::new(world.clone(), Dice::new(seed, "party"));
        for number in 100..100 + dice.number(2..=5) {
            world.journal.count("clients");
            let errand = Errand::draw_for_socket(dice, number);
            let client = Client::new(world.clone(), seed, errand.clone());
            let (seen, comes_back) = (client.seen(), party.add(client));
            let task = world.tasks.spawn(async move { Some(comes_back.await.ok()?.run().await) });
            self.0.lock().push(Member { errand, seen, task });
        }
        let (journal, begin) = (world.journal.clone(), dice.millis(0..=time.as_millis() as u64));
        world.tasks.spawn(async move {
            tokio::time::sleep(begin).await;
            journal.note(format_args!("a party begins"));
            party.run().await;
        });
    }

    /// Sends another client after the response of `client`, once its name is known.
    fn let_watch(&self, world: &World, seed: u64, client: &Client, dice: &mut Dice) {
        let (crowd, world, errand, mut name) =
            (Self(Arc::clone(&self.0)), world.clone(), client.errand().clone(), client.name());
        let (watcher, after) = (format!("{}w", errand.name), dice.skewed_millis(0..=10_000));
        world.tasks.clone().spawn(async move {
            // The asker may never hear of a name.
            let Ok(id) = name.wait_for(Option::is_some).await.map(|id| *id) else { return };
            let Some(id) = id else { return };
            let errand = errand.watch(&mut Dice::new(seed, &watcher), watcher.clone(), id);
            let client = Client::new(world.clone(), seed, errand.clone());
            crowd.send(&world, errand, client, after);
        });
    }

    /// Waits for all of them, but not for ever.
    async fn come_home(self, journal: &Journal) -> Vec<Witness> {
        let give_up = Instant::now() + CLIENTS_BOUND;
        let mut witnesses = Vec::new();
        loop {
            // A watcher may have come meanwhile.
            let Some(member) = self.0.lock().pop() else { return witnesses };
            let Member { mut errand, seen, task } = member;
            let mut has_ended = false;
            match tokio::time::timeout_at(give_up, task).await {
                Ok(Ok(Some(client))) => {
                    errand = client.errand().clone();
                    has_ended = client.has_ended();
                }
                Ok(Ok(None)) => journal.object(format!("{} was forgotten by its party", errand.name)),
                Ok(Err(error)) => journal.object(format!("{} failed: {error}", errand.name)),
                Err(_) => journal.object(format!("{} still waits", errand.name)),
            }
            let seen = std::mem::take(&mut *seen.lock());
            witnesses.push(Witness { errand, seen, has_ended });
        }
    }
}
