use std::time::{Duration, SystemTime};

use broker::Verdict;
use testkit::certificates::Authority;

use super::{DAY, authorities_end, chain_ends};

#[test]
fn certificates_are_renewed_in_time() {
    let (authority, now) = (Authority::new(), SystemTime::now());
    let until = |days: u64| authority.issue_until(now + Duration::from_secs(days * DAY + 60)).certificate;
    let past = authority.issue_until(now - Duration::from_secs(60)).certificate;
    let cases = [
        (until(31), Verdict::Fine, "valid for 31 days, until "),
        (until(29), Verdict::Warning, "expires in 29 days, on "),
        (past.clone(), Verdict::Problem, "expired on "),
        (until(300) + &past, Verdict::Problem, "expired on "),
        ("nothing".to_owned(), Verdict::Problem, "no certificate in it"),
    ];
    for (pem, verdict, words) in cases {
        let finding = chain_ends("tls.certificate_file", pem.as_bytes(), now);
        assert_eq!(finding.verdict, verdict, "{finding:?}");
        assert!(finding.sentence.contains(words), "{finding:?}");
    }
    let one_is_over = authorities_end("tls.client_authorities_file", (past + &until(300)).as_bytes(), now);
    assert_eq!(one_is_over.verdict, Verdict::Fine);
}
