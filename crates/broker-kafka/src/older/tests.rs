//! Who reads a partition reads for all whom that serves.

use super::*;
use crate::Config;

fn older() -> Older {
    Older::new(ClientConfig::new(), Connections::new(&Config::default()))
}

fn range(partition: i32, from: i64, until: i64) -> Range {
    Range { topic: "topic".into(), partition, key: None, from, until }
}

impl Older {
    fn wait_for(&self, range: Range) -> oneshot::Receiver<Vec<Message>> {
        let (answer, found) = oneshot::channel();
        let place = range.place();
        let wish = Wish { range, found: Vec::new(), begin: None, answer };
        self.waiting.lock().entry(place).or_default().push(wish);
        found
    }

    fn next(&self, partition: i32) -> Vec<(i64, i64)> {
        let wishes = self.next_wishes(&range(partition, 0, 0));
        wishes.iter().map(|wish| (wish.range.from, wish.range.until)).collect()
    }
}

#[test]
fn what_overlaps_is_read_at_once_and_the_rest_after_it() {
    let older = older();
    let ranges = [(50, 60), (0, 10), (5, 30), (30, 31), (32, 40), (20, 25)];
    let _waiting = ranges.map(|(from, until)| older.wait_for(range(0, from, until)));
    let _elsewhere = older.wait_for(range(1, 7, 9));
    // What begins where the reading ends goes on with it.
    assert_eq!(older.next(0), [(0, 10), (5, 30), (20, 25), (30, 31)]);
    assert_eq!(older.next(0), [(32, 40)]);
    assert_eq!(older.next(0), [(50, 60)]);
    assert_eq!(older.next(0), []);
    assert_eq!(older.next(1), [(7, 9)]);
    assert!(older.waiting.lock().is_empty());
}

#[test]
fn a_short_range_in_a_long_one_does_not_end_the_reading() {
    let older = older();
    let _waiting = [(0, 100), (1, 2), (90, 95)].map(|(from, until)| older.wait_for(range(0, from, until)));
    assert_eq!(older.next(0).len(), 3);
}

#[test]
fn nobody_reads_for_who_has_gone() {
    let older = older();
    drop(older.wait_for(range(0, 0, 10)));
    let _waiting = older.wait_for(range(0, 50, 60));
    assert_eq!(older.next(0), [(50, 60)]);
}
