//! What people read: a table for each scene, and what is to be compared.

use std::fmt::Write as _;

use load::{Processes, Report};

use crate::{
    arguments::Scene,
    result::{DIRECT, NARTHEX, Run},
};

/// A column: its name, and what stands in it.
type Column = (&'static str, fn(&Run) -> String);

const COST: &[Column] = &[
    ("TOKENS/S", |run| format!("{:.0}", run.report.tokens_per_second)),
    ("PER EVENT", |run| format!("{:.2}", run.report.tokens_per_event)),
    ("US/TOKEN", |run| number(run.report.cpu_us_per_token().filter(|all| *all > 0.0))),
    ("GATEWAY", |run| cost(run, "gateway")),
    ("WORKER", |run| cost(run, "worker")),
    ("BROKER", |run| cost(run, "broker")),
    ("BETWEEN P99", |run| format!("{:.1}", run.report.between_tokens.p99_ms)),
];
const FIRST: &[Column] = &[
    ("FIRST P50", |run| format!("{:.2}", run.report.first_token.p50_ms)),
    ("P90", |run| format!("{:.2}", run.report.first_token.p90_ms)),
    ("P99", |run| format!("{:.2}", run.report.first_token.p99_ms)),
    ("COUNT", |run| run.report.first_token.count.to_string()),
];
const CONNECTIONS: &[Column] = &[
    ("CONNECTED", |run| run.report.connections.to_string()),
    ("NEW/S", |run| format!("{:.0}", run.report.connections_per_second)),
    ("P99 MS", |run| format!("{:.1}", run.report.connecting.p99_ms)),
    ("KB EACH", |run| each(run, |processes| processes.memory.connected)),
    ("KB AFTER", |run| each(run, |processes| processes.memory.after)),
];
const HELD: &[Column] =
    &[("PINGED", |run| run.report.pinged.to_string()), ("STREAMED", |run| run.report.completed.to_string())];
const RESUMED: &[Column] = &[
    ("WENT ON", |run| run.report.resumed.count.to_string()),
    ("AFTER P50", |run| format!("{:.1}", run.report.resumed.p50_ms)),
    ("P99", |run| format!("{:.1}", run.report.resumed.p99_ms)),
    ("MAX", |run| format!("{:.1}", run.report.resumed.max_ms)),
];
const MEMORY: &[Column] = &[("GATEWAY MB", |run| {
    let edge = edge(&run.report);
    edge.map_or_else(|| "-".to_owned(), |edge| format!("{:.0}", edge.memory.most as f64 / 1e6))
})];
const END: &[Column] = &[
    ("GENERATOR", |run| format!("{:.0}%", run.report.generator.cpu_s / run.report.measured_s * 100.0)),
    ("WRONG", wrong),
];

/// The table of a scene.
pub(crate) fn of(scene: Scene, runs: &[Run]) -> String {
    let own: &[&[Column]] = match scene {
        Scene::Tokens | Scene::Growth | Scene::Fanout | Scene::Pair => &[COST],
        Scene::Latency => &[FIRST],
        Scene::Idle => &[CONNECTIONS],
        Scene::Connections => &[CONNECTIONS, HELD],
        Scene::Resume => &[RESUMED, COST],
        Scene::Slow => &[COST, FIRST, MEMORY],
    };
    let columns: Vec<&Column> = own.iter().chain(&[END]).flat_map(|part| part.iter()).collect();
    let header = ["".to_owned(), "SERVER".to_owned()];
    let mut rows = vec![
        header.into_iter().chain(columns.iter().map(|(name, _)| (*name).to_owned())).collect::<Vec<_>>(),
    ];
    rows.extend(runs.iter().map(|run| {
        let start = [run.what.clone(), run.server.to_owned()];
        start.into_iter().chain(columns.iter().map(|(_, cell)| cell(run))).collect()
    }));
    let widths: Vec<usize> = (0..columns.len() + 2)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    let mut out = format!("{scene:?}\n").to_uppercase();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("  "));
    }
    out + &compared(runs) + &further(scene, runs)
}

/// What is added to the model server, and how much more the peers take.
fn compared(runs: &[Run]) -> String {
    let mut out = String::new();
    for run in runs.iter().filter(|run| run.server != NARTHEX) {
        let same = |own: &&Run| matches!(own.what.strip_prefix(&*run.what), Some("" | ", sse"));
        for own in runs.iter().filter(|own| own.server == NARTHEX).filter(same) {
            if run.server == DIRECT {
                let (ours, theirs) = (own.report.first_token, run.report.first_token);
                let _ = writeln!(
                    out,
                    "{}: first token {:+.2} ms p50, {:+.2} ms p99 over calling the model server directly",
                    own.what,
                    ours.p50_ms - theirs.p50_ms,
                    ours.p99_ms - theirs.p99_ms
                );
            } else if own.what == run.what {
                out.extend(against(own, run).map(|line| format!("{}: {line}\n", own.what)));
            }
        }
    }
    out
}

/// How much more a peer takes for a token: without the broker where both have one, and in all where the peer has none. `None` where
/// Narthex took less than the system counts.
fn against(own: &Run, peer: &Run) -> Option<String> {
    let has_broker = of_name(&peer.report, "broker").is_some();
    let cost = |report: &Report| {
        let all = report.processes.iter().filter(|processes| !has_broker || processes.name != "broker");
        all.filter_map(|processes| processes.cpu_us_per_token).sum::<f64>()
    };
    let (ours, theirs) = (cost(&own.report), cost(&peer.report));
    (ours > 0.0).then(|| {
        format!(
            "{} takes {:.1} times as much in {} ({theirs:.1} us), and delivers {:.2} times as many tokens/s",
            peer.server,
            theirs / ours,
            if has_broker { "gateway and worker" } else { "all processes" },
            peer.report.tokens_per_second / own.report.tokens_per_second
        )
    })
}

/// What a scene is to show.
fn further(scene: Scene, runs: &[Run]) -> String {
    let edges: Vec<_> = runs.iter().filter_map(|run| Some((&run.report, edge(&run.report)?))).collect();
    let told = match scene {
        Scene::Connections => flatness(&edges),
        Scene::Pair => scaling(&edges),
        _ => None,
    };
    told.map(|told| told + "\n").unwrap_or_default()
}

/// Whether connections cost as much when there are many: what each costs that the largest run of one gateway has more than the
/// smallest, without what the first ones of any process cost.
fn flatness(edges: &[(&Report, &Processes)]) -> Option<String> {
    let mut alone = edges.iter().filter(|(_, edge)| edge.processes == 1);
    let (few, small) = alone.next()?;
    let (many, large) = alone.next_back()?;
    let more = |edge: &Processes| edge.memory.connected as f64 - edge.memory.before as f64;
    let each = (more(large) - more(small)) / 1e3 / many.connections.saturating_sub(few.connections) as f64;
    Some(format!(
        "from {} to {} connections at one gateway: {each:.2} kB for each further one",
        few.connections, many.connections
    ))
}

/// Whether several gateways serve as many times more as they are.
fn scaling(edges: &[(&Report, &Processes)]) -> Option<String> {
    let [(one, single), .., (all, several)] = edges else { return None };
    Some(format!(
        "{} gateways: {:.2} times as many tokens/s as {}, {:.2} times as much CPU time of gateways for each",
        several.processes,
        all.tokens_per_second / one.tokens_per_second,
        single.processes,
        several.cpu_us_per_token? / single.cpu_us_per_token?
    ))
}

fn number(number: Option<f64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.2}"))
}

fn of_name<'a>(report: &'a Report, name: &str) -> Option<&'a Processes> {
    report.processes.iter().find(|processes| processes.name == name)
}

fn cost(run: &Run, name: &str) -> String {
    number(of_name(&run.report, name).and_then(|processes| processes.cpu_us_per_token))
}

/// Who holds the connections.
fn edge(report: &Report) -> Option<&Processes> {
    of_name(report, "gateway").or_else(|| of_name(report, "narthex"))
}

fn each(run: &Run, memory: fn(&Processes) -> u64) -> String {
    number(edge(&run.report).map(|edge| {
        let more = memory(edge).saturating_sub(edge.memory.before) as f64;
        more / 1e3 / run.report.connections.max(1) as f64
    }))
}

fn wrong(run: &Run) -> String {
    let (report, unused) = (&run.report, run.unused());
    let load::Damage { lost, repeated, reordered, altered } = report.damage;
    let mut wrong: Vec<String> = [
        ("lost", lost),
        ("repeated", repeated),
        ("reordered", reordered),
        ("altered", altered),
        ("unused", unused),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(what, count)| format!("{count} {what}"))
    .collect();
    wrong.extend(report.errors.iter().map(|(code, count)| format!("{count} {code}")));
    if wrong.is_empty() { "0".to_owned() } else { wrong.join(", ") }
}
