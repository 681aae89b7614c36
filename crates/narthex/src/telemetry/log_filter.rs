//! Which lines are written to the log, while the process runs.

use tracing_subscriber::{EnvFilter, Registry, reload};

/// The filter of the log. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct LogFilter(reload::Handle<EnvFilter, Registry>);

impl LogFilter {
    /// A filter that can be changed, and the layer that filters.
    ///
    /// # Errors
    /// What is wrong with it, after "is no log filter".
    pub(super) fn new(filter: &str) -> Result<(Self, reload::Layer<EnvFilter, Registry>), String> {
        let (layer, handle) = reload::Layer::new(parse(filter)?);
        Ok((Self(handle), layer))
    }

    /// Writes other lines from now on.
    ///
    /// # Errors
    /// What is wrong with the filter; the old one stays.
    pub(crate) fn change(&self, filter: &str) -> Result<(), String> {
        self.0.reload(parse(filter)?).map_err(|error| error.to_string())?;
        tracing::info!(filter, "the log's filter was changed");
        Ok(())
    }

    /// As it is now.
    pub(crate) fn current(&self) -> String {
        self.0.with_current(ToString::to_string).unwrap_or_default()
    }
}

fn parse(filter: &str) -> Result<EnvFilter, String> {
    EnvFilter::builder().parse(filter).map_err(|error| error.to_string())
}
