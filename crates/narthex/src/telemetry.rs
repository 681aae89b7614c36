//! What this process tells about itself: the log, where a panic goes, and [traces](Traces).

mod export;
mod log_filter;
mod recorder;
mod traces;

use std::io::{IsTerminal, stderr};

use tracing::{Level, Metadata};
use tracing_subscriber::{filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt};

pub(crate) use log_filter::LogFilter;
pub(crate) use traces::Traces;

use crate::{
    config::{Config, LogFormat},
    failure::Failure,
};

/// Begins to write the log to standard error. By what is returned its filter is changed.
pub(crate) fn install(config: &Config) -> Result<LogFilter, Failure> {
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
    if json {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(stderr)).init();
    } else {
        let colours = on_terminal && anstream::AutoStream::choice(&stderr()) != anstream::ColorChoice::Never;
        registry.with(fmt::layer().with_ansi(colours).with_writer(stderr)).init();
    }
    log_panics();
    Ok(filter)
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
