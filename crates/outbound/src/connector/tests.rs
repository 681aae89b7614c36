use tokio::net::TcpListener;

use super::*;

#[tokio::test]
async fn a_server_that_never_shakes_hands_runs_into_the_time_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let mut connector = Connector::new(None, Duration::from_millis(30)).unwrap();
    let error = connector.call(uri).await.err().unwrap();
    assert_eq!(error.to_string(), "no connection within 30ms");
}

#[test]
fn what_is_no_certificate_is_told() {
    let wrong = |tls: &Tls| Connector::new(Some(tls), Duration::from_secs(1)).err().unwrap();
    let nothing = || Some(b"nothing".to_vec());
    assert_eq!(wrong(&Tls { authorities: nothing(), identity: None }), TlsError::Authorities);
    let key = (b"no certificate".to_vec(), b"-----BEGIN PRIVATE KEY-----\nsecret".to_vec());
    let tls = Tls { authorities: None, identity: Some(key) };
    assert!(!format!("{tls:?}").contains("secret"));
    // A system without certificates says that first.
    assert!(matches!(wrong(&tls), TlsError::Identity | TlsError::System(_)));
}
