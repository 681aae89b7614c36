//! A log that is somewhere else: an append takes its time, and others can be gathered meanwhile.

use std::sync::Arc;

use async_trait::async_trait;
use broker::{
    AppendError, Appended, Creation, Error, Header, Listener, Listening, Member, OpenError, OpenMode, Opened,
    Page, StreamLog,
};
use stream::{Epoch, Event, ResponseId, Sequence};
use tokio::time::{Duration, sleep};

/// About what a broker takes beside other work.
const APPEND: Duration = Duration::from_millis(1);

/// A log, and the way to it.
pub(super) struct Distant(pub(super) Arc<dyn StreamLog>);

#[async_trait]
impl StreamLog for Distant {
    fn new_id(&self) -> ResponseId {
        self.0.new_id()
    }

    async fn create(&self, id: ResponseId, header: &Header, events: &[Event]) -> Result<Creation, Error> {
        self.0.create(id, header, events).await
    }

    async fn header(&self, id: ResponseId) -> Result<Option<Header>, Error> {
        self.0.header(id).await
    }

    async fn open(&self, id: ResponseId, owner: &Member, mode: OpenMode) -> Result<Opened, OpenError> {
        self.0.open(id, owner, mode).await
    }

    async fn append(
        &self,
        id: ResponseId,
        epoch: Epoch,
        first: Sequence,
        events: &[Event],
    ) -> Result<Appended, AppendError> {
        sleep(APPEND).await;
        self.0.append(id, epoch, first, events).await
    }

    async fn read(&self, id: ResponseId, from: Sequence, max_bytes: usize) -> Result<Option<Page>, Error> {
        self.0.read(id, from, max_bytes).await
    }

    async fn listen(&self, id: ResponseId, listener: Arc<dyn Listener>) -> Result<Listening, Error> {
        self.0.listen(id, listener).await
    }

    async fn expire(&self, id: ResponseId, after: Duration) -> Result<(), Error> {
        self.0.expire(id, after).await
    }
}
