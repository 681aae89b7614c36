//! Each connection is an open file, so the limit of open files is the limit of connections.

/// Raises the soft limit to the hard one, and says so.
pub(crate) fn raise() {
    let before = rlimit::Resource::NOFILE.get_soft().ok();
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::info!(
            limit,
            before,
            "the limit of open files, and so of connections, is as high as allowed"
        ),
        Err(error) => tracing::warn!(%error, before, "failed to raise the limit of open files"),
    }
}
