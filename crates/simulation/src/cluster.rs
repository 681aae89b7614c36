//! The gateways and workers of a run: real ones, each in a place of its own, to be killed, frozen, cut off and replaced.

use std::{sync::Arc, time::Duration};

use broker::{Broker, Member};
use gateway::Gateway;
use identity::Authenticator;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio::task::AbortHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use worker::{Continuation, ModelConfig, Served, Timeouts, Worker};

use crate::{
    client::MODELS,
    dice::Dice,
    life::{Life, Phase},
    model::Model,
    network::{Line, Surroundings, Weather},
    pipes::{self, Doors, Port},
};

/// How long a response runs on after its last subscriber has gone.
pub(crate) const GRACE: Duration = Duration::from_secs(20);

/// How long a response may wait for a worker.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(40);

/// All that runs.
pub(crate) struct Cluster {
    around: Surroundings,
    broker: Broker,
    model: Arc<Model>,
    pub(crate) doors: Doors,
    gateways: Mutex<Vec<Option<Running>>>,
    workers: Mutex<Vec<Option<Running>>>,
    state: Mutex<State>,
}

struct State {
    dice: Dice,
    weather: Weather,
    /// How many members there have been: each has a name of its own.
    members: u64,
}

/// A gateway or worker that runs.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) life: Life,
    pub(crate) line: Arc<Line>,
    port: Option<Port>,
    drain: CancellationToken,
    task: AbortHandle,
}

/// Gateways, or workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Gateway,
    Worker,
}

impl Cluster {
    /// A cluster with nobody in it yet.
    pub(crate) fn new(around: Surroundings, broker: Broker, gateways: usize, workers: usize) -> Self {
        let mut dice = Dice::new(around.seed, "cluster");
        let weather = Weather::draw(&mut dice);
        around.journal.note(format_args!("{gateways} gateways, {workers} workers, {weather:?}"));
        Self {
            broker,
            model: Model::new(around.seed, around.journal.clone()),
            doors: Doors::new(gateways),
            gateways: Mutex::new(vec![None; gateways]),
            workers: Mutex::new(vec![None; workers]),
            state: Mutex::new(State { dice, weather, members: 0 }),
            around,
        }
    }

    pub(crate) const fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Whether all calls of the broker go as they should, and in time.
    pub(crate) fn is_fair(&self) -> bool {
        self.state.lock().weather == Weather::default()
    }

    pub(crate) const fn tasks(&self) -> &TaskTracker {
        &self.around.tasks
    }

    pub(crate) fn places(&self, role: Role) -> usize {
        self.members(role).lock().len()
    }

    /// Who runs at a place, if anybody does.
    pub(crate) fn at(&self, role: Role, place: usize) -> Option<Running> {
        self.members(role).lock()[place].clone()
    }

    /// Lets somebody run at every place where nobody does.
    pub(crate) fn fill(&self) {
        for role in [Role::Gateway, Role::Worker] {
            for place in 0..self.places(role) {
                self.start(role, place);
            }
        }
    }

    /// Replaces workers that died of themselves, for as long as the run lasts.
    pub(crate) async fn supervise(self: Arc<Self>) {
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            for place in 0..self.places(Role::Worker) {
                let running = self.at(Role::Worker, place);
                if running.is_some_and(|running| running.life.phase() == Phase::Dead) {
                    self.kill(Role::Worker, place);
                    self.start(Role::Worker, place);
                }
            }
        }
    }

    /// Starts a new member, unless one runs there.
    pub(crate) fn start(&self, role: Role, place: usize) {
        if self.at(role, place).is_some() {
            return;
        }
        let running = match role {
            Role::Gateway => self.start_gateway(place),
            Role::Worker => self.start_worker(),
        };
        self.note(&running, "starts");
        self.members(role).lock()[place] = Some(running);
    }

    /// Ends a member at once.
    pub(crate) fn kill(&self, role: Role, place: usize) {
        let Some(running) = self.members(role).lock()[place].take() else { return };
        self.note(&running, "is killed");
        running.life.die();
        if let Some(port) = &running.port {
            self.doors.set(place, None);
            port.cut();
        }
        running.task.abort();
    }

    /// Begins a planned stop. The place is free at once: during a deploy the new one runs before the old one has gone.
    pub(crate) fn drain(&self, role: Role, place: usize) {
        let Some(running) = self.members(role).lock()[place].take() else { return };
        self.note(&running, "drains");
        if role == Role::Gateway {
            self.doors.set(place, None);
        }
        running.drain.cancel();
    }

    /// The weather is fine from now on, for those who run and those who come.
    pub(crate) fn clear_up(&self) {
        self.state.lock().weather = Weather::default();
        for role in [Role::Gateway, Role::Worker] {
            for running in self.members(role).lock().iter().flatten() {
                running.line.set_weather(Weather::default());
                running.line.mend();
                running.life.thaw();
            }
        }
    }

    fn members(&self, role: Role) -> &Mutex<Vec<Option<Running>>> {
        match role {
            Role::Gateway => &self.gateways,
            Role::Worker => &self.workers,
        }
    }

    fn note(&self, running: &Running, what: &str) {
        self.around.journal.note(format_args!("{} {what}", running.life.name()));
    }

    fn line(&self, name: &str) -> Arc<Line> {
        Line::new(&self.around, Life::new(name), self.state.lock().weather)
    }

    fn name(&self, role: &str) -> String {
        let mut state = self.state.lock();
        state.members += 1;
        format!("{role}-{}", state.members)
    }

    fn start_gateway(&self, place: usize) -> Running {
        let name = self.name("gateway");
        let line = self.line(&name);
        let mut state = self.state.lock();
        let config = gateway::Config {
            grace: GRACE,
            queue_timeout: QUEUE_TIMEOUT,
            drain_timeout: state.dice.millis(500..=8000),
            // Small ones are soon left behind.
            window_bytes: *state.dice.pick(&[256, 2048, 32 * 1024]),
            ..gateway::Config::default()
        };
        drop(state);
        let metrics = gateway::Metrics::register(&mut Registry::default());
        let gateway = Gateway::build(
            config,
            Arc::new(Authenticator::open()),
            line.broker(&self.broker),
            Member::new(name),
            metrics,
            gateway::Pressure::default(),
        );
        let (port, door) = pipes::port(line.life.clone());
        self.doors.set(place, Some(port.clone()));
        let drain = CancellationToken::new();
        let task = self.around.tasks.spawn({
            let (drain, life, port) = (drain.clone(), line.life.clone(), port.clone());
            async move {
                gateway.run(door, None, drain).await;
                // The end of the process: what is still open is cut.
                life.die();
                port.cut();
            }
        });
        Running { life: line.life.clone(), line, port: Some(port), drain, task: task.abort_handle() }
    }

    fn start_worker(&self) -> Running {
        let name = self.name("worker");
        let line = self.line(&name);
        let served = MODELS.map(|(model, continues)| Served {
            config: ModelConfig {
                name: model.to_owned(),
                upstream_name: model.to_owned(),
                concurrency: 4,
                timeouts: Timeouts {
                    // Longer than anybody stands still: nobody's time runs out but the model's.
                    first_token: Duration::from_secs(20),
                    between_tokens: Duration::from_secs(20),
                    response: Duration::from_secs(90),
                },
                continuation: if continues { Continuation::Prefill } else { Continuation::None },
            },
            engine: self.model.engine(line.life.clone(), continues),
        });
        let config = worker::Config {
            drain_timeout: self.state.lock().dice.millis(100..=6000),
            ..worker::Config::default()
        };
        let metrics = worker::Metrics::register(&mut Registry::default());
        let broker = line.broker(&self.broker);
        let drain = CancellationToken::new();
        let task = self.around.tasks.spawn({
            let (drain, life) = (drain.clone(), line.life.clone());
            async move {
                // As its supervisor would: a start that fails is tried again.
                while !drain.is_cancelled() {
                    let member = Member::new(life.name());
                    let worker = Worker::build(config.clone(), broker.clone(), member, metrics.clone());
                    let servers = worker.servers();
                    let serve = async {
                        for served in &served {
                            servers.add(served.clone()).await;
                        }
                    };
                    let (result, ()) = tokio::join!(worker.run(drain.clone()), serve);
                    if result.is_ok() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            }
        });
        Running { life: line.life.clone(), line, port: None, drain, task: task.abort_handle() }
    }
}
