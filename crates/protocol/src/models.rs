//! The bodies of `GET /v1/models` and `GET /v1/models/{id}`.

use serde_json::{Value, json};

/// A model that clients can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model<'a> {
    /// Its name.
    pub id: &'a str,
    /// Since when it is served, in seconds since 1970.
    pub created: u64,
    /// Who serves it.
    pub owned_by: &'a str,
}

/// One model.
pub fn model(model: &Model<'_>) -> Value {
    json!({ "id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by })
}

/// All models.
pub fn list<'a>(models: impl IntoIterator<Item = Model<'a>>) -> Value {
    json!({ "object": "list", "data": models.into_iter().map(|each| model(&each)).collect::<Vec<_>>() })
}
