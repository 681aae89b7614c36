//! `narthex health`: asks a running process whether it is ready, where there is no `curl`, as in the container image.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, Uri, client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::failure::{Failure, chain};

/// A process that takes longer is not well. Docker and Kubernetes both ask again.
const PATIENCE: Duration = Duration::from_secs(3);

/// How much of the answer is read: it is one line.
const MAX_ANSWER_BYTES: usize = 4096;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The admin listener as seen from its own machine.
pub(crate) fn local(address: SocketAddr) -> String {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// Succeeds if the process whose admin listener is at `place` is ready.
pub(crate) async fn ask(place: &str) -> Result<(), Failure> {
    let uri: Uri = format!("{}/readyz", place.trim_end_matches('/')).parse().map_err(|error| {
        Failure::configuration(format!(
            "--admin {place} is no address ({error}): write http://127.0.0.1:9090"
        ))
    })?;
    if uri.scheme_str() != Some("http") || uri.host().is_none() {
        return Err(Failure::configuration(format!(
            "--admin {place} is no address: write http://127.0.0.1:9090"
        )));
    }
    match tokio::time::timeout(PATIENCE, get(&uri)).await {
        Ok(Ok((true, _))) => Ok(()),
        Ok(Ok((false, reason))) => Err(Failure::run_time(format!("not ready: {}", reason.trim()))),
        Ok(Err(error)) => Err(Failure::run_time(format!(
            "nobody answers at {uri} ({}): is it running, and is that its --admin-listen?",
            chain(&*error)
        ))),
        Err(_) => Err(Failure::run_time(format!("{uri} does not answer within {} s", PATIENCE.as_secs()))),
    }
}

/// Whether the answer was 200, and what it said.
async fn get(uri: &Uri) -> Result<(bool, String), Error> {
    let authority = uri.authority().ok_or("no host")?;
    let port = authority.port_u16().unwrap_or(80);
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(uri.path()).header(HOST, authority.as_str()).body(Empty::<Bytes>::new())?;
    // The connection ends when the sender is dropped, at the end of the exchange.
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let ready = response.status().is_success();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await?.to_bytes();
        Ok((ready, String::from_utf8_lossy(&body).into_owned()))
    };
    let (answer, _) = tokio::join!(exchange, connection);
    answer
}
