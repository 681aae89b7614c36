//! The list of all settings: the one place that says which there are, what they mean and where they go.

mod auth;
mod brokers;
mod gateway;
mod metrics;
mod process;
mod traces;
mod upstream;
mod worker;

use super::settings::{MAX_ENTRIES, Setting, setting};

/// All settings, in the order in which they are told. The settings of one table stand together, in one part.
pub(super) const PARTS: [&[Setting]; 8] = [
    process::SETTINGS,
    metrics::SETTINGS,
    traces::SETTINGS,
    auth::SETTINGS,
    gateway::SETTINGS,
    worker::SETTINGS,
    brokers::SETTINGS,
    upstream::SETTINGS,
];

/// All of them, one after the other.
pub(super) fn settings() -> impl Iterator<Item = &'static Setting> {
    PARTS.into_iter().flatten()
}

/// The entry of a list that `index` names; a new one if there is none yet.
fn entry<'a, T: Default>(list: &'a mut Vec<T>, index: Option<&usize>) -> &'a mut T {
    let index = index.copied().unwrap_or_default().min(MAX_ENTRIES);
    if list.len() <= index {
        list.resize_with(index + 1, T::default);
    }
    &mut list[index]
}
