//! Streams, as the contract has them.

use std::time::SystemTime;
use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{
    AppendError, Appended, Creation, Error, Header, Listener, Listening, Member, OpenError, OpenMode, Opened,
    Page, StreamLog, check_events,
};
use proto::{
    encode_record,
    kafka::{Ask, Create, Expire, Open},
};
use stream::{Epoch, Event, Record, ResponseId, Sequence};

use crate::{
    error::unreadable,
    events::Events,
    life::{Answer, Life, Opening},
};

/// The streams on Kafka.
pub(crate) struct Log {
    events: Arc<Events>,
    ttl: Duration,
}

impl Log {
    pub(crate) const fn new(events: Arc<Events>, ttl: Duration) -> Self {
        Self { events, ttl }
    }
}

/// A duration as it is written.
pub(crate) fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

/// The answer is to another question: two processes have the same random name.
pub(crate) fn confused() -> Error {
    unreadable("an answer that was not asked for")
}

#[async_trait]
impl StreamLog for Log {
    fn new_id(&self) -> ResponseId {
        self.events.new_id()
    }

    async fn create(&self, id: ResponseId, header: &Header, events: &[Event]) -> Result<Creation, Error> {
        check_events(events)?;
        let record = encode_record(Epoch(0), 0, events, SystemTime::now());
        let create = Create { header: Some(header.clone()), record, ttl_ms: millis(self.ttl) };
        match self.events.ask(id, Ask::Create(create)).await? {
            Some(Answer::Created(creation)) => Ok(creation),
            Some(_) => Err(confused()),
            None => Err(Error::refused(format!("{id} is in no partition of this cluster"))),
        }
    }

    async fn header(&self, id: ResponseId) -> Result<Option<Header>, Error> {
        self.events.look(id, |life| life.header().clone()).await
    }

    async fn open(&self, id: ResponseId, owner: &Member, mode: OpenMode) -> Result<Opened, OpenError> {
        let if_never_opened = mode == OpenMode::IfNeverOpened;
        let open = Open { owner: owner.to_string(), if_never_opened };
        match self.events.ask(id, Ask::Open(open)).await? {
            Some(Answer::Opened(opened)) => opened.map(Opening::into),
            Some(_) => Err(confused().into()),
            None => Err(OpenError::Gone),
        }
    }

    async fn append(
        &self,
        id: ResponseId,
        epoch: Epoch,
        first: Sequence,
        events: &[Event],
    ) -> Result<Appended, AppendError> {
        check_events(events)?;
        match self.events.ask(id, Ask::Append(encode_record(epoch, first, events, SystemTime::now()))).await?
        {
            Some(Answer::Appended(appended)) => appended,
            Some(_) => Err(confused().into()),
            None => Err(AppendError::Gone),
        }
    }

    async fn read(&self, id: ResponseId, from: Sequence, max_bytes: usize) -> Result<Option<Page>, Error> {
        self.events.look(id, |life: &Life| life.read(from, max_bytes)).await
    }

    async fn listen(&self, id: ResponseId, listener: Arc<dyn Listener>) -> Result<Listening, Error> {
        self.events.listen(id, listener).await
    }

    async fn expire(&self, id: ResponseId, after: Duration) -> Result<(), Error> {
        self.events.ask(id, Ask::Expire(Expire { after_ms: millis(after) })).await.map(drop)
    }
}

impl From<Opening> for Opened {
    /// The events are copied by whoever asked: a stream may be long.
    fn from(opening: Opening) -> Self {
        let Opening { epoch, header, records, stop } = opening;
        let records = records.iter().map(|record| Record::clone(record)).collect();
        Self { epoch, header, records, stop }
    }
}
