//! Whatever comes in from elsewhere, tried with anything.
//!
//! One target for each parser of bytes that others have written, in `src/bin`; what it holds for true of any input stands at its
//! beginning. libFuzzer makes the inputs, guided by which code they reach, from those in `corpus`. Here is what several
//! targets share. How to run them, and what they have found: `docs/fuzzing.md`.

#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

mod cut;
#[cfg(feature = "whole")]
mod edge;
#[cfg(feature = "whole")]
mod elsewhere;
mod refusal;

pub use cut::{cut, cut_text};
#[cfg(feature = "whole")]
pub use edge::Edge;
#[cfg(feature = "whole")]
pub use elsewhere::{Answer, Elsewhere};
pub use refusal::check_refusal;

/// A file of API keys with one in it: `nk_fuzz_sesame`.
pub const KEYS: &str = r#"
[[key]]
id = "fuzz"
name = "fuzz"
tenant = "t"
user = "u"
scopes = ["admin"]
created = "2026-11-22T00:00:00Z"
hash = "ceb84ea1e645c07a5562645cd1b7e7950eca69cccf702f56d0ebc6c78a6b294d"
"#;
