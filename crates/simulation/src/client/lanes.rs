//! Several clients that share one WebSocket, each on a lane: what one suffers is felt by all.
//!
//! When the connection is gone each of them goes on alone, as every client does.

use std::collections::{BTreeMap, VecDeque};

use tokio::sync::oneshot;

use super::{Client, SILENCE, Told, World, accidents::Suffered, seen::Head, socket::Socket};
use crate::dice::Dice;

/// The lanes there are.
const LANES: [&str; 3] = ["a", "b", "c"];

/// Clients on one connection.
pub(crate) struct Party {
    world: World,
    dice: Dice,
    /// Who waits on which lane, the first first, and where it goes when its turn is over.
    lanes: BTreeMap<&'static str, VecDeque<(Client, oneshot::Sender<Client>)>>,
    /// A connection that is neither read nor closed any more.
    attic: Option<Socket>,
}

impl Party {
    /// A party of nobody.
    pub(crate) fn new(world: World, dice: Dice) -> Self {
        Self { world, dice, lanes: BTreeMap::new(), attic: None }
    }

    /// Adds a client. It comes back when its turn is over, or the connection.
    pub(crate) fn add(&mut self, client: Client) -> oneshot::Receiver<Client> {
        let (back, comes_back) = oneshot::channel();
        let lane = *self.dice.pick(&LANES);
        self.lanes.entry(lane).or_default().push_back((client, back));
        comes_back
    }

    /// Lives as long as the connection, and for ever if that is left behind without an end.
    pub(crate) async fn run(mut self) {
        self.try_once().await;
        for (client, back) in self.lanes.into_values().flatten() {
            // Whoever does not wait for it any more is gone with the run.
            let _ = back.send(client);
        }
        if self.attic.is_some() {
            std::future::pending::<()>().await;
        }
    }

    async fn try_once(&mut self) -> Option<()> {
        let (place, stream) = self.world.doors.connect(&mut self.dice);
        let stream = stream.ok()?;
        let mut socket = tokio::time::timeout(SILENCE, Socket::open(stream)).await.ok()??;
        for (lane, clients) in &mut self.lanes {
            for (client, _) in clients {
                let mut body = client.body();
                body["stream_id"] = (*lane).into();
                client.begin_telling(0, Some(lane));
                client.note(&format!("asks g{place} on lane {lane}"));
                tokio::time::timeout(SILENCE, socket.send(&body)).await.ok()??;
            }
        }
        while self.lanes.values().any(|lane| !lane.is_empty()) {
            match tokio::time::timeout(SILENCE, socket.next()).await {
                Ok(Told::Event(json)) => {
                    if let Some(Suffered::Vanished) = self.hear(json).await? {
                        self.attic = Some(socket);
                        return None;
                    }
                }
                _ => return None,
            }
        }
        Some(())
    }

    /// Gives an event to whose it is. `None` where the connection is over.
    async fn hear(&mut self, json: String) -> Option<Option<Suffered>> {
        let head: Head = serde_json::from_str(&json).ok()?;
        let lane = self.lanes.get_mut(head.stream_id.as_deref()?)?;
        let (client, _) = lane.front_mut()?;
        let is_over = client.hear(json).is_some() || client.has_ended();
        while let Some(accident) = client.errand.next_accident(client.heard).filter(|_| !is_over) {
            match client.suffer(accident).await {
                Suffered::Nothing => {}
                Suffered::Vanished => return Some(Some(Suffered::Vanished)),
                Suffered::Cut | Suffered::Left => return None,
            }
        }
        if is_over && let Some((client, back)) = lane.pop_front() {
            let _ = back.send(client);
        }
        Some(None)
    }
}
