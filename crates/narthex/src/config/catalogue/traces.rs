//! Where spans go: `traces`.

use super::{Setting, entry, setting};
use crate::config::{
    Config,
    upstream::Header,
    value::{above_zero, at},
};

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        "traces.endpoint",
        "Where spans go: a receiver of OTLP over HTTP, such as `http://localhost:4318`; `/v1/traces` is added where the path is \
         empty. Without it nothing is traced, and nothing is spent on it.",
        |c, _| at(&mut c.traces.endpoint),
    ),
    setting(
        "traces.sample_ratio",
        "Of the traces that begin here, the share that is recorded, from 0 to 1. Which ones follows from the trace's id. A client \
         that brings a trace has decided already.",
        |c, _| at(&mut c.traces.sample_ratio),
    ),
    setting(
        "traces.sample_failed",
        "Whether a response that fails is told of by one span of its worker, if it was not to be recorded.",
        |c, _| at(&mut c.traces.sample_failed),
    ),
    setting(
        "traces.sample_slower_than",
        "The same for one that takes its worker longer than this.",
        |c, _| at(&mut c.traces.sample_slower_than),
    ),
    setting(
        "traces.service_name",
        "What the process is called, in traces and in metrics that are pushed. If it is not set: `narthex-gateway`, `narthex-worker` or `narthex-dev`.",
        |c, _| at(&mut c.traces.service_name),
    ),
    setting(
        "traces.resource_attributes",
        "What else is told of the process, such as `deployment.environment.name=production`.",
        |c, _| at(&mut c.traces.resource_attributes),
    ),
    setting("traces.timeout", "How long one export may take. What could not be exported is lost.", |c, _| {
        above_zero(&mut c.traces.timeout)
    }),
    setting(
        "traces.max_waiting",
        "How many spans may wait for their export; one more is dropped.",
        |c, _| above_zero(&mut c.traces.max_waiting),
    ),
    setting(
        "traces.headers.*.name",
        "A header to send with every export.",
        |c, i| at(&mut header(c, i).name),
    ),
    setting("traces.headers.*.value", "Its value, which is treated as a secret.", |c, i| {
        at(&mut header(c, i).value)
    }),
];

/// The header that the index names.
fn header<'a>(config: &'a mut Config, indices: &[usize]) -> &'a mut Header {
    entry(&mut config.traces.headers, indices.first())
}
