use deadpool::managed::Manager as _;
use testkit::redis::Server;

use super::*;

/// Whoever has rested is asked whether it still is a connection, and nobody else.
#[tokio::test]
async fn only_who_has_rested_is_asked() {
    let server = Server::start(&[]).await;
    let manager = Fresh(Manager::new(server.url()).unwrap());
    let mut connection = manager.create().await.unwrap();
    let lent = |before| {
        let metrics = Metrics::default();
        Metrics { recycled: metrics.created.checked_sub(before), ..metrics }
    };
    let nearly = FRESH - Duration::from_millis(500);
    manager.recycle(&mut connection, &lent(nearly)).await.unwrap();
    assert_eq!(server.calls("unwatch"), 0, "it has not rested");
    manager.recycle(&mut connection, &lent(FRESH)).await.unwrap();
    assert_eq!(server.calls("unwatch"), 1, "it has");
}
