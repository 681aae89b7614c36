//! One source of settings, flattened: which text it gives for which key.

use std::fmt;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the configuration file.
    File {
        /// The file, as it was named.
        path: String,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// One text for one key.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// The key, with indices: `upstream.0.url`.
    pub(super) key: String,
    /// What it shall be.
    pub(super) text: String,
    /// Who says so.
    pub(super) origin: Origin,
}

/// All that one source gives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer {
    /// What it gives, in the order in which it says it.
    pub(super) given: Vec<Given>,
    /// Lists that it gives whole: what the layers below say of them does not count.
    pub(super) whole: Vec<&'static str>,
}

impl Layer {
    /// Adds one value.
    pub(crate) fn give(&mut self, key: impl Into<String>, text: impl Into<String>, origin: Origin) {
        self.given.push(Given { key: key.into(), text: text.into(), origin });
    }

    /// Adds the value of a flag, if the flag was used.
    pub(crate) fn flag(&mut self, key: &str, text: Option<&String>, flag: &'static str) {
        if let Some(text) = text {
            self.give(key, text, Origin::Flag(flag));
        }
    }

    /// Declares that this layer gives all of `list`.
    pub(crate) fn replace(&mut self, list: &'static str) {
        self.whole.push(list);
    }
}
