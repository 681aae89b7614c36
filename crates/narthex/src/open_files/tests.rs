use broker::Verdict;

use super::judge;

#[test]
fn a_limit_is_enough_for_the_connections_that_are_wanted() {
    let cases = [
        (1_024, 0, Verdict::Warning, "enough for 768 connections: for more, raise it"),
        (20_000, 0, Verdict::Fine, "19744"),
        (1_024, 700, Verdict::Fine, "768"),
        (20_000, 50_000, Verdict::Warning, "19744 of the 50000"),
        (u64::MAX, 0, Verdict::Fine, "enough"),
    ];
    for (limit, wanted, verdict, words) in cases {
        let finding = judge(limit, wanted);
        assert_eq!(finding.verdict, verdict, "{finding:?}");
        assert!(finding.sentence.contains(words), "{finding:?}");
    }
}
