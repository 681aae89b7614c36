//! What a credential allows. In files, tokens and flags a scope is a word:
//!
//! | scope | allows |
//! | --- | --- |
//! | `models` | every model |
//! | `model:NAME` | that model; `model:small-*` all whose names begin so |
//! | `background` | responses that run in the background |
//! | `client_secrets` | to make client secrets, for any user of the tenant |
//! | `admin` | all of it |

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

/// What a credential allows of what its user may.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Scopes {
    /// Which models may be called, and are listed. What belongs to the user can be read whatever model made it.
    pub models: Models,
    /// Responses that run in the background.
    pub background: bool,
    /// To make client secrets, for any user of the tenant.
    pub client_secrets: bool,
    /// What operators do.
    pub admin: bool,
}

/// Which models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Models {
    /// All of them.
    All,
    /// Those of these names; one that ends in `*` stands for all that begin so.
    Only(BTreeSet<String>),
}

/// A word that is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scope: there are `models`, `model:NAME`, `background`, `client_secrets` and `admin`")]
pub struct UnknownScope(String);

impl Default for Models {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

impl Models {
    /// Whether the model of this name is among them.
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(patterns) => patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == pattern,
            }),
        }
    }

    /// Whether all that `pattern` stands for is among them.
    pub fn cover(&self, pattern: &str) -> bool {
        let Self::Only(patterns) = self else { return true };
        let Some(wanted) = pattern.strip_suffix('*') else { return self.allows(pattern) };
        patterns.iter().filter_map(|own| own.strip_suffix('*')).any(|start| wanted.starts_with(start))
    }

    /// What both allow.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, other) => other.clone(),
            (own, Self::All) => own.clone(),
            (Self::Only(one), Self::Only(two)) => {
                let covered = one.iter().filter(|name| other.cover(name));
                Self::Only(covered.chain(two.iter().filter(|name| self.cover(name))).cloned().collect())
            }
        }
    }
}

impl Scopes {
    /// Everything there is.
    pub const fn everything() -> Self {
        Self { models: Models::All, background: true, client_secrets: true, admin: true }
    }

    /// What a user has unless something else is said: all models, in the background too.
    pub const fn usual() -> Self {
        Self { models: Models::All, background: true, client_secrets: false, admin: false }
    }

    /// Reads scopes, each a word.
    ///
    /// # Errors
    /// The first word that is none: what an operator wrote is not to be ignored.
    pub fn read<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownScope> {
        let mut scopes = Self::default();
        for word in words {
            if !scopes.add(word) {
                return Err(UnknownScope(word.to_owned()));
            }
        }
        Ok(scopes)
    }

    /// Reads the scopes among `words`; the others are for somebody else, as a token's `openid` and `profile`.
    pub fn read_known<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut scopes = Self::default();
        for word in words {
            scopes.add(word);
        }
        scopes
    }

    fn add(&mut self, word: &str) -> bool {
        match word {
            "models" | "model:*" => self.models = Models::All,
            "background" => self.background = true,
            "client_secrets" => self.client_secrets = true,
            "admin" => *self = Self::everything(),
            _ => match word.strip_prefix("model:").filter(|name| !name.is_empty()) {
                Some(name) => {
                    if let Models::Only(names) = &mut self.models {
                        names.insert(name.to_owned());
                    }
                }
                None => return false,
            },
        }
        true
    }

    /// The scopes, each a word.
    pub fn words(&self) -> Vec<String> {
        if self.admin {
            return vec!["admin".to_owned()];
        }
        let mut words = match &self.models {
            Models::All => vec!["models".to_owned()],
            Models::Only(names) => names.iter().map(|name| format!("model:{name}")).collect(),
        };
        words.extend(self.background.then(|| "background".to_owned()));
        words.extend(self.client_secrets.then(|| "client_secrets".to_owned()));
        words
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

impl TryFrom<Vec<String>> for Scopes {
    type Error = UnknownScope;

    fn try_from(words: Vec<String>) -> Result<Self, UnknownScope> {
        Self::read(words.iter().map(String::as_str))
    }
}

impl From<Scopes> for Vec<String> {
    fn from(scopes: Scopes) -> Self {
        scopes.words()
    }
}

#[cfg(test)]
mod tests;
