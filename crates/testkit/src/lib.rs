//! What the tests of Narthex stand on. Nothing of it is part of a release.
//!
//! [`cluster`] is a whole cluster in one process, [`client`] a client that shows what is on the wire, [`puppet`] a model whose
//! every word is the test's.
//!
//! [`model_server`] is a model server that does what a script says, over real sockets: it answers, dawdles, fails, hangs
//! up or talks nonsense, and knows afterwards what was asked of it and which of its streams were aborted.

//! [`otlp`] is a receiver of spans.

//! [`people`] are people with API keys, and [`openid`] is an issuer of tokens as OpenID Connect has it: discovery, keys, and their rotation.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test whose ground gives way has failed")]

pub mod certificates;
pub mod client;
pub mod cluster;
pub mod kafka;
pub mod model_server;
pub mod openid;
pub mod otlp;
pub mod people;
pub mod process;
pub mod puppet;
pub mod redis;
pub mod scene;
pub mod session;
