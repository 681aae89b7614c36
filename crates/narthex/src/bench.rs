//! `narthex bench`: loads a server over real sockets, checks all that it says, and measures.
//!
//! The work is done by [`load`]; here it is told what to do, shown while it runs, and printed.

mod args;
mod show;

use std::{process::ExitCode, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use load::{Crew, Failed, Load, Progress, Report, Watch};
use tokio::{process::Command, runtime::Builder};

pub(crate) use self::args::{BENCH_HELP, BenchArgs};
use crate::{console, failure::Failure, open_files, table::Format};

/// Loads, and tells what came of it. Exits with 1 if anything was wrong with what the server said.
pub(crate) fn run(args: &BenchArgs) -> Result<ExitCode, Failure> {
    open_files::raise();
    // One thread costs the machine least; who needs more has --processes.
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::run_time(format!("cannot start: {error}")))?;
    if args.member {
        let served = runtime.block_on(load::serve());
        return served.map(|()| ExitCode::SUCCESS).map_err(|error| Failure::run_time(error.to_string()));
    }
    let wanted = args.load(|name| std::env::var_os(name))?;
    let report = runtime.block_on(bench(args, &wanted))?;
    console::say(&match args.format {
        Format::Json => format!("{:#}\n", show::to_json(&report)),
        Format::Table => show::to_table(&report),
    });
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn bench(args: &BenchArgs, wanted: &Load) -> Result<Report, Failure> {
    let failed = |error: std::io::Error| Failure::run_time(format!("failed to begin: {error}"));
    let watch = Watch::begin(args.watched()).map_err(|error| {
        Failure::configuration(format!("--pid: {error}; it takes NAME=PID of a process on this machine"))
    })?;
    let crew = match args.processes() {
        0 | 1 => Crew::here(wanted.clone()).map_err(|error| Failure::configuration(error.to_string()))?,
        count => {
            let program = std::env::current_exe().map_err(failed)?;
            let member = || {
                let mut command = Command::new(&program);
                command.args(["bench", "--member"]);
                command
            };
            Crew::processes(wanted, count, member).await.map_err(failed)?
        }
    };
    let bar = bar(wanted);
    let report = load::conduct(wanted, crew, &watch, args.settle, |progress| show_on(&bar, progress)).await;
    bar.finish_and_clear();
    report.map_err(|failed| match failed {
        Failed::Look(error) => Failure::run_time(format!("failed to look at a process of --pid: {error}")),
        other => Failure::run_time(other.to_string()),
    })
}

/// A bar on a terminal, and nothing elsewhere.
fn bar(wanted: &Load) -> ProgressBar {
    let bar = ProgressBar::new(millis(wanted.ramp + wanted.duration));
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn show_on(bar: &ProgressBar, progress: Progress) {
    let Progress { connections, tokens, streams, failures, running } = progress;
    bar.set_position(running.map_or(0, millis));
    bar.set_message(format!(
        "{connections} connections, {streams} streams, {tokens} tokens, {failures} failures"
    ));
}

const fn millis(time: Duration) -> u64 {
    time.as_millis() as u64
}
