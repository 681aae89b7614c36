//! The broker on Kafka, version 4 or later.
//!
//! Kafka checks nothing when it takes a record. So a record does not say what happens, but what somebody asks for, and
//! its place in the partition decides what comes of it: whoever reads the partition applies the same rules
//! (`broker::rules`, those of the broker in memory) to the same records in the same order, and comes to the same state
//! and the same answers. An append has been accepted when the process that asked for it has read it back and the rules let
//! it count; that is also when all replicas have it, for nobody reads a record before.
//!
//! ```text
//!   Log, KafkaControl ─▶ Events ─┬▶ Writer ─▶ Kafka ─▶ Tails ─┬▶ Streams (Life) ─▶ answers, listeners, stops
//!                        Jobs ───┘                   Older ───┤  what was written before it was followed
//!                                                             └▶ Queue ─▶ answers, news
//! ```

mod config;
mod security;

mod advice;
mod client;
mod connections;
mod error;
mod examination;
mod message;
mod place;
mod topics;

mod clock;
mod life;
mod listeners;
mod requests;

mod older;
mod streams;
mod tails;
mod writer;

mod events;
mod roster;

mod control;
mod jobs;
mod log;
mod queue;
mod store;

use std::sync::Arc;

use broker::{Broker, Error};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use config::Config;
pub use examination::examine;
pub use security::{Identity, Mechanism, Sasl, Tls};

use self::{
    clock::Clock,
    connections::Connections,
    control::KafkaControl,
    error::from_kafka,
    events::Events,
    jobs::{Dead, Graves, Jobs},
    listeners::Listeners,
    log::Log,
    older::Older,
    requests::Requests,
    roster::{Announced, Roster},
    store::NoRoom,
    streams::Shared,
    tails::{Tail, Tails},
    writer::Writer,
};

/// Connects to Kafka, makes the topics that are missing, and begins to read.
///
/// Kafka carries, and remembers nothing by key: the [`Store`](broker::Store) of the broker is one without room. Whoever has
/// Redis puts its store in the place of that.
///
/// The reading ends when the last of the broker's parts is dropped.
///
/// # Errors
/// When Kafka cannot be reached; when it and this process do not trust each other; or a topic is not as it should be: then the error
/// says what to do.
pub async fn connect(config: Config) -> Result<Broker, Error> {
    let connections = Connections::new(&config);
    match assemble(&config, &connections).await {
        Ok(broker) => {
            connections.stand();
            Ok(broker)
        }
        Err(error) => Err(connections.explain(error).await),
    }
}

async fn assemble(config: &Config, connections: &Connections) -> Result<Broker, Error> {
    let writer = Arc::new(Writer::new(client::producer(config), connections.clone())?);
    let topics = topics::prepare(config, &writer, connections).await?;
    let shared = Arc::new(Shared {
        requests: Requests::new(),
        clock: Clock::default(),
        stops: Arc::<Listeners<_>>::default(),
    });
    let (events, events_count) = topics.events;
    let (jobs, jobs_count) = topics.jobs;
    let homes = homes(config.home_partitions, events_count);
    let partitions = events::partitions(&events, events_count, &homes, &shared, config);
    let job_partitions = jobs::partitions(&jobs, jobs_count, &shared);
    let announced = Arc::new(Announced::default());
    let graves = Arc::new(Graves::new(config.max_dead));
    let dead_tail = Tail::new(&topics.dead, 0, Arc::clone(&graves) as _);
    let roster_tail = Tail::new(&topics.roster, 0, Arc::clone(&announced) as _);

    let tails_of_jobs = job_partitions.iter().map(|partition| &partition.tail);
    let all = partitions.iter().map(|partition| &partition.tail).chain(tails_of_jobs);
    let all = all.chain([&dead_tail, &roster_tail]);
    let all: Vec<_> = all.cloned().collect();
    let (ended, tasks) = (CancellationToken::new(), TaskTracker::new());
    let consumer = client::consumer(config).create_with_context(connections.clone()).map_err(from_kafka)?;
    let consumer = topics::known_to(consumer, config.response_timeout).await?;
    let (tails, following) = Tails::new(
        consumer,
        Arc::clone(&writer),
        &all,
        (config.response_timeout, config.kept),
        ended.clone(),
    );
    tasks.spawn(following);

    let older = Arc::new(Older::new(client::consumer_of_ranges(config), connections.clone()));
    let events = Arc::new(Events {
        homes,
        older: Arc::clone(&older),
        topic: events,
        partitions,
        shared: Arc::clone(&shared),
        tails: Arc::clone(&tails),
        writer: Arc::clone(&writer),
        tasks,
        _guard: ended.clone().drop_guard(),
        ended,
        timeout: config.response_timeout,
    });
    events.follow_homes().await?;
    let dead = Dead {
        topic: topics.dead,
        graves,
        tail: dead_tail,
        tails: Arc::clone(&tails),
        older: Arc::clone(&older),
        writer: Arc::clone(&writer),
        shared: Arc::clone(&shared),
    };
    let jobs = Jobs {
        topic: jobs,
        partitions: job_partitions,
        tails: Arc::clone(&tails),
        older,
        dead,
        max_jobs: config.max_jobs,
        waiting_bytes: config.waiting_bytes,
        writer: Arc::clone(&writer),
        timeout: config.response_timeout,
        events: Arc::clone(&events),
    };
    let roster = Roster { topic: topics.roster, announced, tail: roster_tail, tails, writer, shared };
    roster.follow().await?;
    Ok(Broker {
        jobs: Arc::new(jobs),
        log: Arc::new(Log::new(Arc::clone(&events), config.log_ttl)),
        control: Arc::new(KafkaControl::new(events, roster)),
        store: Arc::new(NoRoom),
    })
}

/// Draws so many of the partitions.
fn homes(count: u16, partitions: u16) -> Vec<u16> {
    let drawn = stream::ResponseId::random(0).random_bits() % u128::from(partitions.max(1));
    let first = u16::try_from(drawn).unwrap_or_default();
    (0..count.min(partitions)).map(|n| (first + n) % partitions).collect()
}
