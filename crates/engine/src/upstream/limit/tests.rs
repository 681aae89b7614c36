use futures_util::{StreamExt, stream};

use super::*;

async fn passes(chunks: &[&'static str]) -> bool {
    let chunks: Vec<_> =
        chunks.iter().map(|chunk| Ok::<_, std::io::Error>(Bytes::from_static(chunk.as_bytes()))).collect();
    LimitedEvents::new(stream::iter(chunks), 10).all(async |chunk| chunk.is_ok()).await
}

#[tokio::test]
async fn many_small_events_pass_however_they_are_cut() {
    assert!(passes(&["data: 1\n\ndata: 2\n\n", "data: 3\n\n"]).await);
    assert!(passes(&["data: 1\n", "\ndata: 2\n", "\ndata: 3\n", "\n"]).await);
    assert!(passes(&["data: 1\r\n\r\n", "data: 2\r\n", "\r\n", "data: 3\r\n\r\n"]).await);
    assert!(passes(&["data: 1\r", "\n\r", "\ndata: 2\r\n\r\n", "data: 3"]).await);
    assert!(passes(&["data: 1\r\rdata: 2\r", "\rdata: 3\r\r"]).await);
    assert!(passes(&[": ping\n\n", ": ping\n\n", ": ping\n\n"]).await);
}

#[tokio::test]
async fn an_event_above_the_bound_is_an_error() {
    assert!(!passes(&["data: 12345"]).await);
    assert!(!passes(&["data: ", "1234", "5"]).await);
    assert!(!passes(&["data: 1\n\ndata: 2", "34567"]).await);
    assert!(!passes(&["data: 1\n", "data: 2\n"]).await, "one event of two lines");
}
