//! Beginning spans, and the seam behind which they go somewhere.

use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use stream::TraceContext;

use crate::{Span, Value};

/// Where spans go.
pub trait Recorder: Send + Sync + fmt::Debug {
    /// Begins a span: under its parent, or as the first of a new trace. Must be quick and not block.
    fn begin(&self, beginning: Beginning<'_>) -> Box<dyn Recording>;
}

/// A span under way. It ends when it is dropped; that must not block either.
pub trait Recording: Send + Sync {
    /// What is handed on. A trace that was decided not to be recorded has one, too; `None` if nothing is traced any more.
    fn context(&self) -> Option<TraceContext>;

    /// Tells more about it.
    fn set(&mut self, key: &'static str, value: Value);

    /// Something happened, now.
    fn event(&mut self, name: &'static str);

    /// It failed: `kind` is a name of few, never a message.
    fn fail(&mut self, kind: &str);
}

/// How a span begins.
#[derive(Debug, Clone)]
pub struct Beginning<'a> {
    /// What is done: a name of few.
    pub name: Cow<'static, str>,
    /// On which side of a call it is.
    pub kind: Kind,
    /// Under which span; `None` for the first of a new trace.
    pub parent: Option<&'a TraceContext>,
    /// When it began, if that was earlier.
    pub since: Option<SystemTime>,
    /// Another trace that has to do with it.
    pub link: Option<&'a TraceContext>,
}

/// On which side of a call a span is, as OpenTelemetry has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Within one process.
    Internal,
    /// It answers somebody's request.
    Server,
    /// It asks another server.
    Client,
    /// It gives something to be done later.
    Producer,
    /// It does what was given.
    Consumer,
}

/// Which responses are told of although their traces are not recorded: by one span of their worker, made at their end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Exceptions {
    /// Those that fail.
    pub failed: bool,
    /// Those that take their worker longer than this.
    pub slower_than: Option<Duration>,
}

/// Begins spans. Cloning shares it; the default one records nothing.
#[derive(Debug, Clone, Default)]
pub struct Tracer {
    recorder: Option<Arc<dyn Recorder>>,
    exceptions: Exceptions,
}

impl Tracer {
    /// One whose spans go to `recorder`.
    pub fn new(recorder: Arc<dyn Recorder>, exceptions: Exceptions) -> Self {
        Self { recorder: Some(recorder), exceptions }
    }

    /// Whether a response is told of that ended so, although its trace is not recorded.
    pub fn excepts(&self, failed: bool, took: Duration) -> bool {
        let Exceptions { failed: all_failed, slower_than } = self.exceptions;
        self.recorder.is_some() && (failed && all_failed || slower_than.is_some_and(|bound| took > bound))
    }

    /// Begins a span under `parent`; without one, the first of a new trace.
    pub fn span(
        &self,
        kind: Kind,
        name: impl Into<Cow<'static, str>>,
        parent: Option<&TraceContext>,
    ) -> Span {
        self.begin(Beginning { name: name.into(), kind, parent, since: None, link: None })
    }

    /// A span that began earlier.
    pub fn since(&self, since: SystemTime, name: &'static str, parent: Option<&TraceContext>) -> Span {
        self.begin(Beginning {
            name: name.into(),
            kind: Kind::Internal,
            parent,
            since: Some(since),
            link: None,
        })
    }

    /// Begins a span.
    pub fn begin(&self, beginning: Beginning<'_>) -> Span {
        let parent = beginning.parent;
        let is_recorded = parent.is_none_or(TraceContext::is_sampled);
        match &self.recorder {
            Some(recorder) if is_recorded => Span::of(recorder.begin(beginning), parent),
            _ => Span::handing_on(parent.cloned()),
        }
    }
}
