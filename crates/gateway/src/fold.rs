//! A response as it stands: what the events of its stream amount to.

use broker::StreamLog;
use serde_json::Value;
use stream::{Assembler, ResponseId};

/// At most so many bytes of a log are read at a time.
const PAGE_BYTES: usize = 256 * 1024;

/// Why a response cannot be told as it stands.
#[derive(Debug)]
pub(crate) enum FoldError {
    /// The log does not hold all that was written.
    Lost,
    /// The broker failed.
    Broker(broker::Error),
}

/// The response so far; `None` if there is no such stream.
pub(crate) async fn fold(log: &dyn StreamLog, id: ResponseId) -> Result<Option<Value>, FoldError> {
    let mut so_far = Assembler::new();
    loop {
        let page = log.read(id, so_far.next(), PAGE_BYTES).await.map_err(FoldError::Broker)?;
        let Some(page) = page else { return Ok(None) };
        for record in &page.records {
            for (sequence, event) in record.events_from(so_far.next()) {
                so_far.push(sequence, event).map_err(|_| FoldError::Lost)?;
            }
        }
        if !page.more {
            return Ok(so_far.response());
        }
    }
}
