//! What carries jobs and streams: `redis`, `kafka`, `memory`.

use super::{Setting, setting};
use crate::config::value::{above_zero, at, size};

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        "redis.key_prefix",
        "What all keys begin with, so that several systems can share a server.",
        |c, _| at(&mut c.redis.broker.key_prefix),
    ),
    setting("redis.log_ttl", "How long a stream lives after its last event.", |c, _| {
        above_zero(&mut c.redis.broker.log_ttl)
    }),
    setting(
        "redis.append_window",
        "The shortest time between two writes of tokens by a worker; those of all its streams in between are written \
         together, at a fraction of the cost; in a cluster those of a partition, of which each master has two. First tokens \
         and ends do not wait. 0 is none.",
        |c, _| at(&mut c.redis.broker.append_window),
    ),
    setting(
        "redis.live_limit_bytes",
        "The largest record that the live path carries; of a larger one, gateways are told to read the log.",
        |c, _| size(&mut c.redis.broker.live_limit_bytes),
    ),
    setting(
        "redis.max_jobs",
        "Jobs that wait for one model; beyond that a new one is refused for now.",
        |c, _| above_zero(&mut c.redis.broker.max_jobs),
    ),
    setting(
        "redis.max_dead",
        "Jobs that killed their workers and are kept for inspection, for one model; beyond that the oldest is forgotten.",
        |c, _| at(&mut c.redis.broker.max_dead),
    ),
    setting(
        "redis.pool_size",
        "How many waits for jobs may stand on one node at a time; those beyond it look once a second.",
        |c, _| above_zero(&mut c.redis.broker.pool_size),
    ),
    setting("redis.connect_timeout", "How long until a connection stands.", |c, _| {
        above_zero(&mut c.redis.broker.connect_timeout)
    }),
    setting("redis.response_timeout", "How long until an answer comes, a reconnection included.", |c, _| {
        above_zero(&mut c.redis.broker.response_timeout)
    }),
    setting(
        "redis.tls.authorities_file",
        "The certificates (PEM) of the authorities to trust with `rediss://`, in place of the public ones.",
        |c, _| at(&mut c.redis.tls.authorities_file),
    ),
    setting(
        "redis.tls.certificate_file",
        "The certificate (PEM) to identify with, and those that lead to its authority, if the server asks for one.",
        |c, _| at(&mut c.redis.tls.certificate_file),
    ),
    setting("redis.tls.key_file", "The private key (PEM) of that certificate.", |c, _| {
        at(&mut c.redis.tls.key_file)
    }),
    setting(
        "kafka.tls.authorities_file",
        "The certificates (PEM) of the authorities to trust with `kafkas://`, in place of those that the system trusts.",
        |c, _| at(&mut c.kafka.tls.authorities_file),
    ),
    setting(
        "kafka.tls.certificate_file",
        "The certificate (PEM) to identify with, and those that lead to its authority, if the cluster asks for one.",
        |c, _| at(&mut c.kafka.tls.certificate_file),
    ),
    setting("kafka.tls.key_file", "The private key (PEM, not encrypted) of that certificate.", |c, _| {
        at(&mut c.kafka.tls.key_file)
    }),
    setting(
        "kafka.sasl.mechanism",
        "How the password is proved. With `PLAIN` it is said, so only with `kafkas://` nobody else hears it.",
        |c, _| at(&mut c.kafka.mechanism),
    ),
    setting("kafka.sasl.username", "Who this is to the cluster; without one, SASL is not used.", |c, _| {
        at(&mut c.kafka.username)
    }),
    setting("kafka.sasl.password", "The password. Better in a variable or a file.", |c, _| {
        at(&mut c.kafka.password.value)
    }),
    setting("kafka.sasl.password_env", "The environment variable that holds the password.", |c, _| {
        at(&mut c.kafka.password.env)
    }),
    setting("kafka.sasl.password_file", "The file that holds the password.", |c, _| {
        at(&mut c.kafka.password.file)
    }),
    setting(
        "kafka.store",
        "A Redis for state by key: stored responses, idempotency keys. Without it, only what the log tells is known.",
        |c, _| at(&mut c.kafka.store),
    ),
    setting(
        "kafka.topic_prefix",
        "What all topics' names begin with, so that several systems can share a cluster.",
        |c, _| at(&mut c.kafka.broker.topic_prefix),
    ),
    setting(
        "kafka.partitions",
        "Partitions of the topic of events, where it is made by Narthex: a few for each gateway.",
        |c, _| above_zero(&mut c.kafka.broker.partitions),
    ),
    setting(
        "kafka.job_partitions",
        "Partitions of the topic of jobs, where it is made by Narthex. It must not change later.",
        |c, _| above_zero(&mut c.kafka.broker.job_partitions),
    ),
    setting(
        "kafka.replication",
        "Copies of each partition, where topics are made by Narthex; 0 is the cluster's own default.",
        |c, _| at(&mut c.kafka.broker.replication),
    ),
    setting(
        "kafka.home_partitions",
        "In how many partitions a gateway makes its responses. It reads these, and others for as long as it must.",
        |c, _| above_zero(&mut c.kafka.broker.home_partitions),
    ),
    setting("kafka.log_ttl", "How long a stream lives after its last event.", |c, _| {
        above_zero(&mut c.kafka.broker.log_ttl)
    }),
    setting(
        "kafka.retention",
        "How long records are kept, where topics are made by Narthex. No response may take longer.",
        |c, _| above_zero(&mut c.kafka.broker.retention),
    ),
    setting(
        "kafka.max_jobs",
        "Jobs of one model that wait or are under way; beyond that a new one is refused for now.",
        |c, _| above_zero(&mut c.kafka.broker.max_jobs),
    ),
    setting(
        "kafka.max_dead",
        "Jobs that killed their workers and are told of, for one model; beyond that the oldest is forgotten.",
        |c, _| at(&mut c.kafka.broker.max_dead),
    ),
    setting(
        "kafka.waiting_bytes",
        "How much of the jobs that wait a worker keeps in memory of each partition; the others are read when it claims them.",
        |c, _| size(&mut c.kafka.broker.waiting_bytes),
    ),
    setting(
        "kafka.partition_log_bytes",
        "How much of the streams of each partition is kept in memory; beyond that it is read again when needed.",
        |c, _| size(&mut c.kafka.broker.partition_log_bytes),
    ),
    setting(
        "kafka.recent_bytes",
        "How much of the latest records of each partition is kept in memory, for streams that are new to this process.",
        |c, _| size(&mut c.kafka.broker.recent_bytes),
    ),
    setting(
        "kafka.max_message_bytes",
        "The largest record. The brokers must allow it, too, where Narthex makes the topics.",
        |c, _| size(&mut c.kafka.broker.max_message_bytes),
    ),
    setting("kafka.response_timeout", "How long until an answer comes, a reconnection included.", |c, _| {
        above_zero(&mut c.kafka.broker.response_timeout)
    }),
    setting("memory.log_ttl", "How long a stream lives after its last event.", |c, _| {
        above_zero(&mut c.memory.log_ttl)
    }),
    setting(
        "memory.max_streams",
        "How many streams there are; the one that ended first makes room.",
        |c, _| above_zero(&mut c.memory.max_streams),
    ),
    setting(
        "memory.max_log_bytes",
        "How much all streams hold; those that ended first make room.",
        |c, _| size(&mut c.memory.max_log_bytes),
    ),
    setting(
        "memory.max_queue_bytes",
        "How much all waiting jobs hold; beyond that a new one is refused.",
        |c, _| size(&mut c.memory.max_queue_bytes),
    ),
    setting("memory.max_dead", "Jobs that are kept for inspection, for one model.", |c, _| {
        at(&mut c.memory.max_dead)
    }),
    setting(
        "memory.max_store_bytes",
        "How much stored responses and idempotency keys hold; what would expire first makes room.",
        |c, _| size(&mut c.memory.max_store_bytes),
    ),
];
