//! How each attack is carried out: over and over until its time is over, at a bounded rate.

mod connections;
mod http;
mod reading;
mod sockets;
mod wire;

use std::{sync::Arc, time::Duration};

use tokio::time;

use super::{attack::Attack, attacker::Abuser};

/// Between one try and the next.
const PAUSE: Duration = Duration::from_millis(200);

/// Does it until somebody stops it.
pub(super) async fn carry_out(abuser: &Arc<Abuser>) {
    loop {
        match abuser.attack {
            Attack::Messages => sockets::messages(abuser).await,
            Attack::Pings => sockets::pings(abuser).await,
            Attack::Fragments => sockets::fragments(abuser).await,
            Attack::Oversized => {
                sockets::oversized(abuser).await;
                http::oversized(abuser).await;
            }
            Attack::Garbage => {
                sockets::garbage(abuser).await;
                http::garbage(abuser).await;
            }
            Attack::Lanes => sockets::lanes(abuser).await,
            Attack::NeverRead => reading::never(abuser).await,
            Attack::SlowRead => reading::slowly(abuser).await,
            Attack::Storm => connections::storm(abuser).await,
            Attack::Slowloris => connections::slowloris(abuser).await,
            Attack::Credentials => http::credentials(abuser).await,
            Attack::Http => http::flood(abuser).await,
        }
        time::sleep(PAUSE).await;
    }
}
