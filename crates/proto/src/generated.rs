//! Made from `/proto` by the test `generated`; not edited by hand.

#![expect(missing_docs, unreachable_pub, reason = "generated code")]

include!("generated/narthex.v1.rs");
