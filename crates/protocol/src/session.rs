//! `narthex.v1`: the extension of the WebSocket that a client asks for by a subprotocol.
//!
//! The [`Encoding`] says what a frame is: an event as JSON, or a [`Batch`] of them in MessagePack or Protobuf. Frames may be
//! [signed](signing). What else the two sides say to each other is in [`events`] and in [`ClientMessage`](crate::ClientMessage).
//! `docs/narthex-v1.md` is the description for those who write clients.

mod batch;
mod encoding;
pub mod events;
mod messagepack;
pub mod signing;

pub use batch::Batch;
pub use encoding::Encoding;
pub use signing::PublicKey;
