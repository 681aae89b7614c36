//! `GET /v1/models` and `GET /v1/models/{id}`.

use protocol::models;

use super::answer::{self, Answer};
use crate::gateway::Shared;

pub(super) async fn list(shared: &Shared) -> Answer {
    let models = shared.roster.models().await;
    Ok(answer::json(&models::list(models.iter().map(describe))))
}

pub(super) async fn get(shared: &Shared, name: &str) -> Answer {
    let model = shared.roster.find(name).await?;
    Ok(answer::json(&models::model(&describe(&model))))
}

fn describe(model: &broker::Model) -> models::Model<'_> {
    models::Model { id: &model.name, created: model.created, owned_by: &model.owned_by }
}
