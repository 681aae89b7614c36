//! What programs read of all this.

use std::io;

use load::Report;
use serde::Serialize;

use crate::{
    arguments::{Arguments, Broker, Scene},
    machine::Machine,
};

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    machine: Machine,
    broker: Broker,
    /// Settings that differ from the usual ones.
    set: Vec<String>,
    pub(crate) runs: Vec<Run>,
}

impl Results {
    pub(crate) fn new(arguments: &Arguments) -> io::Result<Self> {
        let machine = Machine::look(&arguments.program()?);
        Ok(Self { machine, broker: arguments.broker, set: arguments.set.clone(), runs: Vec::new() })
    }
}

/// One run of the generator.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) scene: Scene,
    /// What it was, within its scene.
    pub(crate) what: String,
    /// Who was measured: `narthex`, the model server without anything before it, or a peer.
    pub(crate) server: &'static str,
    pub(crate) report: Report,
}

impl Run {
    /// Whether nothing was wrong.
    pub(crate) fn is_good(&self) -> bool {
        self.report.is_good() && self.unused() == 0
    }

    /// Where that is the point: connections that there should have been, and that were not pinged, or did not stream.
    pub(crate) fn unused(&self) -> u64 {
        let Report { connections_wanted, pinged, completed, .. } = self.report;
        match self.scene {
            Scene::Connections => (connections_wanted as u64).saturating_sub(pinged.min(completed)),
            _ => 0,
        }
    }
}

/// The model server by itself.
pub(crate) const DIRECT: &str = "direct";
/// What this is all about.
pub(crate) const NARTHEX: &str = "narthex";
