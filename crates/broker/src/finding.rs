//! What an examination of a broker found, for the person who operates it.

/// One thing that was looked at, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in a word or two, such as `redis memory`.
    pub about: String,
    /// How it stands.
    pub verdict: Verdict,
    /// One sentence: what was seen and, unless that is fine, what to do about it.
    pub sentence: String,
}

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should.
    Fine,
    /// It works, and will not in some case that the sentence names.
    Warning,
    /// It does not work, or loses what clients were promised.
    Problem,
}

impl Finding {
    /// All is well.
    pub fn fine(about: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { about: about.into(), verdict: Verdict::Fine, sentence: sentence.into() }
    }

    /// Something may become a problem.
    pub fn warning(about: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { about: about.into(), verdict: Verdict::Warning, sentence: sentence.into() }
    }

    /// Something has to change.
    pub fn problem(about: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { about: about.into(), verdict: Verdict::Problem, sentence: sentence.into() }
    }
}
