//! Made from `/proto` by the test `generated`; not edited by hand.

#![expect(
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

include!("generated/narthex.v1.rs");
