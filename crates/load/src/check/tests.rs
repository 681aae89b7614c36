use super::{Check, Damage};
use crate::{Expect, numbered::token};

fn numbers(numbers: &[(u64, u64)]) -> Damage {
    let mut check = Check::new(Expect::Anything);
    for (first, last) in numbers {
        check.number(*first, *last);
    }
    check.end()
}

#[test]
fn a_stream_as_it_must_be_has_no_damage() {
    assert_eq!(numbers(&[(0, 0), (1, 1), (2, 5), (6, 6)]), Damage::default());
}

#[test]
fn what_is_missing_comes_again_or_comes_late_is_counted() {
    assert_eq!(numbers(&[(0, 0), (2, 2), (3, 3)]), Damage { lost: 1, ..Damage::default() });
    assert_eq!(numbers(&[(0, 0), (1, 1), (1, 1), (2, 2)]), Damage { repeated: 1, ..Damage::default() });
    assert_eq!(numbers(&[(0, 0), (2, 2), (1, 1), (3, 3)]), Damage { reordered: 1, ..Damage::default() });
    assert_eq!(numbers(&[(0, 3), (2, 5)]), Damage { repeated: 2, ..Damage::default() }, "half of it is new");
}

#[test]
fn the_pieces_must_add_up_to_the_whole() {
    let mut check = Check::new(Expect::Anything);
    check.text("Hel");
    check.text("lo");
    check.whole("Hello");
    check.text("Hello");
    check.whole("Hell");
    assert_eq!(check.end(), Damage { altered: 1, ..Damage::default() });
}

#[test]
fn each_word_of_a_numbered_text_has_its_place() {
    let mut check = Check::new(Expect::Numbered);
    for number in [0, 1, 2, 4, 5] {
        check.text(token(number));
    }
    assert_eq!(check.end().altered, 1, "one word is missing");

    let whole: String = (0..20_003).map(token).collect();
    check.text(&whole);
    check.whole(&whole);
    assert_eq!(check.end(), Damage::default());
}

#[test]
fn without_numbers_the_text_has_them() {
    let told = |numbers: &[usize]| {
        let mut check = Check::new(Expect::Numbered);
        numbers.iter().for_each(|number| check.unnumbered_text(token(*number)));
        check.end()
    };
    assert_eq!(told(&(0..20_100).collect::<Vec<_>>()), Damage::default());
    assert_eq!(told(&[0, 1, 3, 4]), Damage { lost: 1, ..Damage::default() });
    assert_eq!(told(&[0, 1, 1, 2]), Damage { repeated: 1, ..Damage::default() });
    assert_eq!(told(&[0, 2, 1, 3]), Damage { reordered: 1, ..Damage::default() });
}
