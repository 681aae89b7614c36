//! Two gateways beside each other: do they serve twice what one does?

use std::{io, time::Duration};

use load::Load;

use super::alone;
use crate::{
    arguments::{Arguments, Broker, Scene},
    result::Run,
    stage::Needs,
};

/// Streams at each gateway: few enough that two of them and all else have room on two cores, as a machine that is full makes tokens
/// cheaper.
const STREAMS: usize = 100;

/// One gateway, then two, each with as many streams at 50 tokens/s. With memory there is never more than one.
pub(super) async fn play(arguments: &Arguments) -> io::Result<Vec<Run>> {
    let mut runs = Vec::new();
    let most = if arguments.broker == Broker::Memory { 0 } else { 2 };
    for gateways in 1..=most {
        let what = format!("{} streams at 50/s, gateways: {gateways}", gateways * STREAMS);
        let needs = Needs { gateways, ..Needs::default() };
        let run = alone(Scene::Pair, arguments, &what, needs, Duration::ZERO, |play| Load {
            clients: gateways * STREAMS,
            ramp: Duration::from_secs(5),
            ..play.load(250, 50.0)
        });
        runs.extend(run.await?);
    }
    Ok(runs)
}
