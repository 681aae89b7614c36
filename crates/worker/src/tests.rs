mod clock;
mod composer;
mod outbox;
mod remember;
