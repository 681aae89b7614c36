//! What `narthex jobs` can be asked.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use stream::ResponseId;

use crate::{cli::Common, table::Format};

/// What follows the flags of `narthex jobs --help`.
pub(crate) const LIST_HELP: &str = "\
A job waits for a worker, is claimed by one, or is dead: its workers died again
and again (worker.max_attempts), or it could not be read. A job is stuck if it
was claimed more than once, or if it waits, or its worker has been silent, for
longer than --stuck-after.

  narthex jobs --broker redis://redis:6379              queues, then jobs
  narthex jobs list --state stuck --stuck-after 5m
  narthex jobs list --model small --format json | jq '.jobs[].response'
  narthex jobs show resp_0000…                          with the user's request
  narthex jobs retry resp_0000…                         prints the id of the new response
  narthex jobs drop resp_0000…

Put the broker into NARTHEX_BROKER, or a file (--config), to leave it out here.
Exits with 0 when it is done, with 1 if there is no such job or the broker fails,
and with 2 if something has to be set differently.";

const RETRY_HELP: &str = "\
A response that has ended never changes. So its request is taken in once more, of
the same user and in the same way, as a new response, whose id is printed; then
the dead job is forgotten. What does not run in the background has to be followed
(GET /v1/responses/ID?stream=true) before its grace is over, or runs no longer.";

const DROP_HELP: &str = "\
  dead      it is forgotten
  waiting   its response ends as cancelled, and it leaves the queue
  claimed   its response is cancelled: its worker ends it, or the next to claim it";

/// `narthex jobs …`.
#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(super) list: List,
    /// `table` for people, `json` for programs
    #[arg(long, value_enum, global = true, default_value_t)]
    pub(super) format: Format,
    #[command(subcommand)]
    pub(super) what: Option<JobsCommand>,
}

impl JobsArgs {
    /// What to do. `None` if a list was described, and something else asked for.
    pub(super) fn command(self) -> Option<JobsCommand> {
        match self.what {
            None => Some(JobsCommand::List(self.list)),
            what if self.list == List::default() => what,
            Some(_) => None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum JobsCommand {
    /// List queues and jobs; so does `narthex jobs` alone
    #[command(after_help = LIST_HELP)]
    List(List),
    /// Show one job, with the request of its user
    Show {
        /// The response of the job
        id: ResponseId,
    },
    /// Try the request of a dead job once more, as a new response
    #[command(after_help = RETRY_HELP)]
    Retry {
        /// The response of the job
        id: ResponseId,
    },
    /// Forget a dead job, or cancel the response of one that is not
    #[command(after_help = DROP_HELP)]
    Drop {
        /// The response of the job
        id: ResponseId,
    },
}

/// What to list.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub(super) struct List {
    /// Only jobs of this model
    #[arg(long, value_name = "NAME")]
    pub(super) model: Option<String>,
    /// Only jobs in this state
    #[arg(long, value_enum)]
    pub(super) state: Option<State>,
    /// How long a job may wait, or its worker be silent, before it counts as stuck [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) stuck_after: Option<Duration>,
    /// At most so many jobs [default: 100]
    #[arg(long, value_name = "N")]
    pub(super) max: Option<usize>,
}

impl List {
    pub(super) fn stuck_after(&self) -> Duration {
        self.stuck_after.unwrap_or(Duration::from_secs(30))
    }

    pub(super) fn max(&self) -> usize {
        self.max.unwrap_or(100)
    }
}

/// Which jobs to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum State {
    /// Those that wait for a worker.
    Waiting,
    /// Those that a worker has claimed.
    Claimed,
    /// Those of both that make no progress.
    Stuck,
    /// Those that were given up.
    Dead,
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a duration such as 30s or 5m".to_owned())
}
