//! `narthex plan`, as a person and a program read it.

use serde_json::Value;

use crate::support::{narthex, outcome};

fn plan(arguments: &[&str]) -> (i32, String, String) {
    outcome(narthex([&["plan"], arguments].concat()))
}

fn json(arguments: &[&str]) -> Value {
    let (code, said, complaint) = plan(&[arguments, &["--format", "json"]].concat());
    assert_eq!(code, 0, "{complaint}");
    serde_json::from_str(&said).unwrap()
}

#[test]
fn a_year_is_planned_with_costs_of_ones_own() {
    let file = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("costs.json");
    std::fs::write(&file, r#"{"gateway_us_per_token": 100.0, "worker_us_per_token": 1}"#).unwrap();
    let arguments =
        ["--users", "500000", "--online", "0.1", "--streaming", "0.4", "--tokens-per-second", "50"];
    let costs = ["--costs", file.to_str().unwrap(), "--cost", "worker_us_per_token=7", "--headroom", "0.5"];
    let told =
        json(&[&arguments[..], &costs, &["--cores", "8", "--memory-gib", "8", "--growth", "0"]].concat());
    let months = told["months"].as_array().unwrap();
    assert_eq!((months.len(), &months[12]["month"]), (13, &12.into()));
    // 50,000 connections, 20,000 streams, a million tokens a second: 100 and 7 cores, of which pods have 4 to use.
    assert_eq!(months[0]["tokens_per_second"], 1_000_000.0);
    assert_eq!((&months[0]["gateways"], &months[0]["workers"]), (&26.into(), &3.into()));
    assert_eq!(months[0]["gateways"], months[12]["gateways"]);
    assert_eq!(told["costs"]["worker_us_per_token"]["from"], "--cost");
    assert_eq!(told["costs"]["gateway_us_per_token"]["value"], 100.0);
}

#[test]
fn people_can_check_it() {
    let (code, table, _) = plan(&["--months", "3"]);
    assert_eq!((code, table.lines().filter(|line| line.contains("bit/s")).count()), (0, 4), "{table}");
    assert!(!table.contains("gateways      ="), "{table}");
    let (_, explained, _) = plan(&["--months", "3", "--explain"]);
    assert!(explained.contains("tokens × gateway_us_per_token / (cores × usable)"), "{explained}");
    assert!(explained.starts_with(&table) && explained.contains("  measured: "), "{explained}");
}

#[test]
fn what_makes_no_sense_is_told() {
    for (arguments, complaint) in [
        (&["--headroom", "1"][..], "--headroom is the share that stays free"),
        (&["--streaming", "20"], "--streaming is a share, from 0 to 1"),
        (&["--connections", "0"], "--connections or --users must be more than 0"),
        (&["--growth", "-2"], "--growth is a share of each month"),
        (&["--cores", "nan"], "--cores must be more than 0"),
        (&["--cost", "tokens=1"], "there is no cost \"tokens\": there are gateway_us_per_token"),
        (&["--costs", "/nowhere.json"], "--costs names /nowhere.json, which cannot be read"),
        (&["--memory-gib", "0.01"], "give it more"),
    ] {
        let (code, said, error) = plan(arguments);
        assert_eq!((code, &*said), (2, ""), "{arguments:?}: {error}");
        assert!(error.contains(complaint), "{arguments:?}: {error}");
    }
}
