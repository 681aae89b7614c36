//! The command line, as people type it.

use clap::Parser as _;

use super::Arguments;

fn peers(line: &str) -> Option<Vec<&'static str>> {
    let arguments = Arguments::try_parse_from(line.split(' ')).ok()?;
    Some(arguments.peers().iter().map(|kind| kind.name).collect())
}

#[test]
fn peers_are_all_or_those_that_are_named() {
    let those = |names: &[&'static str]| Some(names.to_vec());
    assert_eq!(peers("bench"), those(&[]));
    assert_eq!(peers("bench --peers --json"), those(&["fastapi", "node", "litellm"]));
    assert_eq!(peers("bench --peers=litellm,node"), those(&["litellm", "node"]));
    assert_eq!(peers("bench --peers=node --peers=fastapi"), those(&["node", "fastapi"]));
    assert_eq!(peers("bench --peers=nobody"), None);
}
