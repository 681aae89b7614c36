//! The way from a gateway or worker to the broker, and all that can happen on it.
//!
//! Each member has a [`Line`] of its own. A call may fail, come late, take effect though its answer is lost, or take
//! effect twice, the second time much later; a live message may come late or never. While a member is cut off nothing
//! passes at all. What was not done to a call is as the broker does it.

mod control;
mod jobs;
mod live;
mod log;
mod store;

use std::{
    future::Future,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use broker::{Broker, Error};
use parking_lot::Mutex;
use tokio_util::task::TaskTracker;

use self::live::Ear;
use crate::{dice::Dice, journal::Journal, ledger::Ledger, life::Life};

/// How often what happens, as probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Weather {
    /// A call fails, and nothing was done.
    pub(crate) fail: f64,
    /// A call took effect, but seems to have failed.
    pub(crate) lose_answer: f64,
    /// A call takes effect twice.
    pub(crate) twice: f64,
    /// A call or its answer comes late.
    pub(crate) slow: f64,
    /// A live message is lost.
    pub(crate) lose_live: f64,
    /// A live message comes late, and those behind it with it.
    pub(crate) late_live: f64,
}

impl Weather {
    /// Some weather; in one of six seeds there is none.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        if dice.chance(1.0 / 6.0) {
            return Self::default();
        }
        Self {
            fail: dice.rate(0.08),
            lose_answer: dice.rate(0.08),
            twice: dice.rate(0.08),
            slow: dice.rate(0.3),
            lose_live: dice.rate(0.3),
            late_live: dice.rate(0.3),
        }
    }
}

/// One member's way to the broker.
pub(crate) struct Line {
    pub(crate) life: Life,
    journal: Journal,
    ledger: Arc<Ledger>,
    tasks: TaskTracker,
    dice: Mutex<Dice>,
    weather: Mutex<Weather>,
    is_cut: AtomicBool,
    ears: Mutex<Vec<Weak<Ear>>>,
}

/// What becomes of a call.
enum Fate {
    Fair,
    Fails(Duration),
    AnswerLost(Duration),
    Twice(Duration),
    Slow { before: Duration, after: Duration },
}

/// What all lines of a run share.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) seed: u64,
    pub(crate) journal: Journal,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) tasks: TaskTracker,
}

impl Line {
    pub(crate) fn new(around: &Surroundings, life: Life, weather: Weather) -> Arc<Self> {
        let dice = Mutex::new(Dice::new(around.seed, &format!("line of {}", life.name())));
        Arc::new(Self {
            journal: around.journal.clone(),
            ledger: Arc::clone(&around.ledger),
            tasks: around.tasks.clone(),
            dice,
            weather: Mutex::new(weather),
            is_cut: AtomicBool::new(false),
            ears: Mutex::default(),
            life,
        })
    }

    /// `broker`, as it is seen through this line.
    pub(crate) fn broker(self: &Arc<Self>, broker: &Broker) -> Broker {
        Broker {
            jobs: Arc::new(jobs::Jobs { line: Arc::clone(self), jobs: Arc::clone(&broker.jobs) }),
            log: Arc::new(log::Log { line: Arc::clone(self), log: Arc::clone(&broker.log) }),
            control: Arc::new(control::Controls {
                line: Arc::clone(self),
                control: Arc::clone(&broker.control),
            }),
            store: Arc::new(store::Values { line: Arc::clone(self), store: Arc::clone(&broker.store) }),
        }
    }

    pub(crate) fn set_weather(&self, weather: Weather) {
        *self.weather.lock() = weather;
    }

    /// Nothing passes any more.
    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }

    /// Everything passes again. As after every lost connection, listeners are told that they may have missed something.
    pub(crate) fn mend(&self) {
        if self.is_cut.swap(false, Ordering::Relaxed) {
            let ears: Vec<_> = self.ears.lock().iter().filter_map(Weak::upgrade).collect();
            ears.iter().for_each(|ear| ear.interrupt());
        }
    }

    fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }

    /// A call of the broker. `effect` begins it, perhaps twice.
    async fn call<T, E, F>(&self, what: &'static str, effect: impl Fn() -> F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.life.guard(self.call_now(what, effect)).await
    }

    async fn call_now<T, E, F>(&self, what: &'static str, effect: impl Fn() -> F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        if self.is_cut() {
            self.journal.count("calls cut off");
            tokio::time::sleep(Duration::from_millis(300)).await;
            return Err(Error::unavailable("cut off").into());
        }
        match self.fate(what) {
            Fate::Fair => effect().await,
            Fate::Fails(after) => {
                tokio::time::sleep(after).await;
                Err(Error::unavailable("failed").into())
            }
            Fate::AnswerLost(after) => {
                let _ = effect().await;
                tokio::time::sleep(after).await;
                Err(Error::unavailable("answer lost").into())
            }
            Fate::Twice(later) => {
                let again = effect();
                self.tasks.spawn(async move {
                    tokio::time::sleep(later).await;
                    let _ = again.await;
                });
                effect().await
            }
            Fate::Slow { before, after } => {
                tokio::time::sleep(before).await;
                let result = effect().await;
                tokio::time::sleep(after).await;
                result
            }
        }
    }

    fn fate(&self, what: &'static str) -> Fate {
        let (weather, mut dice) = (*self.weather.lock(), self.dice.lock());
        let (fate, name) = if dice.chance(weather.fail) {
            (Fate::Fails(dice.skewed_millis(0..=500)), "calls failed")
        } else if dice.chance(weather.lose_answer) {
            (Fate::AnswerLost(dice.skewed_millis(0..=500)), "answers lost")
        } else if what != "claim" && dice.chance(weather.twice) {
            // A claim that nobody sees is what a lost answer makes already.
            (Fate::Twice(dice.skewed_millis(0..=3000)), "calls doubled")
        } else if dice.chance(weather.slow) {
            let (before, after) = (dice.skewed_millis(0..=400), dice.skewed_millis(0..=400));
            (Fate::Slow { before, after }, "calls delayed")
        } else {
            return Fate::Fair;
        };
        drop(dice);
        self.journal.count(name);
        self.journal.note(format_args!("{}: {what}: {name}", self.life.name()));
        fate
    }
}
