//! The log of the broker in memory: one delta to a record, as where the load is low.

use std::{hint::black_box, time::Duration};

use broker::{Broker, Member, OpenMode, memory};
use stream::{Event, ResponseId};

use crate::{
    case::Run,
    samples::{created, deltas, job, response, runtime},
};

/// At most so many bytes are read at a time: as a gateway does.
const PAGE_BYTES: usize = 16 * 1024;

/// The whole of each stream is written, and forgotten.
pub(crate) fn append() -> Run {
    let (runtime, broker, member) = (runtime(), memory::broker(), Member::new("worker"));
    let events: Vec<Event> = deltas(response(0)).collect();
    let mut responses = (0..).map(response);
    Box::new(move || {
        let id = responses.next().expect("one more");
        runtime.block_on(async {
            write(&broker, &member, id, &events).await;
            broker.log.expire(id, Duration::ZERO).await.expect("a broker");
        });
    })
}

/// The whole of one stream is read, page by page.
pub(crate) fn read() -> Run {
    let (runtime, broker, id) = (runtime(), memory::broker(), response(0));
    let events: Vec<Event> = deltas(id).collect();
    runtime.block_on(write(&broker, &Member::new("worker"), id, &events));
    Box::new(move || {
        runtime.block_on(async {
            let mut next = 0;
            loop {
                let page = broker.log.read(id, next, PAGE_BYTES).await.expect("a broker").expect("a stream");
                next = page.records.last().expect("a record").next();
                if !black_box(page).more {
                    break;
                }
            }
        });
    })
}

async fn write(broker: &Broker, member: &Member, id: ResponseId, events: &[Event]) {
    broker.log.create(id, &job(id).header, &[created(id)]).await.expect("a broker");
    let opened = broker.log.open(id, member, OpenMode::TakeOver).await.expect("a stream");
    for (sequence, event) in (opened.next()..).zip(events) {
        let event = std::slice::from_ref(event);
        black_box(broker.log.append(id, opened.epoch, sequence, event).await.expect("an append"));
    }
}
