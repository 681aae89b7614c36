//! What `narthex keys` can be asked.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::{cli::Common, table::Format};

/// What follows the flags of `narthex keys --help`.
pub(crate) const KEYS_HELP: &str = "\
A key tells a gateway who calls: a user of a tenant. What a user has made, no
other user can see. The file holds hashes only, and is safe to keep beside other
settings; a key itself is shown once, when it is made.

  narthex keys make alice --keys-file keys.toml
  narthex keys make backend --scope models --scope client_secrets --expires 90d
  narthex keys list
  narthex keys revoke alice

Gateways take the file by auth.keys.file (--keys-file) and read it again when it
changes, also as a secret that Kubernetes mounts. A revoked key is refused within
two seconds, and its connections are closed; so are the client secrets made with it.

Put the file into NARTHEX_AUTH__KEYS__FILE, or a configuration (--config), to leave
it out here. Clients send a key as `Authorization: Bearer nk_…`.";

const MAKE_HELP: &str = "\
Scopes say what the key allows; without any it is `models` and `background`:
  models           every model
  model:NAME       this model; model:small-* is all whose names begin so
  background       responses that run in the background
  client_secrets   to make short-lived keys for browsers, for any user of the tenant
  admin            all of it

  KEY=$(narthex keys make ci --expires 30d --keys-file keys.toml)";

/// `narthex keys …`.
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    /// The file of API keys [default: auth.keys.file]
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) keys_file: Option<String>,
    /// `table` for people, `json` for programs
    #[arg(long, value_enum, global = true, default_value_t)]
    pub(super) format: Format,
    #[command(subcommand)]
    pub(super) what: KeysCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key, and print it: the only time that it is shown
    #[command(after_help = MAKE_HELP)]
    Make(Make),
    /// List the keys: all about them but the keys themselves
    List,
    /// Revoke a key
    Revoke {
        /// Its id, or its name
        key: String,
    },
}

/// What the new key shall be.
#[derive(Debug, Args)]
pub(super) struct Make {
    /// What to call it
    pub(super) name: String,
    /// Who comes with it [default: its name]
    #[arg(long)]
    pub(super) user: Option<String>,
    /// Whose user that is
    #[arg(long, default_value = "default")]
    pub(super) tenant: String,
    /// What it allows (may be repeated) [default: models and background]
    #[arg(long)]
    pub(super) scope: Vec<String>,
    /// How long it lives [default: until it is revoked]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) expires: Option<Duration>,
    /// A limit of its own
    #[arg(long, value_name = "N")]
    pub(super) requests_per_minute: Option<u64>,
    /// A limit of its own
    #[arg(long, value_name = "N")]
    pub(super) tokens_per_minute: Option<u64>,
    /// A limit of its own
    #[arg(long, value_name = "N")]
    pub(super) responses_in_flight: Option<u64>,
}

/// A hundred years: beyond that a key might as well not end.
const MAX_LIFETIME: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(lifetime) if lifetime <= MAX_LIFETIME => Ok(lifetime),
        Ok(_) => Err("at most 100 years: leave it out for a key that does not end".to_owned()),
        Err(_) => Err("write a duration such as 12h or 90d".to_owned()),
    }
}
