//! How large a world the checker looks at, and what is missing from it.

/// Which records a log takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogKind {
    /// Those that its own check lets in, and its writer hears which: memory, Redis, Kafka.
    Checked,
    /// All. Its readers judge by the fence. No broker is such a log today.
    Accepting,
}

/// How much may go wrong. Each fault that happens is one less of its kind: so every run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Faults {
    /// Gateways that die while they take a request in or end a response.
    pub gateway_crashes: u8,
    /// Claims that run out. Their worker has died; or it was paused, slow or cut off, and goes on later, from any point.
    pub lapses: u8,
    /// Answers of the broker that are lost after it did what it was asked.
    pub lost_answers: u8,
    /// Reads that the broker does not answer.
    pub failed_reads: u8,
    /// Calls of the model that break off and cannot be continued.
    pub broken_calls: u8,
    /// Clients that cancel.
    pub cancels: u8,
    /// Readers that go to another gateway, and read from the beginning of the log again.
    pub resumes: u8,
}

/// The size of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// What the log takes.
    pub log: LogKind,
    /// How many gateways take one request each, whose client then reads the response.
    pub gateways: usize,
    /// Whether all requests bear the same idempotency key; otherwise they bear none.
    pub same_key: bool,
    /// How many workers there are.
    pub workers: usize,
    /// How many tokens the model says.
    pub tokens: usize,
    /// What may go wrong.
    pub faults: Faults,
    /// The safeguard that is left out.
    pub without: Option<Safeguard>,
}

/// What the protocol stands on. Without any one of them the checker finds a way to break it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safeguard {
    /// The log refuses appends of an epoch that is over.
    FenceAtAppend,
    /// The log knows an append again that it has taken already.
    RepeatedAppend,
    /// A worker opens its epoch before it reads what there is.
    OpenBeforeRead,
    /// Readers of an accepting log judge by the fence.
    FenceAtRead,
    /// Readers of an accepting log read all of it in order, its openings too: no live path that may lose.
    ReadInOrder,
    /// Readers show nothing but the next number.
    NextNumberOnly,
    /// Who opens an epoch in an accepting log knows its own opening by its place there, not by its epoch alone.
    OwnOpening,
    /// Who ends a stream in an accepting log reads whether its end counts, before it tells the queue.
    OwnEnd,
    /// The job is enqueued before the client hears that its request was accepted.
    EnqueueBeforeTold,
    /// A key is inserted only if it is not there, in one step.
    KeyInsert,
    /// A job whose response has one already is not enqueued again.
    KnownJob,
    /// A stream that cannot be read is not taken for one that has its job.
    FailedLook,
    /// A response is stored after its end stands in the log, and so only by whom the fence has let end it.
    StoreAfterEnd,
    /// Who claims the job of a response that has ended stores what the log says, if nobody has.
    RecoverEnd,
}

impl Bounds {
    /// Whether the world has this safeguard.
    pub fn has(&self, safeguard: Safeguard) -> bool {
        self.without != Some(safeguard)
    }

    /// How many terms of ownership one response can take: one, a few to spare, and two for each fault, its
    /// victim's and its successor's.
    ///
    /// More would mean that workers take a response from each other without a fault, perhaps for ever. It is also what
    /// shows that every run ends.
    pub(crate) fn max_terms(&self) -> usize {
        let Faults { gateway_crashes, lapses, lost_answers, broken_calls, cancels, .. } = self.faults;
        let faults = [gateway_crashes, lapses, lost_answers, broken_calls, cancels];
        4 + 2 * faults.map(usize::from).iter().sum::<usize>()
    }

    /// The same world without this safeguard.
    #[must_use]
    pub const fn without(self, safeguard: Safeguard) -> Self {
        Self { without: Some(safeguard), ..self }
    }
}
