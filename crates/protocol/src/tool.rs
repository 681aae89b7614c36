//! Function tools, and which of them the model may call.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A function that the client runs when the model calls it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionTool {
    /// Its name: `[a-zA-Z0-9_-]{1,64}`.
    pub name: String,
    /// What it does, for the model.
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    pub parameters: Option<Value>,
    /// Whether the arguments must follow the schema exactly.
    pub strict: Option<bool>,
    /// Members that the standard does not name, as sent.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Which tools the model may, or must, call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// Any tool, in this mode.
    Mode(ChoiceMode),
    /// This function must be called.
    Function(String),
    /// Only these may be called; a call of any other is suppressed.
    Allowed {
        /// The functions' names.
        names: Vec<String>,
        /// Whether one of them must be called.
        mode: ChoiceMode,
    },
}

/// Whether tools are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceMode {
    /// Not at all.
    None,
    /// As the model likes.
    Auto,
    /// At least one.
    Required,
}

impl ChoiceMode {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Auto => "auto",
            Self::Required => "required",
        }
    }

    /// The mode with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::None, Self::Auto, Self::Required].into_iter().find(|mode| mode.name() == name)
    }
}

impl Default for ToolChoice {
    fn default() -> Self {
        Self::Mode(ChoiceMode::Auto)
    }
}

impl ToolChoice {
    /// Whether a call of the function `name` may reach the client.
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::Mode(mode) => *mode != ChoiceMode::None,
            Self::Function(only) => only == name,
            Self::Allowed { names, mode } => *mode != ChoiceMode::None && names.iter().any(|n| n == name),
        }
    }
}
