mod clock;
mod composer;
mod guarding;
mod lives;
mod outbox;
mod pool;
mod remember;
mod running;
