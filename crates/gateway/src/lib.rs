//! The thin edge of Narthex.
//!
//! A gateway holds the clients' connections. It checks and takes in what they ask ([`admission`]), follows the streams that
//! answer ([`delivery`]), and renders their events into what each client speaks ([`http`], [`ws`]). It keeps nothing whose
//! loss loses data: kill it, and its clients carry on at another one. It knows no engine and no broker by name.

mod config;
mod metrics;
mod principal;

mod gateway;
mod http;
mod limit;
mod listen;
mod ws;

mod admission;
mod continuation;
mod ending;
mod fold;
mod queues;
mod recall;
mod roster;
mod storeless;

pub mod jobs;

mod delivery;

pub use config::{Config, Limits};
pub use gateway::Gateway;
pub use http::Origins;
pub use limit::{Allowance, Pressure, Quotas};
pub use listen::{Accept, ForwardedHeader, Proxies, Tls};
pub use metrics::Metrics;

pub(crate) use principal::Principal;
