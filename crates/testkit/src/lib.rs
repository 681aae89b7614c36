//! What the tests of Narthex stand on. Nothing of it is part of a release.
//!
//! [`model_server`] is a model server that does what a script says, over real sockets: it answers, dawdles, fails, hangs
//! up or talks nonsense, and knows afterwards what was asked of it and which of its streams were aborted.

pub mod model_server;
