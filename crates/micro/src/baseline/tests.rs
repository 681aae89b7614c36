use super::*;

#[test]
fn what_is_written_is_read_as_the_same() {
    let baseline = Baseline::read(&Baseline::write(&[("a", 100), ("b", 7)])).unwrap();
    assert_eq!((baseline.of("a"), baseline.of("b"), baseline.of("c")), (Some(100), Some(7), None));
}

#[test]
fn a_tenth_more_is_allowed_and_no_more() {
    let baseline = Baseline::read("a = 100").unwrap();
    let judged = |count| baseline.judge("a", count);
    assert_eq!([110, 111].map(judged), [Finding::Same, Finding::Slower]);
    assert_eq!([90, 89].map(judged), [Finding::Same, Finding::Faster]);
    assert_eq!(baseline.judge("b", 1), Finding::New);
}
