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

#[test]
fn each_master_is_home_to_as_many_partitions() {
    let range = |first: u16, last: u16, port| {
        let node = Value::Array(vec![text("m"), Value::Int(port), text("id")]);
        Value::Array(vec![Value::Int(first.into()), Value::Int(last.into()), node])
    };
    // The last one has few slots.
    let answer = Value::Array(vec![range(0, 8_000, 1), range(8_001, 16_350, 2), range(16_351, 16_383, 3)]);
    let slots = Slots::parse(answer, &"m:1".into()).unwrap();
    let masters: Vec<&str> =
        slots.homes().iter().map(|home| &**slots.node(&tag(*home).to_string()).unwrap()).collect();
    assert_eq!(masters, ["m:1", "m:2", "m:3", "m:1", "m:2", "m:3"]);
    // One that no partition meets is home to none, and takes nothing from the others.
    let met: BTreeSet<u16> = (0..MAX_HOMES).map(|home| slot(tag(home).to_string().as_bytes())).collect();
    let unmet = (1..SLOTS).find(|slot| !met.contains(slot)).unwrap();
    let answer =
        Value::Array(vec![range(0, unmet - 1, 1), range(unmet, unmet, 2), range(unmet + 1, 16_383, 3)]);
    let slots = Slots::parse(answer, &"m:1".into()).unwrap();
    assert_eq!(slots.homes().len(), 4);
    let none = Slots::parse(Value::Array(vec![]), &"m:1".into()).unwrap();
    assert!(none.homes().is_empty());
}
