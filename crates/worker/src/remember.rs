//! Remembering how a response ended, for whoever reads or continues it after its stream has expired.
//!
//! The end is stored after it stands in the log, and only by whoever put it there: a worker that lost its stream while
//! it slept must not overwrite what its successor stored. A worker that dies in between leaves its job behind, and the next one
//! to claim it finds the stream ended and stores what the log says. Until then readers take it from the log, too.

use std::time::Duration;

use broker::Job;
use bytes::Bytes;
use protocol::StoredResponse;
use stream::{Event, Whole};
use tokio::time::Instant;

use crate::worker::Shared;

/// How long to try. A store that is away for longer makes the job another worker's.
const PATIENCE: Duration = Duration::from_secs(10);

/// At most so many bytes of a log are read at a time.
pub(crate) const PAGE_BYTES: usize = 256 * 1024;

/// Stores what the `terminal` event shows as the end of the job's response, if it is to be stored.
pub(crate) async fn remember(shared: &Shared, job: &Job, terminal: &Whole) -> Result<(), broker::Error> {
    if !job.header.store {
        return Ok(());
    }
    let value = StoredResponse::of(&job.header.tenant, &job.header.user, terminal);
    let value = Bytes::from(value.ok_or_else(|| broker::Error::refused("an end that shows no response"))?);
    let (store, key) = (&shared.broker.store, StoredResponse::key(job.id));
    let give_up = Instant::now() + PATIENCE;
    while let Err(error) = store.put(&key, value.clone(), shared.config.store_ttl).await {
        if !error.is_retryable() || Instant::now() > give_up {
            return Err(error);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // Whoever deletes a response lets its stream expire first and removes the record then. So either the record was there
    // to be removed, or the stream is gone by now.
    if shared.broker.log.header(job.id).await?.is_none() {
        store.remove(&key).await?;
    }
    Ok(())
}

/// Stores the end of a stream that has ended, if whoever ended it did not.
pub(crate) async fn recover(shared: &Shared, job: &Job) -> Result<(), broker::Error> {
    if !job.header.store || shared.broker.store.get(&StoredResponse::key(job.id)).await?.is_some() {
        return Ok(());
    }
    let mut next = 0;
    while let Some(page) = shared.broker.log.read(job.id, next, PAGE_BYTES).await? {
        let Some(last) = page.records.last() else { break };
        if let Some(Event::Whole(whole)) = last.events.last().filter(|event| event.is_terminal()) {
            return remember(shared, job, whole).await;
        }
        if !page.more {
            break;
        }
        next = last.next();
    }
    Ok(())
}
