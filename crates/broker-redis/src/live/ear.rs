//! Who hears on a channel.

use std::time::SystemTime;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use broker::{Listener, StopListener};
use proto::decode_appended;
use stream::{Record, ResponseId};
use tracing::error;

use super::inbox::Inbox;

/// A listener, with what it listens to.
#[derive(Clone)]
pub(super) enum Ear {
    Inbox(Arc<Inbox>),
    Stream(ResponseId, Arc<dyn Listener>),
    Stops(Arc<dyn StopListener>),
}

/// The listeners of one channel, with the keys by which they leave.
pub(super) type Ears = Arc<Vec<(u64, Ear)>>;

impl Ear {
    /// Whether its channel is on the node that has the streams, where there are several.
    pub(super) fn is_sharded(&self) -> bool {
        matches!(self, Self::Inbox(_))
    }
}

/// Tells the listeners what was published. It is decoded once for all of them. Whether it was the end of a stream.
pub(super) fn tell(ears: &Ears, payload: &[u8]) -> bool {
    match ears.first() {
        Some((_, Ear::Stream(..))) => return tell_record(ears, payload),
        Some((_, Ear::Inbox(inbox))) => inbox.heard(payload),
        Some((_, Ear::Stops(_))) => tell_stop(ears, payload),
        None => {}
    }
    false
}

/// Tells the listeners that something may have been missed.
pub(super) fn tell_interruption(ears: &Ears) {
    for (_, ear) in ears.iter() {
        match ear {
            Ear::Inbox(inbox) => inbox.interrupted(),
            Ear::Stream(id, listener) => guarded(|| listener.interrupted(*id)),
            // Of cancels, some may be missed: the next append answers them.
            Ear::Stops(_) => {}
        }
    }
}

fn tell_record(ears: &Ears, payload: &[u8]) -> bool {
    // Nothing stands for a record that is too large for the live path. What a later version has written, the log says
    // better, with an error that someone sees.
    let Some((record, at)) =
        Some(payload).filter(|bytes| !bytes.is_empty()).and_then(|bytes| decode_appended(bytes).ok())
    else {
        tell_interruption(ears);
        return false;
    };
    // The appender's clock may be ahead of this one's: then it took no time at all.
    let travelled = at.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
    let record: Arc<Record> = Arc::new(record);
    for (_, ear) in ears.iter() {
        if let Ear::Stream(id, listener) = ear {
            guarded(|| {
                listener.heard(*id, Arc::clone(&record));
                if let Some(travelled) = travelled {
                    listener.travelled(travelled);
                }
            });
        }
    }
    record.is_terminal()
}

fn tell_stop(ears: &Ears, payload: &[u8]) {
    let Some(id) = std::str::from_utf8(payload).ok().and_then(|text| text.parse().ok()) else { return };
    for (_, ear) in ears.iter() {
        if let Ear::Stops(listener) = ear {
            guarded(|| listener.cancelled(id));
        }
    }
}

/// One listener's bug must not silence all others.
fn guarded(call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        error!("a listener panicked");
    }
}
