//! What this process tells about itself: the log, where a panic goes, [traces](Traces), and [metrics](Push) for whom `/metrics` is not
//! enough.

mod destination;
mod examination;
mod export;
mod log_filter;
mod losses;
mod push;
mod queue;
mod recorder;
mod resource;
mod sampling;
mod traces;

use std::{
    io::{IsTerminal, stderr},
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::{filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt};

pub(crate) use examination::examine;
pub(crate) use log_filter::LogFilter;
pub(crate) use losses::Losses;
pub(crate) use push::Push;
pub(crate) use resource::resource;
pub(crate) use sampling::Sampling;
pub(crate) use traces::Traces;

use crate::{
    config::{Config, LogFormat},
    failure::Failure,
};

/// What a process at work tells with, beside its log's lines and its spans.
#[derive(Debug)]
pub(crate) struct Telemetry {
    /// Which lines are written.
    pub(crate) log: LogFilter,
    /// How many of them.
    pub(crate) sampling: Sampling,
    /// What could not be told.
    pub(crate) losses: Losses,
    /// Who is told metrics, if anyone is.
    pub(crate) push: Option<Push>,
}

/// How long the end of the process waits for each export of what was not exported yet.
const FLUSH: Duration = Duration::from_secs(3);

/// Begins to write the log to standard error. By what is returned its filter is changed, and what is left out is told.
pub(crate) fn install(config: &Config) -> Result<(LogFilter, Sampling), Failure> {
    let (filter, layer) = LogFilter::new(&config.log).map_err(|error| {
        Failure::configuration(format!(
            "`log` is {:?}, which is no log filter ({error}): write a level such as info, or info,gateway=debug",
            config.log
        ))
    })?;
    let on_terminal = stderr().is_terminal();
    let json = match config.log_format {
        LogFormat::Auto => !on_terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let registry = tracing_subscriber::registry().with(layer).with(filter_fn(tells_no_content));
    let sampling = Sampling::new(config.log_sampling.clone());
    let registry = registry.with(sampling.clone());
    if json {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(stderr)).init();
    } else {
        let colours = on_terminal && anstream::AutoStream::choice(&stderr()) != anstream::ColorChoice::Never;
        registry.with(fmt::layer().with_ansi(colours).with_writer(stderr)).init();
    }
    log_panics();
    Ok((filter, sampling))
}

/// Libraries that tell at their finest level what goes over the wire: what users ask, and what opens the door.
const WIRE: [&str; 6] = ["tungstenite", "tokio_tungstenite", "h2", "hyper", "hyper_util", "rustls"];

/// Whether a line is free of what goes over the wire, whatever the filter says.
fn tells_no_content(line: &Metadata<'_>) -> bool {
    let library = line.target().split("::").next().unwrap_or_default();
    *line.level() != Level::TRACE || !WIRE.contains(&library)
}

/// One connection's bug ends that connection, not the process; it must still be found in the log.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("(no message)");
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(place, message, %backtrace, "panicked");
    }));
}
