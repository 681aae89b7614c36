//! The work of each case.

pub(crate) mod deliver;
pub(crate) mod log;
pub(crate) mod parse;
pub(crate) mod produce;
pub(crate) mod record;
pub(crate) mod render;
pub(crate) mod upstream;

mod distant;
