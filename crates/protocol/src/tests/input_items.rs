use serde_json::{Value, json};

use super::ID;
use crate::{Item, Page, Role, input_items};

fn page(query: &str) -> Page {
    Page::from_query(query.split('&').filter_map(|pair| pair.split_once('='))).unwrap()
}

fn ten() -> Vec<Item> {
    (0..10).map(|i| Item::message(Role::User, i.to_string())).collect()
}

/// The texts on a page, and whether there is more.
fn texts(items: &[Item], query: &str) -> (String, bool) {
    let list = input_items(ID, items, &page(query)).unwrap();
    let texts =
        list["data"].as_array().unwrap().iter().map(|item| item["content"][0]["text"].as_str().unwrap());
    (texts.collect(), list["has_more"].as_bool().unwrap())
}

#[test]
fn pages_follow_one_another() {
    let items = ten();
    assert_eq!(texts(&items, ""), ("9876543210".to_owned(), false));
    assert_eq!(texts(&items, "limit=4"), ("9876".to_owned(), true));
    let list = input_items(ID, &items, &page("limit=4")).unwrap();
    let last = list["last_id"].as_str().unwrap();
    assert_eq!(texts(&items, &format!("limit=4&after={last}")), ("5432".to_owned(), true));
    assert_eq!(texts(&items, &format!("limit=4&before={last}")), ("987".to_owned(), false));
    assert_eq!(texts(&items, &format!("limit=2&before={last}")), ("87".to_owned(), true));
    assert_eq!(texts(&items, &format!("order=asc&limit=3&after={last}")), ("789".to_owned(), false));
    assert_eq!(texts(&items, &format!("after={last}&before={last}")), (String::new(), false));
}

#[test]
fn an_empty_list_has_no_ends() {
    let list = input_items(ID, &[], &Page::default()).unwrap();
    assert_eq!(
        list,
        json!({"object": "list", "data": [], "first_id": null, "last_id": null, "has_more": false})
    );
}

#[test]
fn bad_queries_name_their_parameter() {
    for (name, value) in [("limit", "0"), ("limit", "101"), ("limit", "ten"), ("order", "random")] {
        let error = Page::from_query([(name, value)]).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(name));
    }
    let error = input_items(ID, &ten(), &page("after=msg_9")).unwrap_err();
    assert_eq!((error.param.as_deref(), error.status()), (Some("after"), 400));
    assert_eq!(Page::from_query([("include", "x")]), Ok(Page::default()));
}

#[test]
fn items_take_the_form_of_the_standard() {
    let items: Vec<Item> = serde_json::from_value(json!([
        {"role": "user", "content": "Hi", "name": "Ann", "phase": 5},
        {"id": "msg_own", "role": "assistant", "status": "odd", "phase": null, "content": [
            {"type": "output_text", "text": "Hello", "logprobs": [{}], "annotations": [
                {"type": "file_citation"},
                {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 1},
            ]},
        ]},
        {"role": "user", "content": [
            {"type": "input_image", "image_url": "https://a/b.png", "detail": "original"},
            {"type": "input_image", "file_id": "file-1", "detail": "high"},
            {"type": "input_file", "file_url": "https://a/b.pdf", "filename": null},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        ]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}], "content": null, "encrypted_content": null},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""},
        {"type": "function_call_output", "call_id": "c", "output": "1", "status": null},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_video", "video_url": "https://a/b.mp4"}]},
        {"type": "compaction", "encrypted_content": "x"},
        {"type": "item_reference", "id": "msg_0"},
    ]))
    .unwrap();
    let list = input_items(ID, &items, &page("order=asc")).unwrap();
    let ids: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
    assert_eq!(ids.len(), 8);
    insta::assert_json_snapshot!(list);
}
