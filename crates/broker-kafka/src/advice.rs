//! From librdkafka's words to a sentence that says what to do.
//!
//! Its codes do not tell a wrong password from a wrong port, its words do. They are matched in this file and nowhere else;
//! `tests/kafka/secure` has a real node refuse in each of these ways, so new words of a new version do not go unnoticed.

use crate::{Config, Mechanism, Sasl};

/// Why a connection does not stand, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advice {
    pub(crate) kind: Kind,
    /// `host:port` of the node.
    pub(crate) at: String,
    pub(crate) sentence: String,
}

/// How much a failed connection tells, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Nobody is there: this may pass.
    Unreachable,
    /// Somebody is there and hangs up: it wants something else.
    HungUp,
    /// The node refused us, or we it: nobody but an operator changes that.
    Refused,
    /// Its certificate cannot be verified.
    Untrusted,
}

/// What a line about a failed connection means: `[thrd:…]: PROTOCOL://HOST:PORT/ID: WHY (after 5ms in state STATE)`.
pub(crate) fn of_failure(line: &str, config: &Config) -> Advice {
    let line =
        line.strip_prefix("[thrd:").and_then(|line| line.split_once("]: ")).map_or(line, |(_, rest)| rest);
    let (name, why) = line.split_once(": ").unwrap_or(("", line));
    let at = name.split_once("://").map_or(name, |(_, place)| place);
    let at = at.split_once('/').map_or(at, |(place, _)| place);
    let (kind, end) = judge(why, config);
    let sentence = match kind {
        Kind::Unreachable => format!("no Kafka answers at {at}: {end}"),
        Kind::HungUp | Kind::Refused => format!("the Kafka at {at} {end}"),
        Kind::Untrusted => format!("the certificate of the Kafka at {at} {end}"),
    };
    Advice { kind, at: at.to_owned(), sentence }
}

/// How the sentence goes on.
fn judge(why: &str, config: &Config) -> (Kind, String) {
    let has = |words: &str| why.contains(words);
    let hung_up = |state: &str| has("Disconnected") && why.contains(&format!("in state {state}"));
    let encrypted = config.tls.is_some();
    let (kind, end) = if has("certificate verify failed") {
        (Kind::Untrusted, UNTRUSTED)
    } else if let Some((_, offered)) = why.split_once("broker's supported mechanisms: ") {
        return (Kind::Refused, other_mechanism(offered, config));
    } else if has("SASL authentication error") && !has("SaslAuthenticateRequest failed") {
        return (Kind::Refused, wrong_password(config));
    } else if has("connecting to a PLAINTEXT broker listener") {
        (
            Kind::HungUp,
            "does not speak TLS there: set its port with TLS, or write kafka:// for the one in plain text",
        )
    } else if has("alert") && (has("certificate") || has("unknown ca"))
        || encrypted && hung_up("APIVERSION_QUERY")
    {
        (Kind::HungUp, UNKNOWN)
    } else if hung_up("APIVERSION_QUERY") {
        (Kind::HungUp, "hangs up on plain text: write kafkas:// if it speaks TLS there")
    } else if config.sasl.is_none() && hung_up("UP") {
        (Kind::HungUp, "talks to nobody without a name: set kafka.sasl.username and kafka.sasl.password")
    } else if has("SSL handshake failed") {
        return (Kind::Refused, format!("and this program find no common TLS: {}", cause(why)));
    } else {
        return (
            Kind::Unreachable,
            format!("start one there, or set the address of one that runs ({})", cause(why)),
        );
    };
    (kind, end.to_owned())
}

/// In place of the sentence that a certificate cannot be verified, if that is found to be because of its name.
pub(crate) fn other_host(at: &str) -> String {
    format!(
        "the certificate of the Kafka at {at} is for another host: set the broker to a name that is in the certificate, or \
         give Kafka a certificate for this one"
    )
}

const UNTRUSTED: &str = "is not of an authority that is trusted: set kafka.tls.authorities_file to the certificates of the \
                         authority that signed it";

const UNKNOWN: &str = "wants a certificate that it trusts: set kafka.tls.certificate_file and kafka.tls.key_file to one of its \
                       authority";

/// `offered` is a list with commas, and the rest of the line.
fn other_mechanism(offered: &str, config: &Config) -> String {
    let offered = offered.split_once(" (after").map_or(offered, |(list, _)| list).trim();
    let ours = config.sasl.as_ref().map_or("", |sasl| sasl.mechanism.name());
    if offered.is_empty() {
        return "knows no users at this port: set the port at which it does, or no kafka.sasl.username"
            .to_owned();
    }
    let offered = offered.replace(',', ", ");
    format!("does not take {ours} but {offered}: set kafka.sasl.mechanism to one that the user is made for")
}

fn wrong_password(config: &Config) -> String {
    let Some(Sasl { mechanism, username, .. }) = &config.sasl else { return String::new() };
    let mut end = format!(
        "does not let the user `{username}` in: set the right kafka.sasl.username and kafka.sasl.password"
    );
    if *mechanism != Mechanism::Plain {
        end.push_str(&format!(", and check that the user is made for {}", mechanism.name()));
    }
    end
}

/// Without how long it took, and in which state.
fn cause(why: &str) -> &str {
    why.rsplit_once(" (after ").map_or(why, |(cause, _)| cause)
}

/// What keeps librdkafka from making a client at all.
pub(crate) fn of_creation(why: &str) -> String {
    let sentence = if why.contains("ssl.ca.pem") {
        "kafka.tls.authorities_file has something in it that is no certificate: put one or more there, as PEM"
    } else if why.contains("ssl.certificate.pem") {
        "kafka.tls.certificate_file does not begin with a certificate: put it there, as PEM"
    } else if why.contains("ssl.key.pem") {
        "kafka.tls.key_file is not the key of kafka.tls.certificate_file: put that there, as PEM and not encrypted"
    } else {
        return why.to_owned();
    };
    sentence.to_owned()
}

#[cfg(test)]
mod tests;
