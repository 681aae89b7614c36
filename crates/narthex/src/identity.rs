//! From settings to the one who decides who may come. Files of secrets are read here, and once; that of API keys is read again and
//! again by whom it is given to.

use std::{
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use broker::Finding;
use engine::Secret;
use identity::{Authenticator, ClientSecretsConfig, IssuerConfig, Keys, KeysFile, Scopes, Signature};

use crate::{
    config::{Algorithm, Auth, Issuer, TokenKey},
    failure::Failure,
};

/// Who may come, as it is set.
pub(crate) fn authenticator(auth: &Auth) -> Result<Authenticator, Failure> {
    if auth.keys_file.is_none() && auth.jwt.is_empty() {
        tracing::warn!("anyone who reaches the listener is let in, as the same user (auth.mode is none)");
        return Ok(Authenticator::open());
    }
    let key = secret("auth.client_secrets.key", &auth.client_secrets_key)?;
    let previous_key = secret("auth.client_secrets.previous_key", &auth.client_secrets_previous_key)?;
    let issuers = auth.jwt.iter().enumerate().map(|(index, issuer)| self::issuer(index, issuer));
    let config = identity::Config {
        keys_file: auth.keys_file.as_ref().map(Into::into),
        client_secrets: key.map(|key| ClientSecretsConfig { key, previous_key }),
        issuers: issuers.collect::<Result<_, _>>()?,
    };
    Authenticator::build(config).map_err(|error| {
        Failure::configuration(format!("auth: {error}; `narthex keys make NAME` makes a file with a key"))
    })
}

/// Whether those who may come can be told from others: files are read, and keys fetched.
pub(crate) async fn examine(auth: &Auth, listen: SocketAddr) -> Vec<Finding> {
    let authenticator = match authenticator(auth) {
        Ok(authenticator) => authenticator,
        Err(failure) => return vec![Finding::problem("auth", failure.to_string())],
    };
    if authenticator.is_open() {
        let seen = format!("anyone who reaches {listen} is let in, as the same user");
        return vec![match listen.ip().to_canonical().is_loopback() {
            true => Finding::fine("auth", seen),
            false => Finding::warning("auth", format!("{seen}: set auth.keys.file or [[auth.jwt]]")),
        }];
    }
    let mut findings = Vec::new();
    if let Some(path) = &auth.keys_file {
        findings.push(api_keys(path));
    }
    for (issuer, keys) in authenticator.try_issuers().await {
        let about = format!("issuer {issuer}");
        findings.push(match keys {
            Ok(0) => {
                Finding::problem(about, "publishes no key that can check tokens: see what it signs with")
            }
            Ok(count) => Finding::fine(about, format!("publishes {count} keys")),
            Err(why) => Finding::problem(about, format!("{why}; until that works, its tokens are refused")),
        });
    }
    findings
}

fn api_keys(path: &str) -> Finding {
    let about = "auth.keys.file";
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let keys = match KeysFile::new(path).keys() {
        Ok(keys) => keys,
        Err(error) => return Finding::problem(about, error.to_string()),
    };
    let alive = keys.iter().filter(|key| key.expires.is_none_or(|at| at > now)).count();
    let seen = format!("{path} has {} keys, {alive} of them alive", keys.len());
    match alive {
        0 => Finding::warning(about, format!("{seen}: `narthex keys make NAME` makes one")),
        _ => Finding::fine(about, seen),
    }
}

fn issuer(index: usize, issuer: &Issuer) -> Result<IssuerConfig, Failure> {
    let at = |name: &str| format!("auth.jwt.{index}.{name}");
    let keys = match (&issuer.jwks_url, &issuer.key_file, secret(&at("secret"), &issuer.secret)?) {
        (Some(url), _, _) => Keys::Url(url.clone()),
        (None, Some(file), _) => public_keys(&at("key_file"), file, issuer.algorithm)?,
        (None, None, Some(secret)) => Keys::Shared(secret),
        (None, None, None) => Keys::Discovery,
    };
    let scopes = Scopes::read(issuer.scopes.iter().map(String::as_str))
        .map_err(|error| Failure::configuration(format!("{}: {error}", at("scopes"))))?;
    Ok(IssuerConfig {
        issuer: issuer.issuer.clone(),
        audience: issuer.audience.clone(),
        keys,
        leeway: issuer.leeway,
        claims: issuer.claims.clone(),
        tenant: issuer.tenant.clone(),
        scopes,
        refresh_interval: issuer.refresh_interval,
        min_refresh_interval: issuer.min_refresh_interval,
        max_key_age: issuer.max_key_age,
    })
}

fn public_keys(setting: &str, path: &str, algorithm: Option<Algorithm>) -> Result<Keys, Failure> {
    let text = read(setting, path)?;
    if text.trim_start().starts_with('{') {
        return Ok(Keys::Set(Secret::new(text)));
    }
    let signature = match algorithm {
        Some(Algorithm::Rs256) => Signature::Rs256,
        Some(Algorithm::Es256) => Signature::Es256,
        Some(Algorithm::EdDsa) => Signature::EdDsa,
        None => {
            return Err(Failure::configuration(format!(
                "{setting} names a key in PEM: set the `algorithm` that it is for, RS256, ES256 or EdDSA"
            )));
        }
    };
    Ok(Keys::Pem(text, signature))
}

fn secret(setting: &str, key: &TokenKey) -> Result<Option<Secret>, Failure> {
    let Some(path) = &key.file else { return Ok(key.text.clone()) };
    let text = read(&format!("{setting}_file"), path)?;
    Ok(Some(Secret::new(text.trim())))
}

fn read(setting: &str, path: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::configuration(format!(
            "{setting} names {path}, which cannot be read ({error}): put it there"
        ))
    })
}
