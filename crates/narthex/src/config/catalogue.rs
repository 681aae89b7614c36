//! The list of all settings: the one place that says which there are, what they mean and where they go.

use guard::PatternConfig;

use super::{
    Config, Issuer, Upstream, UpstreamModel,
    settings::{MAX_ENTRIES, Setting, setting},
    upstream::{Discover, Header},
    value::{above_zero, at, size, size_or_zero},
};

/// All settings, in the order in which they are told. The settings of one table stand together.
pub(super) const SETTINGS: &[Setting] = &[
    setting("listen", "Where clients connect (gateway).", |c, _| at(&mut c.listen)),
    setting(
        "admin_listen",
        "Where `/healthz`, `/readyz` and `/metrics` are told. Keep it off the public network.",
        |c, _| at(&mut c.admin_listen),
    ),
    setting(
        "broker",
        "What carries jobs and streams between gateways and workers. `memory` is for `narthex dev` only.",
        |c, _| at(&mut c.broker),
    ),
    setting(
        "log",
        "Which log lines are written: a level, or a filter such as `info,gateway=debug`.",
        |c, _| at(&mut c.log),
    ),
    setting(
        "log_format",
        "How log lines are written; `auto` is text on a terminal and JSON elsewhere.",
        |c, _| at(&mut c.log_format),
    ),
    setting(
        "auth.mode",
        "Whether callers are told apart. `required`: by API keys, client secrets or tokens. `none`: everyone is the same user, which \
         is allowed on a loopback address. If it is not set: `required` where there are keys or tokens; else `dev` takes `none`, and \
         `gateway` does not start.",
        |c, _| at(&mut c.auth.mode),
    ),
    setting(
        "auth.allow_none_beyond_loopback",
        "With `none`, lets anyone in who reaches `listen`. For trials behind a boundary of their own.",
        |c, _| at(&mut c.auth.allow_none_beyond_loopback),
    ),
    setting(
        "auth.token_warning",
        "How long before its token or key ends a WebSocket with the subprotocol `narthex.v1.json` is told \
         `narthex:token.expiring`.",
        |c, _| at(&mut c.gateway.token_warning),
    ),
    setting(
        "auth.token_grace",
        "How long running responses go on over a WebSocket whose token or key has ended; then it is closed with 4401.",
        |c, _| at(&mut c.gateway.token_grace),
    ),
    setting(
        "auth.keys.file",
        "The file of API keys, which `narthex keys` edits. It is read again when it changes.",
        |c, _| at(&mut c.auth.keys_file),
    ),
    setting(
        "auth.client_secrets.key",
        "What signs client secrets: at least 32 random characters (`openssl rand -hex 32`), the same in all gateways. Without it \
         there are none.",
        |c, _| at(&mut c.auth.client_secrets_key.text),
    ),
    setting("auth.client_secrets.key_file", "The file that holds it.", |c, _| {
        at(&mut c.auth.client_secrets_key.file)
    }),
    setting(
        "auth.client_secrets.previous_key",
        "What signed them before. Secrets that were signed with it still count; for the two hours after a change.",
        |c, _| at(&mut c.auth.client_secrets_previous_key.text),
    ),
    setting("auth.client_secrets.previous_key_file", "The file that holds that.", |c, _| {
        at(&mut c.auth.client_secrets_previous_key.file)
    }),
    setting(
        "auth.jwt.*.issuer",
        "What an issuer's tokens say in `iss`, to the letter. If nothing else is said of its keys, they are found by OpenID Connect \
         discovery: `<issuer>/.well-known/openid-configuration`.",
        |c, i| at(&mut issuer(c, i).issuer),
    ),
    setting("auth.jwt.*.audience", "For whom its tokens must be: one of these stands in `aud`.", |c, i| {
        at(&mut issuer(c, i).audience)
    }),
    setting("auth.jwt.*.jwks_url", "Where its keys are, if not by discovery: a JSON Web Key Set.", |c, i| {
        at(&mut issuer(c, i).jwks_url)
    }),
    setting(
        "auth.jwt.*.key_file",
        "A file with its keys: a JSON Web Key Set, or one public key in PEM, with its `algorithm`.",
        |c, i| at(&mut issuer(c, i).key_file),
    ),
    setting("auth.jwt.*.algorithm", "What a key in PEM is for.", |c, i| at(&mut issuer(c, i).algorithm)),
    setting(
        "auth.jwt.*.secret",
        "A secret that the issuer shares with the gateways, for HS256: at least 32 characters.",
        |c, i| at(&mut issuer(c, i).secret.text),
    ),
    setting("auth.jwt.*.secret_file", "The file that holds it.", |c, i| at(&mut issuer(c, i).secret.file)),
    setting("auth.jwt.*.leeway", "How far the issuer's clock may be off.", |c, i| {
        at(&mut issuer(c, i).leeway)
    }),
    setting(
        "auth.jwt.*.tenant",
        "The tenant of its tokens, where `claims.tenant` does not say it. Without both it is the issuer itself.",
        |c, i| at(&mut issuer(c, i).tenant),
    ),
    setting(
        "auth.jwt.*.scopes",
        "What its tokens allow, where `claims.scopes` does not say it: `models`, `model:NAME`, `model:START*`, `background`, \
         `client_secrets`, `admin`.",
        |c, i| at(&mut issuer(c, i).scopes),
    ),
    setting("auth.jwt.*.refresh_interval", "How often its keys are fetched.", |c, i| {
        above_zero(&mut issuer(c, i).refresh_interval)
    }),
    setting(
        "auth.jwt.*.min_refresh_interval",
        "How long, at least, between two attempts to fetch them, when tokens name a key that is not known.",
        |c, i| above_zero(&mut issuer(c, i).min_refresh_interval),
    ),
    setting(
        "auth.jwt.*.max_key_age",
        "For how long they stay in use while they cannot be fetched.",
        |c, i| above_zero(&mut issuer(c, i).max_key_age),
    ),
    setting(
        "auth.jwt.*.claims.user",
        "The claim that tells the user: its name, which may be a URL, or a path such as `profile.id`.",
        |c, i| at(&mut issuer(c, i).claims.user),
    ),
    setting("auth.jwt.*.claims.tenant", "The claim that tells the tenant, such as `org_id`.", |c, i| {
        at(&mut issuer(c, i).claims.tenant)
    }),
    setting(
        "auth.jwt.*.claims.scopes",
        "The claim that tells the scopes, such as `scope`: words in one text, or a list. Words that are no scopes are ignored; a \
         token without the claim allows nothing.",
        |c, i| at(&mut issuer(c, i).claims.scopes),
    ),
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
        "Connections from one address (of IPv6, from one /64), behind a proxy WebSockets; one more hears 429. 0 is no limit.",
        |c, _| at(&mut c.gateway.limits.max_connections_per_address),
    ),
    setting(
        "gateway.limits.arrivals_per_second",
        "New connections a second from one address; one more hears 429. 0 is no limit.",
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
    setting(
        "worker.lease",
        "How long a claimed job is the worker's without a sign of life; then another worker takes it over.",
        |c, _| above_zero(&mut c.worker.lease),
    ),
    setting(
        "worker.max_attempts",
        "After how many attempts a job that kills its workers is buried.",
        |c, _| above_zero(&mut c.worker.max_attempts),
    ),
    setting(
        "worker.drain_timeout",
        "How long a planned stop goes on with running responses before it hands them over.",
        |c, _| at(&mut c.worker.drain_timeout),
    ),
    setting("worker.replay_ttl", "How long a finished response's stream can still be replayed.", |c, _| {
        above_zero(&mut c.worker.replay_ttl)
    }),
    setting("worker.store_ttl", "How long a stored response can be read and continued.", |c, _| {
        above_zero(&mut c.worker.store_ttl)
    }),
    setting(
        "worker.max_pending_bytes",
        "How much output may wait for the broker; beyond that the model server is not read.",
        |c, _| size(&mut c.worker.max_pending_bytes),
    ),
    setting(
        "worker.max_output_bytes",
        "The longest output of one response, as it is shown; beyond that it ends as incomplete.",
        |c, _| size(&mut c.worker.max_output_bytes),
    ),
    setting(
        "worker.guard.terminal_escapes",
        "Sequences that steer a terminal are left out (`remove`), or U+FFFD stands in their place (`replace`). \
         The output guard is explained in [guard.md](guard.md).",
        |c, _| at(&mut c.guard.terminal_escapes),
    ),
    setting(
        "worker.guard.control_characters",
        "Likewise control characters, but line feed, tab, and a carriage return before a line feed.",
        |c, _| at(&mut c.guard.control_characters),
    ),
    setting(
        "worker.guard.bidi_characters",
        "Likewise characters that make text read otherwise than it runs: embeddings, overrides, isolates.",
        |c, _| at(&mut c.guard.bidi_characters),
    ),
    setting(
        "worker.guard.invisible_characters",
        "Likewise zero-width characters, direction marks and tags. Some scripts and joined emoji need them.",
        |c, _| at(&mut c.guard.invisible_characters),
    ),
    setting(
        "worker.guard.max_held_bytes",
        "How much of a text may be held back for the patterns; one that may need more is refused at the start.",
        |c, _| size(&mut c.guard.max_held_bytes),
    ),
    setting(
        "worker.guard.patterns.*.name",
        "What the pattern is called in metrics and masks; without a `regex`, which of the built-in ones it is.",
        |c, i| at(&mut pattern(c, i).name),
    ),
    setting("worker.guard.patterns.*.regex", "What to look for, in the syntax of Rust's `regex`.", |c, i| {
        at(&mut pattern(c, i).regex)
    }),
    setting(
        "worker.guard.patterns.*.action",
        "`mask` puts a replacement in its place; `stop` ends the response before it, with the reason `content_filter`.",
        |c, i| at(&mut pattern(c, i).action),
    ),
    setting(
        "worker.guard.patterns.*.replacement",
        "What stands in its place; the name in brackets, unless it is set.",
        |c, i| at(&mut pattern(c, i).replacement),
    ),
    setting(
        "redis.key_prefix",
        "What all keys begin with, so that several systems can share a server.",
        |c, _| at(&mut c.redis.broker.key_prefix),
    ),
    setting("redis.log_ttl", "How long a stream lives after its last event.", |c, _| {
        above_zero(&mut c.redis.broker.log_ttl)
    }),
    setting(
        "redis.live_limit_bytes",
        "The largest record that the live path carries; of a larger one, gateways are told to read the log.",
        |c, _| size(&mut c.redis.broker.live_limit_bytes),
    ),
    setting(
        "redis.max_jobs",
        "Jobs that wait for one model; beyond that a new one is refused for now.",
        |c, _| above_zero(&mut c.redis.broker.max_jobs),
    ),
    setting(
        "redis.max_dead",
        "Jobs that killed their workers and are kept for inspection, for one model; beyond that the oldest is forgotten.",
        |c, _| at(&mut c.redis.broker.max_dead),
    ),
    setting(
        "redis.pool_size",
        "How many waits for jobs may stand on one node at a time; those beyond it look once a second.",
        |c, _| above_zero(&mut c.redis.broker.pool_size),
    ),
    setting("redis.connect_timeout", "How long until a connection stands.", |c, _| {
        above_zero(&mut c.redis.broker.connect_timeout)
    }),
    setting("redis.response_timeout", "How long until an answer comes, a reconnection included.", |c, _| {
        above_zero(&mut c.redis.broker.response_timeout)
    }),
    setting(
        "redis.tls.authorities_file",
        "The certificates (PEM) of the authorities to trust with `rediss://`, in place of the public ones.",
        |c, _| at(&mut c.redis.tls.authorities_file),
    ),
    setting(
        "redis.tls.certificate_file",
        "The certificate (PEM) to identify with, and those that lead to its authority, if the server asks for one.",
        |c, _| at(&mut c.redis.tls.certificate_file),
    ),
    setting("redis.tls.key_file", "The private key (PEM) of that certificate.", |c, _| {
        at(&mut c.redis.tls.key_file)
    }),
    setting(
        "kafka.tls.authorities_file",
        "The certificates (PEM) of the authorities to trust with `kafkas://`, in place of those that the system trusts.",
        |c, _| at(&mut c.kafka.tls.authorities_file),
    ),
    setting(
        "kafka.tls.certificate_file",
        "The certificate (PEM) to identify with, and those that lead to its authority, if the cluster asks for one.",
        |c, _| at(&mut c.kafka.tls.certificate_file),
    ),
    setting("kafka.tls.key_file", "The private key (PEM, not encrypted) of that certificate.", |c, _| {
        at(&mut c.kafka.tls.key_file)
    }),
    setting(
        "kafka.sasl.mechanism",
        "How the password is proved. With `PLAIN` it is said, so only with `kafkas://` nobody else hears it.",
        |c, _| at(&mut c.kafka.mechanism),
    ),
    setting("kafka.sasl.username", "Who this is to the cluster; without one, SASL is not used.", |c, _| {
        at(&mut c.kafka.username)
    }),
    setting("kafka.sasl.password", "The password. Better in a variable or a file.", |c, _| {
        at(&mut c.kafka.password.value)
    }),
    setting("kafka.sasl.password_env", "The environment variable that holds the password.", |c, _| {
        at(&mut c.kafka.password.env)
    }),
    setting("kafka.sasl.password_file", "The file that holds the password.", |c, _| {
        at(&mut c.kafka.password.file)
    }),
    setting(
        "kafka.store",
        "A Redis for state by key: stored responses, idempotency keys. Without it, only what the log tells is known.",
        |c, _| at(&mut c.kafka.store),
    ),
    setting(
        "kafka.topic_prefix",
        "What all topics' names begin with, so that several systems can share a cluster.",
        |c, _| at(&mut c.kafka.broker.topic_prefix),
    ),
    setting(
        "kafka.partitions",
        "Partitions of the topic of events, where it is made by Narthex: a few for each gateway.",
        |c, _| above_zero(&mut c.kafka.broker.partitions),
    ),
    setting(
        "kafka.job_partitions",
        "Partitions of the topic of jobs, where it is made by Narthex. It must not change later.",
        |c, _| above_zero(&mut c.kafka.broker.job_partitions),
    ),
    setting(
        "kafka.replication",
        "Copies of each partition, where topics are made by Narthex; 0 is the cluster's own default.",
        |c, _| at(&mut c.kafka.broker.replication),
    ),
    setting(
        "kafka.home_partitions",
        "In how many partitions a gateway makes its responses. It reads these, and others for as long as it must.",
        |c, _| above_zero(&mut c.kafka.broker.home_partitions),
    ),
    setting("kafka.log_ttl", "How long a stream lives after its last event.", |c, _| {
        above_zero(&mut c.kafka.broker.log_ttl)
    }),
    setting(
        "kafka.retention",
        "How long records are kept, where topics are made by Narthex. No response may take longer.",
        |c, _| above_zero(&mut c.kafka.broker.retention),
    ),
    setting(
        "kafka.max_jobs",
        "Jobs of one model that wait or are under way; beyond that a new one is refused for now.",
        |c, _| above_zero(&mut c.kafka.broker.max_jobs),
    ),
    setting(
        "kafka.max_dead",
        "Jobs that killed their workers and are told of, for one model; beyond that the oldest is forgotten.",
        |c, _| at(&mut c.kafka.broker.max_dead),
    ),
    setting(
        "kafka.waiting_bytes",
        "How much of the jobs that wait a worker keeps in memory of each partition; the others are read when it claims them.",
        |c, _| size(&mut c.kafka.broker.waiting_bytes),
    ),
    setting(
        "kafka.partition_log_bytes",
        "How much of the streams of each partition is kept in memory; beyond that it is read again when needed.",
        |c, _| size(&mut c.kafka.broker.partition_log_bytes),
    ),
    setting(
        "kafka.recent_bytes",
        "How much of the latest records of each partition is kept in memory, for streams that are new to this process.",
        |c, _| size(&mut c.kafka.broker.recent_bytes),
    ),
    setting(
        "kafka.max_message_bytes",
        "The largest record. The brokers must allow it, too, where Narthex makes the topics.",
        |c, _| size(&mut c.kafka.broker.max_message_bytes),
    ),
    setting("kafka.response_timeout", "How long until an answer comes, a reconnection included.", |c, _| {
        above_zero(&mut c.kafka.broker.response_timeout)
    }),
    setting("memory.log_ttl", "How long a stream lives after its last event.", |c, _| {
        above_zero(&mut c.memory.log_ttl)
    }),
    setting(
        "memory.max_streams",
        "How many streams there are; the one that ended first makes room.",
        |c, _| above_zero(&mut c.memory.max_streams),
    ),
    setting(
        "memory.max_log_bytes",
        "How much all streams hold; those that ended first make room.",
        |c, _| size(&mut c.memory.max_log_bytes),
    ),
    setting(
        "memory.max_queue_bytes",
        "How much all waiting jobs hold; beyond that a new one is refused.",
        |c, _| size(&mut c.memory.max_queue_bytes),
    ),
    setting("memory.max_dead", "Jobs that are kept for inspection, for one model.", |c, _| {
        at(&mut c.memory.max_dead)
    }),
    setting(
        "memory.max_store_bytes",
        "How much stored responses and idempotency keys hold; what would expire first makes room.",
        |c, _| size(&mut c.memory.max_store_bytes),
    ),
    setting(
        "upstream.*.engine",
        "What the model server speaks: `chat` is `/v1/chat/completions` (vLLM, Ollama, llama.cpp, SGLang, …), \
         `responses` is `/v1/responses`, `demo` is built in.",
        |c, i| at(&mut upstream(c, i).engine),
    ),
    setting("upstream.*.url", "Where it is, up to and including `/v1`.", |c, i| {
        at(&mut upstream(c, i).server.base_url)
    }),
    setting("upstream.*.api_key", "Its key. Better in a variable or a file.", |c, i| {
        at(&mut upstream(c, i).api_key.value)
    }),
    setting("upstream.*.api_key_env", "The environment variable that holds its key.", |c, i| {
        at(&mut upstream(c, i).api_key.env)
    }),
    setting("upstream.*.api_key_file", "The file that holds its key.", |c, i| {
        at(&mut upstream(c, i).api_key.file)
    }),
    setting(
        "upstream.*.concurrency",
        "How many responses one worker produces at a time, for each model.",
        |c, i| above_zero(&mut upstream(c, i).concurrency),
    ),
    setting(
        "upstream.*.continuation",
        "Whether the server carries on a trailing assistant message (`prefill`), so that a response survives its \
         worker after it was shown in part. The demo engine does; of others, `none` is assumed.",
        |c, i| at(&mut upstream(c, i).continuation),
    ),
    setting(
        "upstream.*.models",
        "Which of its models to serve: `\"discover\"` asks the server at the start; else a list of names, or of \
         `[[upstream.models]]` tables.",
        |c, i| Box::new(Discover(&mut upstream(c, i).models)),
    ),
    setting(
        "upstream.*.tls.authorities_file",
        "The certificates (PEM) of the authorities to trust with `https://`, in place of those that the system trusts.",
        |c, i| at(&mut upstream(c, i).tls.authorities_file),
    ),
    setting(
        "upstream.*.tls.certificate_file",
        "The certificate (PEM) to identify with, and those that lead to its authority, if the server asks for one.",
        |c, i| at(&mut upstream(c, i).tls.certificate_file),
    ),
    setting("upstream.*.tls.key_file", "The private key (PEM) of that certificate.", |c, i| {
        at(&mut upstream(c, i).tls.key_file)
    }),
    setting(
        "upstream.*.timeouts.connect",
        "How long until a connection stands, name lookup and TLS included.",
        |c, i| above_zero(&mut upstream(c, i).server.connect_timeout),
    ),
    setting("upstream.*.timeouts.first_token", "How long until the first output.", |c, i| {
        above_zero(&mut upstream(c, i).timeouts.first_token)
    }),
    setting("upstream.*.timeouts.between_tokens", "How long between two outputs.", |c, i| {
        above_zero(&mut upstream(c, i).timeouts.between_tokens)
    }),
    setting("upstream.*.timeouts.response", "How long for the whole response.", |c, i| {
        above_zero(&mut upstream(c, i).timeouts.response)
    }),
    setting(
        "upstream.*.chat.max_tokens_field",
        "The member that bounds the output. OpenAI's reasoning models want the newer name.",
        |c, i| at(&mut upstream(c, i).chat.max_tokens_field),
    ),
    setting(
        "upstream.*.chat.prefill",
        "How the server is asked to carry on a text, with `continuation = \"prefill\"`: `trailing` (Ollama, \
         llama.cpp), `continue_final_message` (vLLM, SGLang), `prefix_member` (DeepSeek, Mistral).",
        |c, i| at(&mut upstream(c, i).chat.prefill),
    ),
    setting(
        "upstream.*.chat.reasoning_member",
        "The member in which a model's earlier reasoning is sent back, such as `reasoning_content`; without it, it is not.",
        |c, i| at(&mut upstream(c, i).chat.reasoning_member),
    ),
    setting(
        "upstream.*.chat.continuous_usage",
        "Whether the server is asked to tell usage with every token (vLLM, SGLang), so that cancelled responses have theirs; \
         one that refuses is not asked again.",
        |c, i| at(&mut upstream(c, i).chat.continuous_usage),
    ),
    setting(
        "upstream.*.chat.send_metadata",
        "Whether a request's `metadata` goes to the server; it is returned with the response in any case.",
        |c, i| at(&mut upstream(c, i).chat.send_metadata),
    ),
    setting(
        "upstream.*.demo.tokens_per_second",
        "How fast it speaks; with 0 as fast as it is read.",
        |c, i| at(&mut upstream(c, i).demo.tokens_per_second),
    ),
    setting("upstream.*.demo.first_token", "How long it thinks before the first token.", |c, i| {
        at(&mut upstream(c, i).demo.first_token)
    }),
    setting(
        "upstream.*.demo.seed",
        "Which of its texts it says; the same for the same seed and input.",
        |c, i| at(&mut upstream(c, i).demo.seed),
    ),
    setting("upstream.*.headers.*.name", "A header to send with every request.", |c, i| {
        at(&mut header(c, i).name)
    }),
    setting("upstream.*.headers.*.value", "Its value, which is treated as a secret.", |c, i| {
        at(&mut header(c, i).value)
    }),
    setting("upstream.*.models.*.name", "The name that clients ask for.", |c, i| at(&mut model(c, i).name)),
    setting(
        "upstream.*.models.*.upstream_name",
        "The name that the server knows it by, if it is another.",
        |c, i| at(&mut model(c, i).upstream_name),
    ),
    setting("upstream.*.models.*.concurrency", "As above, for this model.", |c, i| {
        above_zero(&mut model(c, i).concurrency)
    }),
    setting("upstream.*.models.*.continuation", "As above, for this model.", |c, i| {
        at(&mut model(c, i).continuation)
    }),
    setting("upstream.*.models.*.timeouts.first_token", "As above, for this model.", |c, i| {
        above_zero(&mut model(c, i).first_token)
    }),
    setting("upstream.*.models.*.timeouts.between_tokens", "As above, for this model.", |c, i| {
        above_zero(&mut model(c, i).between_tokens)
    }),
    setting("upstream.*.models.*.timeouts.response", "As above, for this model.", |c, i| {
        above_zero(&mut model(c, i).response)
    }),
];

/// The issuer that the first index names; a new one if there is none yet.
fn issuer<'a>(config: &'a mut Config, indices: &[usize]) -> &'a mut Issuer {
    entry(&mut config.auth.jwt, indices.first())
}

/// The pattern of the output guard that the first index names.
fn pattern<'a>(config: &'a mut Config, indices: &[usize]) -> &'a mut PatternConfig {
    entry(&mut config.guard.patterns, indices.first())
}

/// The upstream that the first index names; a new one if there is none yet.
fn upstream<'a>(config: &'a mut Config, indices: &[usize]) -> &'a mut Upstream {
    entry(&mut config.upstream, indices.first())
}

/// The header that both indices name.
fn header<'a>(config: &'a mut Config, indices: &[usize]) -> &'a mut Header {
    entry(&mut upstream(config, indices).headers, indices.get(1))
}

/// The model that both indices name.
fn model<'a>(config: &'a mut Config, indices: &[usize]) -> &'a mut UpstreamModel {
    entry(&mut upstream(config, indices).models, indices.get(1))
}

fn entry<'a, T: Default>(list: &'a mut Vec<T>, index: Option<&usize>) -> &'a mut T {
    let index = index.copied().unwrap_or_default().min(MAX_ENTRIES);
    if list.len() <= index {
        list.resize_with(index + 1, T::default);
    }
    &mut list[index]
}
