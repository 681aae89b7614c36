//! `GET /v1/models` and `GET /v1/models/{id}`.

use protocol::{ApiError, models};

use super::answer::{self, Answer};
use crate::{continuation::unavailable, gateway::Shared};

pub(super) async fn list(shared: &Shared) -> Answer {
    let models = shared.roster.models().await.map_err(unavailable)?;
    Ok(answer::json(&models::list(models.iter().map(describe))))
}

pub(super) async fn get(shared: &Shared, name: &str) -> Answer {
    let model = shared.roster.find(name).await.map_err(unavailable)?;
    let model = model.ok_or_else(|| ApiError::model_not_found(name))?;
    Ok(answer::json(&models::model(&describe(&model))))
}

fn describe(model: &broker::Model) -> models::Model<'_> {
    models::Model { id: &model.name, created: model.created, owned_by: &model.owned_by }
}
