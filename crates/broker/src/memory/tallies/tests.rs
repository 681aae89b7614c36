//! Counters and rooms are bounded.

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn the_counter_that_ends_first_makes_room() {
    let tallies = Tallies::new();
    tallies.add("soon", 5, MINUTE / 2);
    tallies.add("later", 5, MINUTE * 2);
    for number in 2..MAX {
        tallies.add(&number.to_string(), 1, MINUTE);
    }
    assert_eq!((tallies.add("soon", 0, MINUTE), tallies.add("later", 0, MINUTE)), (5, 5));
    // To add to one that is there takes no room, and to look none either.
    tallies.add("later", 1, MINUTE * 2);
    tallies.add("nobody's", 0, MINUTE);
    assert_eq!((tallies.add("soon", 0, MINUTE), tallies.counters.lock().len()), (5, MAX));
    tallies.add("one more", 1, MINUTE);
    assert_eq!((tallies.add("soon", 0, MINUTE), tallies.add("later", 0, MINUTE)), (0, 6));
    assert_eq!(tallies.add("one more", 0, MINUTE), 1);
    assert_eq!(tallies.counters.lock().len(), MAX);
}

#[tokio::test(start_paused = true)]
async fn the_room_that_ends_first_makes_room() {
    let tallies = Tallies::new();
    assert!(tallies.enter("soon", "guest", 1, MINUTE / 2));
    assert!(tallies.enter("later", "guest", 1, MINUTE * 2));
    for number in 2..MAX {
        tallies.enter(&number.to_string(), "guest", 1, MINUTE);
    }
    assert!(!tallies.enter("soon", "another", 1, MINUTE));
    assert!(tallies.enter("one more", "guest", 1, MINUTE));
    // Whoever was in it is not known any more, and the next is let in.
    assert!(tallies.enter("soon", "another", 1, MINUTE));
    assert!(!tallies.enter("later", "another", 1, MINUTE));
    assert_eq!(tallies.rooms.lock().len(), MAX);
}
