//! A report for people, and for programs.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use load::{Latency, Processes, Report};
use serde_json::{Value, json};

use crate::table::{Cell, Table};

const BAD: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();

pub(super) fn to_json(report: &Report) -> Value {
    json!(report)
}

pub(super) fn to_table(report: &Report) -> String {
    let mut out = String::new();
    for part in [streams(report), latencies(report), processes(report)].iter().filter(|part| !part.is_empty())
    {
        let _ = writeln!(out, "{part}");
    }
    out + &verdict(report)
}

fn streams(report: &Report) -> String {
    let mut table = Table::new(&[
        "#CONNECTIONS",
        "#NEW/S",
        "#STREAMS",
        "#ENDED WELL",
        "#TOKENS",
        "#TOKENS/S",
        "#TOKENS/EVENT",
    ]);
    table.push(vec![
        Cell::number(report.connections),
        Cell::number(format!("{:.0}", report.connections_per_second)),
        Cell::number(report.streams),
        Cell::number(report.completed),
        Cell::number(report.tokens),
        Cell::number(format!("{:.0}", report.tokens_per_second)),
        Cell::number(format!("{:.2}", report.tokens_per_event)),
    ]);
    table.to_text()
}

fn latencies(report: &Report) -> String {
    let mut table =
        Table::new(&["MILLISECONDS", "#COUNT", "#MEAN", "#P50", "#P90", "#P99", "#P99.9", "#MAX"]);
    for (name, latency) in [
        ("to the first token", &report.first_token),
        ("between tokens", &report.between_tokens),
        ("to the end", &report.whole),
        ("to connect", &report.connecting),
        ("to go on elsewhere", &report.resumed),
    ] {
        let Latency { count, mean_ms, p50_ms, p90_ms, p99_ms, p999_ms, max_ms } = *latency;
        if count > 0 {
            let times = [mean_ms, p50_ms, p90_ms, p99_ms, p999_ms, max_ms];
            let times = times.map(|time| Cell::number(format!("{time:.2}")));
            table.push([Cell::text(name), Cell::number(count)].into_iter().chain(times).collect());
        }
    }
    table.to_text()
}

fn processes(report: &Report) -> String {
    let mut table = Table::new(&[
        "PROCESS",
        "#CPU S",
        "#CORES",
        "#US/TOKEN",
        "#MB BEFORE",
        "#CONNECTED",
        "#MOST",
        "#AFTER",
        "#KB/CONNECTION",
        "#AFTER",
    ]);
    for processes in report.processes.iter().chain([&report.generator]) {
        let Processes { name, cpu_s, cpu_us_per_token, memory, .. } = processes;
        let megabytes = |bytes: u64| Cell::number(format!("{:.1}", bytes as f64 / 1e6));
        let each = |bytes: u64| {
            let more = bytes.saturating_sub(memory.before) as f64;
            Cell::number(format!("{:.1}", more / 1e3 / report.connections.max(1) as f64))
        };
        let mut row = vec![
            Cell::text(name),
            Cell::number(format!("{cpu_s:.2}")),
            Cell::number(format!("{:.2}", cpu_s / report.measured_s)),
            Cell::number(cpu_us_per_token.map_or_else(|| "-".to_owned(), |each| format!("{each:.2}"))),
        ];
        if memory.before > 0 {
            row.extend([memory.before, memory.connected, memory.most, memory.after].map(megabytes));
            row.extend([memory.connected, memory.after].map(each));
        }
        table.push(row);
    }
    table.to_text()
}

fn verdict(report: &Report) -> String {
    let load::Damage { lost, repeated, reordered, altered } = report.damage;
    let failed: u64 = report.errors.values().sum();
    let style = if report.is_good() { GOOD } else { BAD };
    let mut out = format!(
        "{style}lost {lost}, repeated {repeated}, reordered {reordered}, altered {altered}, failed {failed}{style:#}\n"
    );
    for (code, count) in &report.errors {
        let _ = writeln!(out, "  {count} times {code}");
    }
    out
}
