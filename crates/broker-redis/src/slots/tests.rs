use redis::Value;

use super::*;

fn text(text: &str) -> Value {
    Value::BulkString(text.into())
}

#[test]
fn slots_are_those_of_the_specification() {
    assert_eq!(crc16(b"123456789"), 0x31c3);
    assert_eq!(slot(b"foo"), 12_182);
    assert_eq!(slot(b"{user1000}.following"), slot(b"{user1000}.followers"));
    assert_eq!(slot(b"foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
    assert_eq!(slot(b"foo{{bar}}zap"), crc16(b"{bar") % SLOTS);
    assert_eq!(slot(b"foo{bar}{zap}"), slot(b"bar"));
}

#[test]
fn a_key_belongs_to_the_master_of_its_range() {
    let node = |host: Value, port| Value::Array(vec![host, Value::Int(port), text("id")]);
    let range = |first, last, node| Value::Array(vec![Value::Int(first), Value::Int(last), node]);
    let answer = Value::Array(vec![
        range(10_000, 16_383, node(text("b"), 2)),
        range(0, 5_000, node(Value::Nil, 1)),
        range(5_001, 9_000, node(text(""), 3)),
    ]);
    let slots = Slots::parse(answer, &"asked:9".into()).unwrap();
    assert_eq!(slots.node("foo").map(|node| &**node), Some("b:2"));
    let key_at = |wanted: std::ops::Range<u16>| {
        (0..).map(|n| format!("k{n}")).find(|key| wanted.contains(&slot(key.as_bytes()))).unwrap()
    };
    assert_eq!(slots.node(&key_at(0..5_001)).map(|node| &**node), Some("asked:1"));
    assert_eq!(slots.node(&key_at(5_001..9_001)).map(|node| &**node), Some("asked:3"));
    assert_eq!(slots.node(&key_at(9_001..10_000)), None);
    assert!(Slots::parse(Value::Array(vec![Value::Array(vec![])]), &"asked:9".into()).is_err());
}
