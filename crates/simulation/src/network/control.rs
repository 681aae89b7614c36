//! Stops, attendance and the roster, at the other end of a line.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{Control, Error, Listening, Member, Model, Stop, StopListener};
use stream::ResponseId;

use super::{Line, live::StopEar};

pub(super) struct Controls {
    pub(super) line: Arc<Line>,
    pub(super) control: Arc<dyn Control>,
}

#[async_trait]
impl Control for Controls {
    async fn cancel(&self, id: ResponseId) -> Result<(), Error> {
        let effect = || {
            let (control, ledger) = (Arc::clone(&self.control), Arc::clone(&self.line.ledger));
            async move {
                // One that has ended is not cancelled any more, and one that is stays so.
                let before = control.stops_requested(&[id]).await?.pop().flatten();
                ledger.cancelled(id, before);
                control.cancel(id).await
            }
        };
        self.line.call("cancel", effect).await
    }

    async fn stops_requested(&self, ids: &[ResponseId]) -> Result<Vec<Option<Stop>>, Error> {
        let effect = || {
            let (control, ids) = (Arc::clone(&self.control), ids.to_vec());
            async move { control.stops_requested(&ids).await }
        };
        self.line.call("stops_requested", effect).await
    }

    async fn listen_stops(&self, listener: Arc<dyn StopListener>) -> Result<Listening, Error> {
        let ear = StopEar::new(Arc::clone(&self.line), listener);
        let effect = || {
            let (control, ear) = (Arc::clone(&self.control), Arc::clone(&ear));
            async move { control.listen_stops(ear).await }
        };
        self.line.call("listen_stops", effect).await
    }

    async fn attend(&self, ids: &[ResponseId], gateway: &Member, lease: Duration) -> Result<(), Error> {
        let effect = || {
            let (control, ids, gateway) = (Arc::clone(&self.control), ids.to_vec(), gateway.clone());
            async move { control.attend(&ids, &gateway, lease).await }
        };
        self.line.call("attend", effect).await
    }

    async fn announce(&self, models: &[Model], lease: Duration) -> Result<(), Error> {
        let effect = || {
            let (control, models) = (Arc::clone(&self.control), models.to_vec());
            async move { control.announce(&models, lease).await }
        };
        self.line.call("announce", effect).await
    }

    async fn models(&self) -> Result<Vec<Model>, Error> {
        let effect = || {
            let control = Arc::clone(&self.control);
            async move { control.models().await }
        };
        self.line.call("models", effect).await
    }
}
