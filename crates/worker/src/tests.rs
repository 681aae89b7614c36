mod clock;
mod composer;
mod lives;
mod outbox;
mod pool;
mod remember;
mod running;
