//! Writes the inputs of the corpus that are no text: records, jobs and entries, as brokers hold them.
//!
//!     cargo run --package fuzz --example seeds

use std::{
    error::Error,
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use prost::Message as _;
use proto::{
    Header, Job, Kind, encode_record,
    kafka::{Ask, Attend, BuryJob, ClaimJobs, Create, DeadJob, Entry, JobAsk, JobEntry, Open},
};
use stream::{Delta, DeltaKind, Epoch, Event, EventKind, ResponseId, Whole};

fn main() -> Result<(), Box<dyn Error>> {
    let header = || Header {
        tenant: "t".into(),
        user: "u".into(),
        model: "m".into(),
        grace_ms: 60_000,
        ..Header::default()
    };
    let created = Event::Whole(Whole { kind: EventKind::Created, body: r#"{"response":{"id":"r"}}"#.into() });
    let text = |kind, logprobs: Option<&str>| {
        let logprobs = logprobs.map(Into::into);
        Event::Delta(Delta { kind, output_index: 3, part_index: 1, text: "Grüße".into(), logprobs })
    };
    let (answer, arguments) =
        (text(DeltaKind::OutputText, Some("[]")), text(DeltaKind::FunctionArguments, None));
    let appended = UNIX_EPOCH + Duration::from_micros(5);
    let record = encode_record(Epoch(2), 17, &[created, answer, arguments], appended);
    let job = Job {
        id: ResponseId::from_parts(1, 7).with_start(5),
        header: header(),
        kind: Kind::Response,
        request: r#"{"model":"m"}"#.into(),
        trace: stream::TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        enqueued_at_us: 0,
    };
    let job = job.encode();
    let entry = |ask| Entry { process: 1, request: 2, ask: Some(ask) }.encode_to_vec();
    let of_jobs = |ask| JobEntry { process: 1, request: 2, ask: Some(ask) }.encode_to_vec();
    let create = Create { header: Some(header()), record: record.clone(), ttl_ms: 5 };
    let claim = ClaimJobs { worker: "w".into(), lease_ms: 2500, jobs: vec![1, -1], room: 2 };
    let dead =
        DeadJob { job: job.clone(), reason: "it cannot be read".into(), attempts: 5, enqueued_at_ms: 9 };
    for (name, message) in [
        (
            "resume",
            r#"{"type":"narthex:response.resume","response_id":"resp_1","starting_after":7,"stream_id":"a"}"#,
        ),
        (
            "create",
            r#"{"type":"response.create","model":"m","input":[{"role":"user","content":"Hi"}],"temperature":0.5}"#,
        ),
        ("credit", r#"{"type":"narthex:credit","events":5}"#),
    ] {
        let value: serde_json::Value = serde_json::from_str(message)?;
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/client_frame");
        fs::create_dir_all(&directory)?;
        fs::write(
            directory.join(format!("{name}.msgpack")),
            [b"m", &rmp_serde::to_vec_named(&value)?[..]].concat(),
        )?;
        let frame = proto::socket::ClientFrame { message: message.to_owned() };
        fs::write(directory.join(format!("{name}.proto")), [b"p", &frame.encode_to_vec()[..]].concat())?;
    }
    for (kind, name, bytes) in [
        ('r', "record", record.to_vec()),
        ('r', "opening", encode_record(Epoch(3), 20, &[], appended).to_vec()),
        ('j', "job", job.to_vec()),
        ('h', "header", header().encode_to_vec()),
        ('e', "append", entry(Ask::Append(record))),
        ('e', "create", entry(Ask::Create(create))),
        ('e', "open", entry(Ask::Open(Open { owner: "w".into(), if_never_opened: true }))),
        ('e', "attend", entry(Ask::Attend(Attend { gateway: "g".into(), lease_ms: 5 }))),
        ('q', "enqueue", of_jobs(JobAsk::Enqueue(job))),
        ('q', "claim", of_jobs(JobAsk::Claim(claim))),
        ('q', "bury", of_jobs(JobAsk::Bury(BuryJob { job: 4, reason: "r".into() }))),
        ('d', "dead", dead.encode_to_vec()),
    ] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/record");
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(name), [&[kind as u8][..], &bytes].concat())?;
    }
    Ok(())
}
