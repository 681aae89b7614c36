//! The file itself: read with a bound, and replaced as a whole, so that no reader ever sees half of it.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::key::KeyRecord;

/// A larger file is none of ours: this is room for some 50,000 keys.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

const HEADER: &str = "\
# The API keys of Narthex: `narthex keys` makes, lists and revokes them, and gateways read this file again when it changes.
# Only hashes stand here; a key that was lost cannot be found again, but replaced.
";

/// A file of API keys.
#[derive(Debug, Clone)]
pub struct KeysFile {
    path: PathBuf,
}

/// The file of API keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{path} cannot be read: {why}")]
    Unread {
        /// Where it should be.
        path: String,
        /// What the operating system says.
        why: String,
    },
    /// It cannot be written.
    #[error("{path} cannot be written: {why}")]
    Unwritten {
        /// Where it should be.
        path: String,
        /// What the operating system says.
        why: String,
    },
    /// It is not what it should be. The text holds nothing of the keys.
    #[error("it is no file of API keys: {0}")]
    Wrong(String),
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    #[serde(default)]
    key: Vec<KeyRecord>,
}

impl KeysFile {
    /// The file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its keys, in the order in which they were made.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn keys(&self) -> Result<Vec<KeyRecord>, FileError> {
        parse(&self.text()?)
    }

    pub(super) fn text(&self) -> Result<String, FileError> {
        let unread = |error: io::Error| FileError::unread(&self.path, &error);
        let mut text = String::new();
        let read = File::open(&self.path).map_err(unread)?.take(MAX_BYTES + 1).read_to_string(&mut text);
        if read.map_err(unread)? as u64 > MAX_BYTES {
            return Err(FileError::Wrong(format!("it has more than {MAX_BYTES} bytes")));
        }
        Ok(text)
    }

    /// Changes the keys; a file that is not there yet is made, for its owner alone to read. Two that do so at a time wait for each
    /// other.
    ///
    /// # Errors
    /// When it cannot be read or written; then it is as it was.
    pub fn change<T>(&self, change: impl FnOnce(&mut Vec<KeyRecord>) -> T) -> Result<T, FileError> {
        let unwritten = |error: io::Error| FileError::Unwritten {
            path: self.path.display().to_string(),
            why: error.to_string(),
        };
        // What a link points to is replaced, and not the link.
        let place = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let directory =
            place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let lock = File::open(directory).map_err(unwritten)?;
        lock.lock().map_err(unwritten)?;
        let mut content = match self.text() {
            Ok(text) => Content { key: parse(&text)? },
            Err(_) if !self.path.exists() => Content::default(),
            Err(error) => return Err(error),
        };
        let answer = change(&mut content.key);
        let text = toml::to_string(&content).map_err(|error| FileError::Wrong(error.to_string()))?;
        // Readable by its owner alone, unless the file was for others before.
        let mut new = tempfile::NamedTempFile::new_in(directory).map_err(unwritten)?;
        if let Ok(old) = fs::metadata(&place) {
            new.as_file().set_permissions(old.permissions()).map_err(unwritten)?;
        }
        new.write_all(format!("{HEADER}\n{text}").as_bytes()).map_err(unwritten)?;
        new.as_file().sync_all().map_err(unwritten)?;
        new.persist(&place).map_err(|error| unwritten(error.error))?;
        Ok(answer)
    }
}

/// The keys that `text` holds.
pub(super) fn parse(text: &str) -> Result<Vec<KeyRecord>, FileError> {
    // Not the library's own message: it quotes the line.
    let content: Content = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        FileError::Wrong(format!("line {line}: {}", error.message()))
    })?;
    let mut ids = HashSet::new();
    for key in &content.key {
        let is_wrong = |text: &str| text.is_empty() || text.len() > 256;
        if [&key.id, &key.tenant, &key.user, &key.name].into_iter().any(|text| is_wrong(text)) {
            return Err(FileError::Wrong(
                "a key's id, name, tenant and user have 1 to 256 bytes each".to_owned(),
            ));
        }
        if key.hash.len() != 64 || !key.hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(FileError::Wrong(format!(
                "the hash of the key {} is no SHA-256 in lower-case hexadecimal",
                key.id
            )));
        }
        if !ids.insert(&key.id) {
            return Err(FileError::Wrong(format!("two keys have the id {}", key.id)));
        }
    }
    Ok(content.key)
}

impl FileError {
    pub(super) fn unread(path: &Path, error: &io::Error) -> Self {
        Self::Unread { path: path.display().to_string(), why: error.to_string() }
    }
}
