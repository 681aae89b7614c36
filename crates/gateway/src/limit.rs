//! What one client may take of a gateway: how many connections, and how much on each.

mod clock;
mod complaints;
mod crowd;
mod pressure;
mod quota;
mod traffic;

pub use pressure::Pressure;
pub use quota::{Allowance, Quotas};

pub(crate) use complaints::Complaints;
pub(crate) use crowd::{Crowd, Entry, Seat};
pub(crate) use pressure::overloaded;
pub(crate) use quota::Quota;
pub(crate) use traffic::{Traffic, Verdict};

use std::num::NonZeroU32;

/// So many a second, and as many at once as in `burst` seconds; `None` for no limit.
fn pace(per_second: u32, burst: u32) -> Option<governor::Quota> {
    let quota = governor::Quota::per_second(NonZeroU32::new(per_second)?);
    Some(NonZeroU32::new(burst).map_or(quota, |burst| quota.allow_burst(burst)))
}
