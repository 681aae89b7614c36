//! Measures Narthex on this machine: starts what a scene needs, loads it by the generator of `crates/load`, and says what came of it.
//!
//! Everything that is measured is a process of its own, as it is in production, and so is the generator: this program starts itself
//! for that, and for the model server. docs/bench.md says how to run it and what the columns mean.

mod arguments;
mod model_server;

mod peer;
mod stage;

mod result;
mod scene;
mod table;

mod machine;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

use crate::{
    arguments::{Arguments, Instead},
    result::{Results, Run},
};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Connections are open files.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let outcome = Builder::new_current_thread().enable_all().build().and_then(|runtime| {
        runtime.block_on(async {
            match arguments.instead {
                Some(Instead::Generate) => load::serve().await.map(|()| true),
                Some(Instead::Model) => model_server::run().await.map(|()| true),
                None => unless_interrupted(run(&arguments)).await,
            }
        })
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "bench: {error}");
            ExitCode::from(2)
        }
    }
}

/// Ctrl-C, or a supervisor's wish, ends what is under way, and with it all processes that were started for it.
async fn unless_interrupted<T>(run: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = run => done,
        _ = tokio::signal::ctrl_c() => Err(io::ErrorKind::Interrupted.into()),
        _ = terminate.recv() => Err(io::ErrorKind::Interrupted.into()),
    }
}

/// All scenes that were asked for. Whether every token came.
async fn run(arguments: &Arguments) -> io::Result<bool> {
    let mut results = Results::new(arguments)?;
    for scene in arguments.scenes() {
        let runs = scene::play(scene, arguments).await?;
        if !arguments.json && !runs.is_empty() {
            let _ = writeln!(io::stdout(), "{}", table::of(scene, &runs));
        }
        results.runs.extend(runs);
    }
    if arguments.json {
        let _ = writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&results)?);
    }
    Ok(results.runs.iter().all(Run::is_good))
}
