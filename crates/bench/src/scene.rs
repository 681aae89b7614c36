//! The scenes: what is set up, and what is asked for.

mod beside;
mod connections;
mod pair;

use std::{io, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use load::{Crew, Dialect, Expect, Load, Progress, Watch, Watched};
use tokio::process::Command;

use crate::{
    arguments::{Arguments, Scene},
    machine,
    model_server::MODEL,
    result::{NARTHEX, Run},
    stage::{Needs, Stage},
};

/// Streams may take so long to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// Streams at a time of those scenes that say what a token costs.
pub(crate) const STREAMS: usize = 200;

/// Plays a scene.
///
/// # Errors
/// When something cannot be started. What the servers do wrong stands in the runs.
pub(crate) async fn play(scene: Scene, arguments: &Arguments) -> io::Result<Vec<Run>> {
    let play = |needs| Play::start(scene, arguments, needs);
    let usual = Needs::default();
    match scene {
        Scene::Tokens => beside::tokens(play(usual).await?).await,
        Scene::Latency => beside::latency(play(usual).await?).await,
        Scene::Idle => connections::idle(arguments).await,
        Scene::Connections => connections::many(arguments).await,
        Scene::Fanout => play(usual).await?.fanout().await,
        Scene::Resume => play(Needs { gateways: 2, ..usual }).await?.resume().await,
        Scene::Slow => play(usual).await?.slow().await,
        Scene::Pair => pair::play(arguments).await,
        Scene::Growth => play(usual).await?.growth().await,
    }
}

/// One run that is a play by itself, so that nothing is left of another one; unless it was left out.
async fn alone(
    scene: Scene,
    arguments: &Arguments,
    what: &str,
    needs: Needs,
    settle: Duration,
    load: impl FnOnce(&Play<'_>) -> Load,
) -> io::Result<Vec<Run>> {
    if !arguments.wants(what) {
        return Ok(Vec::new());
    }
    let mut play = Play::start(scene, arguments, needs).await?;
    play.run(what, NARTHEX, load(&play), play.stage.watched(), settle).await?;
    Ok(play.runs)
}

struct Play<'a> {
    scene: Scene,
    arguments: &'a Arguments,
    stage: Stage,
    runs: Vec<Run>,
}

impl<'a> Play<'a> {
    async fn start(scene: Scene, arguments: &'a Arguments, needs: Needs) -> io::Result<Self> {
        let stage = Stage::start(arguments, needs).await?;
        Ok(Self { scene, arguments, stage, runs: Vec::new() })
    }

    /// What all scenes ask for, with answers of so many tokens at this rate.
    fn load(&self, tokens: u64, rate: f64) -> Load {
        Load {
            urls: self.stage.urls(),
            authorities: self.stage.authority.clone(),
            model: MODEL.to_owned(),
            prompt: format!("Count. [[tokens={tokens} rate={rate}]]"),
            // Fewer cannot be asked for.
            max_tokens: (tokens >= 16).then_some(tokens),
            expect: Expect::Numbered,
            duration: self.arguments.duration,
            patience: PATIENCE,
            ..Load::default()
        }
    }

    /// Four streams, and 100 who follow each.
    async fn fanout(mut self) -> io::Result<Vec<Run>> {
        for dialect in [Dialect::Json, Dialect::Proto] {
            let load = Load { dialect, clients: 4, followers: 100, ..self.load(250, 50.0) };
            self.narthex(&format!("4 streams x 101, {dialect}"), load).await?;
        }
        Ok(self.runs)
    }

    /// All lose their connections in the middle of the measurement.
    async fn resume(mut self) -> io::Result<Vec<Run>> {
        for clients in [200, 1_000] {
            let storm = Some(self.arguments.duration / 2);
            let load = Load { dialect: Dialect::Json, clients, storm, ..self.load(50, 10.0) };
            self.narthex(&format!("{clients} clients at once"), load).await?;
        }
        Ok(self.runs)
    }

    /// Clients that read, alone and beside a thousand that do not, each with a stream that does not end.
    async fn slow(mut self) -> io::Result<Vec<Run>> {
        let load = Load { clients: 100, ..self.load(100, 50.0) };
        self.narthex("100 readers", load.clone()).await?;
        let stalled_prompt = Some(self.load(1_000_000, 5.0).prompt);
        self.narthex("and 1000 who never read", Load { stalled: 1_000, stalled_prompt, ..load }).await?;
        Ok(self.runs)
    }

    /// As many tokens a second in all, from ever more streams, each of which begins before it is measured and ends after that;
    /// then from a thousand new ones each second.
    async fn growth(mut self) -> io::Result<Vec<Run>> {
        let ramp = Duration::from_secs(5);
        for (clients, rate) in [(10, 500.0), (100, 50.0), (1_000, 5.0), (5_000, 1.0)] {
            let lasting = ramp + self.arguments.duration + Duration::from_secs(1);
            let load = Load { clients, ramp, ..self.load((lasting.as_secs_f64() * rate) as u64, rate) };
            self.narthex(&format!("{clients} streams at {rate}/s"), load).await?;
        }
        let short = Load { clients: 2_000, rate: Some(1_000.0), ramp, ..self.load(5, 5.0) };
        self.narthex("1000 new streams of 5 tokens/s", short).await?;
        Ok(self.runs)
    }

    async fn narthex(&mut self, what: &str, load: Load) -> io::Result<()> {
        let watched = self.stage.watched();
        self.run(what, NARTHEX, load, watched, Duration::ZERO).await
    }

    async fn run(
        &mut self,
        what: &str,
        server: &'static str,
        load: Load,
        watched: Vec<Watched>,
        settle: Duration,
    ) -> io::Result<()> {
        if !self.arguments.wants(what) {
            return Ok(());
        }
        let watch = Watch::begin(watched)?;
        let program = std::env::current_exe()?;
        let generator = || {
            let mut command = Command::new(&program);
            command.arg("generate");
            command
        };
        let processes = load.connections().div_ceil(machine::connections_of_a_process()?);
        let crew = Crew::processes(&load, processes, generator).await?;
        let bar = bar(&format!("{what} ({server})"), &load);
        let report = load::conduct(&load, crew, &watch, settle, |progress| show(&bar, progress)).await;
        bar.finish_and_clear();
        let report = report.map_err(|failed| io::Error::other(format!("{what}: {failed}")))?;
        self.runs.push(Run { scene: self.scene, what: what.to_owned(), server, report });
        Ok(())
    }
}

/// A bar on a terminal, and nothing elsewhere.
fn bar(what: &str, load: &Load) -> ProgressBar {
    let bar = ProgressBar::new((load.ramp + load.duration).as_millis() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:20} {prefix}: {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(what.to_owned());
    bar
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_position(progress.running.map_or(0, |running| running.as_millis() as u64));
    bar.set_message(format!("{} connections, {} tokens", progress.connections, progress.tokens));
}
