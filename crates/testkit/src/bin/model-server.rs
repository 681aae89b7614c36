//! The scripted model server as a process, for tests with real processes and for clients in other languages.
//!
//! It prints the base URL as its only line, then serves until it is killed; `GET /stats` (beside `/v1`) tells what
//! happened, and `GET /stats?aborted=2` waits until it has.

use std::{io::Write as _, net::SocketAddr};

use clap::Parser;
use testkit::model_server::{ModelServer, Script};
use tokio::net::TcpListener;

/// A model server that follows a script.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How to behave, as in `tokens=200 delay_ms=5 cut_after=20`; a prompt may say otherwise between `[[` and `]]`.
    #[arg(long, default_value = "", value_parser = Script::parse)]
    script: Script,
    /// How to behave as a certain model: `NAME:SCRIPT`. May be given several times.
    #[arg(long = "model", value_parser = model)]
    models: Vec<(String, Script)>,
}

fn model(argument: &str) -> Result<(String, Script), String> {
    let (name, script) = argument.split_once(':').unwrap_or((argument, ""));
    Ok((name.to_owned(), Script::parse(script)?))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let server = ModelServer::start_on(TcpListener::bind(arguments.listen).await?, arguments.script)?;
    for (name, script) in arguments.models {
        server.set_script(&name, script);
    }
    writeln!(std::io::stdout(), "{}", server.url())?;
    std::future::pending().await
}
