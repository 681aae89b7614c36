//! What befalls a client in the middle of a response.

use hyper::Method;
use serde_json::json;
use stream::ResponseId;

use super::{Accident, Client, MAX_TRIES, PASSING, SILENCE, World, http::Http};
use crate::dice::Dice;

/// What an accident means for the connection.
pub(super) enum Suffered {
    /// Nothing.
    Nothing,
    /// It is cut.
    Cut,
    /// It is left as it is, and nobody looks at it any more.
    Vanished,
    /// It is not wanted any more, nor is another one.
    Left,
}

impl Client {
    /// Suffers an accident; what that means for the connection.
    pub(super) async fn suffer(&mut self, accident: Accident) -> Suffered {
        self.note(&format!("{accident:?}"));
        self.world.journal.count(accident.name());
        match accident {
            Accident::Cut => Suffered::Cut,
            Accident::Vanish => Suffered::Vanished,
            Accident::Stall(time) => {
                tokio::time::sleep(time).await;
                Suffered::Nothing
            }
            Accident::Leave => {
                self.errand.has_left = true;
                Suffered::Left
            }
            Accident::Cancel => {
                if let Some(id) = self.seen.lock().id {
                    self.errand.has_cancelled = true;
                    let (world, dice) = (self.world.clone(), Dice::new(id.random_bits() as u64, "cancel"));
                    self.world.tasks.spawn(cancel(world, dice, id));
                }
                Suffered::Nothing
            }
        }
    }
}

/// Cancels a response, at whatever gateway takes it.
async fn cancel(world: World, mut dice: Dice, id: ResponseId) {
    let path = format!("/v1/responses/{id}/cancel");
    for _ in 0..MAX_TRIES {
        let (place, stream) = world.doors.connect(&mut dice);
        let attempt = async {
            let mut http = Http::new(stream.ok()?).await?;
            let response = http.send(Method::POST, &path, None, Some(&json!({}))).await?;
            let status = response.status().as_u16();
            Some((status, http.json(response).await?))
        };
        match tokio::time::timeout(SILENCE, attempt).await {
            Ok(Some((200, answer))) => {
                world.journal.note(format_args!("cancel of {id} at g{place}: {}", answer["status"]));
                return;
            }
            Ok(Some((status, answer))) => {
                let code = answer["error"]["code"].as_str().unwrap_or_default();
                if !PASSING.contains(&code) {
                    world.journal.object(format!("the cancel of {id} was refused: {status} {code}"));
                    return;
                }
            }
            Ok(None) | Err(_) => {}
        }
        tokio::time::sleep(dice.skewed_millis(20..=1000)).await;
    }
    world.journal.object(format!("the cancel of {id} was never taken"));
}
