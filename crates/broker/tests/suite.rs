//! Every scene that is written is in the suite: one that no broker runs proves nothing.

use std::{fs, path::Path};

#[test]
fn every_scene_is_in_the_suite() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let suite = fs::read_to_string(source.join("conformance.rs")).unwrap();
    let listed: Vec<_> = suite.lines().map(str::trim).collect();
    let mut scenes = 0;
    for group in ["log", "fencing", "live", "queue", "inspection", "control", "store"] {
        let path = source.join("conformance").join(group).with_extension("rs");
        for line in fs::read_to_string(path).unwrap().lines() {
            let Some(scene) = line.strip_prefix("pub async fn ").and_then(|rest| rest.split('(').next())
            else {
                continue;
            };
            assert!(listed.contains(&scene), "add {group}::{scene} to conformance_suite!");
            scenes += 1;
        }
    }
    assert!(scenes > 60, "found {scenes} scenes only: were they moved?");
}
