//! As many connections as the machine lets a gateway hold: what each costs as they grow, and whether all of them are of use.
//!
//! Each size has a gateway of its own, so that nothing is left of another. All connections are made, and held until each was pinged;
//! then each streams once, and is checked.

use std::{io, time::Duration};

use load::Load;

use super::Play;
use crate::{
    arguments::Broker,
    machine,
    result::NARTHEX,
    stage::{Needs, Stage},
};

/// Sizes on the way to the largest one.
const STEPS: [usize; 3] = [1_000, 5_000, 10_000];
/// Where the limit of open files is far away, more than this takes long and tells little.
const ENOUGH: usize = 50_000;
/// How often gateways ping, and when they give up who does not answer.
const PINGS: &[&str] = &["gateway.ping_interval=5s", "gateway.idle_timeout=12s"];
/// Until all have been pinged, and memory has settled.
const HELD: Duration = Duration::from_secs(7);
/// Streams a second: few enough that none of them waits for another.
const STREAMS_PER_SECOND: usize = 1_000;

impl Play<'_> {
    /// Ever more connections at one gateway, and what is beyond it at several.
    pub(super) async fn connections(&mut self) -> io::Result<()> {
        let most = machine::connections_of_a_process()?;
        let wanted = self.arguments.connections.unwrap_or_else(|| most.min(ENOUGH));
        let full = wanted.min(most);
        for clients in STEPS.into_iter().filter(|step| *step < full) {
            self.hold(clients, 1).await?;
        }
        self.hold(full, 1).await?;
        match wanted.div_ceil(most) {
            1 => Ok(()),
            _ if self.arguments.broker == Broker::Memory => Err(io::Error::other(format!(
                "with memory there is one gateway, and it may hold {most} connections: ask for fewer, or for another --broker"
            ))),
            gateways => self.hold(wanted, gateways).await,
        }
    }

    async fn hold(&mut self, clients: usize, gateways: usize) -> io::Result<()> {
        let what = match gateways {
            1 => format!("{clients} connections"),
            _ => format!("{clients} connections at {gateways} gateways"),
        };
        if !self.is_wanted(&what) {
            return Ok(());
        }
        self.stage = Stage::start(self.arguments, Needs { gateways, set: PINGS }).await?;
        let each = Duration::from_secs(clients.div_ceil(STREAMS_PER_SECOND) as u64);
        let duration = self.arguments.duration.max(each);
        let rate = Some(clients as f64 / duration.as_secs_f64());
        let load = Load { clients, rate, duration, ramp: Duration::ZERO, ..self.load(5, 0.0) };
        self.run(&what, NARTHEX, load, self.stage.watched(), HELD).await
    }
}
