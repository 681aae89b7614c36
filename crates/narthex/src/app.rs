//! One running process: its parts, how they come up, and in which order they go down.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use broker::{Broker, Member};
use futures_util::FutureExt;
use gateway::{Gateway, Pressure};
use prometheus_client::registry::Registry;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admin::Admin,
    banner::Banner,
    broker_choice,
    broker_timing::Times,
    config::{Config, Role},
    failure::{Failure, chain},
    identity, memory, metrics,
    ports::{Ports, Public},
    status::Status,
    telemetry::Telemetry,
    tls::Certificates,
    upstream::Source,
};

/// A process at work.
#[derive(Debug)]
pub(crate) struct App {
    status: Status,
    gateway: Part,
    worker: Part,
    admin: Part,
    failures: mpsc::Receiver<Failure>,
}

/// What is spawned now, and ended together.
#[derive(Debug)]
struct Part {
    drain: CancellationToken,
    tasks: TaskTracker,
    failures: mpsc::Sender<Failure>,
}

impl App {
    /// Brings up what `role` needs. The admin listener comes first, as it tells what the others wait for.
    pub(crate) async fn start(
        role: Role,
        config: Config,
        ports: Ports,
        telemetry: Telemetry,
    ) -> Result<Self, Failure> {
        let (sender, failures) = mpsc::channel(1);
        let part = || Part::new(sender.clone());
        let app =
            Self { status: Status::starting(), gateway: part(), worker: part(), admin: part(), failures };

        let mut registry = Registry::default();
        let lag = metrics::register(&mut registry, role.name());
        app.admin.tasks.spawn(app.admin.drain.clone().run_until_cancelled_owned(metrics::watch_lag(lag)));
        if role.is_gateway() {
            memory::register(&mut registry, config.gateway.limits.max_memory);
        }
        let gateway_metrics = role.is_gateway().then(|| gateway::Metrics::register(&mut registry));
        let worker_metrics = role.is_worker().then(|| worker::Metrics::register(&mut registry));
        let times = Times::register(&mut registry);
        let Telemetry { log, sampling, losses, push } = telemetry;
        app.admin.tasks.spawn(sampling.tell(app.admin.drain.clone()));
        losses.register(&mut registry);
        let registry = Arc::new(registry);
        if let Some(push) = push {
            app.admin.tasks.spawn(push.run(Arc::clone(&registry), app.admin.drain.clone()));
        }
        let admin = Admin::new(app.status.clone(), registry, log);
        let end = app.admin.drain.clone();
        app.admin.spawn("admin listener", async move {
            admin.run(ports.admin.0, end).await;
            Ok(())
        });

        // A file that is wrong is told before anything is waited for.
        let authenticator = match role.is_gateway() {
            true => Some(Arc::new(identity::authenticator(&config.auth)?)),
            false => None,
        };
        let broker = times.of(broker_choice::wait_for(&config, role.is_gateway(), &app.status).await?);
        let mut models = Vec::new();
        if let Some(metrics) = worker_metrics {
            models = app.spawn_workers(&config, &broker, &metrics)?;
        }
        let mut banner = None;
        if let (Some(metrics), Some(listening), Some(authenticator)) =
            (gateway_metrics, ports.public, authenticator)
        {
            let needs_key = config.auth.source().is_some();
            banner =
                (role == Role::Dev).then(|| Banner::new(listening.scheme(), listening.address, needs_key));
            let Public { listener, certificates, .. } = listening;
            let tls = certificates.as_ref().map(Certificates::tls);
            if let Some(certificates) = certificates {
                app.admin
                    .tasks
                    .spawn(app.gateway.drain.clone().run_until_cancelled_owned(certificates.keep()));
            }
            app.status.depends_on(&authenticator);
            let pressure = app.watch_memory(config.gateway.limits.max_memory);
            let (config, member) = (config.gateway, Member::random("gateway"));
            let gateway = Gateway::build(config, authenticator, broker.clone(), member, metrics, pressure);
            app.spawn_gateway(gateway, listener, tls);
        }
        let ready = ready(app.status.clone(), broker, models, banner);
        // A drain need not wait for what may never come.
        app.admin.tasks.spawn(app.worker.drain.clone().run_until_cancelled_owned(ready));
        Ok(app)
    }

    /// How full the memory is, from now on.
    fn watch_memory(&self, max_memory: usize) -> Pressure {
        let pressure = Pressure::default();
        let watching = memory::watch(max_memory, pressure.clone());
        self.admin.tasks.spawn(self.admin.drain.clone().run_until_cancelled_owned(watching));
        pressure
    }

    fn spawn_gateway(&self, gateway: Gateway, listener: TcpListener, tls: Option<gateway::Tls>) {
        let drain = self.gateway.drain.clone();
        self.gateway.spawn("gateway", async move {
            gateway.run(listener, tls, drain).await;
            Ok(())
        });
    }

    /// A worker, and what it serves as it becomes known: a model server that does not answer yet holds up no other.
    fn spawn_workers(
        &self,
        config: &Config,
        broker: &Broker,
        metrics: &worker::Metrics,
    ) -> Result<Vec<oneshot::Receiver<Vec<String>>>, Failure> {
        let (member, drain) = (Member::random("worker"), self.worker.drain.clone());
        let worker = worker::Worker::build(config.worker.clone(), broker.clone(), member, metrics.clone());
        let servers = worker.servers();
        self.worker.spawn("worker", async move { told(worker.run(drain).await) });
        let mut known = Vec::new();
        for (index, upstream) in config.upstream.iter().enumerate() {
            let source = Source::new(index, upstream, |name| std::env::var_os(name))?;
            let (tell, models) = oneshot::channel();
            known.push(models);
            let (status, drain, servers) = (self.status.clone(), self.worker.drain.clone(), servers.clone());
            let run = async move {
                let Some(served) = drain.run_until_cancelled(source.served(&status)).await else {
                    return Ok(());
                };
                let served = served?;
                drop(tell.send(served.iter().map(|served| served.config.name.clone()).collect()));
                for served in served {
                    servers.add(served).await;
                }
                drain.cancelled().await;
                Ok(())
            };
            self.worker.spawn("worker", run);
        }
        Ok(known)
    }

    /// Waits until a part ends that should not.
    pub(crate) async fn failed(&mut self) -> Failure {
        match self.failures.recv().await {
            Some(failure) => failure,
            // Each part keeps a sender.
            None => std::future::pending().await,
        }
    }

    /// Takes nothing new, finishes or hands over what runs, and ends. The gateway goes first: what it still streams, a
    /// worker in the same process has to produce. The admin listener goes last: it tells that the rest is draining.
    pub(crate) async fn drain(&self) {
        self.status.draining();
        self.gateway.end().await;
        self.worker.end().await;
        self.admin.end().await;
        tracing::info!("drained");
    }
}

impl Part {
    fn new(failures: mpsc::Sender<Failure>) -> Self {
        Self { drain: CancellationToken::new(), tasks: TaskTracker::new(), failures }
    }

    /// Runs `run`, which is to end no earlier than the drain begins.
    fn spawn<F>(&self, name: &'static str, run: F)
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let (drain, failures) = (self.drain.clone(), self.failures.clone());
        self.tasks.spawn(async move {
            let failure = match AssertUnwindSafe(run).catch_unwind().await {
                Ok(Ok(())) if drain.is_cancelled() => return,
                Ok(Ok(())) => Failure::run_time(format!("the {name} stopped by itself; the log says why")),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::run_time(format!("the {name} broke down; the log says where")),
            };
            tracing::error!(%failure, "a part of this process failed");
            // One failure is enough to stop; who comes second need not be heard.
            drop(failures.try_send(failure));
        });
    }

    async fn end(&self) {
        self.drain.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Declares the process ready once all models are known and announced, and greets the person who started it.
async fn ready(
    status: Status,
    broker: Broker,
    known: Vec<oneshot::Receiver<Vec<String>>>,
    banner: Option<Banner>,
) {
    let mut models = Vec::new();
    for upstream in known {
        // Closed without a word: the drain came first, or the part failed.
        let Ok(names) = upstream.await else { return };
        models.extend(names);
    }
    announced(&broker, &models).await;
    status.ready(broker);
    tracing::info!(?models, "ready");
    if let Some(banner) = banner {
        banner.show(&models);
    }
}

/// Waits until gateways can know of `models`: a request that comes right after the greeting must not be told that there
/// is no such model. Announcements are the workers' own, so this can only look.
async fn announced(broker: &Broker, models: &[String]) {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    loop {
        looks.tick().await;
        let Ok(roster) = broker.control.models().await else { continue };
        if models.iter().all(|name| roster.iter().any(|model| model.name == *name)) {
            return;
        }
    }
}

fn told(outcome: Result<(), broker::Error>) -> Result<(), Failure> {
    outcome.map_err(|error| Failure::run_time(format!("failed to {}", chain(&error))))
}
