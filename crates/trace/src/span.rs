//! One span.

use std::{borrow::Cow, fmt};

use stream::{TraceContext, TraceId};

use crate::tracer::Recording;

/// Something that is done. It ends when this is dropped.
#[derive(Default)]
pub struct Span {
    context: Option<TraceContext>,
    recording: Option<Box<dyn Recording>>,
}

/// What an attribute says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
    /// Several texts.
    Texts(Vec<Cow<'static, str>>),
}

impl Span {
    pub(crate) fn of(recording: Box<dyn Recording>, parent: Option<&TraceContext>) -> Self {
        let Some(context) = recording.context() else { return Self::handing_on(parent.cloned()) };
        let recording = context.is_sampled().then_some(recording);
        Self { context: Some(context), recording }
    }

    /// A span that is not recorded: what comes under it belongs where it would have belonged.
    pub const fn handing_on(context: Option<TraceContext>) -> Self {
        Self { context, recording: None }
    }

    /// Under what that belongs which is done for this: to hand on, in this process and to others. `None` if nothing is traced.
    pub const fn context(&self) -> Option<&TraceContext> {
        self.context.as_ref()
    }

    /// The trace's name, for the log.
    pub fn trace_id(&self) -> Option<TraceId> {
        self.context.as_ref().map(TraceContext::trace_id)
    }

    /// Whether it is recorded: then what it takes to tell of it is worth while.
    pub const fn is_recorded(&self) -> bool {
        self.recording.is_some()
    }

    /// Tells more about it.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(recording) = &mut self.recording {
            recording.set(key, value.into());
        }
    }

    /// Tells more about it that takes some making.
    pub fn set_with<V: Into<Value>>(&mut self, key: &'static str, value: impl FnOnce() -> V) {
        if let Some(recording) = &mut self.recording {
            recording.set(key, value().into());
        }
    }

    /// Something happened, now.
    pub fn event(&mut self, name: &'static str) {
        if let Some(recording) = &mut self.recording {
            recording.event(name);
        }
    }

    /// It failed: `kind` is a name of few, never a message.
    pub fn fail(&mut self, kind: &str) {
        if let Some(recording) = &mut self.recording {
            recording.fail(kind);
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Span").field(&self.context).finish()
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::from(number as u64)
    }
}
