//! Who may come in: `auth`.

use super::{Setting, entry, setting};
use crate::config::{
    Config, Issuer,
    value::{above_zero, at},
};

pub(super) const SETTINGS: &[Setting] = &[
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
        "How long before its token or key ends a WebSocket that speaks `narthex.v1` is told \
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
];

/// The issuer that the first index names; a new one if there is none yet.
fn issuer<'a>(config: &'a mut Config, indices: &[usize]) -> &'a mut Issuer {
    entry(&mut config.auth.jwt, indices.first())
}
