mod messages;
mod request;
mod stream;

use protocol::Item;
use serde_json::Value;

fn items(items: Value) -> Vec<Item> {
    serde_json::from_value(items).unwrap()
}
