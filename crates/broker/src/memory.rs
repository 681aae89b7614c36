//! The broker inside the process.
