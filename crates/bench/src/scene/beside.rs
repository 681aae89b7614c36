//! What a token costs, and how long the first one takes: of Narthex, and of what is measured beside it.
//!
//! A peer that does not bear the usual load is measured with less of it, and then Narthex is measured once more with as little.

use std::{collections::BTreeMap, io, time::Duration};

use load::{Dialect, Load};

use super::{Play, STREAMS};
use crate::{
    peer::{Kind, Peer},
    result::{DIRECT, Run},
};

/// 200 streams at 50 tokens/s; at ten times as many; then as fast as they come, with many of them in each write.
pub(super) async fn tokens(mut play: Play<'_>) -> io::Result<Vec<Run>> {
    let paced = Load { ramp: Duration::from_secs(5), ..play.load(250, 50.0) };
    let full = Load { clients: STREAMS, ..play.load(2_000, 0.0) };
    for (streams, peers) in play.crowds() {
        let (what, paced) = (at_50(streams), Load { clients: streams, ..paced.clone() });
        play.narthex(&what, paced.clone()).await?;
        if streams == STREAMS {
            for dialect in [Dialect::Msgpack, Dialect::Proto] {
                play.narthex(&format!("the same, {dialect}"), Load { dialect, ..paced.clone() }).await?;
            }
            let fast = Load { clients: STREAMS, ..play.load(2_000, 500.0) };
            play.narthex("200 streams at 500/s", fast).await?;
            play.narthex("saturation", full.clone()).await?;
            let proto = Load { dialect: Dialect::Proto, ..full.clone() };
            play.narthex("saturation, proto", proto).await?;
        }
        // They are slow enough that answers as long as Narthex's would never end.
        let full = Load { clients: streams, ..play.load(250, 0.0) };
        for (what, load) in [(&*what, &paced), ("saturation", &full)] {
            for kind in &peers {
                play.peer(kind, what, load).await?;
            }
        }
    }
    Ok(play.runs)
}

/// One short stream after the other, 50 a second; then 40 new ones a second that last 5 s, which makes 200 at a time.
pub(super) async fn latency(mut play: Play<'_>) -> io::Result<Vec<Run>> {
    for (streams, peers) in play.crowds() {
        let share = streams as f64 / STREAMS as f64;
        let rate = 50.0 * share;
        let what =
            if streams == STREAMS { "1 stream".to_owned() } else { format!("1 stream, {rate} a second") };
        let one = Load { clients: 2, rate: Some(rate), ramp: Duration::from_secs(1), ..play.load(1, 0.0) };
        let many = Load {
            clients: 2 * streams,
            rate: Some(40.0 * share),
            ramp: Duration::from_secs(8),
            ..play.load(250, 50.0)
        };
        for (what, load) in [(what, one), (at_50(streams), many)] {
            let model = vec![play.stage.model.url.clone()];
            let direct = Load { urls: model, dialect: Dialect::Chat, ..load.clone() };
            play.run(&what, DIRECT, direct, Vec::new(), Duration::ZERO).await?;
            play.narthex(&what, load.clone()).await?;
            play.narthex(&format!("{what}, sse"), Load { dialect: Dialect::Sse, ..load.clone() }).await?;
            for kind in &peers {
                play.peer(kind, &what, &load).await?;
            }
        }
    }
    Ok(play.runs)
}

/// What a load of so many streams is called.
fn at_50(streams: usize) -> String {
    format!("{streams} streams at 50/s")
}

impl Play<'_> {
    /// How many streams there are at a time, the usual number first, and the peers that were asked for and bear so many. No peer knows
    /// another broker than Redis.
    fn crowds(&self) -> Vec<(usize, Vec<&'static Kind>)> {
        let mut crowds = BTreeMap::from([(STREAMS, Vec::new())]);
        let has_redis = self.stage.redis().is_some();
        for kind in self.arguments.peers().into_iter().filter(|kind| has_redis || !kind.has_broker) {
            crowds.entry(kind.streams).or_default().push(kind);
        }
        crowds.into_iter().rev().collect()
    }

    /// The same of a peer.
    async fn peer(&mut self, kind: &'static Kind, what: &str, load: &Load) -> io::Result<()> {
        if !self.arguments.wants(what) {
            return Ok(());
        }
        let peer = Peer::start(kind, self.stage.redis().as_deref(), &self.stage.model.url).await?;
        let mut watched = peer.watched.clone();
        if kind.has_broker {
            watched.extend(self.stage.watched().into_iter().filter(|watched| watched.name == "broker"));
        }
        let load = Load { urls: vec![peer.url.clone()], dialect: kind.dialect, ..load.clone() };
        self.run(what, kind.name, load, watched, Duration::ZERO).await?;
        peer.stop().await
    }
}
