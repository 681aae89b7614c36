//! Who holds the memory: jemalloc samples what is allocated, one allocation in each 512 KiB of them, and knows which of those are
//! held still.
//!
//! It samples nothing until it is asked to, and cannot at all where it was not prepared to: see `.cargo/config.toml`.

mod dump;
mod names;

use std::{collections::BTreeMap, time::Duration};

use tikv_jemalloc_ctl::{Access as _, AsName as _, profiling};
use tokio::sync::OwnedSemaphorePermit;

use self::names::Names;
use super::stacks::Stacks;

// What they are is in jemalloc.net/jemalloc.3.html: whether it samples, and the logarithm of the bytes to a sample.
const ACTIVE: &str = "prof.active\0";
const SAMPLE: &str = "prof.lg_sample\0";
// Forgets what was sampled, and has that many bytes to a sample from then on.
const RESET: &str = "prof.reset\0";

/// Samples what is allocated for so long, and tells what of it is held still at the end. Cancel safe: however it ends, nothing is sampled
/// any more, and only then is `alone` given back, of which there is one.
///
/// Where the process has been sampling since it began, it tells of all that is held, and goes on.
pub(super) async fn take(duration: Duration, alone: OwnedSemaphorePermit) -> Result<Stacks, String> {
    let sampling = Sampling::begin(alone)?;
    tokio::time::sleep(duration).await;
    // To find the names of functions takes a while.
    let named = tokio::task::spawn_blocking(move || {
        let text = dump::take()?;
        // What follows allocates, too.
        drop(sampling);
        let (stacks, period) =
            dump::parse(&text).ok_or("jemalloc writes another form of dump than `heap_v2`")?;
        let mut names = Names::default();
        let mut all = BTreeMap::<_, [i64; 2]>::new();
        for stack in stacks {
            let [objects, bytes] = all.entry(names.stack(&stack.addresses)).or_default();
            *objects += stack.objects;
            *bytes += stack.bytes;
        }
        Ok(Stacks { all, measures: [("inuse_objects", "count"), ("inuse_space", "bytes")], duration, period })
    });
    named.await.unwrap_or_else(|error| Err(error.to_string()))
}

/// As long as it is there, allocations are sampled.
struct Sampling {
    /// It was so before.
    always: bool,
    _alone: OwnedSemaphorePermit,
}

impl Sampling {
    fn begin(alone: OwnedSemaphorePermit) -> Result<Self, String> {
        if !profiling::prof::read().unwrap_or(false) {
            return Err("the allocator was not prepared for it: start the process with \
                        _RJEM_MALLOC_CONF=prof:true,prof_active:false"
                .to_owned());
        }
        let always =
            ACTIVE.name().update(true).map_err(|error| format!("jemalloc does not sample: {error}"))?;
        Ok(Self { always, _alone: alone })
    }
}

impl Drop for Sampling {
    fn drop(&mut self) {
        if self.always {
            return;
        }
        let end = || {
            ACTIVE.name().write(false)?;
            let sample: usize = SAMPLE.name().read()?;
            RESET.name().write(sample)
        };
        if let Err(error) = end() {
            tracing::warn!(%error, "jemalloc goes on sampling allocations");
        }
    }
}
