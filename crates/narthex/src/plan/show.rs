//! A plan for people, and for programs.

use std::fmt::Write as _;

use clap::ValueEnum as _;
use serde_json::{Map, Value, json};

use super::model::{FORMULAS, Model, Month};
use crate::table::{Cell, Table};

pub(super) fn to_table(model: &Model, months: &[Month]) -> String {
    let mut table = Table::new(&[
        "#MONTH",
        "#CONNECTIONS",
        "#STREAMS",
        "#TOKENS/S",
        "#GATEWAYS",
        "#WORKERS",
        "#SHARDS",
        "#TO CLIENTS",
        "#BROKER IN",
        "#BROKER OUT",
        "#MEMORY G / W / B",
    ]);
    for month in months {
        let numbers = [
            month.month.to_string(),
            whole(month.connections),
            whole(month.streams),
            whole(month.tokens_per_second),
            month.gateways.to_string(),
            month.workers.to_string(),
            month.shards.to_string(),
            format!("{}bit/s", short(month.to_clients_bits_per_second)),
            format!("{}bit/s", short(month.broker_in_bits_per_second)),
            format!("{}bit/s", short(month.broker_out_bits_per_second)),
            [month.gateway_memory_bytes, month.worker_memory_bytes, month.broker_memory_bytes]
                .map(|bytes| format!("{}B", short(bytes)))
                .join(" / "),
        ];
        table.push(numbers.iter().map(Cell::number).collect());
    }
    let mut out = table.to_text();
    let pods = &model.pods;
    let _ = writeln!(
        out,
        "\nA gateway or worker has {} cores and {} GiB, a shard one core and {} GiB. {:.0} % of each stays free, and of gateways \
         and workers there are {} more than are needed.\nMemory is what is in use, of all gateways, workers and shards. What a \
         token costs is not the same everywhere: --explain says what was reckoned with.",
        pods.cores,
        pods.memory_gib,
        pods.shard_memory_gib,
        pods.headroom * 100.0,
        pods.spare
    );
    out
}

/// The formulas, and what stands in them.
pub(super) fn explanation(model: &Model) -> String {
    let mut table = Table::new(&["COST", "#VALUE", "FROM"]);
    for cost in model.costs.all() {
        table.push(vec![Cell::text(cost.name), Cell::number(cost.value), Cell::text(&cost.source)]);
    }
    format!("\n{FORMULAS}\n{}", table.to_text())
}

pub(super) fn to_json(model: &Model, months: &[Month]) -> Value {
    let (load, pods) = (&model.load, &model.pods);
    let costs: Map<String, Value> = model
        .costs
        .all()
        .iter()
        .map(|cost| (cost.name.to_owned(), json!({ "value": cost.value, "from": cost.source })))
        .collect();
    json!({
        "load": {
            "connections": load.connections,
            "streaming": load.streaming,
            "tokens_per_second": load.tokens_per_second,
            "codec": load.codec.to_possible_value().map(|value| value.get_name().to_owned()),
            "growth": load.growth,
            "kept_s": load.kept.as_secs_f64(),
        },
        "pods": {
            "cores": pods.cores,
            "memory_gib": pods.memory_gib,
            "connections_per_gateway": pods.connections_per_gateway,
            "shard_memory_gib": pods.shard_memory_gib,
            "headroom": pods.headroom,
            "spare": pods.spare,
        },
        "costs": costs,
        "months": months.iter().map(month_json).collect::<Vec<_>>(),
    })
}

fn month_json(month: &Month) -> Value {
    json!({
        "month": month.month,
        "connections": month.connections.round(),
        "streams": month.streams.round(),
        "tokens_per_second": month.tokens_per_second.round(),
        "gateways": month.gateways,
        "workers": month.workers,
        "shards": month.shards,
        "gateway_memory_bytes": month.gateway_memory_bytes.round(),
        "worker_memory_bytes": month.worker_memory_bytes.round(),
        "broker_memory_bytes": month.broker_memory_bytes.round(),
        "to_clients_bits_per_second": month.to_clients_bits_per_second.round(),
        "broker_in_bits_per_second": month.broker_in_bits_per_second.round(),
        "broker_out_bits_per_second": month.broker_out_bits_per_second.round(),
    })
}

/// Without a fraction, thousands apart.
fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let grouped: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    grouped.join(",")
}

/// Three digits or so, and what to multiply them by.
fn short(number: f64) -> String {
    let (divisor, unit) = match number {
        n if n >= 1e12 => (1e12, "T"),
        n if n >= 1e9 => (1e9, "G"),
        n if n >= 1e6 => (1e6, "M"),
        _ => (1e3, "k"),
    };
    let value = number / divisor;
    if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

#[cfg(test)]
mod tests;
