//! What every process has: where it listens, its broker, its log.

use super::{Setting, setting};
use crate::config::value::at;

pub(super) const SETTINGS: &[Setting] = &[
    setting("listen", "Where clients connect (gateway).", |c, _| at(&mut c.listen)),
    setting(
        "admin_listen",
        "Where `/healthz`, `/readyz` and `/metrics` are told. Keep it off the public network.",
        |c, _| at(&mut c.admin_listen),
    ),
    setting(
        "broker",
        "What carries jobs and streams between gateways and workers. `memory` is for `narthex dev` only.",
        |c, _| at(&mut c.broker),
    ),
    setting(
        "log",
        "Which log lines are written: a level, or a filter such as `info,gateway=debug`.",
        |c, _| at(&mut c.log),
    ),
    setting(
        "log_format",
        "How log lines are written; `auto` is text on a terminal and JSON elsewhere.",
        |c, _| at(&mut c.log_format),
    ),
];
