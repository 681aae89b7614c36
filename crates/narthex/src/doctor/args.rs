//! What `narthex doctor` can be asked.

use clap::Args;

use crate::{
    cli::{Common, Edge, Upstreams},
    config::Role,
    table::Format,
};

/// What follows the flags of `narthex doctor --help`.
pub(crate) const DOCTOR_HELP: &str = "\
Run it where the process is to run, with the same settings, file and variables:
  narthex doctor --role gateway --broker redis://redis:6379 --keys-file keys.toml
  narthex doctor --role gateway --config narthex.toml --host chat.example.com
  narthex doctor --role worker  --config narthex.toml
  narthex doctor --format json | jq '.checks[] | select(.status != \"ok\")'

It looks at the broker, model servers, keys, certificates, addresses, limits and
where traces and metrics go,
each for at most 5 s, and changes nothing. Exits with 0 if there is no problem,
with 1 if there is one, and with 2 if the settings cannot be read.";

/// `narthex doctor …`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) edge: Edge,
    #[command(flatten)]
    pub(crate) upstream: Upstreams,
    /// What is to run with these settings; `dev` is both in one process
    #[arg(long, value_name = "ROLE", value_enum, default_value_t = Role::Dev)]
    pub(crate) role: Role,
    /// A name by which clients reach a gateway, for its certificate to be looked at; again for each one more
    #[arg(long = "host", value_name = "NAME")]
    pub(crate) hosts: Vec<String>,
    /// `table` for people, `json` for programs
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}
