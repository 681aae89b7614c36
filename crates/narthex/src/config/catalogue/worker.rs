//! Workers, and the guard over what they say: `worker`.

use guard::PatternConfig;

use super::{Setting, entry, setting};
use crate::config::{
    Config,
    value::{above_zero, at, size},
};

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        "worker.lease",
        "How long a claimed job is the worker's without a sign of life; then another worker takes it over.",
        |c, _| above_zero(&mut c.worker.lease),
    ),
    setting(
        "worker.max_attempts",
        "After how many attempts a job that kills its workers is buried.",
        |c, _| above_zero(&mut c.worker.max_attempts),
    ),
    setting(
        "worker.drain_timeout",
        "How long a planned stop goes on with running responses before it hands them over.",
        |c, _| at(&mut c.worker.drain_timeout),
    ),
    setting("worker.replay_ttl", "How long a finished response's stream can still be replayed.", |c, _| {
        above_zero(&mut c.worker.replay_ttl)
    }),
    setting("worker.store_ttl", "How long a stored response can be read and continued.", |c, _| {
        above_zero(&mut c.worker.store_ttl)
    }),
    setting(
        "worker.max_pending_bytes",
        "How much output may wait for the broker; beyond that the model server is not read.",
        |c, _| size(&mut c.worker.max_pending_bytes),
    ),
    setting(
        "worker.max_output_bytes",
        "The longest output of one response, as it is shown; beyond that it ends as incomplete.",
        |c, _| size(&mut c.worker.max_output_bytes),
    ),
    setting(
        "worker.guard.terminal_escapes",
        "Sequences that steer a terminal are left out (`remove`), or U+FFFD stands in their place (`replace`). \
         The output guard is explained in [guard.md](guard.md).",
        |c, _| at(&mut c.guard.terminal_escapes),
    ),
    setting(
        "worker.guard.control_characters",
        "Likewise control characters, but line feed, tab, and a carriage return before a line feed.",
        |c, _| at(&mut c.guard.control_characters),
    ),
    setting(
        "worker.guard.bidi_characters",
        "Likewise characters that make text read otherwise than it runs: embeddings, overrides, isolates.",
        |c, _| at(&mut c.guard.bidi_characters),
    ),
    setting(
        "worker.guard.invisible_characters",
        "Likewise zero-width characters, direction marks and tags. Some scripts and joined emoji need them.",
        |c, _| at(&mut c.guard.invisible_characters),
    ),
    setting(
        "worker.guard.max_held_bytes",
        "How much of a text may be held back for the patterns; one that may need more is refused at the start.",
        |c, _| size(&mut c.guard.max_held_bytes),
    ),
    setting(
        "worker.guard.patterns.*.name",
        "What the pattern is called in metrics and masks; without a `regex`, which of the built-in ones it is.",
        |c, i| at(&mut pattern(c, i).name),
    ),
    setting("worker.guard.patterns.*.regex", "What to look for, in the syntax of Rust's `regex`.", |c, i| {
        at(&mut pattern(c, i).regex)
    }),
    setting(
        "worker.guard.patterns.*.action",
        "`mask` puts a replacement in its place; `stop` ends the response before it, with the reason `content_filter`.",
        |c, i| at(&mut pattern(c, i).action),
    ),
    setting(
        "worker.guard.patterns.*.replacement",
        "What stands in its place; the name in brackets, unless it is set.",
        |c, i| at(&mut pattern(c, i).replacement),
    ),
];

/// The pattern of the output guard that the first index names.
fn pattern<'a>(config: &'a mut Config, indices: &[usize]) -> &'a mut PatternConfig {
    entry(&mut config.guard.patterns, indices.first())
}
