//! The processes of a run: this one, or several that it starts.

use std::{io, os::fd::AsFd as _, process::Stdio};

use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, Lines},
    net::unix::pipe,
    process::{Child, Command},
    sync::mpsc,
};
use tokio_util::task::TaskTracker;

use crate::{Load, Order, Told, drive};

/// Words that wait for whoever reads them; who tells more waits.
const BACKLOG: usize = 16;

/// Whoever does the work of a run. All end with this.
#[derive(Debug)]
pub struct Crew {
    pub(crate) orders: Vec<mpsc::Sender<Order>>,
    /// With `None` a member has left before it was done.
    pub(crate) told: mpsc::Receiver<Option<Told>>,
    /// Of the processes that work.
    pub(crate) pids: Vec<u32>,
    /// They are killed when these are dropped.
    _children: Vec<Child>,
    _tasks: TaskTracker,
}

impl Crew {
    /// This process alone.
    ///
    /// # Errors
    /// When the load cannot be.
    pub fn here(load: Load) -> Result<Self, crate::Invalid> {
        load.check()?;
        let (orders, ordered) = mpsc::channel(BACKLOG);
        let (tell, told) = mpsc::channel(BACKLOG);
        let (say, mut said) = mpsc::channel(BACKLOG);
        let tasks = TaskTracker::new();
        // It was checked.
        tasks.spawn(async { drop(drive(load, ordered, say).await) });
        tasks.spawn(async move {
            while let Some(word) = said.recv().await {
                if tell.send(Some(word)).await.is_err() {
                    return;
                }
            }
            drop(tell.send(None).await);
        });
        let pids = vec![std::process::id()];
        Ok(Self { orders: vec![orders], told, pids, _children: Vec::new(), _tasks: tasks })
    }

    /// So many processes of `command`, which is to [`serve`].
    ///
    /// # Errors
    /// When the load cannot be, or they cannot be started.
    pub async fn processes(load: &Load, count: usize, command: impl Fn() -> Command) -> io::Result<Self> {
        load.check().map_err(io::Error::other)?;
        let (tell, told) = mpsc::channel(BACKLOG);
        let tasks = TaskTracker::new();
        let (mut all, mut pids, mut children) = (Vec::new(), Vec::new(), Vec::new());
        for part in 0..count {
            let mut child =
                command().stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
            let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
                return Err(io::Error::other("a process without input and output"));
            };
            write(&mut input, &load.share(part, count)).await?;
            let (orders, mut ordered) = mpsc::channel::<Order>(BACKLOG);
            tasks.spawn(async move {
                while let Some(order) = ordered.recv().await {
                    // What became of it is told by the end of its words.
                    drop(write(&mut input, &order).await);
                }
            });
            tasks.spawn(pass_on(BufReader::new(output).lines(), tell.clone()));
            pids.extend(child.id());
            all.push(orders);
            children.push(child);
        }
        Ok(Self { orders: all, told, pids, _children: children, _tasks: tasks })
    }

    /// Gives all of them an order.
    pub(crate) async fn order(&self, order: Order) {
        for orders in &self.orders {
            // Who has left has said so.
            let _ = orders.send(order).await;
        }
    }
}

async fn pass_on<R: AsyncRead + Unpin>(mut lines: Lines<BufReader<R>>, tell: mpsc::Sender<Option<Told>>) {
    while let Ok(Some(word)) = read(&mut lines).await {
        if tell.send(Some(word)).await.is_err() {
            return;
        }
    }
    drop(tell.send(None).await);
}

/// A process of a [`Crew`]: takes its share and orders from the standard input, and tells on the standard output.
///
/// # Errors
/// When these are no pipes, what comes in is not that, or nobody listens.
pub async fn serve() -> io::Result<()> {
    let input = pipe::Receiver::from_owned_fd(io::stdin().as_fd().try_clone_to_owned()?)?;
    let mut out = pipe::Sender::from_owned_fd(io::stdout().as_fd().try_clone_to_owned()?)?;
    let mut lines = BufReader::new(input).lines();
    let load: Load = read(&mut lines).await?.ok_or_else(|| io::Error::other("there is no load"))?;
    let (orders, ordered) = mpsc::channel(BACKLOG);
    let (say, mut said) = mpsc::channel(BACKLOG);
    let work = async { drive(load, ordered, say).await.map_err(io::Error::other) };
    let listen = async {
        while let Ok(Some(order)) = read::<Order, _>(&mut lines).await {
            if orders.send(order).await.is_err() {
                break;
            }
        }
        // Whoever started it is gone, and so are the orders.
        drop(orders);
    };
    let talk = async {
        while let Some(word) = said.recv().await {
            write(&mut out, &word).await?;
        }
        Ok(())
    };
    let mut listen = std::pin::pin!(listen);
    let mut working = std::pin::pin!(async { tokio::try_join!(work, talk).map(drop) });
    tokio::select! {
        done = &mut working => done,
        () = &mut listen => working.await,
    }
}

async fn read<T: DeserializeOwned, R: AsyncRead + Unpin>(
    lines: &mut Lines<BufReader<R>>,
) -> io::Result<Option<T>> {
    let line = lines.next_line().await?;
    Ok(line.map(|line| serde_json::from_str(&line)).transpose()?)
}

async fn write<T: Serialize>(out: &mut (impl AsyncWrite + Unpin), word: &T) -> io::Result<()> {
    let line = serde_json::to_string(word)? + "\n";
    out.write_all(line.as_bytes()).await?;
    out.flush().await
}
