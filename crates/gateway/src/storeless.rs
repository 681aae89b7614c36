//! What clients are told where the broker keeps no state by key: what is off, and which setting turns it on.

use protocol::ApiError;

use crate::gateway::Shared;

impl Shared {
    /// Refuses a request with an idempotency key that nobody would remember.
    pub(crate) fn check_keys_are_kept(&self) -> Result<(), ApiError> {
        let Some(setting) = self.broker.store.missing() else { return Ok(()) };
        Err(ApiError::invalid(
            "idempotency_key",
            "idempotency_unsupported",
            format!(
                "Idempotency keys are off here: this service keeps no state ({setting} is not set). Send the request without \
                 one."
            ),
        ))
    }

    /// Refuses to continue a response that only its own connection remembers.
    pub(crate) fn check_conversations_are_kept(&self, id: &str) -> Result<(), ApiError> {
        let Some(setting) = self.broker.store.missing() else { return Ok(()) };
        let message = format!(
            "Previous response with id '{id}' was not found: this service keeps no conversations ({setting} is not set). \
             Continue it on the WebSocket that it was made on, or send the whole conversation as input."
        );
        Err(ApiError { message, ..ApiError::previous_response_not_found(id) })
    }

    /// There is no such response, or it is somebody else's, or it is no longer kept: all look the same.
    pub(crate) fn response_not_found(&self, id: &str) -> ApiError {
        let error = ApiError::response_not_found(id);
        let Some(setting) = self.broker.store.missing() else { return error };
        let message = format!(
            "{} This service keeps no responses ({setting} is not set): one can be read until its stream expires, and its \
             input not at all.",
            error.message
        );
        ApiError { message, ..error }
    }
}
