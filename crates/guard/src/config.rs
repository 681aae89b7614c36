//! What an operator may set about the guard. Plain fields; the binary reads them from files, environment and flags.

/// What is taken out of a model's text. By default nothing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Sequences that steer a terminal (ECMA-48): CSI, OSC, DCS and their like, whole.
    pub terminal_escapes: Treatment,
    /// C0 but line feed, tab and a carriage return before a line feed; DEL; C1.
    pub control_characters: Treatment,
    /// What embeds, overrides or isolates a direction: text that reads otherwise than it runs (CVE-2021-42574).
    pub bidi_characters: Treatment,
    /// Characters without a shape: zero-width ones, direction marks, tags, supplementary variation selectors.
    pub invisible_characters: Treatment,
    /// What is looked for in what is left, in the order of precedence.
    pub patterns: Vec<PatternConfig>,
    /// How many bytes of a text may be held back for the patterns; one that may need more is refused.
    pub max_held_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            terminal_escapes: Treatment::default(),
            control_characters: Treatment::default(),
            bidi_characters: Treatment::default(),
            invisible_characters: Treatment::default(),
            patterns: Vec::new(),
            max_held_bytes: 256,
        }
    }
}

/// What becomes of a character, or of an escape sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Treatment {
    /// It passes.
    #[default]
    Off,
    /// It is left out.
    Remove,
    /// U+FFFD stands in its place, so that people see that something was there.
    Replace,
}

/// Something to look for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatternConfig {
    /// What it is called in metrics and masks. Without a `regex`, which of the built-in patterns it is.
    pub name: String,
    /// A regular expression, in the syntax of the `regex` crate.
    pub regex: Option<String>,
    /// What becomes of it.
    pub action: Action,
    /// What stands in its place if it is masked; the name in brackets, unless it is set. Without quotes, backslashes and
    /// control characters, as it may stand in JSON.
    pub replacement: Option<String>,
}

/// What becomes of something that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Action {
    /// A replacement stands in its place.
    #[default]
    Mask,
    /// The text ends before it.
    Stop,
}
