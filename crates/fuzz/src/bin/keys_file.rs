//! The file of API keys.
//!
//! What is read and written again is read as the same, and whoever reads it first and whoever reads it again agree on whether it can
//! be used.
#![no_main]
#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

use std::{fs, path::PathBuf, sync::LazyLock};

use identity::{Authenticator, Config, KeysFile};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// In memory, where there is such a place: it is written for every input.
static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = tempfile::tempdir_in("/dev/shm");
    memory.or_else(|_| tempfile::tempdir()).expect("a directory")
});

fuzz_target!(|text: &[u8]| {
    let path: PathBuf = DIRECTORY.path().join("keys.toml");
    fs::write(&path, text).expect("a file");
    let file = KeysFile::new(&path);
    let read = file.keys();
    let built = Authenticator::build(Config { keys_file: Some(path), ..Config::default() });
    assert_eq!(read.is_ok(), built.is_ok());
    if let Ok(keys) = read {
        file.change(|_| ()).expect("a file that can be written");
        assert_eq!(file.keys().expect("keys"), keys);
    }
});
