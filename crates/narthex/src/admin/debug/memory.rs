//! What the allocator says of the memory.

use serde_json::{Value, json};
use tikv_jemalloc_ctl::{epoch, stats};

/// Bytes, by what they are: `allocated` by the program, `active` pages, `resident` in memory, `retained` for later without memory
/// behind it, `metadata` of the allocator's own.
pub(super) fn page() -> Result<Value, String> {
    let told = || {
        // The figures are of the last epoch: this begins a new one.
        epoch::advance()?;
        Ok(json!({
            "allocated_bytes": stats::allocated::read()?,
            "active_bytes": stats::active::read()?,
            "resident_bytes": stats::resident::read()?,
            "retained_bytes": stats::retained::read()?,
            "metadata_bytes": stats::metadata::read()?,
        }))
    };
    told().map_err(|error: tikv_jemalloc_ctl::Error| format!("the allocator does not tell: {error}"))
}
