//! Where metrics are pushed: `metrics`.

use super::{Setting, entry, setting};
use crate::config::{
    Config,
    upstream::Header,
    value::{above_zero, at},
};

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        "metrics.endpoint",
        "Where metrics are pushed, beside `/metrics`: a receiver of OTLP over HTTP, such as `http://localhost:4318`; `/v1/metrics` is \
         added where the path is empty. Without it nothing is pushed.",
        |c, _| at(&mut c.metrics.endpoint),
    ),
    setting("metrics.interval", "How long it is from one push to the next.", |c, _| {
        above_zero(&mut c.metrics.interval)
    }),
    setting(
        "metrics.timeout",
        "How long one push may take. The next one tells all that it would have.",
        |c, _| above_zero(&mut c.metrics.timeout),
    ),
    setting("metrics.headers.*.name", "A header to send with every push.", |c, i| at(&mut header(c, i).name)),
    setting("metrics.headers.*.value", "Its value, which is treated as a secret.", |c, i| {
        at(&mut header(c, i).value)
    }),
];

/// The header that the index names.
fn header<'a>(config: &'a mut Config, indices: &[usize]) -> &'a mut Header {
    entry(&mut config.metrics.headers, indices.first())
}
