//! One stream as of a place in its partition, and what each entry makes of it. A function of the entries alone: no clock, no
//! lock, so whoever reads the same entries comes to the same state and the same answers.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use broker::{
    AppendError, Appended, Creation, Header, Member, OpenError, OpenMode, Page, Stop, check_events,
    rules::{Added, Stream, later},
};
use proto::{Invalid, decode_record, kafka::Ask};
use stream::{Epoch, Record, Sequence};

/// A stream that there is.
#[derive(Debug)]
pub(crate) struct Life {
    stream: Stream<SystemTime>,
    ttl: Duration,
    expires: SystemTime,
}

/// What came of an entry, for whoever asked.
#[derive(Debug)]
pub(crate) enum Answer {
    Created(Creation),
    Opened(Result<Opening, OpenError>),
    Appended(Result<Appended, AppendError>),
    Noted,
}

/// A stream, newly owned.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) epoch: Epoch,
    pub(crate) header: Header,
    pub(crate) records: Vec<Arc<Record>>,
    pub(crate) stop: Option<Stop>,
}

/// What an entry did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) answer: Answer,
    /// The record that was added, for those who listen.
    pub(crate) added: Option<Arc<Record>>,
    /// Whether the stream's owner shall be told to stop.
    pub(crate) cancelled: bool,
}

impl Outcome {
    fn of(answer: Answer) -> Self {
        Self { answer, added: None, cancelled: false }
    }
}

/// Carries out what an entry asks, at the time when the broker took it.
///
/// # Errors
/// When this version cannot read the entry. Then it does nothing.
pub(crate) fn carry_out(life: &mut Option<Life>, ask: Ask, now: SystemTime) -> Result<Outcome, Invalid> {
    if life.as_ref().is_some_and(|life| life.has_expired(now)) {
        *life = None;
    }
    Ok(match ask {
        Ask::Create(create) => {
            let record = record_with_events(&create.record)?;
            let header = create.header.ok_or(Invalid::Part("header"))?;
            begin(life, header, record, Duration::from_millis(create.ttl_ms), now)
        }
        Ask::Open(open) => {
            let mode = if open.if_never_opened { OpenMode::IfNeverOpened } else { OpenMode::TakeOver };
            let opened = life.as_mut().ok_or(OpenError::Gone).and_then(|life| life.open(mode, now));
            Outcome::of(Answer::Opened(opened))
        }
        Ask::Append(record) => {
            let record = record_with_events(&record)?;
            match life.as_mut().ok_or(AppendError::Gone).and_then(|life| life.append(&record, now)) {
                Ok((added, stop)) => Outcome {
                    added: (added == Added::Now).then_some(record),
                    ..Outcome::of(Answer::Appended(Ok(Appended { stop })))
                },
                Err(error) => Outcome::of(Answer::Appended(Err(error))),
            }
        }
        Ask::Cancel(_) => {
            let cancelled = life.as_mut().is_some_and(|life| life.stream.cancel());
            Outcome { cancelled, ..Outcome::of(Answer::Noted) }
        }
        Ask::Attend(attend) => {
            if let Some(life) = life {
                let until = later(now, Duration::from_millis(attend.lease_ms));
                life.stream.attend(&Member::new(attend.gateway), until, now);
            }
            Outcome::of(Answer::Noted)
        }
        Ask::Expire(expire) => {
            if let Some(life) = life {
                life.expires = later(now, Duration::from_millis(expire.after_ms));
            }
            Outcome::of(Answer::Noted)
        }
    })
}

fn begin(
    life: &mut Option<Life>,
    header: Header,
    record: Arc<Record>,
    ttl: Duration,
    now: SystemTime,
) -> Outcome {
    if life.is_some() {
        return Outcome::of(Answer::Created(Creation::Existed));
    }
    let stream = Stream::new(header, Arc::clone(&record), now);
    *life = Some(Life { stream, ttl, expires: later(now, ttl) });
    Outcome { added: Some(record), ..Outcome::of(Answer::Created(Creation::Created)) }
}

fn record_with_events(bytes: &[u8]) -> Result<Arc<Record>, Invalid> {
    let record = decode_record(bytes)?;
    check_events(&record.events).map_err(|_| Invalid::Part("order of events"))?;
    Ok(Arc::new(record))
}

impl Life {
    fn open(&mut self, mode: OpenMode, now: SystemTime) -> Result<Opening, OpenError> {
        let epoch = self.stream.open(mode)?;
        self.prolong(now);
        let (header, records) = (self.stream.header().clone(), self.stream.records().to_vec());
        Ok(Opening { epoch, header, records, stop: self.stream.stop(now) })
    }

    fn append(
        &mut self,
        record: &Arc<Record>,
        now: SystemTime,
    ) -> Result<(Added, Option<Stop>), AppendError> {
        let added = self.stream.append(Arc::clone(record))?;
        if added == Added::Now {
            self.prolong(now);
        }
        Ok((added, self.stream.stop(now)))
    }

    fn prolong(&mut self, now: SystemTime) {
        self.expires = self.expires.max(later(now, self.ttl));
    }

    pub(crate) fn has_expired(&self, now: SystemTime) -> bool {
        self.expires <= now
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.stream.has_ended()
    }

    pub(crate) const fn header(&self) -> &Header {
        self.stream.header()
    }

    pub(crate) fn stop(&self, now: SystemTime) -> Option<Stop> {
        self.stream.stop(now)
    }

    pub(crate) fn read(&self, from: Sequence, max_bytes: usize) -> Page {
        self.stream.read(from, max_bytes)
    }

    /// About how many bytes of memory it takes.
    pub(crate) const fn weight(&self) -> usize {
        size_of::<Self>() + self.stream.bytes()
    }
}
