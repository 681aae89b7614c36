//! Where spans go, and how many.

use std::time::Duration;

use super::upstream::Header;

/// Where spans go, and how many.
#[derive(Debug, Clone)]
pub(crate) struct Traces {
    /// A receiver of OTLP over HTTP; without it nothing is traced.
    pub(crate) endpoint: Option<String>,
    /// Headers to send with every export.
    pub(crate) headers: Vec<Header>,
    /// How long one export may take.
    pub(crate) timeout: Duration,
    /// How many spans may wait for their export.
    pub(crate) max_waiting: usize,
    /// Of the traces that begin here, the share that is recorded.
    pub(crate) sample_ratio: f64,
    /// Whether a response that fails is told of, recorded or not.
    pub(crate) sample_failed: bool,
    /// Whether one that takes longer than this is; without it, none for being slow.
    pub(crate) sample_slower_than: Option<Duration>,
    /// What the process is called; `narthex-` and its role, if nothing is said.
    pub(crate) service_name: Option<String>,
    /// What else is told of the process: `key=value`.
    pub(crate) resource_attributes: Vec<String>,
}

impl Default for Traces {
    fn default() -> Self {
        Self {
            endpoint: None,
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            max_waiting: 2048,
            sample_ratio: 1.0,
            sample_failed: true,
            sample_slower_than: None,
            service_name: None,
            resource_attributes: Vec::new(),
        }
    }
}

impl Traces {
    /// What is wrong with these settings.
    pub(super) fn check(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.sample_ratio > 1.0 {
            complaints.push(format!(
                "traces.sample_ratio is {}, which is more than all traces: set it to a number from 0 to 1, such as 0.01",
                self.sample_ratio
            ));
        }
        if let Some(wrong) = self.resource_attributes.iter().find(|attribute| !attribute.contains('=')) {
            complaints.push(format!("traces.resource_attributes has {wrong:?}: write each as key=value"));
        }
        complaints.extend(Header::check("traces.headers", &self.headers));
        complaints
    }
}
