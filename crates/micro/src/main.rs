//! Counts what each case costs, and holds it against the baseline.
//!
//! ```text
//! micro [CASE…]            counts, and fails if a case costs a tenth more than it is known to
//! micro --record           counts all, and writes the baseline anew
//! micro run CASE RUNS      does the work of a case: what is counted
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::{env, error::Error, fs, path::PathBuf, process::ExitCode};

use micro::{Baseline, CASES, Case, Finding, MAX_CHANGE, count};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.toml");

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["run", case, runs] => run(case, runs).map(|()| ExitCode::SUCCESS),
        ["--record"] => record().map(|()| ExitCode::SUCCESS),
        names => check(names),
    };
    done.unwrap_or_else(|error| {
        eprintln!("micro: {error}");
        ExitCode::FAILURE
    })
}

fn find(name: &str) -> Result<&'static Case, Box<dyn Error>> {
    Case::of(name).ok_or_else(|| {
        let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
        format!("there is no case {name}, but {}", names.join(", ")).into()
    })
}

fn run(case: &str, runs: &str) -> Result<(), Box<dyn Error>> {
    let (mut work, runs) = (find(case)?.prepare(), runs.parse::<u64>()?);
    for _ in 0..runs {
        work();
    }
    Ok(())
}

fn record() -> Result<(), Box<dyn Error>> {
    let before = read().unwrap_or_default();
    let mut counts = Vec::new();
    count_all(CASES.iter(), &before, |case, count, _| counts.push((case.name, count)))?;
    fs::write(BASELINE, Baseline::write(&counts))?;
    println!("\nThe baseline has moved: {BASELINE}");
    Ok(())
}

fn check(names: &[&str]) -> Result<ExitCode, Box<dyn Error>> {
    let cases = names.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>()?;
    let cases = if cases.is_empty() { CASES.iter().collect() } else { cases };
    let mut found = Vec::new();
    count_all(cases.into_iter(), &read()?, |_, _, finding| found.push(finding))?;
    if found.contains(&Finding::Faster) {
        println!(
            "\nWhat got faster by more than {MAX_CHANGE} % could become as slow again unseen: `make baseline`."
        );
    }
    if found.contains(&Finding::New) {
        println!("\nThe baseline does not know all cases yet: `make baseline`.");
    }
    if found.contains(&Finding::Slower) {
        println!(
            "\nAn event costs over {MAX_CHANGE} % more instructions than it is known to. Where they go: `callgrind_annotate \
             {}/CASE.callgrind`.\nIf it has to be so, move the baseline with `make baseline`, and say why in the commit.",
            folder()?.display()
        );
    }
    let is_fine = found.iter().all(|finding| matches!(finding, Finding::Same | Finding::Faster));
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read() -> Result<Baseline, Box<dyn Error>> {
    Ok(Baseline::read(&fs::read_to_string(BASELINE)?)?)
}

/// Beside the program: where profiles are left.
fn folder() -> Result<PathBuf, Box<dyn Error>> {
    Ok(env::current_exe()?.with_file_name("callgrind"))
}

/// Counts one case after the other, and prints a line for each.
fn count_all(
    cases: impl Iterator<Item = &'static Case>,
    baseline: &Baseline,
    mut tell: impl FnMut(&'static Case, u64, Finding),
) -> Result<(), Box<dyn Error>> {
    let (program, folder) = (env::current_exe()?, folder()?);
    fs::create_dir_all(&folder)?;
    println!("| {:<18} | {:>12} | {:>8} | {:>7} |", "case", "instructions", "baseline", "change");
    println!("| --- | ---: | ---: | ---: |");
    for case in cases {
        let count = count(&program, case, &folder)?;
        let (before, finding) = (baseline.of(case.name), baseline.judge(case.name, count));
        let change = before.map_or(String::new(), |before| {
            format!("{:+.1} %", (count as f64 / before as f64 - 1.0) * 100.0)
        });
        let before = before.map_or(String::new(), |before| before.to_string());
        println!("| {:<18} | {count:>12} | {before:>8} | {change:>7} | {finding}", case.name);
        tell(case, count, finding);
    }
    Ok(())
}
