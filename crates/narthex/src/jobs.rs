//! `narthex jobs`: what waits, what is stuck and what died, for the people who operate a system.
//!
//! It asks the broker itself, so it works while no gateway and no worker does. Lists tell nothing of what users asked; that
//! is shown of one job, to whoever asks for it by its response.

mod act;
mod args;
mod listing;
mod show;
mod words;

use broker::{Broker, FoundJob};
use stream::ResponseId;

pub(crate) use self::args::{JobsArgs, LIST_HELP};
use self::{args::JobsCommand, listing::Listing, show::Stream};
use crate::{
    broker_choice,
    config::{BrokerUrl, Config},
    console,
    failure::{Failure, chain},
    table::Format,
};

/// Does what was asked.
pub(crate) async fn run(config: &Config, args: JobsArgs) -> Result<(), Failure> {
    if matches!(config.broker, BrokerUrl::Memory) {
        return Err(Failure::configuration(
            "the memory broker keeps its jobs inside the process that runs it, where no other can look: set --broker \
             to the one that gateways and workers share, such as redis://host:6379",
        ));
    }
    let format = args.format;
    let command = args.command().ok_or_else(|| {
        Failure::configuration(
            "--model, --state, --stuck-after and --max say what to list: write them after `list`",
        )
    })?;
    // What is tried again is a new response.
    let makes_responses = matches!(command, JobsCommand::Retry { .. });
    let broker = broker_choice::connect(config, makes_responses).await?;
    match command {
        JobsCommand::List(list) => {
            let listing = Listing::collect(&broker, &list).await?;
            console::say(&match format {
                Format::Table => listing.to_table(),
                Format::Json => format!("{:#}\n", listing.to_json()),
            });
        }
        JobsCommand::Show { id } => {
            let found = find(&broker, id).await?;
            let stream = Stream::read(&broker, id).await?;
            console::say(&match format {
                Format::Table => show::to_text(&found, &stream),
                Format::Json => format!("{:#}\n", show::to_json(&found, &stream)),
            });
        }
        JobsCommand::Retry { id } => {
            let found = find(&broker, id).await?;
            act::retry(&broker, &found, config.gateway.store_ttl, format).await?;
        }
        JobsCommand::Drop { id } => {
            let found = find(&broker, id).await?;
            act::drop_job(&broker, &found, config.gateway.store_ttl, format).await?;
        }
    }
    Ok(())
}

async fn find(broker: &Broker, id: ResponseId) -> Result<FoundJob, Failure> {
    let found = broker.jobs.find(id).await.map_err(failed)?;
    found.ok_or_else(|| {
        Failure::run_time(format!("there is no job of {id}: it has ended, was dropped, or never was there"))
    })
}

/// The broker failed.
fn failed(error: broker::Error) -> Failure {
    Failure::run_time(format!("failed to {}", chain(&error)))
}

#[cfg(test)]
mod tests;
