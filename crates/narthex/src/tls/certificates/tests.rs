//! What changes half, or is no certificate, changes nothing.

use std::fs;

use testkit::certificates::Authority;

use super::*;

#[test]
fn what_cannot_be_used_is_not_taken() {
    super::super::choose_cryptography();
    let folder = tempfile::TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let files = ServerTls {
        certificate_file: Some(path("c")),
        key_file: Some(path("k")),
        client_authorities_file: None,
    };
    let authority = Authority::new();
    let (old, new) = (authority.issue(), authority.issue());
    let write = |certificate: &str, key: &str| {
        fs::write(path("c"), certificate).unwrap();
        fs::write(path("k"), key).unwrap();
    };
    write(&old.certificate, &old.key);
    let mut certificates = Certificates::read(&files).unwrap().unwrap();
    certificates.look().unwrap();
    for (certificate, key) in [(&*new.certificate, &*old.key), ("", &old.key), (&new.certificate, "")] {
        write(certificate, key);
        certificates.look().unwrap_err();
        assert_eq!(certificates.read.certificate, old.certificate.as_bytes());
    }
    fs::remove_file(path("c")).unwrap();
    certificates.look().unwrap_err();
    write(&new.certificate, &new.key);
    certificates.look().unwrap();
    assert_eq!(certificates.read.certificate, new.certificate.as_bytes());
}
