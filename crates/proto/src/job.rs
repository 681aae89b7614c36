//! The order to produce a response, to and from bytes.

use bytes::{Bytes, BytesMut};
use prost::Message as _;
use stream::{ResponseId, TraceContext};

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
    /// The span that enqueued it; `None` if it is not traced.
    pub trace: Option<TraceContext>,
    /// When it was enqueued, by the gateway's clock, in microseconds since 1970; 0 if nobody said.
    pub enqueued_at_us: u64,
}

impl Header {
    /// The span of the request, under which all that is done for the response belongs; `None` if it is not traced.
    pub fn trace(&self) -> Option<TraceContext> {
        Some(TraceContext::parse(&self.traceparent)?.with_state(&self.tracestate))
    }

    /// The same header for a response with this trace.
    #[must_use]
    pub fn with_trace(self, trace: Option<&TraceContext>) -> Self {
        let traceparent = trace.map(TraceContext::traceparent).unwrap_or_default();
        let tracestate = trace.map(|trace| trace.state().to_owned()).unwrap_or_default();
        Self { traceparent, tracestate, ..self }
    }
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
            traceparent: self.trace.as_ref().map(TraceContext::traceparent).unwrap_or_default(),
            enqueued_at_us: self.enqueued_at_us,
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
        let header = job.header.ok_or(Invalid::Part("header"))?;
        let random = job.random.as_ref().try_into().map_err(|_| Invalid::Part("response id"))?;
        Ok(Self {
            id: ResponseId::from_parts(partition, u128::from_be_bytes(random)).with_start(job.start),
            kind: Kind::try_from(job.kind).map_err(|_| Invalid::Part("kind of job"))?,
            request: job.request,
            // What is no trace context is none: tracing breaks no response.
            trace: TraceContext::parse(&job.traceparent).map(|trace| trace.with_state(&header.tracestate)),
            enqueued_at_us: job.enqueued_at_us,
            header,
        })
    }
}
