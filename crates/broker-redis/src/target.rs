//! Which server is meant: URLs into connections to be made.

use std::{fmt, sync::Arc, time::Duration};

use broker::Error;
use redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, ErrorKind, ProtocolVersion, RedisResult,
    TlsCertificates, io::tcp::TcpSettings,
};
use rustls::crypto::CryptoProvider;
use socket2::TcpKeepalive;

use crate::{Config, error::from_redis};

/// One server, as `host:port`: a node of a cluster, or the only one.
pub(crate) type Node = Arc<str>;

/// The server, or the nodes by which a cluster is found.
#[derive(Clone)]
pub(crate) struct Target {
    nodes: Vec<ConnectionInfo>,
    is_cluster: bool,
    pub(crate) connect_timeout: Duration,
    pub(crate) response_timeout: Duration,
}

impl Target {
    /// What the configuration means. Nothing is connected yet.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        if config.key_prefix.contains(['{', '}']) {
            return Err(Error::refused("the key prefix has braces: choose one without"));
        }
        let urls = split(&config.urls);
        let certificates = certificates(config);
        let nodes: Vec<_> =
            urls.iter().map(|url| connection_info(url, certificates.as_ref())).collect::<Result<_, _>>()?;
        if nodes.is_empty() {
            return Err(Error::refused("no URL of Redis is set: set one like redis://127.0.0.1:6379"));
        }
        let is_encrypted = nodes.iter().any(|info| matches!(info.addr(), ConnectionAddr::TcpTls { .. }));
        if is_encrypted && CryptoProvider::get_default().is_none() {
            // Else the first connection panics where a process has several providers, or none.
            return Err(Error::refused(
                "TLS has no cryptography: install a CryptoProvider of rustls before connecting",
            ));
        }
        let is_cluster = nodes.len() > 1 || urls.iter().any(|url| url.cluster);
        Ok(Self {
            nodes,
            is_cluster,
            connect_timeout: config.connect_timeout,
            response_timeout: config.response_timeout,
        })
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.is_cluster
    }

    /// The nodes that are configured; in a cluster there may be more.
    pub(crate) fn seeds(&self) -> impl Iterator<Item = Node> {
        self.nodes.iter().map(|info| info.addr().to_string().into())
    }

    pub(crate) fn connections(&self) -> &[ConnectionInfo] {
        &self.nodes
    }

    /// How to connect to `node`, be it a seed or one that was heard of later: with the credentials of the first seed,
    /// which are those of all.
    pub(crate) fn connection(&self, node: &str) -> RedisResult<ConnectionInfo> {
        let no_address = || (ErrorKind::ClusterConnectionNotFound, "a node has no address", node.to_owned());
        let (host, port) = node.rsplit_once(':').ok_or_else(no_address)?;
        let (host, port) =
            (host.trim_matches(['[', ']']).to_owned(), port.parse().map_err(|_| no_address())?);
        let first = self.nodes.first().ok_or_else(no_address)?;
        let addr = match first.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        Ok(first.clone().set_addr(addr))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<_> = self.nodes.iter().map(|info| info.addr().to_string()).collect();
        f.write_str(&nodes.join(", "))
    }
}

/// A node's URL, as the Redis client reads it.
struct NodeUrl {
    url: String,
    cluster: bool,
}

/// One URL for each node. A node after the first may be just an address: then the rest is as at the one before it.
fn split(urls: &[String]) -> Vec<NodeUrl> {
    let mut scheme = String::from("redis");
    let mut credentials = String::new();
    let texts = urls.iter().flat_map(|urls| urls.split(',')).map(str::trim).filter(|url| !url.is_empty());
    texts
        .map(|text| {
            let Some((own_scheme, rest)) = text.split_once("://") else {
                return node_url(&scheme, &format!("{credentials}{text}"));
            };
            scheme = own_scheme.to_owned();
            credentials = rest.rfind('@').map(|at| rest[..=at].to_owned()).unwrap_or_default();
            node_url(&scheme, rest)
        })
        .collect()
}

fn node_url(scheme: &str, rest: &str) -> NodeUrl {
    let (scheme, cluster) = scheme.strip_suffix("+cluster").map_or((scheme, false), |scheme| (scheme, true));
    NodeUrl { url: format!("{scheme}://{rest}"), cluster }
}

/// The addresses in URLs, without what is secret in them.
pub(crate) fn addresses(urls: &[String]) -> Vec<String> {
    let address = |NodeUrl { url, .. }: NodeUrl| {
        url.parse::<ConnectionInfo>().map_or_else(|_| "unreadable".into(), |info| info.addr().to_string())
    };
    split(urls).into_iter().map(address).collect()
}

fn connection_info(
    NodeUrl { url, .. }: &NodeUrl,
    certificates: Option<&TlsCertificates>,
) -> Result<ConnectionInfo, Error> {
    let is_ours = ["redis://", "rediss://"].iter().any(|scheme| url.starts_with(scheme));
    // The URL itself is not told: it may hold a password.
    let unreadable =
        || Error::refused("a URL of Redis cannot be read: write it like redis://user:password@host:6379");
    let mut info: ConnectionInfo = url.parse().ok().filter(|_| is_ours).ok_or_else(unreadable)?;
    if let (ConnectionAddr::TcpTls { .. }, Some(certificates)) = (info.addr(), certificates) {
        let client = Client::build_with_tls(info, certificates.clone()).map_err(from_redis)?;
        info = client.get_connection_info().clone();
    }
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let redis = redis.set_lib_name("narthex", env!("CARGO_PKG_VERSION"));
    Ok(info.set_redis_settings(redis).set_tcp_settings(tcp_settings()))
}

/// Small messages leave at once, and a peer that has vanished without a word is found out within seconds.
fn tcp_settings() -> TcpSettings {
    let probes = TcpKeepalive::new().with_time(Duration::from_secs(5)).with_interval(Duration::from_secs(2));
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(probes.with_retries(3));
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(Duration::from_secs(10));
    settings
}

fn certificates(config: &Config) -> Option<TlsCertificates> {
    let root_cert = config.tls.authorities.clone();
    let client_tls = config
        .tls
        .identity
        .clone()
        .map(|identity| ClientTlsConfig { client_cert: identity.certificate, client_key: identity.key });
    (root_cert.is_some() || client_tls.is_some()).then_some(TlsCertificates { client_tls, root_cert })
}
