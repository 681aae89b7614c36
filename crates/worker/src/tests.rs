mod clock;
mod composer;
mod outbox;
