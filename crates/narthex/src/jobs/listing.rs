//! `narthex jobs list`: the queues, and their jobs.

use std::{fmt::Write, time::Duration};

use anstyle::{AnsiColor, Style};
use broker::{Backlog, Broker, Error, JobEntry, JobState, JobStatus};
use serde_json::{Value, json};

use super::{
    args::{List, State},
    failed,
    words::{duration, kind, millis, note, state},
};
use crate::{
    failure::Failure,
    table::{Cell, Table, harmless},
};

/// How many jobs of each queue and state are looked at. Those that are stuck because they wait are the first of them.
const LOOKED_AT: usize = 1_000;

const DEAD: Style = AnsiColor::Red.on_default();
const STUCK: Style = AnsiColor::Yellow.on_default();
const FAINT: Style = Style::new().dimmed();

/// What is in the queues, as far as it was asked for.
pub(super) struct Listing {
    /// The only model that was asked for, if it was one.
    model: Option<String>,
    queues: Vec<Queue>,
    jobs: Vec<Listed>,
    /// How many more jobs were found than are listed.
    more: usize,
    /// What this broker cannot list.
    untold: Vec<JobStatus>,
}

struct Queue {
    backlog: Backlog,
    stuck: usize,
}

struct Listed {
    entry: JobEntry,
    is_stuck: bool,
}

impl Listing {
    /// Asks the broker.
    pub(super) async fn collect(broker: &Broker, asked: &List) -> Result<Self, Failure> {
        let model = asked.model.clone();
        let mut listing = Self { model, queues: Vec::new(), jobs: Vec::new(), more: 0, untold: Vec::new() };
        let backlogs = broker.jobs.queues().await.map_err(failed)?;
        let is_asked_for = |backlog: &Backlog| asked.model.as_ref().is_none_or(|name| *name == backlog.model);
        for backlog in backlogs.into_iter().filter(is_asked_for) {
            let mut stuck = 0;
            for status in [JobStatus::Claimed, JobStatus::Waiting, JobStatus::Dead] {
                let jobs = listing.look(broker, &backlog, status).await?;
                let jobs = jobs.into_iter().map(|entry| Listed::new(entry, asked.stuck_after()));
                let jobs: Vec<_> = jobs.inspect(|job| stuck += usize::from(job.is_stuck)).collect();
                listing.jobs.extend(jobs.into_iter().filter(|job| job.is_in(asked.state)));
            }
            listing.queues.push(Queue { backlog, stuck });
        }
        listing.more = listing.jobs.len().saturating_sub(asked.max());
        listing.jobs.truncate(asked.max());
        Ok(listing)
    }

    async fn look(
        &mut self,
        broker: &Broker,
        backlog: &Backlog,
        status: JobStatus,
    ) -> Result<Vec<JobEntry>, Failure> {
        match broker.jobs.list(&backlog.model, status, LOOKED_AT).await {
            Err(Error::Unsupported(_)) => {
                if !self.untold.contains(&status) {
                    self.untold.push(status);
                }
                Ok(Vec::new())
            }
            jobs => jobs.map_err(failed),
        }
    }

    pub(super) fn to_table(&self) -> String {
        if self.queues.is_empty() {
            let of = self
                .model
                .as_ref()
                .map_or_else(String::new, |name| format!(" of the model {}", harmless(name)));
            return format!("There are no jobs{of}: none waits, none is claimed, none is dead.\n");
        }
        let mut queues = Table::new(&["QUEUE", "#WAITING", "#CLAIMED", "#STUCK", "#DEAD", "OLDEST"]);
        for Queue { backlog, stuck } in &self.queues {
            let depth = backlog.depth;
            queues.push(vec![
                Cell::text(&backlog.model),
                Cell::number(depth.waiting),
                Cell::number(depth.claimed),
                Cell::number(stuck).styled(if *stuck > 0 { STUCK } else { Style::new() }),
                Cell::number(depth.dead).styled(if depth.dead > 0 { DEAD } else { Style::new() }),
                Cell::text(&backlog.oldest.map_or_else(|| "-".to_owned(), duration)),
            ]);
        }
        let mut out = queues.to_text();
        if !self.jobs.is_empty() {
            out.push('\n');
            out.push_str(&self.jobs_table().to_text());
        }
        if self.more > 0 {
            let _ = writeln!(
                out,
                "{FAINT}{} more: --max lists them, --state and --model choose{FAINT:#}",
                self.more
            );
        }
        for status in &self.untold {
            let _ =
                writeln!(out, "{FAINT}this broker cannot list the jobs that are {}{FAINT:#}", name(*status));
        }
        out
    }

    fn jobs_table(&self) -> Table {
        let header = ["STATE", "RESPONSE", "MODEL", "AGE", "#ATTEMPTS", "OWNER", "KIND", "NOTE"];
        let mut table = Table::new(&header);
        for job in &self.jobs {
            let JobEntry { id, header, attempts, age, .. } = &job.entry;
            let background = if header.background { ", background" } else { "" };
            table.push(vec![
                Cell::text(if job.is_stuck { "stuck" } else { state(&job.entry) }).styled(job.style()),
                Cell::text(&id.to_string()),
                Cell::text(&header.model),
                Cell::text(&duration(*age)),
                Cell::number(attempts),
                Cell::text(&format!("{}/{}", header.tenant, header.user)),
                Cell::text(&format!("{}{background}", kind(job.entry.kind))),
                Cell::text(&job.note()),
            ]);
        }
        table
    }

    pub(super) fn to_json(&self) -> Value {
        let queues = self.queues.iter().map(|Queue { backlog, stuck }| {
            let depth = backlog.depth;
            json!({
                "model": backlog.model,
                "waiting": depth.waiting,
                "claimed": depth.claimed,
                "stuck": stuck,
                "dead": depth.dead,
                "oldest_waiting_ms": backlog.oldest.map(millis),
            })
        });
        let jobs = self.jobs.iter().map(|job| {
            let mut told = entry_json(&job.entry);
            told["stuck"] = job.is_stuck.into();
            told
        });
        json!({
            "queues": queues.collect::<Vec<_>>(),
            "jobs": jobs.collect::<Vec<_>>(),
            "more": self.more,
            "untold": self.untold.iter().map(|status| name(*status)).collect::<Vec<_>>(),
        })
    }
}

impl Listed {
    fn new(entry: JobEntry, patience: Duration) -> Self {
        let is_late = match &entry.state {
            JobState::Waiting => entry.age > patience,
            JobState::Claimed { quiet, .. } => *quiet > patience,
            JobState::Dead { .. } => return Self { entry, is_stuck: false },
        };
        Self { is_stuck: is_late || entry.attempts > 1, entry }
    }

    fn is_in(&self, state: Option<State>) -> bool {
        match state {
            None => true,
            Some(State::Stuck) => self.is_stuck,
            Some(State::Waiting) => self.entry.state.status() == JobStatus::Waiting,
            Some(State::Claimed) => self.entry.state.status() == JobStatus::Claimed,
            Some(State::Dead) => self.entry.state.status() == JobStatus::Dead,
        }
    }

    /// What its state does not say yet.
    fn note(&self) -> String {
        let note = note(&self.entry);
        if self.is_stuck { format!("{} {note}", state(&self.entry)) } else { note }
    }

    const fn style(&self) -> Style {
        match self.entry.state {
            JobState::Dead { .. } => DEAD,
            _ if self.is_stuck => STUCK,
            _ => Style::new(),
        }
    }
}

const fn name(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Waiting => "waiting",
        JobStatus::Claimed => "claimed",
        JobStatus::Dead => "dead",
    }
}

/// All that is told of a job but its request.
pub(super) fn entry_json(entry: &JobEntry) -> Value {
    let header = &entry.header;
    let mut told = json!({
        "response": entry.id.to_string(),
        "state": state(entry),
        "model": header.model,
        "attempts": entry.attempts,
        "age_ms": millis(entry.age),
        "tenant": header.tenant,
        "user": header.user,
        "background": header.background,
        "store": header.store,
        "kind": kind(entry.kind),
    });
    match &entry.state {
        JobState::Waiting => {}
        JobState::Claimed { worker, quiet } => {
            told["worker"] = worker.as_str().into();
            told["quiet_ms"] = millis(*quiet).into();
        }
        JobState::Dead { reason, since } => {
            told["reason"] = reason.as_str().into();
            told["dead_ms"] = millis(*since).into();
        }
    }
    told
}
