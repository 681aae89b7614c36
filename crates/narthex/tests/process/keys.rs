//! `narthex keys`, as a person uses it.

use tempfile::TempDir;

use crate::support::{narthex, outcome};

fn keys(arguments: &[&str], directory: &TempDir) -> (i32, String, String) {
    let file = directory.path().join("keys.toml");
    outcome(narthex([&["keys"], arguments, &["--keys-file", file.to_str().unwrap()]].concat()))
}

#[test]
fn a_key_is_made_listed_and_revoked() {
    let directory = TempDir::new().unwrap();
    let (code, key, remark) =
        keys(&["make", "alice", "--expires", "90d", "--scope", "model:small-*"], &directory);
    assert_eq!((code, key.lines().count()), (0, 1), "{remark}");
    assert!(key.starts_with("nk_") && remark.contains("the only time"), "{remark}");
    assert_eq!(keys(&["make", "backend", "--tenant", "acme", "--user", "u1"], &directory).0, 0);
    let (_, listed, _) = keys(&["list"], &directory);
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["ID", "NAME", "TENANT", "USER", "SCOPES", "CREATED", "EXPIRES"]);
    assert_eq!(
        (&rows[1][1..5], &rows[2][1..6]),
        (
            &["alice", "default", "alice", "model:small-*"][..],
            &["backend", "acme", "u1", "models", "background"][..]
        )
    );
    let (_, json, _) = keys(&["list", "--format", "json"], &directory);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["keys"][1]["scopes"], serde_json::json!(["models", "background"]));
    let file = std::fs::read_to_string(directory.path().join("keys.toml")).unwrap();
    let secret = key.trim().splitn(3, '_').nth(2).unwrap();
    for shown in [&listed, &json.to_string(), &file] {
        assert!(!shown.contains(secret));
    }
    assert_eq!(keys(&["revoke", "alice"], &directory).0, 0);
    assert!(!keys(&["list"], &directory).1.contains("alice"));
}

#[test]
fn what_cannot_be_done_is_said() {
    let directory = TempDir::new().unwrap();
    assert_eq!(keys(&["make", "alice"], &directory).0, 0);
    for (arguments, code, said) in [
        (&["make", "alice"][..], 2, "there is a key named \"alice\" already"),
        (&["make", "bob", "--scope", "everything"], 2, "`everything` is no scope"),
        (&["make", "bob", "--expires", "500000000years"], 2, "at most 100 years"),
        (&["revoke", "bob"], 1, "there is no key with the id or name \"bob\""),
    ] {
        let (exit, _, complaint) = keys(arguments, &directory);
        assert_eq!(exit, code, "{complaint}");
        assert!(complaint.contains(said), "{complaint}");
    }
}
