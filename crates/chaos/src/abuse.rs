//! Abuse: a gateway under every attack at once, while honest clients stream from it.
//!
//! ```text
//!   honest clients ────────────────▶ ┌─────────┐
//!   (127.0.0.1, every byte checked)  │ gateway │ ─▶ Redis ◀─ worker ─▶ model server
//!   abusers, a process of their own ▶└─────────┘
//!   (other addresses, nice 19)
//! ```
//!
//! Time is quiet and abused in turns, so that both are measured in one run: what honest clients wait between two tokens, and the
//! memory of the gateway. What becomes of each attack is counted by the answers that it gets.

mod attack;
mod attacker;
mod attacks;
mod gauge;
mod report;
mod stage;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use tokio::time::{self, Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    attack::{Attack, Orders, Tallies},
    report::{Report, Window},
    stage::Stage,
};
use crate::{
    arguments::{Format, positive},
    client::{self, Scene},
    ledger::Ledger,
    order::Pace,
    run::{LAST_STREAMS, Logs, program, say},
};

pub(crate) use attacker::attack;

/// Before anything is measured.
const WARM_UP: Duration = Duration::from_secs(2);

/// The command line of it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How often it is quiet and then abused.
    #[arg(long, default_value_t = 6, value_parser = positive)]
    rounds: usize,
    /// How long it is quiet each time.
    #[arg(long, default_value = "8s", value_parser = humantime::parse_duration)]
    quiet: Duration,
    /// How long the attacks go on each time; some need eight seconds to come to their end.
    #[arg(long, default_value = "12s", value_parser = humantime::parse_duration)]
    abused: Duration,
    /// How many responses honest clients have under way at a time.
    #[arg(long, default_value_t = 20, value_parser = positive)]
    streams: usize,
    /// How many abusers carry out each attack, each from an address of its own.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=50))]
    abusers: u8,
    /// Only this attack. May be given several times.
    #[arg(long, value_enum)]
    only: Vec<Attack>,
    /// As many times as long as undisturbed may the honest clients' 99th percentile between tokens be.
    #[arg(long, default_value_t = 2.0)]
    max_ratio: f64,
    /// As much more memory may the gateway take than undisturbed, in MiB.
    #[arg(long, default_value_t = 64)]
    max_growth: u64,
    /// A setting of the gateway, such as `gateway.limits.messages_per_second=0`, to see what is missing without it.
    #[arg(long = "set")]
    settings: Vec<String>,
    /// The program; by default `narthex` beside this one.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where the logs of all processes go, to stay there.
    #[arg(long)]
    logs: Option<PathBuf>,
    /// How the figures are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// Runs as `arguments` say.
///
/// # Errors
/// When something cannot be started: then nothing was tried.
pub(crate) async fn run(arguments: Arguments) -> io::Result<Report> {
    let logs = Logs::new(arguments.logs.clone())?;
    let program = program(arguments.program.as_ref())?;
    let stage = Stage::start(&program, &logs.path, &arguments.settings).await?;
    let attacks = if arguments.only.is_empty() { Attack::all() } else { arguments.only.clone() };
    let (ledger, stop, clients) =
        (Arc::new(Ledger::measuring()), CancellationToken::new(), TaskTracker::new());
    let scene = Scene {
        doors: vec![stage.door()],
        ledger: Arc::clone(&ledger),
        seed: 1,
        pace: Pace { tokens: 100..200, delay_ms: 20..21 },
        key: Some(stage.keys.honest.clone()),
        stop: stop.clone(),
    };
    client::start(&Arc::new(scene), arguments.streams, &clients);
    time::sleep(WARM_UP).await;
    let (mut windows, mut tallies, mut attackers_cpu) = (Vec::new(), Tallies::default(), Duration::ZERO);
    for round in 1..=arguments.rounds {
        say(&format!("round {round} of {}", arguments.rounds));
        windows.push(Window::of(false, &stage, time::sleep(arguments.quiet)).await?.0);
        let orders = Orders {
            gateway: stage.door(),
            keys: stage.keys.clone(),
            attacks: attacks.clone(),
            abusers: arguments.abusers,
            time: arguments.abused,
        };
        let (window, done) = Window::of(true, &stage, attacker::start(&orders)).await?;
        let (more, cpu) = done?;
        tallies.add(more);
        attackers_cpu += cpu;
        windows.push(window);
    }
    stop.cancel();
    clients.close();
    let all_ended = time::timeout(LAST_STREAMS, clients.wait()).await.is_ok();
    let report = Report {
        windows,
        attacks,
        tallies,
        attackers_cpu,
        totals: ledger.totals(),
        all_ended,
        max_ratio: arguments.max_ratio,
        max_growth: arguments.max_growth << 20,
        gateway_lives: stage.gateway_lives(),
    };
    if !report.is_good() {
        say(&format!("the logs are in {}", logs.keep().display()));
    }
    Ok(report)
}

impl Window {
    /// What was measured while something happened.
    async fn of<T>(is_abused: bool, stage: &Stage, what: impl Future<Output = T>) -> io::Result<(Self, T)> {
        let (from, cpu) = (Instant::now(), stage.gauge.cpu()?);
        let (most, done) = stage.gauge.watch(what).await;
        let window = Self {
            is_abused,
            from,
            until: Instant::now(),
            most_memory: most,
            cpu: stage.gauge.cpu()?.saturating_sub(cpu),
        };
        Ok((window, done))
    }
}
