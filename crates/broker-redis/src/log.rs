//! Streams: each a Redis Stream with its records, beside a hash with what is decided about it.

use std::time::SystemTime;
use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{
    AppendError, Appended, Creation, Error, Header, Listener, Listening, Member, OpenError, OpenMode, Opened,
    Page, StreamLog, check_events,
};
use bytes::Bytes;
use prost::Message as _;
use proto::{decode_record, encode_record};
use stream::{Epoch, Event, Record, ResponseId, Sequence};

use crate::{
    Config,
    appends::{Append, Appends},
    client::Client,
    error::{from_script, unreadable},
    live::{Live, Note},
    scripts::{self, Answer, Call, flag, millis, stop_named},
};

/// About how many bytes of records are read at once when a stream is taken over.
const OPENING_PAGE: usize = 1 << 20;

/// What the script answers that opens a stream: its epoch, its next event, its header, why to stop, and what it begins with.
type Opening = (u32, Sequence, Vec<u8>, String, Vec<Vec<u8>>);

/// The streams on Redis.
pub(crate) struct Log {
    client: Client,
    appends: Appends,
    live: Arc<Live>,
    ttl: Duration,
    live_limit: usize,
}

impl Log {
    pub(crate) fn new(client: Client, live: Arc<Live>, config: &Config) -> Self {
        let appends = Appends::new(client.clone(), config.log_ttl, config.append_window);
        Self { client, appends, live, ttl: config.log_ttl, live_limit: config.live_limit_bytes }
    }

    /// Whether a record is published, and not only that there is one, which tells the listeners to read it.
    const fn is_live(&self, record: &Bytes) -> bool {
        record.len() <= self.live_limit
    }

    /// `call` with the arguments of a creation, and the note that it makes.
    pub(crate) fn creation(
        &self,
        call: Call,
        id: ResponseId,
        header: &Header,
        events: &[Event],
    ) -> (Call, Option<Note>) {
        let record = encode_record(Epoch(0), 0, events, SystemTime::now());
        let grace = millis(Duration::from_millis(header.grace_ms)).to_string();
        // A gateway follows what it creates.
        let note = self.live.note(id);
        let call = call
            .arg(header.encode_to_vec())
            .arg(&record[..])
            .arg(events.len())
            .arg(flag(events.last().is_some_and(Event::is_terminal)))
            .arg(millis(self.ttl))
            .arg(if header.background { "" } else { &grace })
            .arg(flag(self.is_live(&record)))
            .arg(note.as_ref().map_or("", Note::inbox))
            .arg(self.client.publish());
        (call, note)
    }

    /// Records from `from` on, as they are kept, and whether there are more.
    async fn page(
        &self,
        id: ResponseId,
        from: Sequence,
        max_bytes: usize,
    ) -> Result<Option<(Vec<Record>, bool)>, Error> {
        let keys = &self.client.keys;
        let call =
            scripts::READ.call([keys.log(id), keys.meta(id)]).arg(from.saturating_add(1)).arg(max_bytes);
        let Some((kept, more)) = self.client.run::<Option<(Vec<Vec<u8>>, bool)>>(&call).await? else {
            return Ok(None);
        };
        let records = kept.iter().map(|bytes| decode_record(bytes).map_err(unreadable));
        // The first may have ended before what was asked for: see the script.
        let records = records.filter(|record| record.as_ref().map_or(true, |record| record.next() > from));
        Ok(Some((records.collect::<Result<_, _>>()?, more)))
    }

    /// `records`, and what follows on them before `end`. What comes after it is of later owners.
    async fn read_up_to(
        &self,
        id: ResponseId,
        mut records: Vec<Record>,
        end: Sequence,
    ) -> Result<Vec<Record>, OpenError> {
        loop {
            let from = records.last().map_or(0, Record::next);
            if from >= end {
                return Ok(records);
            }
            let (page, _) = self.page(id, from, OPENING_PAGE).await?.ok_or(OpenError::Gone)?;
            if page.is_empty() {
                return Err(
                    unreadable(format!("the log of {id} ends at {from}, before its tail {end}")).into()
                );
            }
            records.extend(page.into_iter().take_while(|record| record.first < end));
        }
    }
}

#[async_trait]
impl StreamLog for Log {
    fn new_id(&self) -> ResponseId {
        ResponseId::random(self.client.home())
    }

    async fn create(&self, id: ResponseId, header: &Header, events: &[Event]) -> Result<Creation, Error> {
        check_events(events)?;
        let keys = &self.client.keys;
        let call = scripts::CREATE.call([keys.log(id), keys.meta(id)]);
        let (call, note) = self.creation(call, id, header, events);
        let created: bool = self.client.run(&call).await?;
        note.into_iter().for_each(Note::made);
        Ok(if created { Creation::Created } else { Creation::Existed })
    }

    async fn header(&self, id: ResponseId) -> Result<Option<Header>, Error> {
        let meta = self.client.keys.meta(id);
        let header: Option<Vec<u8>> =
            self.client.query(&meta, redis::cmd("HGET").arg(&meta).arg("header")).await?;
        header.map(|bytes| Header::decode(&bytes[..]).map_err(unreadable)).transpose()
    }

    async fn open(&self, id: ResponseId, owner: &Member, mode: OpenMode) -> Result<Opened, OpenError> {
        let keys = &self.client.keys;
        let call = scripts::OPEN
            .call([keys.log(id), keys.meta(id)])
            .arg(owner.as_str())
            .arg(flag(mode == OpenMode::IfNeverOpened))
            .arg(millis(self.ttl));
        let answer: Answer = self.client.run(&call).await?;
        let (epoch, next, header, stop, beginning): Opening = match answer.word() {
            "ok" => answer.rest()?,
            "gone" => return Err(OpenError::Gone),
            "ended" => return Err(OpenError::Ended),
            "owned" => return Err(OpenError::Owned),
            _ => return Err(answer.unknown().into()),
        };
        let header = Header::decode(&header[..]).map_err(unreadable)?;
        let beginning = beginning.iter().map(|bytes| decode_record(bytes)).collect::<Result<_, _>>();
        let records = self.read_up_to(id, beginning.map_err(unreadable)?, next).await?;
        Ok(Opened { epoch: Epoch(epoch), header, records, stop: stop_named(&stop) })
    }

    async fn append(
        &self,
        id: ResponseId,
        epoch: Epoch,
        first: Sequence,
        events: &[Event],
    ) -> Result<Appended, AppendError> {
        check_events(events)?;
        let record = encode_record(epoch, first, events, SystemTime::now());
        let append = Append {
            id,
            epoch,
            first,
            next: first + events.len() as u64,
            ends: events.last().is_some_and(Event::is_terminal),
            is_live: self.is_live(&record),
            record,
        };
        let hurried = events.iter().any(|event| !matches!(event, Event::Delta(_)));
        let answer = self.appends.append(append, hurried).await?;
        match answer.split_once(' ').unwrap_or((&answer, "")) {
            ("", _) => Ok(Appended { stop: None }),
            ("gone", _) => Err(AppendError::Gone),
            ("fenced", _) => Err(AppendError::Fenced),
            ("ended", _) => Err(AppendError::Ended),
            ("error", told) => Err(from_script(told).into()),
            ("gap", next) => Err(AppendError::Gap { first, next: next.parse().map_err(unreadable)? }),
            (stop, _) => match stop_named(stop) {
                None => Err(unreadable(format!("a script answered {answer:?}")).into()),
                stop => Ok(Appended { stop }),
            },
        }
    }

    async fn read(&self, id: ResponseId, from: Sequence, max_bytes: usize) -> Result<Option<Page>, Error> {
        let page = self.page(id, from, max_bytes).await?;
        Ok(page.map(|(records, more)| Page { records: records.into_iter().map(Arc::new).collect(), more }))
    }

    async fn listen(&self, id: ResponseId, listener: Arc<dyn Listener>) -> Result<Listening, Error> {
        self.live.listen(id, listener).await
    }

    async fn expire(&self, id: ResponseId, after: Duration) -> Result<(), Error> {
        let keys = &self.client.keys;
        let call = scripts::EXPIRE.call([keys.log(id), keys.meta(id)]).arg(millis(after));
        self.client.run(&call).await
    }
}
