//! A reader as a gateway is one: it hears what it can, and reads what it missed.

use std::sync::Arc;

use broker::{Broker, Listener, Listening};
use parking_lot::Mutex;
use stream::{Delta, DeltaKind, Event, EventKind, Record, ResponseId, Sequence, Whole};
use tokio::sync::Notify;

pub(crate) struct Follower {
    id: ResponseId,
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    next: Sequence,
    texts: Vec<String>,
    ended: bool,
    behind: bool,
    interruptions: usize,
    /// The sequence number after what was heard last.
    heard: Sequence,
}

impl State {
    fn take(&mut self, record: &Record) {
        for (sequence, event) in record.events_from(self.next) {
            assert_eq!(sequence, self.next, "a gap in what is read");
            self.next += 1;
            self.ended |= event.is_terminal();
            if let Event::Delta(delta) = event {
                self.texts.push(delta.text.to_string());
            }
        }
    }
}

impl Follower {
    pub(crate) async fn listen(broker: &Broker, id: ResponseId) -> (Arc<Self>, Listening) {
        let state = State { behind: true, ..State::default() };
        let follower = Arc::new(Self { id, state: Mutex::new(state), news: Notify::new() });
        let listening = broker.log.listen(id, Arc::clone(&follower) as _).await.unwrap();
        (follower, listening)
    }

    pub(crate) fn interruptions(&self) -> usize {
        self.state.lock().interruptions
    }

    pub(crate) fn heard(&self) -> Sequence {
        self.state.lock().heard
    }

    /// Follows the stream until `enough` of its texts are there, or it ends. What cannot be read now is tried again when
    /// something is heard.
    pub(crate) async fn follow(&self, broker: &Broker, enough: usize) -> Vec<String> {
        loop {
            let from = {
                let mut state = self.state.lock();
                if state.ended || state.texts.len() >= enough {
                    return state.texts.clone();
                }
                std::mem::take(&mut state.behind).then_some(state.next)
            };
            match from {
                Some(from) => self.read(broker, from).await,
                None => self.news.notified().await,
            }
        }
    }

    async fn read(&self, broker: &Broker, from: Sequence) {
        let page = broker.log.read(self.id, from, 1 << 20).await;
        let mut state = self.state.lock();
        match page {
            Ok(page) => {
                let page = page.unwrap();
                page.records.iter().for_each(|record| state.take(record));
                state.behind |= page.more;
            }
            // The server is away. When it is back, the listener is told.
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
    }
}

impl Listener for Follower {
    fn heard(&self, _id: ResponseId, record: Arc<Record>) {
        let mut state = self.state.lock();
        state.heard = record.next();
        match record.first <= state.next && !state.behind {
            true => state.take(&record),
            false => state.behind = true,
        }
        self.news.notify_one();
    }

    fn interrupted(&self, _id: ResponseId) {
        let mut state = self.state.lock();
        state.behind = true;
        state.interruptions += 1;
        self.news.notify_one();
    }
}

pub(crate) fn delta(text: impl Into<String>) -> Event {
    Event::Delta(Delta {
        kind: DeltaKind::OutputText,
        output_index: 0,
        part_index: 0,
        text: text.into().into(),
        logprobs: None,
    })
}

pub(crate) fn whole(kind: EventKind) -> Event {
    Event::Whole(Whole { kind, body: "{}".into() })
}
