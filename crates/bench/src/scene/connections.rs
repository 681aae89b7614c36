//! Connections that do nothing, and as many as the machine lets a gateway hold: what each costs, and whether all of them are of use.

use std::{io, time::Duration};

use load::Load;

use super::alone;
use crate::{
    arguments::{Arguments, Broker, Scene},
    machine,
    result::Run,
    stage::Needs,
};

const IDLE: usize = 10_000;
/// After a crowd has connected or left, memory is looked at when it has settled.
const SETTLE: Duration = Duration::from_secs(5);

/// Sizes on the way to the largest one.
const STEPS: [usize; 3] = [1_000, 5_000, 10_000];
/// Where the limit of open files is far away, more than this takes long and tells little.
const ENOUGH: usize = 50_000;
/// How often gateways ping, and when they give up who does not answer.
const PINGS: &[&str] = &["gateway.ping_interval=5s", "gateway.idle_timeout=30s"];
/// Until all have been pinged, and memory has settled.
const HELD: Duration = Duration::from_secs(7);
/// Streams a second: few enough that a small machine has time for them beside so many pings.
const STREAMS_PER_SECOND: usize = 500;

/// Connections at rest, which then stream one after the other and are at rest again; plain, and with TLS.
pub(super) async fn idle(arguments: &Arguments) -> io::Result<Vec<Run>> {
    let clients = arguments.connections.unwrap_or(IDLE);
    let mut runs = Vec::new();
    for (name, tls) in [("", false), (", TLS", true)] {
        let what = format!("{clients} connections{name}");
        let needs = Needs { tls, ..Needs::default() };
        let duration = arguments.duration;
        let run = alone(Scene::Idle, arguments, &what, needs, SETTLE, |play| {
            once(clients, duration, play.load(5, 0.0))
        });
        runs.extend(run.await?);
    }
    Ok(runs)
}

/// Ever more connections at one gateway, and what is beyond it at several. All are held until each was pinged; then each streams once.
pub(super) async fn many(arguments: &Arguments) -> io::Result<Vec<Run>> {
    let most = machine::connections_of_a_process()?;
    let wanted = arguments.connections.unwrap_or_else(|| most.min(ENOUGH));
    let gateways = wanted.div_ceil(most);
    if gateways > 1 && arguments.broker == Broker::Memory {
        return Err(io::Error::other(format!(
            "with memory there is one gateway, and it may hold {most} connections here: ask for fewer, or for another --broker"
        )));
    }
    let full = wanted.min(most);
    let mut sizes: Vec<_> = STEPS.into_iter().filter(|step| *step < full).map(|step| (step, 1)).collect();
    sizes.push((full, 1));
    if gateways > 1 {
        sizes.push((wanted, gateways));
    }
    let mut runs = Vec::new();
    for (clients, gateways) in sizes {
        let what = match gateways {
            1 => format!("{clients} connections"),
            _ => format!("{clients} connections at {gateways} gateways"),
        };
        let needs = Needs { gateways, set: PINGS, ..Needs::default() };
        let least = Duration::from_secs(clients.div_ceil(STREAMS_PER_SECOND) as u64);
        let duration = arguments.duration.max(least);
        let run = alone(Scene::Connections, arguments, &what, needs, HELD, |play| {
            once(clients, duration, play.load(5, 0.0))
        });
        runs.extend(run.await?);
    }
    Ok(runs)
}

/// `load` with so many clients, of whom each streams once within `duration`.
fn once(clients: usize, duration: Duration, load: Load) -> Load {
    let rate = Some(clients as f64 / duration.as_secs_f64());
    Load { clients, rate, duration, ramp: Duration::ZERO, ..load }
}
