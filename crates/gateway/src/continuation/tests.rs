//! What a connection remembers comes back as it was, and is no more than it may be.

use serde_json::json;

use super::*;

fn conversation(text: &str) -> Vec<Item> {
    let item = json!({
        "type": "message", "role": "user", "a": {"number": 0.1, "large": u64::MAX, "small": -1, "none": null},
        "content": [{"type": "input_text", "text": text}],
    });
    vec![Item(item.as_object().cloned().unwrap()); 2]
}

fn id(number: u16) -> ResponseId {
    ResponseId::random(number)
}

#[test]
fn a_conversation_comes_back_as_it_was() {
    let (mut memory, response) = (Memory::default(), id(1));
    let said = conversation("\"Hello\"\n\u{1f525}");
    memory.put(response, &said);
    assert_eq!(*memory.get(&response.to_string()).unwrap(), said);
    assert!(memory.get(&id(2).to_string()).is_none());
    memory.remove(response);
    assert!(memory.get(&response.to_string()).is_none());
    assert_eq!(memory.bytes, 0);
}

#[test]
fn the_oldest_are_forgotten_when_there_are_too_many() {
    let mut memory = Memory::default();
    let ids: Vec<_> = (0..=MEMORY_RESPONSES as u16).map(id).collect();
    for id in &ids {
        memory.put(*id, &conversation("Hello"));
    }
    assert!(memory.get(&ids[0].to_string()).is_none());
    assert!(ids[1..].iter().all(|id| memory.get(&id.to_string()).is_some()));
}

#[test]
fn the_oldest_are_forgotten_when_they_are_too_large() {
    let mut memory = Memory::default();
    let (large, ids) = ("x".repeat(MEMORY_BYTES / 6), [1, 2, 3].map(id));
    for id in ids {
        memory.put(id, &conversation(&large));
    }
    let held: usize = memory.entries.iter().map(|entry| entry.conversation.len()).sum();
    assert_eq!(memory.bytes, held);
    assert!(held <= MEMORY_BYTES);
    let remembered = ids.map(|id| memory.get(&id.to_string()).is_some());
    assert_eq!(remembered, [false, true, true]);
    memory.put(ids[2], &conversation(&"x".repeat(MEMORY_BYTES)));
    let remembered = ids.map(|id| memory.get(&id.to_string()).is_some());
    assert_eq!(remembered, [false, false, true], "the last one is remembered, however long it is");
}
