//! jemalloc's words, and others.

use super::{Stack, parse};

#[test]
fn a_dump_is_read() {
    let text = "heap_v2/524288\n  t*: 3: 4195328 [0: 0]\n  t0: 3: 4195328 [0: 0]\n\
                @ 0x10 0xff\n  t*: 1: 4194304 [0: 0]\n  t0: 1: 4194304 [0: 0]\n\
                @ 0x20\n  t*: 2: 1024 [0: 0]\n  t1: 2: 1024 [0: 0]\n\nMAPPED_LIBRARIES:\n@ 0x30\n  t*: 1: 1 [0: 0]\n";
    let (stacks, period) = parse(text).unwrap();
    assert_eq!(period, 524_288);
    assert_eq!(stacks.len(), 2);
    // Large ones are nearly all sampled, and of small ones few.
    let expected = Stack { addresses: vec![0x10, 0xff], objects: 1, bytes: 4_195_712 };
    assert_eq!(stacks[0], expected);
    assert_eq!((stacks[1].objects, stacks[1].bytes), (2049, 1_049_088));
}

#[test]
fn what_is_no_dump_is_told_from_one() {
    for text in ["", "heap_v3/524288\n", "heap_v2/x\n", "heap_v2/1\n@ 0xg\n", "heap_v2/1\n@ 0x1\n t*: x\n"] {
        assert_eq!(parse(text), None, "{text:?}");
    }
}
