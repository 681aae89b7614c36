//! What must never be shown: in no log, no error, no print of the configuration.

use std::fmt;

use super::value::Value;

/// What stands where a secret would.
pub(super) const MASK: &str = "***";

/// A secret. It has no `Display`, and its `Debug` is the mask.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Keeps `text` secret.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that uses it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Value for Secret {
    fn set(&mut self, text: &str) -> Result<(), String> {
        if text.is_empty() || text == MASK {
            return Err(self.form());
        }
        text.clone_into(&mut self.0);
        Ok(())
    }

    fn show(&self) -> Option<toml::Value> {
        Some(MASK.into())
    }

    fn form(&self) -> String {
        format!("a secret, neither empty nor the mask `{MASK}`")
    }

    fn kind(&self) -> String {
        "secret".to_owned()
    }

    fn is_secret(&self) -> bool {
        true
    }

    fn quote(&self, _: &str) -> String {
        "what stands there".to_owned()
    }
}
