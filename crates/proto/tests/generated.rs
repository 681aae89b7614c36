//! The bindings in `src/generated` are committed, so that building needs no generator. This test makes them anew and
//! compares: `UPDATE=1 cargo test -p proto` writes them.

use std::{fs, path::Path};

#[test]
fn bindings_follow_the_proto_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let include = root.join("../../proto");
    let files = protox::compile(
        ["narthex/v1/log.proto", "narthex/v1/kafka.proto", "narthex/v1/socket.proto"],
        [&include],
    )
    .unwrap();
    prost_build::Config::new().bytes(["."]).out_dir(out).compile_fds(files).unwrap();

    let made = fs::read_to_string(out.join("narthex.v1.rs")).unwrap();
    let committed = root.join("src/generated/narthex.v1.rs");
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(committed.parent().unwrap()).unwrap();
        fs::write(&committed, &made).unwrap();
    }
    assert!(
        fs::read_to_string(&committed).unwrap_or_default() == made,
        "proto/ has changed: run `UPDATE=1 cargo test -p proto` and commit {}",
        committed.display()
    );
}
