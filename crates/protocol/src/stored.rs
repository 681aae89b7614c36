//! What the store remembers of a response: written by gateways and workers, read by any gateway.

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use stream::{ResponseId, Whole};

use crate::Item;

/// What a client gave with its request. Written when the response is accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredInput {
    /// Whose it is.
    pub tenant: String,
    /// Whose it is, within the tenant.
    pub user: String,
    /// The input of this request alone.
    pub input: Vec<Item>,
    /// The response that it continues: there the conversation goes on backwards.
    pub previous_response_id: Option<String>,
}

/// How a response ended. Written when its terminal event stands in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredResponse {
    /// Whose it is.
    pub tenant: String,
    /// Whose it is, within the tenant.
    pub user: String,
    /// The response resource.
    pub response: Value,
}

impl StoredInput {
    /// Where it is kept.
    pub fn key(id: ResponseId) -> String {
        format!("input:{id}")
    }
}

impl StoredResponse {
    /// Where it is kept.
    pub fn key(id: ResponseId) -> String {
        format!("response:{id}")
    }

    /// What is kept of a response, as JSON, word for word as its terminal event shows it. Nothing, if the event shows none.
    pub fn of(tenant: &str, user: &str, terminal: &Whole) -> Option<Vec<u8>> {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(borrow)]
            response: &'a RawValue,
        }
        #[derive(Serialize)]
        struct Kept<'a> {
            tenant: &'a str,
            user: &'a str,
            response: &'a RawValue,
        }
        let Body { response } = serde_json::from_str(&terminal.body).ok()?;
        serde_json::to_vec(&Kept { tenant, user, response }).ok()
    }
}
