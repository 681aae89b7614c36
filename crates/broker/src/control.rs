//! What passes between gateways and workers that is not data.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use stream::ResponseId;

use crate::{Error, Listening, Member};

/// Stops, attendance, and the roster of models.
///
/// # Contract
/// - A stop is durable: the owner hears of it live if it can, and else by the answer to its next append or
///   by [`stops_requested`](Self::stops_requested). A stop of a stream that has ended, or that there is not, does nothing.
/// - A response that does not run in the background is *attended* as long as any gateway says so. When the last
///   attendance has run out, `append` and `stops_requested` answer [`Stop::Abandoned`].
/// - A model is in the roster until the last announcement of it has run out.
#[async_trait]
pub trait Control: Send + Sync {
    /// Asks the owner of the stream to end it as cancelled.
    async fn cancel(&self, id: ResponseId) -> Result<(), Error>;

    /// Of each of these streams, whether its owner shall end it.
    async fn stops_requested(&self, ids: &[ResponseId]) -> Result<Vec<Option<Stop>>, Error>;

    /// Lets `listener` hear of cancels, until the returned guard is dropped. Some may be missed.
    async fn listen_stops(&self, listener: Arc<dyn StopListener>) -> Result<Listening, Error>;

    /// `gateway` has subscribers of these streams, for the next `lease`. A later call of the same gateway
    /// replaces its earlier one, also by a shorter lease. After an error some of them may be noted.
    async fn attend(&self, ids: &[ResponseId], gateway: &Member, lease: Duration) -> Result<(), Error>;

    /// A worker serves these models, for the next `lease`.
    async fn announce(&self, models: &[Model], lease: Duration) -> Result<(), Error>;

    /// The models that are served, by name.
    async fn models(&self) -> Result<Vec<Model>, Error>;
}

/// Why a response shall end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Someone with the right to do so cancelled it.
    Cancelled,
    /// Its last subscriber has been gone for longer than its grace.
    Abandoned,
}

/// Hears of cancels. Called from the broker's own task: must be quick and not block.
pub trait StopListener: Send + Sync {
    /// The stream shall be ended, if it is the listener's.
    fn cancelled(&self, id: ResponseId);
}

/// A model that workers serve.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Model {
    /// The name that clients ask for.
    pub name: String,
    /// Who made it, for `GET /v1/models`.
    #[serde(default)]
    pub owned_by: String,
    /// When it was made, in seconds since 1970; 0 if unknown.
    #[serde(default)]
    pub created: u64,
}
