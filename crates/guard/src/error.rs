//! Why a guard cannot be built.

/// A pattern that cannot be used, in a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It has no name.
    #[error("a pattern has no `name`: give it one, or the name of a built-in pattern")]
    Nameless,
    /// Metrics and masks could not tell the two apart.
    #[error("the name `{0}` is taken: give the pattern another one")]
    Taken(String),
    /// There is no such built-in pattern.
    #[error("the pattern `{name}` has no `regex` and is not built in: give it one, or use one of {known}")]
    Unknown {
        /// Its name.
        name: String,
        /// Those that are built in.
        known: String,
    },
    /// The regular expression is wrong, or its automaton too large.
    #[error("the pattern `{name}` cannot be used: {reason}")]
    Regex {
        /// Its name.
        name: String,
        /// What is wrong, in the words of the library.
        reason: String,
    },
    /// It would match everywhere.
    #[error("the pattern `{0}` also matches the empty text: demand at least one character")]
    Empty(String),
    /// It could hold the whole text back.
    #[error(
        "the pattern `{name}` may hold back {needs}, but at most {max} are allowed: bound what stands before the end of \
         its shortest match, as in `{{1,64}}` for `+`, or raise the bound"
    )]
    Unbounded {
        /// Its name.
        name: String,
        /// How many bytes.
        needs: Needs,
        /// How many are allowed.
        max: usize,
    },
    /// In JSON it would end the string that it stands in.
    #[error(
        "the replacement of the pattern `{0}` must be without quotes, backslashes and control characters"
    )]
    Replacement(String),
    /// More than can be looked for at a time.
    #[error("there are {0} patterns, but at most 64 are possible: join some of them with `|`")]
    TooMany(usize),
}

/// How many bytes a pattern may hold back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// As many as come.
    Unbounded,
    /// At most so many.
    Bytes(usize),
}

impl std::fmt::Display for Needs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unbounded => f.write_str("any number of bytes"),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes"),
        }
    }
}
