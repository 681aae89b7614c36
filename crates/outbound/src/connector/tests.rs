use tokio::net::TcpListener;

use super::*;

#[tokio::test]
async fn a_server_that_never_shakes_hands_runs_into_the_time_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let mut connector = Connector::new(false, Duration::from_millis(30)).unwrap();
    let error = connector.call(uri).await.err().unwrap();
    assert_eq!(error.to_string(), "no connection within 30ms");
}
