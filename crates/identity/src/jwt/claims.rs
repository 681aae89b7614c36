//! From a token's claims to an identity: where tenant, user and scopes stand is the operator's to say.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};

use crate::{Identity, Refusal, Scopes, Source};

/// The longest tenant and user, in bytes.
const MAX_NAME: usize = 256;

/// Where in a token to look for what. A name is that of a claim (also one that is a URL, `https://example.com/org`), or a path
/// into claims of claims (`resource_access.narthex.roles`).
#[derive(Debug, Clone)]
pub struct Claims {
    /// Who. A text or a number.
    pub user: String,
    /// Whose user. A text or a number.
    pub tenant: Option<String>,
    /// What the token allows: words in one text, or a list of them. Words that are no scopes are for others.
    pub scopes: Option<String>,
}

impl Default for Claims {
    fn default() -> Self {
        Self { user: "sub".to_owned(), tenant: None, scopes: None }
    }
}

/// Reads claims.
#[derive(Debug)]
pub(super) struct Reader {
    claims: Claims,
    tenant: String,
    scopes: Scopes,
}

impl Reader {
    pub(super) const fn new(claims: Claims, tenant: String, scopes: Scopes) -> Self {
        Self { claims, tenant, scopes }
    }

    /// Who a checked token speaks for. It ends when it no longer passes the check, so after the leeway.
    pub(super) fn identity(
        &self,
        issuer: &Arc<str>,
        said: &Map<String, Value>,
        leeway: Duration,
    ) -> Result<Identity, Refusal> {
        let user =
            find(said, &self.claims.user).and_then(name).ok_or(Refusal::Invalid("it names no user"))?;
        let tenant = match &self.claims.tenant {
            Some(claim) => find(said, claim).and_then(name).ok_or(Refusal::Invalid("it names no tenant"))?,
            None => self.tenant.clone(),
        };
        let scopes = match &self.claims.scopes {
            // One that does not say what it allows, though its kind does, allows nothing.
            Some(claim) => find(said, claim).map(scopes).unwrap_or_default(),
            None => self.scopes.clone(),
        };
        let expires_at = said.get("exp").and_then(seconds).ok_or(Refusal::Invalid("its exp is no number"))?;
        let identity = Identity::new(tenant, user, scopes, Source::Token(Arc::clone(issuer)));
        Ok(Identity { expires_at: Some(expires_at.saturating_add(leeway.as_secs())), ..identity })
    }
}

/// The claim of this name, or at the end of this path.
fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    // Any dot may be the one that leads on: the names on the way may have some themselves.
    name.match_indices('.').find_map(|(at, _)| {
        let (first, rest) = (&name[..at], &name[at + 1..]);
        find(claims.get(first)?.as_object()?, rest)
    })
}

fn name(value: &Value) -> Option<String> {
    let name = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_u64() || number.is_i64() => number.to_string(),
        _ => return None,
    };
    (1..=MAX_NAME).contains(&name.len()).then_some(name)
}

fn scopes(value: &Value) -> Scopes {
    match value {
        Value::String(text) => Scopes::read_known(text.split_ascii_whitespace()),
        Value::Array(words) => Scopes::read_known(words.iter().filter_map(Value::as_str)),
        _ => Scopes::default(),
    }
}

fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().filter(|number| *number >= 0.0).map(|number| number as u64))
}

#[cfg(test)]
mod tests;
