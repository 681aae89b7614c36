//! One server.

use crate::server::{Served, Server, Shared, config};

static SERVER: Shared<Server> = Shared::new();

async fn broker() -> Served<Server> {
    let server = SERVER.get(Server::start(&[])).await;
    let config = config(&[server.url()]);
    Served::connect(server, config).await
}

broker::conformance_suite!(broker().await);
