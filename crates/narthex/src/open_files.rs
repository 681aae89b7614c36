//! Each connection is an open file, so the limit of open files is the limit of connections.

use broker::Finding;
use rlimit::Resource;

/// What is open beside clients' connections, with room to spare: the broker, the log, files that are being read.
const OTHERS: u64 = 256;

/// Raises the soft limit to the hard one, and says for how many connections of clients that is enough.
pub(crate) fn raise() -> Option<usize> {
    let before = Resource::NOFILE.get_soft().ok();
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => {
            let connections = connections(limit);
            tracing::info!(limit, before, connections, "the limit of open files is as high as allowed");
            usize::try_from(connections).ok()
        }
        Err(error) => {
            tracing::warn!(%error, before, "failed to raise the limit of open files");
            None
        }
    }
}

/// For how many connections of clients so many open files are enough.
fn connections(limit: u64) -> u64 {
    limit.saturating_sub(OTHERS).max(limit / 2)
}

/// Whether the limit, once raised, is enough for `wanted` connections; 0 is as many as there can be.
pub(crate) fn examine(wanted: usize) -> Finding {
    match Resource::NOFILE.get_hard() {
        Ok(limit) => judge(limit, wanted as u64),
        Err(error) => {
            Finding::warning(ABOUT, format!("the limit cannot be read ({error}): see that it is high enough"))
        }
    }
}

const ABOUT: &str = "open files";

/// With fewer connections than this, the limit is most likely one that nobody has thought of.
const FEW: u64 = 10_000;

fn judge(limit: u64, wanted: u64) -> Finding {
    let room = connections(limit);
    let advice = "raise it with `ulimit -Hn`, LimitNOFILE= of systemd or --ulimit nofile= of Docker";
    if wanted > room {
        return Finding::warning(
            ABOUT,
            format!(
                "the hard limit of {limit} is enough for {room} of the {wanted} connections of \
                 gateway.limits.max_connections: {advice}"
            ),
        );
    }
    let seen = format!("the hard limit of {limit} is enough for {room} connections");
    if wanted == 0 && room < FEW {
        Finding::warning(ABOUT, format!("{seen}: for more, {advice}"))
    } else {
        Finding::fine(ABOUT, seen)
    }
}

#[cfg(test)]
mod tests;
