//! Whoever appends to a stream: a worker with a claim, or a gateway that ends a response nobody took.
//!
//! A writer is never told that it is late. It can be paused at any point for as long as it likes, which to the checker
//! is nothing but that others act first.

use stream::{Epoch, EventKind, Sequence};

use crate::{
    Bounds, Index, LogKind, Safeguard,
    events::{Entry, terminal, token},
    fence::Verdict,
    log::{Appended, Owner, Stored, Stream},
};

/// How far a writer is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Writer {
    Idle,
    /// It has the job, or was asked to end the response.
    Claimed(Index),
    /// It has read what there is. Only where it reads before it opens.
    Read {
        response: Index,
        text: String,
    },
    /// An accepting log was read to its end: the opening that would follow.
    Looked {
        response: Index,
        epoch: Epoch,
        next: Sequence,
    },
    /// It owns the stream, or believes so.
    Writing(Term),
    /// The log does not take what follows on what was written: the response shall end as failed.
    Broken(Index),
    /// The end stands in the log, and is to be stored.
    Told(Term),
    /// Somebody has ended the response: what the log says is to be stored.
    Recovering(Index),
    /// The response is stored, its end not told yet. Only where it is stored first.
    Stored(Term),
    /// The response has ended, as far as it knows: the job can go.
    Ended(Index),
}

/// One term of ownership.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Term {
    response: Index,
    epoch: Epoch,
    next: Sequence,
    text: String,
    ending: Option<EventKind>,
    /// Whether it has not heard what became of its last append. It tries that again before anything else.
    is_unsure: bool,
}

/// The circumstances of a step.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) bounds: &'a Bounds,
    /// Whether this is a gateway, which opens only what nobody owned, and only to end it.
    pub(crate) is_gateway: bool,
    /// Whether the broker's answer gets lost.
    pub(crate) is_unheard: bool,
}

impl Writer {
    pub(crate) const fn response(&self) -> Option<Index> {
        match self {
            Self::Idle => None,
            Self::Claimed(response)
            | Self::Read { response, .. }
            | Self::Looked { response, .. }
            | Self::Ended(response)
            | Self::Broken(response)
            | Self::Recovering(response)
            | Self::Writing(Term { response, .. })
            | Self::Told(Term { response, .. })
            | Self::Stored(Term { response, .. }) => Some(*response),
        }
    }

    /// Whether the next step waits for an answer of the log.
    pub(crate) const fn is_asking(&self) -> bool {
        !matches!(self, Self::Idle | Self::Ended(_) | Self::Told(_) | Self::Recovering(_))
    }

    /// The call of the model breaks off: the response will end as failed. Whether it could.
    pub(crate) fn break_call(&mut self) -> bool {
        match self {
            Self::Writing(term) if term.can_break() => {
                term.ending = Some(EventKind::Failed);
                true
            }
            _ => false,
        }
    }

    /// The next step of a writer that has something to do with `stream`.
    pub(crate) fn step(&self, stream: &mut Stream, step: Step<'_>) -> Self {
        match self {
            Self::Idle | Self::Ended(_) => Self::Idle,
            Self::Claimed(response) if step.bounds.log == LogKind::Accepting => look(*response, stream, step),
            Self::Claimed(response) if !step.bounds.has(Safeguard::OpenBeforeRead) => {
                Self::Read { response: *response, text: stream.text_at(stream.entries.len()) }
            }
            Self::Claimed(response) => open(*response, None, stream, step),
            Self::Read { response, text } => open(*response, Some(text), stream, step),
            Self::Looked { response, epoch, next } => open_unchecked(*response, *epoch, *next, stream, step),
            Self::Broken(response) => match open(*response, None, stream, step) {
                Self::Writing(term) => Self::Writing(Term { ending: Some(EventKind::Failed), ..term }),
                other => other,
            },
            Self::Writing(term)
                if term.is_over(step.bounds) && !step.bounds.has(Safeguard::StoreAfterEnd) =>
            {
                let mut term = term.clone();
                term.store(stream);
                Self::Stored(term)
            }
            Self::Writing(term) if term.is_over(step.bounds) => term.clone().end(stream, step),
            Self::Told(term) => {
                term.clone().store(stream);
                if step.is_gateway { Self::Idle } else { Self::Ended(term.response) }
            }
            Self::Recovering(response) => {
                stream.recover();
                Self::Ended(*response)
            }
            Self::Writing(term) => term.clone().say(stream, step),
            Self::Stored(term) => term.clone().end(stream, step),
        }
    }
}

/// Opens the next epoch in a log that checks, and reads; `read` is what was read before, if it was.
fn open(response: Index, read: Option<&String>, stream: &mut Stream, step: Step<'_>) -> Writer {
    if stream.has_ended() {
        return has_ended(response, step);
    }
    if step.is_gateway && stream.epoch() > Epoch(0) {
        return Writer::Idle;
    }
    let (epoch, next) = (Epoch(stream.epoch().0 + 1), stream.next());
    let text = read.cloned().unwrap_or_else(|| stream.text_at(stream.entries.len()));
    stream.entries.push(Entry::opening(epoch, next));
    if step.is_unheard {
        return Writer::Claimed(response);
    }
    begin(Term { response, epoch, next, text, ending: None, is_unsure: false }, stream, step)
}

/// The response has ended. A gateway leaves the rest to whoever has the job.
fn has_ended(response: Index, step: Step<'_>) -> Writer {
    match (step.is_gateway, step.bounds.has(Safeguard::RecoverEnd)) {
        (true, _) => Writer::Idle,
        (false, true) => Writer::Recovering(response),
        (false, false) => Writer::Ended(response),
    }
}

fn look(response: Index, stream: &Stream, step: Step<'_>) -> Writer {
    let fence = stream.fence_at(stream.entries.len());
    if fence.has_ended() {
        return has_ended(response, step);
    }
    if step.is_gateway && fence.epoch() > Epoch(0) {
        return Writer::Idle;
    }
    Writer::Looked { response, epoch: Epoch(fence.epoch().0 + 1), next: fence.next() }
}

/// Opens an epoch in a log that takes everything, then reads up to there whether it counts; if not, looks again.
fn open_unchecked(
    response: Index,
    epoch: Epoch,
    next: Sequence,
    stream: &mut Stream,
    step: Step<'_>,
) -> Writer {
    let place = stream.entries.len();
    let entry = Entry::opening(epoch, next);
    let counts = stream.fence_at(place).admit(&entry.0) == Verdict::Counts;
    stream.entries.push(entry);
    let is_own = if step.bounds.has(Safeguard::OwnOpening) {
        counts
    } else {
        stream.fence_at(place + 1).epoch() == epoch
    };
    if step.is_unheard || !is_own {
        return Writer::Claimed(response);
    }
    let text = stream.text_at(place);
    begin(Term { response, epoch, next, text, ending: None, is_unsure: false }, stream, step)
}

fn begin(mut term: Term, stream: &mut Stream, step: Step<'_>) -> Writer {
    stream.owners.push(Owner { epoch: term.epoch, place: stream.entries.len() - 1 });
    if step.is_gateway || stream.is_cancelled {
        term.ending = Some(EventKind::Incomplete);
    }
    Writer::Writing(term)
}

impl Term {
    /// Whether a call of the model is under way that cannot be made again once it breaks off: something was shown.
    const fn can_break(&self) -> bool {
        self.ending.is_none() && !self.is_unsure && !self.text.is_empty()
    }

    fn is_over(&self, bounds: &Bounds) -> bool {
        self.ending.is_some() || self.text.len() >= bounds.tokens
    }

    /// Appends the next token. A stop rides on the answer.
    fn say(mut self, stream: &mut Stream, step: Step<'_>) -> Writer {
        let text = format!("{}{}", self.text, self.epoch);
        match stream.append(Entry::event(self.epoch, self.next, token(&text)), step.bounds) {
            // It will try the very same again.
            Appended::Done if step.is_unheard => self.is_unsure = true,
            Appended::Done => {
                self.next += 1;
                self.text = text;
                self.is_unsure = false;
                self.ending = stream.is_cancelled.then_some(EventKind::Incomplete);
            }
            Appended::Fenced => return Writer::Idle,
            Appended::Ended => return Writer::Ended(self.response),
            Appended::Gap => return Writer::Broken(self.response),
        }
        Writer::Writing(self)
    }

    /// Stores the response as this writer ends it.
    fn store(&mut self, stream: &mut Stream) {
        let kind = *self.ending.get_or_insert(EventKind::Completed);
        stream.stored = Some(Stored { kind, text: self.text.clone() });
    }

    fn end(mut self, stream: &mut Stream, step: Step<'_>) -> Writer {
        let kind = *self.ending.get_or_insert(EventKind::Completed);
        let event = terminal(kind, &self.text);
        match stream.append(Entry::event(self.epoch, self.next, event), step.bounds) {
            // It will try the very same again.
            Appended::Done if step.is_unheard => match step.bounds.has(Safeguard::StoreAfterEnd) {
                true => Writer::Writing(self),
                false => Writer::Stored(self),
            },
            Appended::Done if step.bounds.log == LogKind::Checked || self.has_ended(stream, step.bounds) => {
                match (step.bounds.has(Safeguard::StoreAfterEnd), step.is_gateway) {
                    (true, _) => Writer::Told(self),
                    (false, true) => Writer::Idle,
                    (false, false) => Writer::Ended(self.response),
                }
            }
            Appended::Done | Appended::Fenced => Writer::Idle,
            Appended::Gap if !step.is_gateway => Writer::Broken(self.response),
            Appended::Ended if !step.is_gateway => Writer::Ended(self.response),
            Appended::Ended | Appended::Gap => Writer::Idle,
        }
    }

    /// Whether the stream has ended in this term. Not whether this very record counts: it may be a repetition.
    fn has_ended(&self, stream: &Stream, bounds: &Bounds) -> bool {
        let fence = stream.fence_at(stream.entries.len());
        !bounds.has(Safeguard::OwnEnd) || (fence.has_ended() && fence.epoch() == self.epoch)
    }
}
