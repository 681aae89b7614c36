//! The names of attributes, in one place.

/// Names of attributes: OpenTelemetry's conventions where they have one (`gen_ai`, `messaging`, `error`, `http`), and
/// `narthex.…` where they have none.
pub mod key {
    /// What is asked of a model: `chat`.
    pub const OPERATION: &str = "gen_ai.operation.name";
    /// Whose interface is spoken.
    pub const PROVIDER: &str = "gen_ai.provider.name";
    /// The model that was asked for, once it is known to be served.
    pub const MODEL: &str = "gen_ai.request.model";
    /// The response.
    pub const RESPONSE: &str = "gen_ai.response.id";
    /// How the answer ended.
    pub const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
    /// What the answer cost.
    pub const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
    /// What the answer cost.
    pub const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
    /// Which broker.
    pub const SYSTEM: &str = "messaging.system";
    /// The queue: its model.
    pub const DESTINATION: &str = "messaging.destination.name";
    /// What is done with a message.
    pub const MESSAGING_OPERATION: &str = "messaging.operation.name";
    /// The same, of few.
    pub const MESSAGING_OPERATION_TYPE: &str = "messaging.operation.type";
    /// The job: its response.
    pub const MESSAGE: &str = "messaging.message.id";
    /// Which process.
    pub const CLIENT: &str = "messaging.client.id";
    /// How many events.
    pub const BATCH: &str = "messaging.batch.message_count";
    /// What went wrong.
    pub const ERROR: &str = "error.type";
    /// By what the client came.
    pub const TRANSPORT: &str = "narthex.transport";
    /// How the response ended.
    pub const OUTCOME: &str = "narthex.outcome";
    /// How often the job was claimed.
    pub const ATTEMPT: &str = "narthex.attempt";
    /// The worker's term.
    pub const EPOCH: &str = "narthex.epoch";
    /// The first event's number.
    pub const FIRST_EVENT: &str = "narthex.event.first";
    /// Which of the response's appends, or calls of a model server.
    pub const NUMBER: &str = "narthex.number";
    /// How many tokens were told.
    pub const TOKENS: &str = "narthex.tokens";
}
