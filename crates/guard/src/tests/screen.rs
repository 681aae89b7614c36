//! Characters and escapes.

use std::sync::Arc;

use super::{by_character, guard, whole};
use crate::{Config, Guard, Treatment};

fn all(treatment: Treatment) -> Arc<Guard> {
    guard(Config {
        terminal_escapes: treatment,
        control_characters: treatment,
        bidi_characters: treatment,
        invisible_characters: treatment,
        ..Config::default()
    })
}

#[test]
fn what_steers_a_terminal_is_left_out_whole() {
    let guard = all(Treatment::Remove);
    for (text, left) in [
        ("a\x1b[31mred\x1b[0m b", "ared b"),
        ("a\x1b[38;2;1;2;3;4 qb", "ab"),
        ("\x1b]0;title\x07a\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "alink"),
        ("\x1bP1$rq\x1b\\a\x1b_apc\u{9c}b\x1b^pm\x18c", "abc"),
        ("\u{9b}31ma\u{9d}0;title\u{9c}b", "ab"),
        ("a\x1bcb\x1b(Bc\x1b7d", "abcd"),
        ("\x1b[31\x1b[32ma", "a"),
        ("\x1b]0;no end\nnext line", "\nnext line"),
        ("\x1b[3\u{e9}a", "\u{e9}a"),
        ("a\x1b", "a"),
        ("a\x1b[", "a"),
        ("\x1b]0;\x1b[31ma", "a"),
    ] {
        assert_eq!(whole(&guard, text), left, "{text:?}");
        assert_eq!(by_character(&guard, text).concat(), left, "{text:?}");
    }
}

#[test]
fn characters_that_deceive_are_left_out_or_shown() {
    for (text, removed, replaced) in [
        ("a\0b\x08c\x7fd\u{85}e", "abcde", "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e"),
        ("tab\tline\nend\r\n", "tab\tline\nend\r\n", "tab\tline\nend\r\n"),
        ("over\rwrite\r\r\n\r", "overwrite\r\n", "over\u{fffd}write\u{fffd}\r\n\u{fffd}"),
        ("\u{202e}evil\u{2066}\u{2069}", "evil", "\u{fffd}evil\u{fffd}\u{fffd}"),
        ("a\u{200b}b\u{feff}c\u{e0041}\u{e0100}", "abc", "a\u{fffd}b\u{fffd}c\u{fffd}\u{fffd}"),
        (
            "naïve 日本 \u{2764}\u{fe0f} שלום",
            "naïve 日本 \u{2764}\u{fe0f} שלום",
            "naïve 日本 \u{2764}\u{fe0f} שלום",
        ),
    ] {
        assert_eq!(whole(&all(Treatment::Remove), text), removed, "{text:?}");
        assert_eq!(whole(&all(Treatment::Replace), text), replaced, "{text:?}");
        assert_eq!(by_character(&all(Treatment::Replace), text).concat(), replaced, "{text:?}");
    }
}

#[test]
fn a_rule_that_is_off_leaves_its_characters_alone() {
    let escapes = guard(Config { terminal_escapes: Treatment::Remove, ..Config::default() });
    assert_eq!(whole(&escapes, "\x1b[1ma\rb\0\u{202e}\u{200b}\u{85}"), "a\rb\0\u{202e}\u{200b}\u{85}");
    let controls = guard(Config { control_characters: Treatment::Remove, ..Config::default() });
    assert_eq!(whole(&controls, "\x1b[1ma\u{202e}"), "[1ma\u{202e}");
}

#[test]
fn characters_that_hide_a_key_are_gone_before_it_is_looked_for() {
    let patterns = vec![super::configured("aws_access_key")];
    let invisible_characters = Treatment::Remove;
    let guard = guard(Config { invisible_characters, patterns, ..Config::default() });
    assert_eq!(whole(&guard, &format!("{}\u{200b}IOSFODNN7EX\u{200b}AMPLE.", "AKIA")), "[aws_access_key].");
}
