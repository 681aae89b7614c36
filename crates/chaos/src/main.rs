//! Kills, freezes and cuts off a cluster of real processes under load, and checks every byte that its clients get.
//!
//! A seed decides everything that can be decided: which faults come in which order, what they strike, what clients ask
//! for and how they come back. What the system makes of it is not decided by the seed, so a failure is found again by running the
//! seed again, not always at the same place.

mod arguments;
mod plan;
mod run;
mod strike;

mod cluster;
mod process;
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

use crate::arguments::{Arguments, Format};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let format = arguments.format;
    match run::run(arguments).await {
        Ok(figures) => {
            let text = match format {
                Format::Text => figures.line(),
                Format::Json => figures.json().to_string(),
            };
            // Whoever does not listen has the exit code.
            let _ = writeln!(io::stdout(), "{text}");
            if figures.is_good() { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "chaos: {error}");
            ExitCode::from(2)
        }
    }
}
