//! What must never be shown: in no log, no error, no print of the configuration.

use engine::Secret;

use super::value::Value;

/// What stands where a secret would.
pub(super) const MASK: &str = "***";

impl Value for Option<Secret> {
    fn set(&mut self, text: &str) -> Result<(), String> {
        if text.is_empty() || text == MASK {
            return Err(self.form());
        }
        *self = Some(Secret::new(text));
        Ok(())
    }

    fn show(&self) -> Option<toml::Value> {
        self.as_ref().map(|_| MASK.into())
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
