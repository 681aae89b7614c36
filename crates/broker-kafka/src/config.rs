//! What can be set.

use std::time::Duration;

use crate::security::{Sasl, Tls};

/// Where Kafka is, and the bounds of what is kept there and here.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to ask for the cluster: `host:port` of some of its nodes, with commas between them.
    pub bootstrap_servers: String,
    /// How connections are encrypted; `None` is in plain text.
    pub tls: Option<Tls>,
    /// Who this is; `None` is nobody, or whoever the certificate says.
    pub sasl: Option<Sasl>,
    /// What all topics' names begin with, so that several systems can share a cluster.
    pub topic_prefix: String,
    /// How many partitions the topic of events gets when it is made here. A gateway reads its home partitions, a worker all in
    /// which it has responses.
    pub partitions: u16,
    /// How many partitions the topic of jobs gets when it is made here. A model's jobs are all in one, and a worker reads those
    /// of its models. Once there are jobs, the number must stay.
    pub job_partitions: u16,
    /// How many copies of each partition there are when topics are made here; 0 is the cluster's own default.
    pub replication: u16,
    /// How many partitions this process makes responses in, and reads all the time. They are drawn when it connects. A process
    /// that makes none needs none.
    pub home_partitions: u16,
    /// How long a stream lives after its last append.
    pub log_ttl: Duration,
    /// How long the topics keep records when they are made here. Nothing that runs for longer survives the loss of its
    /// worker, and nothing waits for longer.
    pub retention: Duration,
    /// How many bytes of streams this process keeps of each partition at most, looked at once a second. At the bound, those
    /// that have ended and those that nobody asked for longest leave; who needs them reads the log. Those that were just asked
    /// for stay in any case.
    pub partition_log_bytes: usize,
    /// How many bytes of the latest records of each partition that is read are kept, whosever they are: a stream that began
    /// within them is taken up without a question to Kafka.
    pub recent_bytes: usize,
    /// How long a partition is read that nobody needs any more. It must be longer than an answer takes.
    pub kept: Duration,
    /// How many jobs the queue of one model holds at most, as far as this process has read when it enqueues one more. Beyond
    /// that, a new one is unavailable.
    pub max_jobs: u64,
    /// How many buried jobs of each model are told of. Beyond that, the oldest is forgotten.
    pub max_dead: usize,
    /// How many bytes of jobs that wait are kept of each partition in which this process claims jobs: of the most imminent
    /// ones. The others are read when they are claimed.
    pub waiting_bytes: usize,
    /// The largest record, as Kafka counts it. Topics that are made here take it.
    pub max_message_bytes: usize,
    /// How long to wait for an answer, a reconnection included.
    pub response_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bootstrap_servers: "127.0.0.1:9092".into(),
            tls: None,
            sasl: None,
            topic_prefix: "narthex.".into(),
            partitions: 16,
            job_partitions: 8,
            replication: 0,
            home_partitions: 2,
            log_ttl: Duration::from_secs(60 * 60),
            retention: Duration::from_secs(24 * 60 * 60),
            partition_log_bytes: 64 << 20,
            recent_bytes: 4 << 20,
            kept: Duration::from_secs(60),
            max_jobs: 100_000,
            max_dead: 1_000,
            waiting_bytes: 16 << 20,
            max_message_bytes: 32 << 20,
            response_timeout: Duration::from_secs(5),
        }
    }
}
