//! The wire forms of what the broker carries, and their conversions.
//!
//! The `.proto` files in `/proto` are the contract between processes of different versions. What cannot be read is an
//! error of the record, never a panic: a broker may hold anything.

mod event;
mod generated;
mod job;

pub mod socket;

pub use event::{decode_appended, decode_record, encode_record};
pub use generated::{Header, job::Kind};
pub use job::Job;

/// What Kafka's topics carry.
pub mod kafka {
    pub use crate::generated::{
        Attend, BuryJob, Cancel, ClaimJobs, Create, DeadJob, Entry, Expire, FinishJob, JobEntry, Open,
        ReleaseJob, RenewJobs, entry::Ask, job_entry::Ask as JobAsk,
    };
}

/// The bytes are not what they should be.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// Not the Protobuf encoding of the message.
    #[error("not a valid message")]
    Encoding(#[from] prost::DecodeError),
    /// A part has no meaning to this version.
    #[error("unknown or malformed {0}")]
    Part(&'static str),
}

#[cfg(test)]
mod tests;
