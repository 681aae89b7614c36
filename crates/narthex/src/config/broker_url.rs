//! Which broker to use, in one text.

use std::fmt;

use super::{secret::MASK, value::Value};

/// `memory`, or the address of a broker. The address may hold a password, so it is never shown whole.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum BrokerUrl {
    /// Inside this process.
    #[default]
    Memory,
    /// A Redis server or cluster, with or without TLS; several nodes with commas.
    Redis(String),
    /// A Kafka cluster, with or without TLS.
    Kafka(String),
}

impl BrokerUrl {
    /// Which broker it is, in one word.
    pub(crate) const fn system(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis(_) => "redis",
            Self::Kafka(_) => "kafka",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text == "memory" {
            return Some(Self::Memory);
        }
        let (scheme, rest) = text.split_once("://")?;
        match scheme {
            _ if rest.is_empty() || rest.contains(MASK) => None,
            "redis" | "rediss" | "redis+cluster" | "rediss+cluster" => Some(Self::Redis(text.to_owned())),
            "kafka" | "kafkas" => Some(Self::Kafka(text.to_owned())),
            _ => None,
        }
    }
}

/// The address, with the mask in place of the password. Of several nodes with passwords, only the last is shown: where
/// one ends and the next begins is not for certain when a password may hold any character.
impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Redis(url) | Self::Kafka(url)) = self else { return f.write_str("memory") };
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (userinfo, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        match userinfo.split_once(':') {
            Some((user, _)) => write!(f, "{scheme}://{user}:{MASK}@{place}"),
            // A lone word before the `@` may be a password that was put in the wrong place.
            None if !userinfo.is_empty() => write!(f, "{scheme}://{MASK}@{place}"),
            None => write!(f, "{scheme}://{place}"),
        }
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Value for BrokerUrl {
    fn set(&mut self, text: &str) -> Result<(), String> {
        *self = Self::parse(text).ok_or_else(|| self.form())?;
        Ok(())
    }

    fn show(&self) -> Option<toml::Value> {
        Some(self.to_string().into())
    }

    fn form(&self) -> String {
        "`memory`, `redis://host:6379`, `rediss://host:6380` (with TLS), `redis+cluster://host:6379`, \
         `kafka://host:9092` or `kafkas://host:9093` (with TLS)"
            .to_owned()
    }

    fn kind(&self) -> String {
        "`memory` or address".to_owned()
    }

    fn quote(&self, _: &str) -> String {
        "what stands there".to_owned()
    }
}

/// The address of a Redis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RedisUrl(BrokerUrl);

impl RedisUrl {
    /// The address, password and all.
    pub(crate) fn reveal(&self) -> &str {
        match &self.0 {
            BrokerUrl::Redis(url) => url,
            BrokerUrl::Memory | BrokerUrl::Kafka(_) => "",
        }
    }
}

impl Value for RedisUrl {
    fn set(&mut self, text: &str) -> Result<(), String> {
        let url = BrokerUrl::parse(text).filter(|url| matches!(url, BrokerUrl::Redis(_)));
        self.0 = url.ok_or_else(|| self.form())?;
        Ok(())
    }

    fn show(&self) -> Option<toml::Value> {
        self.0.show()
    }

    fn form(&self) -> String {
        "`redis://host:6379`, `rediss://host:6380` (with TLS) or `redis+cluster://host:6379`".to_owned()
    }

    fn kind(&self) -> String {
        "address".to_owned()
    }

    fn quote(&self, text: &str) -> String {
        self.0.quote(text)
    }
}
