//! Where a secret is found: in the configuration itself, in a variable, or in a file.

use std::ffi::OsString;

use engine::Secret;

use crate::failure::Failure;

/// What is told of one secret. One of the three, or none.
#[derive(Debug, Clone, Default)]
pub(crate) struct SecretPlace {
    /// The secret itself.
    pub(crate) value: Option<Secret>,
    /// The environment variable that holds it.
    pub(crate) env: Option<String>,
    /// The file that holds it.
    pub(crate) file: Option<String>,
}

impl SecretPlace {
    /// How often it is told.
    fn count(&self) -> usize {
        [self.value.is_some(), self.env.is_some(), self.file.is_some()]
            .into_iter()
            .filter(|told| *told)
            .count()
    }

    /// Whether nothing is told.
    pub(crate) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// What is wrong with the settings `table.name`, `table.name_env` and `table.name_file`.
    pub(crate) fn check(&self, table: &str, name: &str) -> Option<String> {
        (self.count() > 1)
            .then(|| format!("{table} has more than one of {name}, {name}_env and {name}_file: keep one"))
    }

    /// Reads the secret of these settings, which people call `noun`: from the environment by `variable`, or its file. A variable
    /// that is empty says that there is none: a container's file can then name it once and for all.
    ///
    /// # Errors
    /// When it is not where it is said to be.
    pub(crate) fn read(
        &self,
        setting: &str,
        noun: &str,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Secret>, Failure> {
        let text = if let Some(name) = &self.env {
            let text = variable(name).and_then(|value| value.into_string().ok()).ok_or_else(|| {
                Failure::configuration(format!(
                    "{setting}_env names the variable {name}, which is not set: set it to the {noun}, or to nothing if \
                     there is none"
                ))
            })?;
            if text.is_empty() {
                return Ok(None);
            }
            text
        } else if let Some(path) = &self.file {
            std::fs::read_to_string(path).map_err(|error| {
                Failure::configuration(format!(
                    "{setting}_file names {path}, which cannot be read ({error}): put the {noun} there"
                ))
            })?
        } else {
            return Ok(self.value.clone());
        };
        let secret = text.trim();
        if secret.is_empty() {
            return Err(Failure::configuration(format!(
                "{setting} is blank: put the {noun} where it is read"
            )));
        }
        Ok(Some(Secret::new(secret)))
    }
}
