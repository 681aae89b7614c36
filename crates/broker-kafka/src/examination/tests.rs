use broker::Verdict;

use super::{Copies, judge, version};

#[test]
fn a_topic_is_as_safe_as_its_copies() {
    let cases = [
        (
            Copies { partitions: 16, headless: 1, behind: 2, each: 3, in_sync: Some(2) },
            3,
            Verdict::Problem,
            "1 have no leader",
        ),
        (
            Copies { partitions: 16, headless: 0, behind: 2, each: 3, in_sync: Some(2) },
            3,
            Verdict::Warning,
            "of 2 not all are in sync",
        ),
        (
            Copies { partitions: 16, headless: 0, behind: 0, each: 1, in_sync: Some(1) },
            3,
            Verdict::Warning,
            "with 3 copies",
        ),
        (
            Copies { partitions: 16, headless: 0, behind: 0, each: 3, in_sync: Some(2) },
            3,
            Verdict::Fine,
            "16 partitions",
        ),
        (
            Copies { partitions: 16, headless: 0, behind: 0, each: 1, in_sync: Some(1) },
            1,
            Verdict::Fine,
            "1 copies",
        ),
        (Copies { in_sync: Some(4), ..three() }, 3, Verdict::Problem, "nothing can be written"),
        (Copies { in_sync: Some(3), ..three() }, 3, Verdict::Warning, "reassign it with 4 copies"),
        (Copies { in_sync: Some(1), ..three() }, 3, Verdict::Warning, "set it to 2"),
        (three(), 3, Verdict::Fine, "3 copies of each, 2 of which must be in sync"),
        (Copies { in_sync: None, ..three() }, 3, Verdict::Fine, "3 copies of each"),
    ];
    for (copies, nodes, verdict, words) in cases {
        let finding = judge("kafka topic t".to_owned(), &copies, nodes);
        assert_eq!(finding.verdict, verdict, "{finding:?}");
        assert!(finding.sentence.contains(words), "{finding:?}");
    }
}

fn three() -> Copies {
    Copies { partitions: 16, headless: 0, behind: 0, each: 3, in_sync: Some(2) }
}

#[test]
fn a_node_before_kafka_4_is_told() {
    assert_eq!(version(Some("3.9-IV0".to_owned())).verdict, Verdict::Problem);
    assert_eq!(version(None).verdict, Verdict::Fine);
}
