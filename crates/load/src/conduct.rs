//! A run, from the first connection to the report: when who does what, and when the watched processes are looked at.

use std::{io, time::Duration};

use tokio::time::{Instant, interval_at, sleep_until};

use crate::{
    Crew, Figures, Load, Order, Report, Told, Watch,
    gauge::{self, Taken},
    report::Looks,
};

/// How often memory is looked at, for the most that there is.
const LOOK: Duration = Duration::from_millis(250);

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Connections that stand.
    pub connections: u64,
    /// Pieces that came so far.
    pub tokens: u64,
    /// Streams under way.
    pub streams: u64,
    /// What has failed so far.
    pub failures: u64,
    /// Since the connections stand; `None` before.
    pub running: Option<Duration>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// A process of the generator ended early.
    #[error("a process of the load generator ended early; what it said is above")]
    Left,
    /// Not one connection stood. With what was said most often.
    #[error("no connection stood ({0}): is the server there, and may so many connect from here?")]
    NoConnection(String),
    /// A watched process cannot be seen.
    #[error("cannot look at a process: {0}")]
    Look(#[from] io::Error),
}

/// Lets `crew` do `load`, and looks at `watch` meanwhile. `settle` is waited before memory is looked at.
///
/// # Errors
/// When it cannot be done. What the servers do wrong stands in the report.
pub async fn conduct(
    load: &Load,
    mut crew: Crew,
    watch: &Watch,
    settle: Duration,
    mut show: impl FnMut(Progress),
) -> Result<Report, Failed> {
    let mut progress = Progress::default();
    let mut stage = Stage::default();
    while stage.connected < crew.orders.len() {
        stage.take(crew.told.recv().await, &mut progress)?;
        show(progress);
    }
    if progress.connections > 0 {
        tokio::time::sleep(settle).await;
    }
    let connected = watch.look()?;

    let begin = Instant::now();
    crew.order(Order::Go).await;
    let (from, until) = (begin + load.ramp, begin + load.ramp + load.duration);
    let (mut at_start, mut at_end) = (None, None);
    let mut most: Vec<u64> = connected.iter().map(|taken| taken.memory).collect();
    let mut looks = interval_at(begin + LOOK, LOOK);
    while stage.streamed < crew.orders.len() || at_end.is_none() {
        let next = if at_start.is_none() { from } else { until };
        tokio::select! {
            () = sleep_until(next), if at_end.is_none() => {
                let moment = if at_start.is_none() { &mut at_start } else { &mut at_end };
                *moment = Some((watch.look()?, gauge::look(&crew.pids).unwrap_or_default()));
            }
            told = crew.told.recv() => stage.take(told, &mut progress)?,
            _ = looks.tick() => {
                for (most, taken) in most.iter_mut().zip(watch.look()?) {
                    *most = (*most).max(taken.memory);
                }
                progress.running = Some(begin.elapsed());
                show(progress);
            }
        }
    }
    tokio::time::sleep(settle).await;
    let after = watch.look()?;
    crew.order(Order::End).await;
    while stage.done < crew.orders.len() {
        stage.take(crew.told.recv().await, &mut progress)?;
    }
    if progress.connections == 0 {
        let errors = stage.figures.errors.into_iter().max_by_key(|(_, count)| *count);
        return Err(Failed::NoConnection(errors.map(|(code, _)| code).unwrap_or_default()));
    }
    // Both are there, or the loop would not have ended.
    let (start, end): ((Vec<Taken>, Taken), _) = (at_start.unwrap_or_default(), at_end.unwrap_or_default());
    let looks = Looks { connected, start: start.0, end: end.0, most, after, own: (start.1, end.1) };
    Ok(Report::new(load, crew.orders.len(), &stage.figures, watch, &looks))
}

/// How many processes have come how far.
#[derive(Debug, Default)]
struct Stage {
    connected: usize,
    streamed: usize,
    done: usize,
    figures: Figures,
}

impl Stage {
    fn take(&mut self, told: Option<Option<Told>>, progress: &mut Progress) -> Result<(), Failed> {
        match told.flatten() {
            Some(Told::Connected { connections }) => {
                self.connected += 1;
                progress.connections += connections;
            }
            Some(Told::Progress { tokens, streams, failures }) => {
                (progress.tokens, progress.streams, progress.failures) = (tokens, streams, failures);
            }
            Some(Told::Streamed) => self.streamed += 1,
            Some(Told::Done(figures)) => {
                self.done += 1;
                self.figures.add(&figures);
            }
            None if self.done > 0 => {}
            None => return Err(Failed::Left),
        }
        Ok(())
    }
}
