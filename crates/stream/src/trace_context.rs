//! Where in a trace something happens, as W3C Trace Context has it: <https://www.w3.org/TR/trace-context/>.

use std::{fmt, sync::Arc};

/// The longest `tracestate` that is handed on. The standard asks for at least so many characters.
const MAX_STATE: usize = 512;

/// At most so many members of a `tracestate`.
const MAX_MEMBERS: usize = 32;

const SAMPLED: u8 = 0b1;

/// A trace, and the span in it under which what comes next belongs.
#[derive(Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
    state: Option<Arc<str>>,
}

impl TraceContext {
    /// The span `span_id` of the trace `trace_id`; `None` if one of them is zero, which is no id.
    pub const fn new(trace_id: u128, span_id: u64, is_sampled: bool) -> Option<Self> {
        if trace_id == 0 || span_id == 0 {
            return None;
        }
        Some(Self { trace_id, span_id, flags: if is_sampled { SAMPLED } else { 0 }, state: None })
    }

    /// What a `traceparent` says: `version-trace-parent-flags` in lower-case hexadecimal. `None` if it is malformed: it is
    /// ignored then, as tracing breaks no request. Of a later version the parts that this one knows count.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let (known, later) = traceparent.split_at_checked(55)?;
        let mut parts = known.split('-');
        let version = hex(parts.next()?, 2)?;
        let (trace_id, span_id) = (hex(parts.next()?, 32)?, hex(parts.next()?, 16)?);
        let flags = hex(parts.next()?, 2)?;
        let is_whole = parts.next().is_none()
            && match version {
                0 => later.is_empty(),
                0xff => false,
                _ => later.is_empty() || later.starts_with('-'),
            };
        let context = Self::new(trace_id, u64::try_from(span_id).ok()?, flags & u128::from(SAMPLED) != 0)?;
        is_whole.then_some(context)
    }

    /// The same with what other tracing systems add, their `tracestate`. One that is malformed or too long is left out.
    #[must_use]
    pub fn with_state(self, tracestate: &str) -> Self {
        Self { state: is_state(tracestate).then(|| tracestate.into()), ..self }
    }

    /// The trace.
    pub const fn trace_id(&self) -> TraceId {
        TraceId(self.trace_id)
    }

    /// The span.
    pub const fn span_id(&self) -> u64 {
        self.span_id
    }

    /// Whether the trace is recorded.
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The same, recorded.
    #[must_use]
    pub fn sampled(&self) -> Self {
        Self { flags: self.flags | SAMPLED, ..self.clone() }
    }

    /// The `tracestate`; empty if there is none.
    pub fn state(&self) -> &str {
        self.state.as_deref().unwrap_or_default()
    }

    /// The `traceparent`.
    pub fn traceparent(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of a trace: 32 hexadecimal digits, as every tool shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl TraceId {
    /// The bits.
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A number of exactly so many lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (text.len() == digits && is_hex).then(|| u128::from_str_radix(text, 16).ok())?
}

/// Whether `text` is a list of `key=value`, of a length that is handed on.
fn is_state(text: &str) -> bool {
    let is_member = |member: &str| {
        let Some((key, value)) = member.trim_matches([' ', '\t']).split_once('=') else { return false };
        let is_key = |b: u8| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'*' | b'/' | b'@')
        };
        let is_value = |b: u8| (0x20..0x7f).contains(&b) && b != b'=';
        (1..=256).contains(&key.len()) && key.bytes().all(is_key) && value.bytes().all(is_value)
    };
    !text.is_empty()
        && text.len() <= MAX_STATE
        && text.split(',').count() <= MAX_MEMBERS
        && text.split(',').all(is_member)
}

#[cfg(test)]
mod tests;
