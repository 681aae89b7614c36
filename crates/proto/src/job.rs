//! The order to produce a response, to and from bytes.

use bytes::{Bytes, BytesMut};
use prost::Message as _;
use stream::ResponseId;

use crate::{Header, Invalid, Kind, generated};

/// The durable order to produce a response.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The response to produce.
    pub id: ResponseId,
    /// What is fixed about it.
    pub header: Header,
    /// A response, or a compaction.
    pub kind: Kind,
    /// What to produce: a `protocol::Request` as JSON, with the whole conversation in its input.
    pub request: Bytes,
    /// W3C trace context of the request; empty if there is none.
    pub traceparent: String,
}

impl Job {
    /// The job's bytes.
    pub fn encode(&self) -> Bytes {
        let job = generated::Job {
            partition: self.id.partition().into(),
            start: self.id.start(),
            random: Bytes::copy_from_slice(&self.id.random_bits().to_be_bytes()),
            header: Some(self.header.clone()),
            request: self.request.clone(),
            traceparent: self.traceparent.clone(),
            kind: self.kind.into(),
        };
        let mut bytes = BytesMut::with_capacity(job.encoded_len());
        // Cannot fail: the buffer grows.
        let _ = job.encode(&mut bytes);
        bytes.freeze()
    }

    /// The job in `bytes`.
    ///
    /// # Errors
    /// When the bytes are not a job.
    pub fn decode(bytes: &[u8]) -> Result<Self, Invalid> {
        let job = generated::Job::decode(bytes)?;
        let partition = job.partition.try_into().map_err(|_| Invalid::Part("partition"))?;
        let random = job.random.as_ref().try_into().map_err(|_| Invalid::Part("response id"))?;
        Ok(Self {
            id: ResponseId::from_parts(partition, u128::from_be_bytes(random)).with_start(job.start),
            kind: Kind::try_from(job.kind).map_err(|_| Invalid::Part("kind of job"))?,
            header: job.header.ok_or(Invalid::Part("header"))?,
            request: job.request,
            traceparent: job.traceparent,
        })
    }
}
