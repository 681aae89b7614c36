//! The body of `GET /v1/responses/{id}/input_items`: what a client gave with its request, page by page.

mod form;

use serde_json::{Value, json};
use stream::ResponseId;

use crate::{ApiError, Item};

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

/// Which of the items, and in which order: the query of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// At most so many: 1 to 100.
    pub limit: usize,
    /// The first comes first. By default the last does.
    pub is_ascending: bool,
    /// Only what comes after this item, in that order.
    pub after: Option<String>,
    /// Only what comes before this item, in that order.
    pub before: Option<String>,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: DEFAULT_LIMIT, is_ascending: false, after: None, before: None }
    }
}

impl Page {
    /// The page that a query asks for, from its decoded names and values. What clients add for themselves changes nothing.
    ///
    /// # Errors
    /// When a value is none that the parameter can have.
    pub fn from_query<N: AsRef<str>, V: AsRef<str>>(
        query: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ApiError> {
        let mut page = Self::default();
        for (name, value) in query {
            let (name, value) = (name.as_ref(), value.as_ref());
            let invalid = |expected: &str| {
                let message = format!("Invalid value for '{name}': expected {expected}.");
                ApiError::invalid(name, "invalid_value", message)
            };
            match name {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                    page.limit = limit.ok_or_else(|| invalid("an integer from 1 to 100"))?;
                }
                "order" if value == "asc" => page.is_ascending = true,
                "order" if value == "desc" => page.is_ascending = false,
                "order" => return Err(invalid("'asc' or 'desc'")),
                "after" => page.after = Some(value.to_owned()),
                "before" => page.before = Some(value.to_owned()),
                _ => {}
            }
        }
        Ok(page)
    }
}

/// The items of `response` that `page` asks for.
///
/// Every item has an id, its own or one that follows from its place, and the form that the standard gives to items it
/// shows. References are not shown: what they refer to is in another response.
///
/// # Errors
/// When `after` or `before` names no item of the response.
pub fn input_items(response: ResponseId, items: &[Item], page: &Page) -> Result<Value, ApiError> {
    let shown = items.iter().enumerate().filter_map(|(place, item)| form::shown(response, place, item));
    let mut all: Vec<Value> = shown.collect();
    if !page.is_ascending {
        all.reverse();
    }
    let start = match &page.after {
        Some(id) => find(&all, "after", id)? + 1,
        None => 0,
    };
    let end = match &page.before {
        Some(id) => find(&all, "before", id)?,
        None => all.len(),
    };
    let wanted = all.get(start..end.max(start)).unwrap_or_default();
    // Without `after`, a page before an item is the one that ends there.
    let data = match (&page.after, &page.before) {
        (None, Some(_)) => &wanted[wanted.len().saturating_sub(page.limit)..],
        _ => &wanted[..wanted.len().min(page.limit)],
    };
    let id = |item: Option<&Value>| item.map(|item| item["id"].clone());
    Ok(json!({
        "object": "list",
        "data": data,
        "first_id": id(data.first()),
        "last_id": id(data.last()),
        "has_more": data.len() < wanted.len(),
    }))
}

fn find(items: &[Value], param: &str, id: &str) -> Result<usize, ApiError> {
    items.iter().position(|item| item["id"] == id).ok_or_else(|| {
        let message = format!("Invalid value for '{param}': the response has no input item with this id.");
        ApiError::invalid(param, "invalid_value", message)
    })
}
