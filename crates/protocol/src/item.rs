//! Items: the messages, calls and results that a conversation is made of.
//!
//! An item keeps the JSON that the client sent, so that nothing is lost on the way to the model server or back; a
//! [`View`] is its typed reading.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One item of a conversation. Items from clients were validated; their members are as sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Item(pub Map<String, Value>);

/// Who a message is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
    /// The application.
    System,
    /// The application, in newer words.
    Developer,
}

impl Role {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::System => "system",
            Self::Developer => "developer",
        }
    }

    /// The role with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::User, Self::Assistant, Self::System, Self::Developer]
            .into_iter()
            .find(|role| role.name() == name)
    }
}

/// Text, or parts of several kinds (`input_text`, `input_image`, `output_text`, `refusal`, …).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Content<'a> {
    /// Plain text.
    Text(&'a str),
    /// Parts: JSON objects with a `type`.
    Parts(&'a [Value]),
}

impl<'a> Content<'a> {
    /// The content in a member that holds a string or an array.
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text),
            Value::Array(parts) => Self::Parts(parts),
            _ => Self::Parts(&[]),
        }
    }

    /// All text in it, one after the other.
    pub fn text(self) -> String {
        match self {
            Self::Text(text) => text.to_owned(),
            Self::Parts(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        }
    }
}

/// The typed reading of an item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum View<'a> {
    /// A message.
    Message {
        /// From whom.
        role: Role,
        /// What it says.
        content: Content<'a>,
    },
    /// The model called a function.
    FunctionCall {
        /// What its output refers to.
        call_id: &'a str,
        /// The function.
        name: &'a str,
        /// JSON, as the model wrote it.
        arguments: &'a str,
    },
    /// What a function returned.
    FunctionCallOutput {
        /// The call.
        call_id: &'a str,
        /// What it returned.
        output: Content<'a>,
    },
    /// What the model thought.
    Reasoning {
        /// Reasoning text, if it is told.
        content: Content<'a>,
        /// Its summary.
        summary: Content<'a>,
    },
    /// A shortened conversation, made by `POST /v1/responses/compact`.
    Compaction {
        /// What the server wrote there.
        encrypted_content: &'a str,
    },
    /// An earlier item, by its id.
    Reference {
        /// The id.
        id: &'a str,
    },
}

const NOTHING: Value = Value::Null;

impl Item {
    /// A message of `role` with plain text.
    pub fn message(role: Role, text: impl Into<String>) -> Self {
        let mut members = Map::new();
        members.insert("type".to_owned(), "message".into());
        members.insert("role".to_owned(), role.name().into());
        members.insert("content".to_owned(), Value::String(text.into()));
        Self(members)
    }

    /// The item's id, if it has one.
    pub fn id(&self) -> Option<&str> {
        self.str("id")
    }

    /// The `type`; the standard lets a message and a reference go without one.
    pub fn kind(&self) -> &str {
        match self.str("type") {
            Some(kind) => kind,
            None if self.0.contains_key("role") => "message",
            None => "item_reference",
        }
    }

    /// What the item says, or `None` if it is of no kind that we know.
    pub fn view(&self) -> Option<View<'_>> {
        Some(match self.kind() {
            "message" => {
                View::Message { role: Role::from_name(self.str("role")?)?, content: self.content("content") }
            }
            "function_call" => View::FunctionCall {
                call_id: self.str("call_id")?,
                name: self.str("name")?,
                arguments: self.str("arguments")?,
            },
            "function_call_output" => {
                View::FunctionCallOutput { call_id: self.str("call_id")?, output: self.content("output") }
            }
            "reasoning" => {
                View::Reasoning { content: self.content("content"), summary: self.content("summary") }
            }
            "compaction" => View::Compaction { encrypted_content: self.str("encrypted_content")? },
            "item_reference" => View::Reference { id: self.id()? },
            _ => return None,
        })
    }

    fn str(&self, member: &str) -> Option<&str> {
        self.0.get(member)?.as_str()
    }

    fn content(&self, member: &str) -> Content<'_> {
        Content::of(self.0.get(member).unwrap_or(&NOTHING))
    }
}
