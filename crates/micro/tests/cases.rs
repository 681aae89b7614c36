//! Every case does its work, more than once.

use micro::CASES;

#[test]
fn every_case_runs() {
    for case in CASES {
        let mut work = case.prepare();
        work();
        work();
    }
}
