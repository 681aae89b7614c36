//! What a broker holds: records of streams, jobs, and Kafka's entries. The first byte says which.
//!
//! What is read and written again is read as the same.
#![no_main]
#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

use std::time::UNIX_EPOCH;

use libfuzzer_sys::fuzz_target;
use prost::Message;
use proto::{
    Header, Job, decode_appended, encode_record,
    kafka::{Ask, Create, DeadJob, Entry, JobAsk, JobEntry},
};

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind {
        b'r' => record(bytes),
        b'j' => job(bytes),
        b'e' => match again::<Entry>(bytes).and_then(|entry| entry.ask) {
            Some(Ask::Append(bytes)) => record(&bytes),
            Some(Ask::Create(Create { record: first, .. })) => record(&first),
            _ => {}
        },
        b'q' => {
            if let Some(JobAsk::Enqueue(bytes)) = again::<JobEntry>(bytes).and_then(|entry| entry.ask) {
                job(&bytes);
            }
        }
        b'd' => {
            if let Some(dead) = again::<DeadJob>(bytes) {
                job(&dead.job);
            }
        }
        _ => drop(again::<Header>(bytes)),
    }
});

fn record(bytes: &[u8]) {
    let Ok((record, at)) = decode_appended(bytes) else { return };
    let again = encode_record(record.epoch, record.first, &record.events, at.unwrap_or(UNIX_EPOCH));
    assert_eq!(decode_appended(&again).expect("a record"), (record.clone(), at));
    // Numbers do not wrap: what follows a record has a higher one.
    assert!(record.next() >= record.first && record.weight() <= bytes.len());
    let events = record.events_from(record.first).map(|(sequence, _)| sequence);
    assert!(events.eq(record.first..record.next()));
}

fn job(bytes: &[u8]) {
    if let Ok(job) = Job::decode(bytes) {
        assert_eq!(Job::decode(&job.encode()).expect("a job"), job);
    }
}

fn again<M: Message + Default + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    assert_eq!(M::decode(&*message.encode_to_vec()).expect("a message"), message);
    Some(message)
}
