//! The first contact: whether there is a server, and whether it will do.

use broker::Error;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, RedisError, aio::MultiplexedConnection};
use tracing::warn;

use crate::target::Target;

/// The oldest version that has all that the scripts use.
const OLDEST: u32 = 7;

/// No server of those that are configured can be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("no Redis answers at {at}: start one there, or set the URL of one that runs")]
    Silent {
        at: String,
        #[source]
        cause: RedisError,
    },
    #[error("the Redis at {at} does not let us in: set the right user and password in its URL")]
    Locked {
        at: String,
        #[source]
        cause: RedisError,
    },
    #[error("the Redis at {at} has version {version}: run version {OLDEST} or later")]
    Old { at: String, version: String },
    #[error(
        "the Redis at {at} is part of a cluster: write its URL with redis+cluster:// or rediss+cluster://"
    )]
    IsCluster { at: String },
    #[error("the Redis at {at} is not part of a cluster: write one URL, with redis:// or rediss://")]
    IsNoCluster { at: String },
}

/// Asks the first node that answers who it is.
pub(crate) async fn probe(target: &Target) -> Result<(), Error> {
    let (_, info) = first_answer(target).await?;
    judge(target, &info)?;
    let at = target.to_string();
    if keeps_no_log(&info) {
        warn!(%at, "redis keeps no append-only file: its restart loses responses (set appendonly yes)");
    }
    if evicts(&info).is_some() {
        warn!(%at, "redis evicts keys when memory is full: it may lose responses (set maxmemory-policy noeviction)");
    }
    Ok(())
}

/// A connection to the first node that answers, and its `INFO`.
pub(crate) async fn first_answer(target: &Target) -> Result<(MultiplexedConnection, String), Error> {
    let mut silent = None;
    for info in target.connections() {
        match ask(target, info).await {
            Ok(answer) => return Ok(answer),
            Err(cause) => silent = Some(cause),
        }
    }
    let at = target.to_string();
    Err(match silent {
        Some(cause) if is_locked(&cause) => Error::refused(Unusable::Locked { at, cause }),
        Some(cause) => Error::unavailable(Unusable::Silent { at, cause }),
        None => Error::refused("there is no node to ask"),
    })
}

async fn ask(target: &Target, info: &ConnectionInfo) -> Result<(MultiplexedConnection, String), RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(target.connect_timeout))
        .set_response_timeout(Some(target.response_timeout));
    let client = Client::open(info.clone())?;
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let info = redis::cmd("INFO").query_async(&mut connection).await?;
    Ok((connection, info))
}

/// Whether a server will do at all.
pub(crate) fn judge(target: &Target, info: &str) -> Result<(), Error> {
    let at = target.to_string();
    let version = field(info, "redis_version").unwrap_or_default();
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST) {
        return Err(Error::refused(Unusable::Old { at, version: version.into() }));
    }
    // Not the mode: where Redis has `redis_mode`, Valkey has `server_mode`.
    match (field(info, "cluster_enabled") == Some("1"), target.is_cluster()) {
        (true, false) => Err(Error::refused(Unusable::IsCluster { at })),
        (false, true) => Err(Error::refused(Unusable::IsNoCluster { at })),
        _ => Ok(()),
    }
}

/// What the server is. Valkey tells the version of Redis that it stands in for, too.
pub(crate) fn name(info: &str) -> String {
    match field(info, "valkey_version") {
        Some(version) => format!("Valkey {version}"),
        None => format!("Redis {}", field(info, "redis_version").unwrap_or("of an unknown version")),
    }
}

/// The policy by which the server throws keys away when its memory is full, if it does.
pub(crate) fn evicts(info: &str) -> Option<&str> {
    field(info, "maxmemory_policy").filter(|policy| *policy != "noeviction")
}

/// Whether the server writes no append-only file. While it reads one at its start, it says `aof_enabled:0` too.
pub(crate) fn keeps_no_log(info: &str) -> bool {
    field(info, "aof_enabled") == Some("0") && field(info, "loading") != Some("1")
}

/// The value of a line of `INFO`.
pub(crate) fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn is_locked(error: &RedisError) -> bool {
    matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"))
        || error.kind() == redis::ErrorKind::AuthenticationFailed
}

#[cfg(test)]
mod tests;
