//! What every process has: where it listens, its broker, its log.

use super::{Setting, setting};
use crate::config::value::{above_zero, at};

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
    setting(
        "log_sampling.first",
        "Of each kind of line so many a second are written in any case; 0 is all. Errors are written all, and so are the levels below `info`.",
        |c, _| at(&mut c.log_sampling.first),
    ),
    setting(
        "log_sampling.then_one_in",
        "Beyond that, one in so many. Every 10 s the log tells how many were left out.",
        |c, _| above_zero(&mut c.log_sampling.then_one_in),
    ),
];
