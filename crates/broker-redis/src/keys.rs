//! Where things are kept.
//!
//! What one script touches is on one node of a cluster, because the part of a key in braces decides that: all keys of a
//! response have its partition there, and all keys of a queue its model.
//!
//! The partition is part of a response's id. New ones get one of a few that are spread over all masters (`slots`): so one
//! script can append to many streams, and one channel for each partition tells of all of them. Outside a cluster it is 0.
//!
//! | key | type | what it holds |
//! | --- | --- | --- |
//! | `nx:{0}:resp_…:log` | stream | the records of a response, and the openings |
//! | `nx:{0}:resp_…:meta` | hash | its header, tail, stop and attendance, until when it is kept, and who follows it |
//! | `nx:{0}:inbox:…` | channel | the records of all streams of the partition that a process follows, as they are appended |
//! | `nx:{jobs:…}:queue` | stream | the jobs of a model, with the group `workers` |
//! | `nx:{jobs:…}:known:resp_…` | string | that a response has had a job, and where it is |
//! | `nx:{jobs:…}:swept`, `…:calling` | string | when claims were looked through last; a call to those that wait |
//! | `nx:{jobs:…}:dead` | stream | buried jobs |
//! | `nx:{queues}` | sorted set | the models that had jobs, by when that is forgotten |
//! | `nx:{roster}` | sorted set | the models that are served, by when that ends |
//! | `nx:value:…` | string | a value of the store |
//! | `nx:counter:…` | string | a counter of the store |
//! | `nx:room:…` | sorted set | who is in a room of the store, by when that ends |
//! | `nx:stops` | channel | cancels |

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use broker::Member;
use stream::{Epoch, ResponseId, Sequence};

/// What there is of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Log,
    Meta,
}

/// The names of keys and channels, under one prefix.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    prefix: Arc<str>,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    pub(crate) fn log(&self, id: ResponseId) -> String {
        self.of_stream(id, Part::Log)
    }

    pub(crate) fn meta(&self, id: ResponseId) -> String {
        self.of_stream(id, Part::Meta)
    }

    fn of_stream(&self, id: ResponseId, part: Part) -> String {
        let mut key = String::with_capacity(64);
        self.write(&mut key, id, part);
        key
    }

    /// Writes the key of a part of a stream into `key`, instead of what is there.
    pub(crate) fn write(&self, key: &mut String, id: ResponseId, part: Part) {
        let part = match part {
            Part::Log => "log",
            Part::Meta => "meta",
        };
        key.clear();
        // Cannot fail: it is a string.
        let _ = write!(key, "{}{}:{id}:{part}", self.prefix, tag(id.partition()));
    }

    /// A channel for a process to hear on of the streams of a partition that it follows.
    pub(crate) fn new_inbox(&self, partition: u16) -> String {
        format!("{}{}:inbox:{}", self.prefix, tag(partition), Member::random("gateway"))
    }

    pub(crate) fn stops(&self) -> String {
        format!("{}stops", self.prefix)
    }

    pub(crate) fn queue(&self, model: &str) -> String {
        self.jobs(model, "queue")
    }

    pub(crate) fn swept(&self, model: &str) -> String {
        self.jobs(model, "swept")
    }

    pub(crate) fn calling(&self, model: &str) -> String {
        self.jobs(model, "calling")
    }

    pub(crate) fn dead(&self, model: &str) -> String {
        self.jobs(model, "dead")
    }

    pub(crate) fn known(&self, model: &str, id: ResponseId) -> String {
        self.jobs(model, &format!("known:{id}"))
    }

    pub(crate) fn queues(&self) -> String {
        format!("{}{{queues}}", self.prefix)
    }

    pub(crate) fn roster(&self) -> String {
        format!("{}{{roster}}", self.prefix)
    }

    pub(crate) fn value(&self, key: &str) -> String {
        format!("{}value:{key}", self.prefix)
    }

    pub(crate) fn counter(&self, key: &str) -> String {
        format!("{}counter:{key}", self.prefix)
    }

    pub(crate) fn room(&self, key: &str) -> String {
        format!("{}room:{key}", self.prefix)
    }

    fn jobs(&self, model: &str, what: &str) -> String {
        format!("{}{{jobs:{model}}}:{what}", self.prefix)
    }
}

/// What decides about the slot of everything in a partition.
pub(crate) fn tag(partition: u16) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{{{partition}}}"))
}

/// The id of a record's entry: the order of ids is the order of the log, and finding the record that holds an event
/// takes one look.
///
/// Sequence numbers count from 0, but no entry id begins with 0-0, hence the 1. An epoch's opening stands before its
/// records and after those of the epoch before it, hence two numbers for each: the opening's is `2 * epoch`.
pub(crate) fn entry_id(epoch: Epoch, first: Sequence) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{}-{}", first + 1, 2 * u64::from(epoch.0) + 1))
}
