//! The way in: `tls`, `proxy`, `gateway`, `quotas`.

use super::{Setting, setting};
use crate::config::value::{above_zero, at, size, size_or_zero};

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        "tls.certificate_file",
        "The certificate (PEM) to serve `https://` and `wss://` with, and those that lead to its authority. Read again when it \
         changes.",
        |c, _| at(&mut c.tls.certificate_file),
    ),
    setting("tls.key_file", "The private key (PEM) of that certificate.", |c, _| at(&mut c.tls.key_file)),
    setting(
        "tls.client_authorities_file",
        "The certificates (PEM) of the authorities whose clients may connect. Without it, clients need no certificate.",
        |c, _| at(&mut c.tls.client_authorities_file),
    ),
    setting(
        "tls.allow_plain_beyond_loopback",
        "Serves clients without encryption from beyond this machine. For trials on a network of their own.",
        |c, _| at(&mut c.gateway.allow_plain),
    ),
    setting(
        "proxy.addresses",
        "The proxies in front that end TLS. What they say of their clients counts; nobody else's word does, and nobody else is \
         served without TLS.",
        |c, _| at(&mut c.gateway.proxies.addresses),
    ),
    setting(
        "proxy.header",
        "Where they say it: `x-forwarded` is `X-Forwarded-For` and `X-Forwarded-Proto`, `forwarded` is `Forwarded` (RFC 7239).",
        |c, _| at(&mut c.gateway.proxies.header),
    ),
    setting(
        "gateway.handshake_timeout",
        "A client whose TLS handshake takes longer than this is dropped.",
        |c, _| above_zero(&mut c.gateway.handshake_timeout),
    ),
    setting(
        "gateway.max_message_bytes",
        "The longest HTTP body and WebSocket message. A longer one is refused before it is buffered whole.",
        |c, _| size(&mut c.gateway.max_message_bytes),
    ),
    setting("gateway.max_json_depth", "How deep a client's JSON may nest.", |c, _| {
        above_zero(&mut c.gateway.max_json_depth)
    }),
    setting("gateway.ping_interval", "How often an idle WebSocket is pinged.", |c, _| {
        above_zero(&mut c.gateway.ping_interval)
    }),
    setting(
        "gateway.idle_timeout",
        "A WebSocket that has said nothing for so long, not even a pong, is closed.",
        |c, _| above_zero(&mut c.gateway.idle_timeout),
    ),
    setting(
        "gateway.max_connection_age",
        "An older WebSocket is told to reconnect and is closed once its running responses have ended.",
        |c, _| above_zero(&mut c.gateway.max_connection_age),
    ),
    setting("gateway.header_timeout", "A request whose head takes longer than this is dropped.", |c, _| {
        above_zero(&mut c.gateway.header_timeout)
    }),
    setting(
        "gateway.grace",
        "How long a response runs on after its last subscriber has gone, for the client to resume it anywhere.",
        |c, _| at(&mut c.gateway.grace),
    ),
    setting("gateway.store_ttl", "How long a stored response can be read and continued.", |c, _| {
        above_zero(&mut c.gateway.store_ttl)
    }),
    setting("gateway.idempotency_ttl", "How long an idempotency key is remembered.", |c, _| {
        above_zero(&mut c.gateway.idempotency_ttl)
    }),
    setting("gateway.queue_timeout", "How long a response may wait for a worker before it fails.", |c, _| {
        above_zero(&mut c.gateway.queue_timeout)
    }),
    setting("gateway.drain_timeout", "How long a planned stop waits for running streams.", |c, _| {
        at(&mut c.gateway.drain_timeout)
    }),
    setting(
        "gateway.window_bytes",
        "How much of a stream's latest part is kept in memory; who is further behind is served from the broker.",
        |c, _| size(&mut c.gateway.window_bytes),
    ),
    setting(
        "gateway.limits.max_connections",
        "Connections of one gateway; one more hears 503, a flood nothing. 0 is as many as open files allow.",
        |c, _| at(&mut c.gateway.limits.max_connections),
    ),
    setting(
        "gateway.limits.max_connections_per_address",
        "Connections from one address (of IPv6, from one /64), behind a proxy WebSockets and requests; one more hears 429. 0 is no limit.",
        |c, _| at(&mut c.gateway.limits.max_connections_per_address),
    ),
    setting(
        "gateway.limits.arrivals_per_second",
        "New connections a second from one address (behind a proxy: requests of one client); one more hears 429. 0 is no limit.",
        |c, _| at(&mut c.gateway.limits.arrivals_per_second),
    ),
    setting("gateway.limits.arrivals_burst", "So many of them may come at once.", |c, _| {
        above_zero(&mut c.gateway.limits.arrivals_burst)
    }),
    setting(
        "gateway.limits.max_memory",
        "Memory of the process; above it no new responses and connections are taken (503). 0 is nine tenths of what the \
         container may take, if that is bounded.",
        |c, _| size_or_zero(&mut c.gateway.limits.max_memory),
    ),
    setting(
        "gateway.limits.messages_per_second",
        "Messages a second on one WebSocket, pings included; one more is refused, and a flood ends the connection. 0 is no limit.",
        |c, _| at(&mut c.gateway.limits.messages_per_second),
    ),
    setting("gateway.limits.messages_burst", "So many of them may come at once.", |c, _| {
        above_zero(&mut c.gateway.limits.messages_burst)
    }),
    setting(
        "gateway.limits.max_connection_bytes",
        "What a client may send on one WebSocket in all; then it is asked to open a new one.",
        |c, _| size(&mut c.gateway.limits.max_connection_bytes),
    ),
    setting("gateway.limits.max_lanes", "Named lanes on one WebSocket.", |c, _| {
        above_zero(&mut c.gateway.limits.max_lanes)
    }),
    setting(
        "gateway.limits.max_in_flight",
        "Responses at work at a time on one WebSocket; more wait.",
        |c, _| above_zero(&mut c.gateway.limits.max_in_flight),
    ),
    setting(
        "gateway.limits.max_waiting",
        "Turns that wait on one WebSocket, over all lanes; one more is refused.",
        |c, _| at(&mut c.gateway.limits.max_waiting),
    ),
    setting(
        "quotas.user.requests_per_minute",
        "Responses that one user may ask for in a minute, at all gateways together. 0 is no limit.",
        |c, _| at(&mut c.gateway.quotas.user.requests_per_minute),
    ),
    setting(
        "quotas.user.tokens_per_minute",
        "Tokens that one user may take in a minute, read and written, counted when a response ends. 0 is no limit.",
        |c, _| at(&mut c.gateway.quotas.user.tokens_per_minute),
    ),
    setting(
        "quotas.user.in_flight",
        "Responses that one user may have running or waiting at a time. 0 is no limit.",
        |c, _| at(&mut c.gateway.quotas.user.in_flight),
    ),
    setting(
        "quotas.tenant.requests_per_minute",
        "Responses that one tenant, with all of its users, may ask for in a minute, at all gateways together. 0 is no limit.",
        |c, _| at(&mut c.gateway.quotas.tenant.requests_per_minute),
    ),
    setting(
        "quotas.tenant.tokens_per_minute",
        "Tokens that one tenant, with all of its users, may take in a minute, read and written, counted when a response ends. 0 is no limit.",
        |c, _| at(&mut c.gateway.quotas.tenant.tokens_per_minute),
    ),
    setting(
        "quotas.tenant.in_flight",
        "Responses that one tenant, with all of its users, may have running or waiting at a time. 0 is no limit.",
        |c, _| at(&mut c.gateway.quotas.tenant.in_flight),
    ),
];
