//! `narthex`: one binary, several roles.
//!
//! Read from here down: parse the command line, build what it names, spawn it, drain it. Only this crate names a broker
//! implementation, reads the environment, or installs anything global.

mod admin;
mod app;
mod banner;
mod bench;
mod broker_choice;
mod broker_timing;
mod cli;
mod config;
mod console;
mod doctor;
mod failure;
mod health;
mod identity;
mod jobs;
mod keys;
mod memory;
mod metrics;
mod open_files;
mod plan;
mod ports;
mod signals;
mod status;
mod table;
mod telemetry;
mod tls;
mod upstream;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use tikv_jemallocator::Jemalloc;
use tokio::runtime::Runtime;

use crate::{
    app::App,
    cli::{Cli, Command, Common, Edge, Format, Upstreams},
    config::{Effective, Layer, Role},
    doctor::DoctorArgs,
    failure::Failure,
    jobs::JobsArgs,
    ports::Ports,
    signals::Signals,
    telemetry::{Losses, Push, Telemetry, Traces},
};

// After a crowd of clients has left, this allocator's background threads give their memory back.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Dev { common, edge, upstream } => serve(Role::Dev, &common, Some(&edge), Some(&upstream)),
        Command::Gateway { common, edge } => serve(Role::Gateway, &common, Some(&edge), None),
        Command::Worker { common, upstream } => serve(Role::Worker, &common, None, Some(&upstream)),
        Command::Doctor(args) => configuration(&args.common, Some(&args.edge), Some(&args.upstream))
            .and_then(|effective| check_up(effective, &args)),
        Command::Jobs(args) => {
            configuration(&args.common, None, None).and_then(|effective| look_into(&effective, args))
        }
        Command::Plan(args) => plan::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Bench(args) => bench::run(&args),
        Command::Keys(args) => {
            configuration(&args.common, None, None).and_then(|effective| keys::run(&effective.config, args))
        }
        Command::Config { reference: true, .. } => {
            console::say(&config::reference());
            Ok(ExitCode::SUCCESS)
        }
        Command::Config { common, edge, upstream, format, check, .. } => {
            configuration(&common, Some(&edge), Some(&upstream))
                .and_then(|effective| print(&effective, format, check))
        }
        Command::Health { common, admin } => {
            configuration(&common, None, None).and_then(|effective| ask(&effective, admin))
        }
    };
    outcome.unwrap_or_else(|failure| failure.report())
}

/// Runs one role until a signal ends it.
fn serve(
    role: Role,
    common: &Common,
    edge: Option<&Edge>,
    upstream: Option<&Upstreams>,
) -> Result<ExitCode, Failure> {
    let mut config = configuration(common, edge, upstream)?.config.for_role(role)?;
    let (log, sampling) = telemetry::install(&config)?;
    let max_connections = &mut config.gateway.limits.max_connections;
    if let Some(possible) = open_files::raise()
        && (*max_connections == 0 || *max_connections > possible)
    {
        *max_connections = possible;
    }
    tls::choose_cryptography();
    runtime()?.block_on(async {
        let mut signals = Signals::catch()?;
        let (losses, resource) = (Losses::default(), telemetry::resource(role, &config));
        let traces = Traces::start(&resource, &config, &losses)?;
        let push = Push::new(&resource, &config, &losses)?;
        (config.gateway.tracer, config.worker.tracer) = (traces.tracer(), traces.tracer());
        let ports = Ports::bind(role, &config).await?;
        ports.announce();
        let starting = App::start(role, config, ports, Telemetry { log, sampling, losses, push });
        let mut app = tokio::select! {
            started = starting => started?,
            signal = signals.next() => return Ok(signal.exit_code()),
        };
        let early = tokio::select! {
            signal = signals.next() => { tracing::info!(%signal, "draining; a second signal exits at once"); None }
            failure = app.failed() => Some(failure),
        };
        let end = async {
            app.drain().await;
            traces.end().await;
        };
        tokio::select! {
            () = end => early.map_or(Ok(ExitCode::SUCCESS), Err),
            signal = signals.next() => signal.exit(),
        }
    })
}

/// All layers, from the bottom up.
fn configuration(
    common: &Common,
    edge: Option<&Edge>,
    upstream: Option<&Upstreams>,
) -> Result<Effective, Failure> {
    let file = common.config.clone().or_else(|| std::env::var_os(config::CONFIG_FILE).map(PathBuf::from));
    let file = file.map_or_else(|| Ok(Layer::default()), |path| config::read_file(&path))?;
    let usual = config::read_otel(std::env::vars_os());
    let environment = config::read_environment(std::env::vars_os())?;
    let mut flags = Layer::default();
    common.give(&mut flags);
    if let Some(edge) = edge {
        edge.give(&mut flags);
    }
    if let Some(upstream) = upstream {
        upstream.give(&mut flags).map_err(Failure::configuration)?;
    }
    config::load([usual, file, environment, flags])
}

fn print(effective: &Effective, format: Format, check: Option<Role>) -> Result<ExitCode, Failure> {
    if let Some(role) = check {
        effective.config.clone().for_role(role)?;
    }
    console::say(&match format {
        Format::Toml => effective.to_toml(),
        Format::Json => format!("{:#}\n", effective.to_json()),
    });
    Ok(ExitCode::SUCCESS)
}

fn ask(effective: &Effective, admin: Option<String>) -> Result<ExitCode, Failure> {
    let place = admin.unwrap_or_else(|| health::local(effective.config.admin_listen));
    runtime()?.block_on(health::ask(&place)).map(|()| ExitCode::SUCCESS)
}

fn look_into(effective: &Effective, args: JobsArgs) -> Result<ExitCode, Failure> {
    tls::choose_cryptography();
    runtime()?.block_on(jobs::run(&effective.config, args)).map(|()| ExitCode::SUCCESS)
}

fn check_up(effective: Effective, args: &DoctorArgs) -> Result<ExitCode, Failure> {
    tls::choose_cryptography();
    Ok(runtime()?.block_on(doctor::run(effective.config, args)))
}

fn runtime() -> Result<Runtime, Failure> {
    Runtime::new().map_err(|error| Failure::run_time(format!("cannot start threads: {error}")))
}
