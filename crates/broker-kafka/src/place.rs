//! Where in its partition a stream begins, told by its id alone.
//!
//! A response's id says its partition, and its start is the lower 32 bits of an offset: where the partition stood, as far as
//! the maker of the id had read it, when the id was made. The stream cannot begin before that, and begins soon after. So any
//! process finds it without asking anyone, and reads no more of the partition than it must.

use stream::ResponseId;

/// A fresh id for a stream in `partition`, which stands at offset `next`.
pub(crate) fn new_id(partition: u16, next: i64) -> ResponseId {
    ResponseId::random(partition).with_start(next as u32)
}

/// The offset before which the stream does not begin. Of all offsets that end in the same 32 bits it is the one nearest to
/// `near`, any offset that the partition has now: unambiguous as long as a partition keeps fewer than two billion records.
pub(crate) fn first_offset(id: ResponseId, near: i64) -> i64 {
    let distance = id.start().wrapping_sub(near as u32) as i32;
    (near + i64::from(distance)).max(0)
}

#[cfg(test)]
mod tests;
