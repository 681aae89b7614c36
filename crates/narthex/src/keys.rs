//! `narthex keys`: makes, lists and revokes API keys.
//!
//! It edits the file that gateways read, and talks to nobody: keys are made where the file is at home, a repository of settings or
//! the machine of whoever fills a secret of Kubernetes.

mod args;

use std::time::{SystemTime, UNIX_EPOCH};

use identity::{Allowance, FileError, KeyRecord, KeysFile, NewKey, Scopes, make_key};
use serde_json::{Value, json};

pub(crate) use self::args::{KEYS_HELP, KeysArgs};
use self::args::{KeysCommand, Make};
use crate::{
    config::Config,
    console,
    failure::Failure,
    table::{Cell, Format, Table},
};

/// Does what was asked.
pub(crate) fn run(config: &Config, args: KeysArgs) -> Result<std::process::ExitCode, Failure> {
    let path = args.keys_file.or_else(|| config.auth.keys_file.clone()).ok_or_else(|| {
        Failure::configuration(
            "where are the keys? Name their file with --keys-file FILE, or set auth.keys.file",
        )
    })?;
    let file = KeysFile::new(&path);
    match args.what {
        KeysCommand::Make(make) => self::make(&file, make, args.format)?,
        KeysCommand::List => list(&file, args.format)?,
        KeysCommand::Revoke { key } => revoke(&file, &key)?,
    }
    Ok(std::process::ExitCode::SUCCESS)
}

fn make(file: &KeysFile, make: Make, format: Format) -> Result<(), Failure> {
    let scopes = match make.scope.as_slice() {
        [] => Scopes::usual(),
        words => Scopes::read(words.iter().map(String::as_str))
            .map_err(|error| Failure::configuration(format!("--scope: {error}")))?,
    };
    let allowance = Allowance {
        requests_per_minute: make.requests_per_minute,
        tokens_per_minute: make.tokens_per_minute,
        responses_in_flight: make.responses_in_flight,
    };
    let new = NewKey {
        user: make.user.unwrap_or_else(|| make.name.clone()),
        name: make.name,
        tenant: make.tenant,
        scopes,
        allowance,
        lifetime: make.expires,
    };
    let (key, record) = make_key(new)
        .map_err(|error| Failure::run_time(format!("this machine has no randomness: {error}")))?;
    let (name, taken) = (record.name.clone(), format!("there is a key named {:?} already", record.name));
    let described = describe(&record);
    let is_new = file.change(|keys| {
        let is_new = keys.iter().all(|key| key.name != name);
        keys.extend(is_new.then_some(record));
        is_new
    });
    if !is_new.map_err(failed)? {
        return Err(Failure::configuration(format!("{taken}: revoke it first, or choose another name")));
    }
    match format {
        Format::Table => {
            console::say(&format!("{}\n", key.reveal()));
            console::remark(&format!(
                "This is the only time that the key is shown: {} holds its hash. Gateways that read the file know it within \
                 two seconds.",
                file.path().display()
            ));
        }
        Format::Json => {
            let mut told = described;
            told["key"] = key.reveal().into();
            console::say(&format!("{told:#}\n"));
        }
    }
    Ok(())
}

fn list(file: &KeysFile, format: Format) -> Result<(), Failure> {
    let keys = file.keys().map_err(failed)?;
    console::say(&match format {
        Format::Table => table(&keys).to_text(),
        Format::Json => format!("{:#}\n", json!({ "keys": keys.iter().map(describe).collect::<Vec<_>>() })),
    });
    Ok(())
}

fn table(keys: &[KeyRecord]) -> Table {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut table = Table::new(&["ID", "NAME", "TENANT", "USER", "SCOPES", "CREATED", "EXPIRES"]);
    for key in keys {
        let expires = match key.expires {
            None => "never".to_owned(),
            Some(at) if at < now => format!("expired {}", time(at)),
            Some(at) => time(at),
        };
        let scopes = key.scopes.to_string();
        let cells = [&key.id, &key.name, &key.tenant, &key.user, &scopes, &time(key.created), &expires];
        table.push(cells.map(|text| Cell::text(text)).into());
    }
    table
}

fn revoke(file: &KeysFile, wanted: &str) -> Result<(), Failure> {
    // A name is not to be told from an id by its form: both are looked for.
    let revoked = file.change(|keys| {
        let at = keys.iter().position(|key| key.id == wanted || key.name == wanted)?;
        Some(keys.remove(at))
    });
    let Some(revoked) = revoked.map_err(failed)? else {
        return Err(Failure::run_time(format!(
            "there is no key with the id or name {wanted:?}: `narthex keys list` lists them"
        )));
    };
    console::say(&format!(
        "{} ({}) is revoked: gateways that read {} refuse it, and close its connections, within two seconds.\n",
        revoked.name,
        revoked.id,
        file.path().display()
    ));
    Ok(())
}

fn describe(key: &KeyRecord) -> Value {
    json!({
        "id": key.id, "name": key.name, "tenant": key.tenant, "user": key.user, "scopes": key.scopes.words(),
        "created": time(key.created), "expires": key.expires.map(time), "allowance": key.allowance,
    })
}

fn time(seconds: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + std::time::Duration::from_secs(seconds)).to_string()
}

fn failed(error: FileError) -> Failure {
    Failure::run_time(error.to_string())
}
