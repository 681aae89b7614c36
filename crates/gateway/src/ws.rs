//! The main door: `WS /v1/responses`.
//!
//! ```text
//!   upgrade ─▶ Connection: one task, one loop over a closed list of events
//!                 socket ──▶ message ─▶ Lanes (who waits, who runs) ─▶ admission ─▶ Turn (a cursor)
//!                 socket ◀── frames  ◀─ render ◀──────────────────────────────────── Turn
//! ```

mod asked;
mod caller;
mod connection;
mod goodbye;
mod lanes;
mod lifetime;
mod session;
mod socket;
mod turn;
mod turns;
mod upgrade;
mod validity;
mod wire;

pub(crate) use upgrade::{is_upgrade, upgrade};
