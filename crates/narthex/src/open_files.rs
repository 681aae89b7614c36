//! Each connection is an open file, so the limit of open files is the limit of connections.

/// What is open beside clients' connections, with room to spare: the broker, the log, files that are being read.
const OTHERS: u64 = 256;

/// Raises the soft limit to the hard one, and says for how many connections of clients that is enough.
pub(crate) fn raise() -> Option<usize> {
    let before = rlimit::Resource::NOFILE.get_soft().ok();
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => {
            let connections = limit.saturating_sub(OTHERS).max(limit / 2);
            tracing::info!(limit, before, connections, "the limit of open files is as high as allowed");
            usize::try_from(connections).ok()
        }
        Err(error) => {
            tracing::warn!(%error, before, "failed to raise the limit of open files");
            None
        }
    }
}
