//! Where in its partition a stream begins, told by its id alone.
//!
//! A response's id says its partition, and the upper 32 of its 128 bits are the lower 32 of an offset: where the partition
//! stood, as far as the maker of the id had read it, when the id was made. The stream cannot begin before that, and begins
//! soon after. So any process finds it without asking anyone, and reads no more of the partition than it must. The other
//! 96 bits are random.

use stream::ResponseId;

/// How many of an id's bits are random.
const RANDOM_BITS: u32 = 96;

/// A fresh id for a stream in `partition`, which stands at offset `next`.
pub(crate) fn new_id(partition: u16, next: i64) -> ResponseId {
    let random = ResponseId::random(partition).random_bits() & (u128::MAX >> (u128::BITS - RANDOM_BITS));
    ResponseId::from_parts(partition, u128::from(next as u32) << RANDOM_BITS | random)
}

/// The offset before which the stream does not begin. Of all offsets that end in the same 32 bits it is the one nearest to
/// `near`, any offset that the partition has now: unambiguous as long as a partition keeps fewer than two billion records.
pub(crate) fn first_offset(id: ResponseId, near: i64) -> i64 {
    let lower_bits = (id.random_bits() >> RANDOM_BITS) as u32;
    let distance = lower_bits.wrapping_sub(near as u32) as i32;
    (near + i64::from(distance)).max(0)
}

#[cfg(test)]
mod tests;
