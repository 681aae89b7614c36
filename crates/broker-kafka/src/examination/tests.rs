use broker::Verdict;

use super::{Copies, judge};

#[test]
fn a_topic_is_as_safe_as_its_copies() {
    let cases = [
        (Copies { partitions: 16, headless: 1, behind: 2, each: 3 }, 3, Verdict::Problem, "1 have no leader"),
        (
            Copies { partitions: 16, headless: 0, behind: 2, each: 3 },
            3,
            Verdict::Warning,
            "of 2 not all are in sync",
        ),
        (Copies { partitions: 16, headless: 0, behind: 0, each: 1 }, 3, Verdict::Warning, "with 3 copies"),
        (Copies { partitions: 16, headless: 0, behind: 0, each: 3 }, 3, Verdict::Fine, "16 partitions"),
        (Copies { partitions: 16, headless: 0, behind: 0, each: 1 }, 1, Verdict::Fine, "1 copies"),
    ];
    for (copies, nodes, verdict, words) in cases {
        let finding = judge("kafka topic t".to_owned(), &copies, nodes);
        assert_eq!(finding.verdict, verdict, "{finding:?}");
        assert!(finding.sentence.contains(words), "{finding:?}");
    }
}
