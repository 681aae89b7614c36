//! The abusers: one process of its own, which takes no more of the machine than others leave.

use std::{
    collections::BTreeMap, io, io::Read as _, net::Ipv4Addr, process::Stdio, sync::Arc, time::Duration,
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt as _,
    process::Command,
    task::JoinSet,
    time::{self, Instant},
};

use super::{
    attack::{Attack, Orders, Tallies, Tally},
    attacks,
    gauge::Gauge,
};

/// Beyond their time the abusers have so long to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// An abuser at work.
#[derive(Debug)]
pub(super) struct Abuser {
    pub(super) attack: Attack,
    pub(super) orders: Arc<Orders>,
    /// Where it comes from. Honest clients come from 127.0.0.1.
    pub(super) address: Ipv4Addr,
    tally: Mutex<Tally>,
}

impl Abuser {
    /// So much was done.
    pub(super) fn did(&self, count: u64) {
        self.tally.lock().done += count;
    }

    /// So it was answered.
    pub(super) fn hear(&self, answer: impl Into<String>) {
        *self.tally.lock().answers.entry(answer.into()).or_default() += 1;
    }
}

/// Lets a process carry out `orders`: what was answered, and the time that it computed.
///
/// # Errors
/// When it cannot be started, or breaks off.
pub(super) async fn start(orders: &Orders) -> io::Result<(Tallies, Duration)> {
    let mut child = Command::new("nice")
        .args(["-n", "19"])
        .arg(std::env::current_exe()?)
        .arg("attack")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut input = child.stdin.take().ok_or_else(|| io::Error::other("it takes no orders"))?;
    input.write_all(&serde_json::to_vec(orders)?).await?;
    drop(input);
    let output = time::timeout(orders.time + PATIENCE, child.wait_with_output()).await??;
    let mut told: Value = serde_json::from_slice(&output.stdout)?;
    let cpu = Duration::from_secs_f64(told["cpu_seconds"].as_f64().unwrap_or_default());
    Ok((serde_json::from_value(told["attacks"].take())?, cpu))
}

/// Carries out the orders on the standard input, and tells what came of them.
///
/// # Errors
/// When they are none.
pub(crate) async fn attack() -> io::Result<String> {
    let mut text = Vec::new();
    // Nothing else is to be done yet.
    io::stdin().read_to_end(&mut text)?;
    let orders: Arc<Orders> = Arc::new(serde_json::from_slice(&text)?);
    let (until, mut all) = (Instant::now() + orders.time, JoinSet::new());
    let each =
        orders.attacks.iter().flat_map(|attack| (1..=orders.abusers).map(move |number| (*attack, number)));
    for (attack, number) in each {
        let address = Ipv4Addr::new(127, 0, attack as u8, 1 + number);
        let abuser =
            Arc::new(Abuser { attack, orders: Arc::clone(&orders), address, tally: Mutex::default() });
        all.spawn(async move {
            // Who is at something when the time is over leaves it.
            let _ = time::timeout_at(until, attacks::carry_out(&abuser)).await;
            (attack, std::mem::take(&mut *abuser.tally.lock()))
        });
    }
    let mut tallies = Tallies::default();
    for (attack, tally) in all.join_all().await {
        tallies.add(Tallies(BTreeMap::from([(attack, tally)])));
    }
    let cpu = Gauge::of_this_process()?.cpu()?.as_secs_f64();
    Ok(json!({"attacks": tallies, "cpu_seconds": cpu}).to_string())
}
