//! How events get from the log to the subscribers of this gateway.
//!
//! The [`Hub`] has one [`Feed`](feed::Feed) for each response that anyone here follows: a small window of its latest records, filled
//! by the live path. A [`Cursor`] is how far one subscriber has read. As long as it keeps up it reads from the window;
//! whatever has left the window, was missed by the live path or was written before it came, it reads from the log. So
//! a slow client costs a cursor and not a queue, and a gap closes by the same few lines that serve a resume.

mod attendance;
mod cursor;
mod feed;
mod hub;
mod telling;

pub(crate) use cursor::{Cursor, Piece};
pub(crate) use hub::{Hub, Leave, Subscribe};
pub(crate) use telling::Telling;

#[cfg(test)]
mod tests;
