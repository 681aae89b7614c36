//! From a configured model server to engines and models that a worker can serve.

use std::{ffi::OsString, sync::Arc, time::Duration};

use broker::Finding;
use engine::{ChatConfig, ChatEngine, DemoEngine, Engine, ResponsesEngine, Secret, Tls, UpstreamConfig};
use tokio::time::Instant;
use worker::Served;

use crate::{
    config::{EngineKind, TlsContents, Upstream, UpstreamModel},
    failure::Failure,
    status::Status,
};

/// How long to wait before a model server that did not answer is asked again: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// One model server, ready to be called.
pub(crate) struct Source {
    name: String,
    settings: Upstream,
    engine: Arc<dyn Engine>,
}

impl Source {
    /// The model server of entry `index`. Its key is read here, and once: from the environment by `variable`, or a file.
    pub(crate) fn new(
        index: usize,
        settings: &Upstream,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Failure> {
        let key = settings.api_key.read(&format!("upstream.{index}.api_key"), "key", variable)?;
        let engine = engine(index, settings, key)?;
        let name = match settings.engine {
            EngineKind::Demo => "the demo model".to_owned(),
            EngineKind::Chat | EngineKind::Responses => settings.server.base_url.clone(),
        };
        Ok(Self { name, settings: settings.clone(), engine })
    }

    /// Its models: those that are configured, or those that it has. Asks again until it answers.
    pub(crate) async fn served(self, status: &Status) -> Result<Vec<Served>, Failure> {
        let mut models = self.settings.models.clone();
        if models.is_empty() {
            let name = |name| UpstreamModel { name, ..UpstreamModel::default() };
            models = self.discover(status).await?.into_iter().map(name).collect();
        }
        let Self { settings, engine, .. } = self;
        let serve = |model: &_| Served { config: settings.serve(model), engine: Arc::clone(&engine) };
        Ok(models.iter().map(serve).collect())
    }

    /// Whether it answers, and has the models that are configured.
    pub(crate) async fn examine(&self, about: &str) -> Finding {
        let asked = Instant::now();
        let answer = self.engine.models().await;
        let seen = format!("{} answers in {} ms", self.name, asked.elapsed().as_millis());
        let wanted: Vec<&String> = self
            .settings
            .models
            .iter()
            .map(|model| model.upstream_name.as_ref().unwrap_or(&model.name))
            .collect();
        match answer {
            Ok(Some(models)) => judge(about, &seen, &models, &wanted),
            Ok(None) if wanted.is_empty() => Finding::problem(
                about,
                format!(
                    "{seen}, but does not list its models: check the path of its url, or name them with --model"
                ),
            ),
            Ok(None) => Finding::warning(
                about,
                format!("{seen}, but does not list its models: if it should, check the path of its url"),
            ),
            Err(error) => Finding::problem(
                about,
                format!(
                    "cannot ask {}: {} ({}); check its url and its key",
                    self.name, error.message, error.detail
                ),
            ),
        }
    }

    /// A model server often comes up after its worker, as it has more to load. So this waits, and says for whom.
    async fn discover(&self, status: &Status) -> Result<Vec<String>, Failure> {
        let (mut pause, longest) = RETRY;
        loop {
            let why = match self.engine.models().await {
                Ok(Some(models)) if !models.is_empty() => return Ok(models),
                Ok(Some(_)) => "it has no models yet".to_owned(),
                Ok(None) => {
                    return Err(Failure::run_time(format!(
                        "{} does not tell which models it has: name them with --model, or in the file",
                        self.name
                    )));
                }
                Err(error) if error.is_retryable() => error.detail,
                Err(error) => {
                    return Err(Failure::run_time(format!(
                        "cannot ask {} for its models: {} ({}); check its url and its key, or name the models",
                        self.name, error.message, error.detail
                    )));
                }
            };
            tracing::warn!(upstream = self.name, why, "waiting for a model server to tell its models");
            status.waits_for(format!("{} to tell its models: {why}", self.name));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }
}

/// How many models are told by name.
const NAMED: usize = 5;

fn judge(about: &str, seen: &str, models: &[String], wanted: &[&String]) -> Finding {
    let list = |names: &[&String]| {
        let named: Vec<&str> = names.iter().take(NAMED).map(|name| name.as_str()).collect();
        let more = names.len().saturating_sub(NAMED);
        named.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
    };
    let missing: Vec<&String> = wanted.iter().copied().filter(|name| !models.contains(name)).collect();
    if !missing.is_empty() {
        return Finding::warning(
            about,
            format!("{seen}, but does not list {}: check `models`, or what it has loaded", list(&missing)),
        );
    }
    if models.is_empty() {
        return Finding::warning(
            about,
            format!("{seen}, but has no models yet: a worker waits until it has"),
        );
    }
    Finding::fine(about, format!("{seen} with the models {}", list(&models.iter().collect::<Vec<_>>())))
}

fn engine(index: usize, settings: &Upstream, api_key: Option<Secret>) -> Result<Arc<dyn Engine>, Failure> {
    let headers =
        settings.headers.iter().filter_map(|header| Some((header.name.clone(), header.value.clone()?)));
    let TlsContents { authorities, identity } = settings.tls.read(&format!("upstream.{index}.tls"))?;
    let tls = Tls { authorities, identity };
    let server = UpstreamConfig { api_key, headers: headers.collect(), tls, ..settings.server.clone() };
    let built: Result<Arc<dyn Engine>, _> = match settings.engine {
        EngineKind::Demo => Ok(Arc::new(DemoEngine::new(settings.demo.clone()))),
        EngineKind::Chat => ChatEngine::new(ChatConfig { upstream: server, ..settings.chat.clone() })
            .map(|engine| Arc::new(engine) as _),
        EngineKind::Responses => ResponsesEngine::new(&server).map(|engine| Arc::new(engine) as _),
    };
    built.map_err(|error| Failure::configuration(format!("upstream.{index} cannot be used: {error}")))
}
