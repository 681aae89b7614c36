use super::{short, whole};

#[test]
fn numbers_are_short() {
    assert_eq!([0.4, 999.0, 1_000.0, 1_234_567.0].map(whole), ["0", "999", "1,000", "1,234,567"]);
    assert_eq!([800e6, 1.25e9, 30e9, 2e12, 500.0].map(short), ["800 M", "1.2 G", "30 G", "2.0 T", "0.5 k"]);
}
