//! Kills, freezes and cuts off a cluster of real processes under load, and checks every byte that its clients get.
//!
//! A seed decides everything that can be decided: which faults come in which order, what they strike, what clients ask
//! for and how they come back. What the system makes of it is not decided by the seed, so a failure is found again by running the
//! seed again, not always at the same place.

mod arguments;

mod abuse;

mod plan;
mod run;
mod strike;

mod cluster;
mod proxy;

mod client;
mod order;
mod tape;

mod figures;
mod ledger;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser as _;

use crate::arguments::{Arguments, Format, Instead};

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    let format = arguments.format;
    match arguments.instead.take() {
        Some(Instead::Abuse(arguments)) => {
            let format = arguments.format;
            told(abuse::run(arguments).await.map(|report| (report.is_good(), report.show(format))))
        }
        Some(Instead::Attack) => told(abuse::attack().await.map(|told| (true, told))),
        None => told(run::run(arguments).await.map(|figures| {
            let text = match format {
                Format::Text => figures.line(),
                Format::Json => figures.json().to_string(),
            };
            (figures.is_good(), text)
        })),
    }
}

/// Prints what came of it. Whoever does not listen has the exit code.
fn told(outcome: io::Result<(bool, String)>) -> ExitCode {
    match outcome {
        Ok((is_good, text)) => {
            let _ = writeln!(io::stdout(), "{text}");
            if is_good { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "chaos: {error}");
            ExitCode::from(2)
        }
    }
}
