//! How long one event takes in each hot spot: `make micro`, or `cargo bench --profile micro -p micro --bench time`.

use divan::{Bencher, counter::ItemsCount};
use micro::{CASES, Case, EVENTS};

fn main() {
    divan::main();
}

#[divan::bench(args = CASES)]
fn event(bencher: Bencher<'_, '_>, case: &Case) {
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(case.prepare());
}
