//! Brokers that break their contract on purpose: whoever looks for faults has to show that it finds them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{
    AppendError, Appended, Broker, Creation, Error, Header, Listener, Listening, Member, OpenError, OpenMode,
    Opened, Page, Store, StreamLog,
};
use bytes::Bytes;
use stream::{Epoch, Event, Record, ResponseId, Sequence};

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The log forgets the fence: what a late writer appends is taken, in the epoch and at the place in force.
    Fence,
    /// A read of the log begins one record behind the one that was asked for, and numbers it as if it were that one.
    Position,
    /// What the live path loses is not in the log for whoever looks for it: a read sees nothing behind the beginning.
    Silence,
    /// The store gives one key to two that ask for it one after the other.
    Key,
}

impl Flaw {
    /// Every flaw, with its name.
    pub const ALL: [(&str, Self); 4] = [
        ("fence", Self::Fence),
        ("position", Self::Position),
        ("silence", Self::Silence),
        ("key", Self::Key),
    ];

    /// `broker` with this flaw.
    pub(crate) fn broker(self, broker: &Broker) -> Broker {
        Broker {
            log: Arc::new(FlawedLog { flaw: self, log: Arc::clone(&broker.log) }),
            store: Arc::new(FlawedStore { flaw: self, store: Arc::clone(&broker.store) }),
            ..broker.clone()
        }
    }
}

struct FlawedLog {
    flaw: Flaw,
    log: Arc<dyn StreamLog>,
}

impl FlawedLog {
    /// Appends whatever it is wherever the stream stands, in whatever epoch is in force.
    async fn append_anyhow(
        &self,
        id: ResponseId,
        epoch: Epoch,
        events: &[Event],
    ) -> Result<Appended, AppendError> {
        let page = self.log.read(id, 0, usize::MAX).await?.ok_or(AppendError::Gone)?;
        let next = page.records.last().map_or(0, |record| record.next());
        let mut epoch = epoch;
        loop {
            match self.log.append(id, epoch, next, events).await {
                Err(AppendError::Fenced) => epoch.0 += 1,
                result => return result,
            }
        }
    }
}

#[async_trait]
impl StreamLog for FlawedLog {
    fn new_id(&self) -> ResponseId {
        self.log.new_id()
    }

    async fn create(&self, id: ResponseId, header: &Header, events: &[Event]) -> Result<Creation, Error> {
        self.log.create(id, header, events).await
    }

    async fn header(&self, id: ResponseId) -> Result<Option<Header>, Error> {
        self.log.header(id).await
    }

    async fn open(&self, id: ResponseId, owner: &Member, mode: OpenMode) -> Result<Opened, OpenError> {
        self.log.open(id, owner, mode).await
    }

    async fn append(
        &self,
        id: ResponseId,
        epoch: Epoch,
        first: Sequence,
        events: &[Event],
    ) -> Result<Appended, AppendError> {
        match self.log.append(id, epoch, first, events).await {
            Err(AppendError::Fenced) if self.flaw == Flaw::Fence => {
                self.append_anyhow(id, epoch, events).await
            }
            result => result,
        }
    }

    async fn read(&self, id: ResponseId, from: Sequence, max_bytes: usize) -> Result<Option<Page>, Error> {
        match self.flaw {
            Flaw::Position if from > 0 => {
                let page = self.log.read(id, from + 1, max_bytes).await?;
                Ok(page.map(|page| Page { records: renumbered(&page, from), more: page.more }))
            }
            Flaw::Silence if from > 0 => Ok(self.log.read(id, Sequence::MAX, max_bytes).await?),
            _ => self.log.read(id, from, max_bytes).await,
        }
    }

    async fn listen(&self, id: ResponseId, listener: Arc<dyn Listener>) -> Result<Listening, Error> {
        self.log.listen(id, listener).await
    }

    async fn expire(&self, id: ResponseId, after: Duration) -> Result<(), Error> {
        self.log.expire(id, after).await
    }
}

/// The records of a page from event `from + 1` on, numbered from `from` on.
fn renumbered(page: &Page, from: Sequence) -> Vec<Arc<Record>> {
    let mut first = from;
    let renumber = |record: &Arc<Record>| {
        let events: Vec<_> = record.events_from(from + 1).map(|(_, event)| event.clone()).collect();
        let record = Record { epoch: record.epoch, first, events };
        first = record.next();
        Arc::new(record)
    };
    page.records.iter().map(renumber).collect()
}

struct FlawedStore {
    flaw: Flaw,
    store: Arc<dyn Store>,
}

#[async_trait]
impl Store for FlawedStore {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        self.store.get(key).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Error> {
        self.store.put(key, value, ttl).await
    }

    async fn insert(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, Error> {
        if self.flaw == Flaw::Key {
            self.store.put(key, value, ttl).await?;
            return Ok(None);
        }
        self.store.insert(key, value, ttl).await
    }

    async fn replace(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, Error> {
        self.store.replace(key, value, ttl).await
    }

    async fn remove(&self, key: &str) -> Result<bool, Error> {
        self.store.remove(key).await
    }

    async fn add(&self, key: &str, amount: i64, ttl: Duration) -> Result<i64, Error> {
        self.store.add(key, amount, ttl).await
    }

    async fn enter(&self, key: &str, guest: &str, max: usize, ttl: Duration) -> Result<bool, Error> {
        self.store.enter(key, guest, max, ttl).await
    }

    async fn leave(&self, key: &str, guest: &str) -> Result<bool, Error> {
        self.store.leave(key, guest).await
    }
}
