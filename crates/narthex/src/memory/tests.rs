use broker::Verdict;

use super::judge;

#[test]
fn the_gateway_refuses_before_the_system_ends_it() {
    let mebibytes = |n: u64| n << 20;
    let cases = [
        (0, None, Verdict::Warning, "set gateway.limits.max_memory"),
        (0, Some(mebibytes(1_000)), Verdict::Fine, "above 900 of the container's 1000 MiB"),
        (mebibytes(500), Some(mebibytes(1_000)), Verdict::Fine, "above 500 MiB"),
        (mebibytes(1_000), Some(mebibytes(1_000)), Verdict::Warning, "leave it out for 90 %"),
        (mebibytes(500), None, Verdict::Fine, "above 500 MiB"),
    ];
    for (limit, container, verdict, words) in cases {
        let finding = judge(limit, container);
        assert_eq!(finding.verdict, verdict, "{finding:?}");
        assert!(finding.sentence.contains(words), "{finding:?}");
    }
}
