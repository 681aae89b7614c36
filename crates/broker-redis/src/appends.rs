//! Appends on their way to the server: those of many streams in one call of the script.
//!
//! What an append costs is mostly what its call costs, on both sides and in between. So one call is under way at a time, a
//! call begins no sooner than [`append_window`](crate::Config::append_window) after the one before it, and takes all that has come until then. A
//! stream that is alone waits for nothing: its tokens are further apart than the window. Whatever is not a mere delta, and
//! so the first token of every response and its end, is sent at once.
//!
//! In a cluster a script is about the keys of one slot, so all of this is for each partition by itself. While a slot moves, some of its
//! streams are here and some there: then each append is a call.

use std::{
    collections::HashMap,
    fmt::{self, Write as _},
    mem,
    sync::Arc,
    time::Duration,
};

use broker::Error;
use bytes::Bytes;
use futures_util::future::join_all;
use parking_lot::Mutex;
use stream::{Epoch, ResponseId, Sequence};
use tokio::{
    sync::{Notify, oneshot},
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::{
    client::Client,
    error::{is_split, unreadable},
    keys::{Part, entry_id},
    scripts::{self, Call, flag, millis},
};

/// At most so many appends in one call: the server does nothing else meanwhile, for about half a millisecond.
const MAX_APPENDS: usize = 128;

/// A call takes no further append once its records have so many bytes.
const MAX_BYTES: usize = 256 * 1024;

/// Events of one stream, to be added to it.
pub(crate) struct Append {
    pub(crate) id: ResponseId,
    pub(crate) epoch: Epoch,
    pub(crate) first: Sequence,
    pub(crate) next: Sequence,
    /// The last of them is the terminal one.
    pub(crate) ends: bool,
    pub(crate) record: Bytes,
    /// The record is published, and not only that there is one.
    pub(crate) is_live: bool,
}

/// A handle on the tasks that send. When it is dropped, they end.
pub(crate) struct Appends {
    client: Client,
    ttl: Duration,
    window: Duration,
    senders: Mutex<Senders>,
}

/// A queue for each partition, and who sends what is in it.
#[derive(Default)]
struct Senders {
    queues: HashMap<u16, Arc<Queue>>,
    tasks: JoinSet<()>,
}

/// What waits to be sent.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    items: Vec<Item>,
    bytes: usize,
    /// Something in it shall not wait.
    hurried: bool,
}

struct Item {
    append: Append,
    answer: oneshot::Sender<Result<String, Error>>,
}

impl Appends {
    pub(crate) fn new(client: Client, ttl: Duration, window: Duration) -> Self {
        Self { client, ttl, window, senders: Mutex::default() }
    }

    /// The script's answer to an append. One that is `hurried` does not wait for the window.
    ///
    /// When this is dropped, the append may still be made.
    pub(crate) async fn append(&self, append: Append, hurried: bool) -> Result<String, Error> {
        let (answer, answered) = oneshot::channel();
        self.queue(append.id.partition()).put(Item { append, answer }, hurried);
        answered.await.map_err(Error::unavailable)?
    }

    /// The queue of a partition. With its first append somebody begins to send.
    fn queue(&self, partition: u16) -> Arc<Queue> {
        let Senders { queues, tasks } = &mut *self.senders.lock();
        let queue = queues.entry(partition).or_insert_with(|| {
            let queue = Arc::<Queue>::default();
            let (client, queue_of_task) = (self.client.clone(), Arc::clone(&queue));
            let (ttl, window) = (self.ttl, self.window);
            tasks.spawn(Sender { client, ttl, window, queue: queue_of_task }.run());
            queue
        });
        Arc::clone(queue)
    }
}

impl Queue {
    fn put(&self, item: Item, hurried: bool) {
        let mut waiting = self.waiting.lock();
        waiting.bytes += item.append.record.len();
        waiting.items.push(item);
        let first = waiting.items.len() == 1;
        let urged = hurried && !waiting.hurried;
        waiting.hurried |= hurried;
        if first || urged || waiting.is_full() {
            self.changed.notify_one();
        }
    }

    /// Waits until something is there, and from then on until `due`, unless it shall not wait.
    async fn take(&self, due: Instant) -> Vec<Item> {
        loop {
            let is_waiting = {
                let mut waiting = self.waiting.lock();
                let is_due = waiting.hurried || waiting.is_full() || Instant::now() >= due;
                if is_due && !waiting.items.is_empty() {
                    return waiting.take();
                }
                !waiting.items.is_empty()
            };
            match is_waiting {
                // That the time is over is seen above.
                true => drop(timeout_at(due, self.changed.notified()).await),
                false => self.changed.notified().await,
            }
        }
    }
}

impl Waiting {
    const fn is_full(&self) -> bool {
        self.items.len() >= MAX_APPENDS || self.bytes >= MAX_BYTES
    }

    /// As many as fit into a call. The rest need not wait for the window: the call was full.
    fn take(&mut self) -> Vec<Item> {
        let mut bytes = 0;
        let fits = |item: &Item| {
            let fits = bytes < MAX_BYTES;
            bytes += item.append.record.len();
            fits
        };
        let count = self.items.iter().take(MAX_APPENDS).map(fits).take_while(|fits| *fits).count();
        let rest = self.items.split_off(count);
        let taken = mem::replace(&mut self.items, rest);
        self.bytes = self.items.iter().map(|item| item.append.record.len()).sum();
        self.hurried = !self.items.is_empty();
        taken
    }
}

/// The task.
struct Sender {
    client: Client,
    ttl: Duration,
    window: Duration,
    queue: Arc<Queue>,
}

impl Sender {
    /// Runs until it is aborted with its owner.
    async fn run(self) {
        let mut due = Instant::now();
        loop {
            let mut items = self.queue.take(due).await;
            due = Instant::now() + self.window;
            // Whoever does not wait any more has left the stream: whether it is written makes no difference.
            items.retain(|item| !item.answer.is_closed());
            if !items.is_empty() {
                self.send(items).await;
            }
        }
    }

    async fn send(&self, items: Vec<Item>) {
        let appends: Vec<_> = items.iter().map(|item| &item.append).collect();
        let answers: Result<Vec<String>, Error> =
            self.client.run(&call(self.ttl, &self.client, &appends)).await;
        match answers {
            Ok(answers) => {
                for (item, answer) in items.into_iter().zip(answers) {
                    // It may have left meanwhile.
                    let _ = item.answer.send(Ok(answer));
                }
            }
            Err(error) if is_split(&error) => {
                join_all(items.into_iter().map(|item| self.send_alone(item))).await;
            }
            Err(error) => {
                let cause: Arc<dyn std::error::Error + Send + Sync> = Arc::new(error);
                for item in items {
                    let _ = item.answer.send(Err(Error::unavailable(Arc::clone(&cause))));
                }
            }
        }
    }

    async fn send_alone(&self, Item { append, answer }: Item) {
        let answers: Result<Vec<String>, Error> =
            self.client.run(&call(self.ttl, &self.client, &[&append])).await;
        let only =
            answers.and_then(|mut all| all.pop().ok_or_else(|| unreadable("a script answered nothing")));
        // It may have left meanwhile.
        let _ = answer.send(only);
    }
}

fn call(ttl: Duration, client: &Client, appends: &[&Append]) -> Call {
    let (keys, mut text) = (&client.keys, String::with_capacity(64));
    let first = appends.first().map_or_else(String::new, |append| keys.log(append.id));
    let mut call = scripts::APPEND.call_with(2 * appends.len(), first);
    for append in appends {
        for part in [Part::Log, Part::Meta] {
            keys.write(&mut text, append.id, part);
            call = call.arg(&text);
        }
    }
    call = call.arg(millis(ttl)).arg(client.publish());
    for Append { epoch, first, next, ends, record, is_live, .. } in appends {
        call = call
            .arg(written(&mut text, format_args!("{}", entry_id(*epoch, *first))))
            .arg(&record[..])
            .arg(written(&mut text, format_args!("{} {first} ", epoch.0)))
            .arg(written(&mut text, format_args!("{} {next} {first}", epoch.0)))
            .arg(flag(*is_live))
            .arg(flag(*ends));
    }
    call
}

/// What is written in `text`, instead of what was there.
fn written<'a>(text: &'a mut String, what: fmt::Arguments<'_>) -> &'a str {
    text.clear();
    // Cannot fail: it is a string.
    let _ = text.write_fmt(what);
    text
}
