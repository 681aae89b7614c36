//! All streams: which there are, how many may be, and when they go.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use stream::{Epoch, Event, Record, ResponseId, Sequence};
use tokio::time::Instant;

use super::{Config, expiring::Expiring, live::Live};
use crate::{
    AppendError, Appended, Creation, Error, Header, Listener, Listening, Member, OpenError, OpenMode, Opened,
    Page, Stop, StreamLog, check_events,
    rules::{Added, Stream, later, weight},
};

/// How many expired streams each call that adds one takes out of memory.
const PURGED_AT_ONCE: usize = 8;

/// The streams and their listeners.
#[derive(Debug)]
pub(super) struct Log {
    ttl: Duration,
    streams: Mutex<Streams>,
    live: Live,
}

#[derive(Debug)]
struct Streams {
    all: Expiring<ResponseId, Entry>,
    /// Those that have ended, in the order in which they did.
    ended: BTreeMap<u64, ResponseId>,
    ends: u64,
    bytes: usize,
    max_streams: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    stream: Stream<Instant>,
    /// Its place in the order of ends.
    end: Option<u64>,
}

impl Log {
    pub(super) fn new(config: &Config) -> Self {
        let streams = Streams {
            all: Expiring::new(),
            ended: BTreeMap::new(),
            ends: 0,
            bytes: 0,
            max_streams: config.max_streams,
            max_bytes: config.max_log_bytes,
        };
        Self { ttl: config.log_ttl, streams: Mutex::new(streams), live: Live::default() }
    }

    /// What `look` sees of a stream that there is.
    pub(super) fn with<T>(
        &self,
        id: ResponseId,
        look: impl FnOnce(&mut Stream<Instant>, Instant) -> T,
    ) -> Option<T> {
        let now = Instant::now();
        self.streams.lock().all.get_mut(&id, now).map(|entry| look(&mut entry.stream, now))
    }

    fn begin(&self, id: ResponseId, header: &Header, events: &[Event]) -> Result<Creation, Error> {
        check_events(events)?;
        let now = Instant::now();
        let record = Arc::new(Record { epoch: Epoch(0), first: 0, events: events.to_vec() });
        let stream = Stream::new(header.clone(), Arc::clone(&record), now);

        let mut streams = self.streams.lock();
        if streams.all.get(&id, now).is_some() {
            return Ok(Creation::Existed);
        }
        streams.add(id, stream, later(now, self.ttl), now)?;
        self.live.post(id, record);
        Ok(Creation::Created)
    }

    fn add(&self, id: ResponseId, record: Arc<Record>) -> Result<Appended, AppendError> {
        check_events(&record.events)?;
        let now = Instant::now();
        let mut streams = self.streams.lock();
        let (added, stop) = streams.append(id, &record, later(now, self.ttl), now)?;
        if added == Added::Now {
            self.live.post(id, record);
        }
        Ok(Appended { stop })
    }

    fn take_over(&self, id: ResponseId, mode: OpenMode) -> Result<Opened, OpenError> {
        let now = Instant::now();
        let mut streams = self.streams.lock();
        let stream = &mut streams.all.get_mut(&id, now).ok_or(OpenError::Gone)?.stream;
        let epoch = stream.open(mode)?;
        let (header, stop) = (stream.header().clone(), stream.stop(now));
        let records = stream.records().to_vec();
        streams.all.prolong(&id, later(now, self.ttl));
        drop(streams);
        // The events are copied after the lock is free: a stream may be long.
        let records = records.iter().map(|record| Record::clone(record)).collect();
        Ok(Opened { epoch, header, records, stop })
    }
}

impl Streams {
    fn add(
        &mut self,
        id: ResponseId,
        stream: Stream<Instant>,
        expires: Instant,
        now: Instant,
    ) -> Result<(), Error> {
        for _ in 0..PURGED_AT_ONCE {
            let Some((_, entry)) = self.all.pop_expired(now) else { break };
            self.forget(&entry);
        }
        self.make_room(stream.bytes(), 1, None, now)?;
        self.bytes += stream.bytes();
        let end = stream.has_ended().then(|| self.note_end(id));
        if let Some(expired) = self.all.insert(id, Entry { stream, end }, expires) {
            self.forget(&expired);
        }
        Ok(())
    }

    fn append(
        &mut self,
        id: ResponseId,
        record: &Arc<Record>,
        expires: Instant,
        now: Instant,
    ) -> Result<(Added, Option<Stop>), AppendError> {
        if self.all.get(&id, now).is_none() {
            return Err(AppendError::Gone);
        }
        self.make_room(weight(record), 0, Some(id), now)?;
        let stream = &mut self.all.get_mut(&id, now).ok_or(AppendError::Gone)?.stream;
        let added = stream.append(Arc::clone(record))?;
        let stop = stream.stop(now);
        if added == Added::Now {
            self.bytes += weight(record);
            self.all.prolong(&id, expires);
            if record.is_terminal() {
                let end = self.note_end(id);
                if let Some(entry) = self.all.get_mut(&id, now) {
                    entry.end = Some(end);
                }
            }
        }
        Ok((added, stop))
    }

    fn note_end(&mut self, id: ResponseId) -> u64 {
        self.ends += 1;
        self.ended.insert(self.ends, id);
        self.ends
    }

    /// Lets expired streams go, then ended ones, oldest first, until there is room for so many more; but never `keep`.
    fn make_room(
        &mut self,
        bytes: usize,
        streams: usize,
        keep: Option<ResponseId>,
        now: Instant,
    ) -> Result<(), Error> {
        while self.bytes + bytes > self.max_bytes || self.all.len() + streams > self.max_streams {
            let expired = self.all.pop_expired(now).map(|(_, entry)| entry);
            let entry = expired.or_else(|| {
                let oldest = self.ended.values().copied().find(|id| Some(*id) != keep)?;
                self.all.remove(&oldest)
            });
            let entry = entry
                .ok_or_else(|| Error::unavailable("its memory is full of streams that have not ended"))?;
            self.forget(&entry);
        }
        Ok(())
    }

    fn forget(&mut self, entry: &Entry) {
        self.bytes -= entry.stream.bytes();
        if let Some(end) = entry.end {
            self.ended.remove(&end);
        }
    }
}

#[async_trait]
impl StreamLog for Log {
    fn new_id(&self) -> ResponseId {
        ResponseId::random(0)
    }

    async fn create(&self, id: ResponseId, header: &Header, events: &[Event]) -> Result<Creation, Error> {
        let creation = self.begin(id, header, events)?;
        self.live.deliver(id);
        Ok(creation)
    }

    async fn header(&self, id: ResponseId) -> Result<Option<Header>, Error> {
        Ok(self.with(id, |stream, _| stream.header().clone()))
    }

    async fn open(&self, id: ResponseId, _owner: &Member, mode: OpenMode) -> Result<Opened, OpenError> {
        self.take_over(id, mode)
    }

    async fn append(
        &self,
        id: ResponseId,
        epoch: Epoch,
        first: Sequence,
        events: &[Event],
    ) -> Result<Appended, AppendError> {
        let appended = self.add(id, Arc::new(Record { epoch, first, events: events.to_vec() }))?;
        self.live.deliver(id);
        Ok(appended)
    }

    async fn read(&self, id: ResponseId, from: Sequence, max_bytes: usize) -> Result<Option<Page>, Error> {
        Ok(self.with(id, |stream, _| stream.read(from, max_bytes)))
    }

    async fn listen(&self, id: ResponseId, listener: Arc<dyn Listener>) -> Result<Listening, Error> {
        Ok(self.live.listen(id, listener))
    }

    async fn expire(&self, id: ResponseId, after: Duration) -> Result<(), Error> {
        let expires = later(Instant::now(), after);
        self.streams.lock().all.expire(&id, expires);
        Ok(())
    }
}
