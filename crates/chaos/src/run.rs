//! One run: a cluster, a load, faults, a rolling deploy, and then everything must end.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempDir;
use tokio::time;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    arguments::Arguments,
    client::{self, Scene},
    cluster::{Cluster, Parts},
    figures::Figures,
    ledger::Ledger,
    order::Pace,
    plan::{Kind, Plan},
    strike::Striker,
};

/// After the last fault, the streams under way have so long to end.
pub(crate) const LAST_STREAMS: Duration = Duration::from_secs(120);
/// After the last stream, the calls of the model have so long to end.
const LAST_CALLS: Duration = Duration::from_secs(15);
/// How often the progress is shown.
const GLANCE: Duration = Duration::from_millis(250);

/// Runs as `arguments` say.
///
/// # Errors
/// When the cluster cannot be started: then nothing was tried.
pub(crate) async fn run(arguments: Arguments) -> io::Result<Figures> {
    if arguments.faults > 0 && arguments.left_out().len() == Kind::ALL.len() {
        return Err(io::Error::other(
            "no kind of fault is left; some come only with --broker kafka or redis-cluster",
        ));
    }
    let seed = arguments.seed.unwrap_or_else(|| rand::random::<u32>().into());
    say(&format!("seed {seed}: {} faults, {} streams at a time", arguments.faults, arguments.streams));
    let logs = Logs::new(arguments.logs.clone())?;
    let ledger = Arc::new(Ledger::new());
    let parts = Parts {
        gateways: arguments.gateways,
        workers: arguments.workers,
        model_servers: arguments.model_servers,
        persistence: arguments.persistence,
        broker: arguments.broker,
        kafka_nodes: arguments.nodes,
    };
    let program = program(arguments.program.as_ref())?;
    let cluster = Arc::new(Cluster::start(parts, &program, &logs.path, &ledger).await?);
    ledger.tell("the cluster is up");
    let calls_left = torment(&arguments, seed, &cluster, &ledger).await;
    let figures = Figures {
        seed,
        totals: ledger.totals(),
        elapsed: ledger.elapsed(),
        calls_left,
        allowed: arguments.allow,
    };
    if !figures.is_good() {
        for failure in &figures.totals.failures {
            say(failure);
        }
        say(&format!("the logs are in {}", logs.keep().display()));
    }
    Ok(figures)
}

/// The load, the faults, and the end of everything: the calls of the model that are left then.
async fn torment(arguments: &Arguments, seed: u64, cluster: &Arc<Cluster>, ledger: &Arc<Ledger>) -> u64 {
    let stop = CancellationToken::new();
    let (tasks, bar) = (TaskTracker::new(), bar(arguments.faults));
    tasks.spawn(interrupted(stop.clone()));
    tasks.spawn(stop.clone().run_until_cancelled_owned(show(bar.clone(), Arc::clone(ledger))));

    let clients = TaskTracker::new();
    let scene = Scene {
        doors: cluster.doors(),
        ledger: Arc::clone(ledger),
        seed,
        pace: Pace::default(),
        key: None,
        stop: stop.clone(),
    };
    client::start(&Arc::new(scene), arguments.streams, &clients);
    let striker = Striker { cluster: Arc::clone(cluster), ledger: Arc::clone(ledger) };
    let plan = Plan::new(seed, arguments.interval, &arguments.left_out());
    striker.carry_out(plan, arguments.faults, &stop, || bar.inc(1)).await;
    if arguments.rolling {
        bar.set_prefix("rolling deploy");
        let _ = stop.run_until_cancelled(striker.roll()).await;
    }
    stop.cancel();
    bar.set_prefix("the last streams");
    clients.close();
    let all_ended = time::timeout(LAST_STREAMS, clients.wait()).await.is_ok();
    striker.check().await;
    let calls_left = if all_ended { cluster.calls_left(LAST_CALLS).await } else { 0 };
    bar.finish_and_clear();
    calls_left
}

/// The program beside this one, unless another is named.
pub(crate) fn program(named: Option<&PathBuf>) -> io::Result<PathBuf> {
    let program = match named {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("narthex"),
    };
    if program.is_file() {
        return Ok(program);
    }
    Err(io::Error::other(format!("{} is not there: build it, or name it with --program", program.display())))
}

/// Ctrl-C, or a supervisor's wish, ends the faults; the figures come all the same.
async fn interrupted(stop: CancellationToken) {
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => stop.cancel(),
        _ = terminate.recv() => stop.cancel(),
        () = stop.cancelled() => {}
    }
}

/// A bar on a terminal, and nothing elsewhere.
fn bar(faults: usize) -> ProgressBar {
    let bar = ProgressBar::new(faults as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} faults, {msg} {prefix}") {
        bar.set_style(style);
    }
    bar
}

async fn show(bar: ProgressBar, ledger: Arc<Ledger>) {
    let mut ticks = time::interval(GLANCE);
    loop {
        ticks.tick().await;
        let (under_way, ended, wrong) = ledger.glance();
        bar.set_message(format!("{under_way} streams, {ended} ended, {wrong} wrong"));
    }
}

/// Where the processes' logs are.
pub(crate) struct Logs {
    pub(crate) path: PathBuf,
    temporary: Option<TempDir>,
}

impl Logs {
    pub(crate) fn new(wanted: Option<PathBuf>) -> io::Result<Self> {
        if let Some(path) = wanted {
            std::fs::create_dir_all(&path)?;
            // Redis runs in a directory of its own.
            return Ok(Self { path: path.canonicalize()?, temporary: None });
        }
        let temporary = tempfile::Builder::new().prefix("chaos-").tempdir()?;
        Ok(Self { path: temporary.path().to_owned(), temporary: Some(temporary) })
    }

    /// Leaves them there.
    pub(crate) fn keep(self) -> PathBuf {
        self.temporary.map(TempDir::keep);
        self.path
    }
}

pub(crate) fn say(line: &str) {
    // Whoever does not listen has the exit code.
    let _ = writeln!(io::stderr(), "chaos: {line}");
}
