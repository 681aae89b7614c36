//! `GET /v1/models` and `GET /v1/models/{id}`.

use protocol::{ApiError, models};

use super::answer::{self, Answer};
use crate::{Principal, continuation::unavailable, gateway::Shared};

pub(super) async fn list(shared: &Shared, principal: &Principal) -> Answer {
    let models = shared.roster.models().await.map_err(unavailable)?;
    let known = models.iter().filter(|model| principal.knows_model(&model.name));
    Ok(answer::json(&models::list(known.map(describe))))
}

pub(super) async fn get(shared: &Shared, principal: &Principal, name: &str) -> Answer {
    let model = shared.find_model(principal, name).await?;
    let model = model.ok_or_else(|| ApiError::model_not_found(name))?;
    Ok(answer::json(&models::model(&describe(&model))))
}

fn describe(model: &broker::Model) -> models::Model<'_> {
    models::Model { id: &model.name, created: model.created, owned_by: &model.owned_by }
}
