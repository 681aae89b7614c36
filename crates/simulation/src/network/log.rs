//! The stream log, at the other end of a line.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{
    AppendError, Appended, Creation, Error, Header, Listener, Listening, Member, OpenError, OpenMode, Opened,
    Page, StreamLog,
};
use stream::{Epoch, Event, ResponseId, Sequence};

use super::{Line, live::Ear};

pub(super) struct Log {
    pub(super) line: Arc<Line>,
    pub(super) log: Arc<dyn StreamLog>,
}

#[async_trait]
impl StreamLog for Log {
    fn new_id(&self) -> ResponseId {
        self.log.new_id()
    }

    async fn create(&self, id: ResponseId, header: &Header, events: &[Event]) -> Result<Creation, Error> {
        let effect = || {
            let (log, ledger) = (Arc::clone(&self.log), Arc::clone(&self.line.ledger));
            let (header, events) = (header.clone(), events.to_vec());
            async move {
                let creation = log.create(id, &header, &events).await;
                if creation.is_ok() {
                    ledger.created(id);
                }
                creation
            }
        };
        self.line.call("create", effect).await
    }

    async fn header(&self, id: ResponseId) -> Result<Option<Header>, Error> {
        let effect = || {
            let log = Arc::clone(&self.log);
            async move { log.header(id).await }
        };
        self.line.call("header", effect).await
    }

    async fn open(&self, id: ResponseId, owner: &Member, mode: OpenMode) -> Result<Opened, OpenError> {
        let effect = || {
            let (log, ledger, owner) = (Arc::clone(&self.log), Arc::clone(&self.line.ledger), owner.clone());
            async move {
                let opened = log.open(id, &owner, mode).await;
                if let Ok(opened) = &opened {
                    ledger.opened(id, opened.epoch, &owner);
                }
                opened
            }
        };
        self.line.call("open", effect).await
    }

    async fn append(
        &self,
        id: ResponseId,
        epoch: Epoch,
        first: Sequence,
        events: &[Event],
    ) -> Result<Appended, AppendError> {
        let effect = || {
            let (log, ledger, events) =
                (Arc::clone(&self.log), Arc::clone(&self.line.ledger), events.to_vec());
            async move {
                let appended = log.append(id, epoch, first, &events).await;
                ledger.appended(id, &appended);
                appended
            }
        };
        self.line.call("append", effect).await
    }

    async fn read(&self, id: ResponseId, from: Sequence, max_bytes: usize) -> Result<Option<Page>, Error> {
        let effect = || {
            let log = Arc::clone(&self.log);
            async move { log.read(id, from, max_bytes).await }
        };
        self.line.call("read", effect).await
    }

    async fn listen(&self, id: ResponseId, listener: Arc<dyn Listener>) -> Result<Listening, Error> {
        let ear = Ear::new(Arc::clone(&self.line), id, listener);
        let effect = || {
            let (log, ear) = (Arc::clone(&self.log), Arc::clone(&ear));
            async move { log.listen(id, ear).await }
        };
        let listening = self.line.call("listen", effect).await?;
        Ok(Listening::new(move || {
            ear.close();
            drop(listening);
        }))
    }

    async fn expire(&self, id: ResponseId, after: Duration) -> Result<(), Error> {
        let effect = || {
            let log = Arc::clone(&self.log);
            async move { log.expire(id, after).await }
        };
        self.line.call("expire", effect).await
    }
}
