//! Who is connected: how many there are in all, and from where.
//!
//! One more than allowed is told so, as long as that is no burden; a flood is not even answered.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use governor::{RateLimiter, middleware::NoOpMiddleware, nanos::Nanos, state::keyed::HashMapStateStore};
use parking_lot::Mutex;
use protocol::{ApiError, ErrorType};
use tokio_util::sync::CancellationToken;

use super::{clock::TokioClock, pace};
use crate::Limits;

/// Beyond a limit, so many in a hundred are still told why they are refused.
const TOLD_PERCENT: usize = 10;

const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// All connections of a gateway. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Crowd(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Limits,
    total: AtomicUsize,
    by_origin: Mutex<HashMap<Origin, usize>>,
    arrivals: Option<Arrivals>,
}

type Arrivals = RateLimiter<Origin, HashMapStateStore<Origin>, TokioClock, NoOpMiddleware<Nanos>>;

/// Where connections come from, as far as it is one client's: an IPv4 address, or a network of IPv6 as a household has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Origin(IpAddr);

/// A connection's place among all. Free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    crowd: Crowd,
    origin: Option<Origin>,
    is_counted: bool,
}

/// What becomes of a new connection.
#[derive(Debug)]
pub(crate) enum Entry {
    /// It is served.
    Serve(Seat),
    /// It hears why it is not.
    Refuse(Seat, ApiError),
    /// It is dropped.
    Drop,
}

impl Crowd {
    pub(crate) fn new(limits: &Limits) -> Self {
        let arrivals = pace(limits.arrivals_per_second, limits.arrivals_burst)
            .map(|pace| RateLimiter::hashmap_with_clock(pace, TokioClock::new()));
        let (total, by_origin) = (AtomicUsize::new(0), Mutex::default());
        Self(Arc::new(Inner { limits: limits.clone(), total, by_origin, arrivals }))
    }

    /// A connection has come: from a client at `address`, or from a proxy, whose clients [are told apart](Self::admit) later.
    pub(crate) fn enter(&self, address: Option<IpAddr>) -> Entry {
        let max = self.0.limits.max_connections;
        let total = self.0.total.fetch_add(1, Ordering::Relaxed) + 1;
        let seat = Seat { crowd: self.clone(), origin: None, is_counted: true };
        if is_over(total, max) {
            let message = format!("This gateway has {max} connections, which is its limit. Try again soon.");
            return refuse(seat, total, max, ApiError::server("overloaded", message));
        }
        match address {
            Some(address) => self.seat(seat, Origin::of(address)),
            None => Entry::Serve(seat),
        }
    }

    /// A client at `address` wants to stay, and came by a proxy.
    pub(crate) fn admit(&self, address: IpAddr) -> Result<Seat, ApiError> {
        let seat = Seat { crowd: self.clone(), origin: None, is_counted: false };
        match self.seat(seat, Origin::of(address)) {
            Entry::Serve(seat) => Ok(seat),
            Entry::Refuse(_, error) => Err(error),
            Entry::Drop => Err(too_many(self.0.limits.max_connections_per_address)),
        }
    }

    fn seat(&self, mut seat: Seat, origin: Origin) -> Entry {
        let Inner { limits, by_origin, arrivals, .. } = &*self.0;
        let count = {
            let mut by_origin = by_origin.lock();
            let count = by_origin.entry(origin).or_default();
            *count += 1;
            *count
        };
        seat.origin = Some(origin);
        let max = limits.max_connections_per_address;
        if is_over(count, max) {
            return refuse(seat, count, max, too_many(max));
        }
        if arrivals.as_ref().is_some_and(|arrivals| arrivals.check_key(&origin).is_err()) {
            return Entry::Refuse(seat, too_fast(limits.arrivals_per_second));
        }
        Entry::Serve(seat)
    }

    /// Forgets, again and again until `done`, who has not come for a while.
    pub(crate) async fn keep(self, done: CancellationToken) {
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
        while done.run_until_cancelled(ticks.tick()).await.is_some() {
            self.sweep();
        }
    }

    fn sweep(&self) {
        if let Some(arrivals) = &self.0.arrivals {
            arrivals.retain_recent();
        }
    }
}

fn is_over(count: usize, max: usize) -> bool {
    max > 0 && count > max
}

fn refuse(seat: Seat, count: usize, max: usize, error: ApiError) -> Entry {
    if count > max + (max * TOLD_PERCENT / 100).max(1) { Entry::Drop } else { Entry::Refuse(seat, error) }
}

fn too_many(max: usize) -> ApiError {
    let message = format!(
        "There are {max} connections from this address, which is the limit. Close one, or share them."
    );
    ApiError::new(ErrorType::TooManyRequests, "too_many_connections", message)
}

fn too_fast(per_second: u32) -> ApiError {
    let message = format!(
        "More than {per_second} connections a second come from this address. Wait, and keep them open."
    );
    ApiError::new(ErrorType::TooManyRequests, "too_many_connections", message)
}

impl Origin {
    fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) & (u128::MAX << 64);
                Ipv6Addr::from(network).into()
            }
            address => address,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Inner { total, by_origin, .. } = &*self.crowd.0;
        if self.is_counted {
            total.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(origin) = self.origin {
            let mut by_origin = by_origin.lock();
            if let Some(count) = by_origin.get_mut(&origin) {
                *count -= 1;
                if *count == 0 {
                    by_origin.remove(&origin);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
