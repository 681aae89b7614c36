use tempfile::TempDir;

use super::*;
use crate::{Allowance, Scopes};

fn new_key(name: &str) -> NewKey {
    NewKey {
        name: name.to_owned(),
        tenant: "acme".to_owned(),
        user: name.to_owned(),
        scopes: Scopes::usual(),
        allowance: Allowance { requests_per_minute: Some(60), ..Allowance::default() },
        lifetime: None,
    }
}

/// A file with a key of each of these names.
fn file(names: &[&str]) -> (TempDir, KeysFile, Vec<Secret>) {
    let directory = TempDir::new().unwrap();
    let file = KeysFile::new(directory.path().join("keys.toml"));
    let keys = names.iter().map(|name| add(&file, new_key(name))).collect();
    (directory, file, keys)
}

fn add(file: &KeysFile, new: NewKey) -> Secret {
    let (key, record) = make_key(new).unwrap();
    file.change(|keys| keys.push(record)).unwrap();
    key
}

#[tokio::test]
async fn a_key_is_known_by_its_hash() {
    let (_directory, file, made) = file(&["one", "two"]);
    let keys = ApiKeys::open(file.path()).unwrap();
    let identity = keys.check(&made[1]).unwrap();
    assert_eq!((&*identity.tenant, &*identity.user), ("acme", "two"));
    assert_eq!(identity.allowance.requests_per_minute, Some(60));
    let text = std::fs::read_to_string(file.path()).unwrap();
    for key in &made {
        // There may be another one within the secret.
        let (_, secret) = key.reveal()[3..].split_once('_').unwrap();
        assert!(key.reveal().len() > 60 && !text.contains(secret));
    }
}

#[tokio::test]
async fn nothing_that_is_nearly_a_key_is_one() {
    let (_directory, file, made) = file(&["one", "two"]);
    let keys = ApiKeys::open(file.path()).unwrap();
    let (one, two) = (made[0].reveal(), made[1].reveal());
    let (_, secret) = two[3..].split_once('_').unwrap();
    let swapped = format!("nk_{}_{secret}", id_of(one).unwrap());
    for wrong in
        [&one[..one.len() - 1], &format!("{one}x"), &swapped, "nk_", "nk__", "nk_x_y", &one.to_uppercase()]
    {
        assert!(matches!(keys.check(&Secret::new(wrong)), Err(Refusal::Invalid(_))), "{wrong}");
    }
}

#[tokio::test]
async fn a_key_ends_when_it_was_to_end() {
    let (_directory, file, made) = file(&["one"]);
    file.change(|keys| keys[0].expires = Some(time::now() - 1)).unwrap();
    let keys = ApiKeys::open(file.path()).unwrap();
    assert_eq!(keys.check(&made[0]).unwrap_err(), Refusal::Expired);
    // A wrong key hears nothing of that.
    let wrong = Secret::new(format!("{}x", made[0].reveal()));
    assert!(matches!(keys.check(&wrong), Err(Refusal::Invalid(_))));
}

#[tokio::test]
async fn what_is_revoked_or_changed_ends_and_what_is_not_stays() {
    let (_directory, file, made) = file(&["revoked", "changed", "same"]);
    let keys = ApiKeys::open(file.path()).unwrap();
    let before: Vec<Identity> = made.iter().map(|key| keys.check(key).unwrap()).collect();
    file.change(|keys| {
        keys.retain(|key| key.name != "revoked");
        keys[0].scopes = Scopes::default();
    })
    .unwrap();
    let added = add(&file, new_key("added"));
    keys.reload().await.unwrap();
    let ended: Vec<bool> =
        before.iter().map(|identity| identity.revocation().unwrap().is_cancelled()).collect();
    assert_eq!(ended, [true, true, false]);
    assert!(keys.check(&made[0]).is_err());
    assert_eq!(keys.check(&made[1]).unwrap().scopes, Scopes::default());
    assert!(keys.check(&made[2]).is_ok() && keys.check(&added).is_ok());
}

#[tokio::test]
async fn a_bad_file_changes_nothing() {
    let (_directory, file, made) = file(&["one"]);
    let keys = ApiKeys::open(file.path()).unwrap();
    let good = std::fs::read_to_string(file.path()).unwrap();
    let twice = format!("{good}\n{}", &good[good.find("[[key]]").unwrap()..]);
    for bad in [
        "no TOML",
        "[[key]]\nid = \"x\"\n",
        &twice,
        &good.replace("hash = \"", "hash = \"x"),
        &good.replace("scopes", "scops"),
    ] {
        std::fs::write(file.path(), bad).unwrap();
        assert!(matches!(keys.reload().await, Err(FileError::Wrong(_))), "{bad}");
        assert!(keys.check(&made[0]).is_ok());
    }
    std::fs::remove_file(file.path()).unwrap();
    assert!(matches!(keys.reload().await, Err(FileError::Unread { .. })));
    assert!(keys.check(&made[0]).is_ok());
    assert!(ApiKeys::open(file.path()).is_err(), "a start wants to know");
}

/// As Kubernetes mounts a secret: links that are moved to another directory at once.
#[cfg(unix)]
#[tokio::test]
async fn a_file_behind_links_is_read_again_when_they_move() {
    use std::os::unix::fs::symlink;
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    let mut made = Vec::new();
    for version in ["v1", "v2"] {
        std::fs::create_dir(at(version)).unwrap();
        made.push(add(&KeysFile::new(at(version).join("keys.toml")), new_key(version)));
    }
    symlink("v1", at("data")).unwrap();
    symlink("data/keys.toml", at("keys.toml")).unwrap();
    let keys = ApiKeys::open(&at("keys.toml")).unwrap();
    let first = keys.check(&made[0]).unwrap();
    symlink("v2", at("data.new")).unwrap();
    std::fs::rename(at("data.new"), at("data")).unwrap();
    keys.reload().await.unwrap();
    assert!(first.revocation().unwrap().is_cancelled());
    assert!(keys.check(&made[0]).is_err() && keys.check(&made[1]).is_ok());
}

#[cfg(unix)]
#[test]
fn a_new_file_is_for_its_owner_alone_and_an_old_one_for_whom_it_was() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_directory, file, _) = file(&["one"]);
    let mode = || std::fs::metadata(file.path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
    add(&file, new_key("two"));
    assert_eq!(mode(), 0o640);
    assert_eq!(file.keys().unwrap().len(), 2);
}

#[test]
fn changes_at_the_same_time_are_all_made() {
    let (_directory, file, _) = file(&[]);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let file = &file;
            scope.spawn(move || add(file, new_key(&number.to_string())));
        }
    });
    assert_eq!(file.keys().unwrap().len(), 8);
}
