//! The load generator: clients over real sockets that ask a server for streams, check what they hear, and measure.
//!
//! It stands outside of everything that it measures. A [`Load`] says what to do; each process of the generator does a
//! [share](Load::share) of it ([`drive()`]), told when by whoever started it ([`conduct()`]), and its [`Figures`] are added to the others'.
//! What comes of it all is a [`Report`].
//!
//! - **Open loop.** With a rate, requests are due at moments that do not depend on how fast the server answers, and latencies are counted
//!   from these moments: a server that stalls is charged for everyone who had to wait (no coordinated omission).
//! - **Everything is checked.** Each event's number and each text: what is lost, repeated, reordered or altered is counted.
//! - **Cheap.** It shares the machine with what it measures: one task and one small buffer for each client, and of each frame it reads
//!   only what it needs.

mod dialect;
mod load;

mod check;
mod heard;
pub mod numbered;

mod address;
mod tls;
mod wire;

mod client;
mod clock;
mod drive;
mod figures;

mod conduct;
mod crew;
mod gauge;
mod report;

pub use check::Damage;
pub use conduct::{Failed, Progress, conduct};
pub use crew::{Crew, serve};
pub use dialect::Dialect;
pub use drive::{Order, Told, drive};
pub use figures::Figures;
pub use gauge::{Watch, Watched};
pub use load::{Expect, Invalid, Load};
pub use report::{Latency, Memory, Processes, Report};
