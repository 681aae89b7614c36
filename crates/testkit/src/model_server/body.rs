//! The steps of a play, taken in time: as the body of a streamed answer, or all at once.

use std::{collections::VecDeque, io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use hyper::body::Frame;
use tokio::{net::TcpStream, task, time};

use super::{
    play::{Piece, Play, Step},
    script::{Fault, UsageNumbers},
    stats::{Answer, Ending},
};

/// How a protocol tells things in a stream.
pub(super) trait Teller: Send {
    /// The stream begins.
    fn begin(&mut self, out: &mut Vec<Event>);
    /// Something is told.
    fn tell(&mut self, piece: &Piece, out: &mut Vec<Event>);
    /// The stream ends with an error, given as a JSON object.
    fn fail(&mut self, error: &str, out: &mut Vec<Event>);
    /// The stream ends.
    fn finish(&mut self, reason: &str, usage: UsageNumbers, out: &mut Vec<Event>);
}

/// One server-sent event.
pub(super) struct Event {
    pub(super) name: Option<&'static str>,
    pub(super) data: String,
}

impl Event {
    pub(super) fn data(data: impl Into<String>) -> Self {
        Self { name: None, data: data.into() }
    }
}

/// A connection, as far as a script can harm it.
#[derive(Debug)]
pub(super) struct Line(Option<socket2::Socket>);

impl Line {
    pub(super) fn of(stream: &TcpStream) -> Self {
        Self(socket2::SockRef::from(stream).try_clone().ok())
    }

    /// Makes the system reset the connection when it is closed, and not end it in peace.
    fn reset_on_close(&self) {
        if let Some(socket) = &self.0 {
            // If the system refuses, the connection is merely cut, and the test that wanted a reset says so.
            let _ = socket.set_linger(Some(Duration::ZERO));
        }
    }
}

/// A play under way.
pub(super) struct Performance {
    play: Play,
    steps: Box<dyn Iterator<Item = Step> + Send>,
    answer: Answer,
    line: Arc<Line>,
    /// When the next token is due. It is reckoned from the one before, so that delays do not add up.
    due: time::Instant,
    told: u64,
}

/// What became of one step.
enum Scene {
    Told(Piece),
    Garbage(String),
    Error(String),
    End,
    Finish,
}

impl Performance {
    pub(super) fn new(play: Play, answer: Answer, line: Arc<Line>) -> Self {
        let due = time::Instant::now() + play.script().first_delay;
        Self { steps: play.steps(), play, answer, line, due, told: 0 }
    }

    /// Waits until the first token is due.
    pub(super) async fn first_due(&mut self) {
        time::sleep_until(self.due).await;
    }

    async fn next(&mut self) -> io::Result<Scene> {
        Ok(match self.steps.next() {
            Some(Step::Tell(piece)) => {
                if self.due > time::Instant::now() {
                    time::sleep_until(self.due).await;
                }
                self.due += self.play.script().delay;
                self.told += 1;
                self.answer.told_token();
                Scene::Told(piece)
            }
            Some(Step::Fail(Fault::Cut)) => return Err(self.cut().await),
            Some(Step::Fail(Fault::Reset)) => {
                self.line.reset_on_close();
                return Err(self.cut().await);
            }
            Some(Step::Fail(Fault::Hang)) => std::future::pending().await,
            Some(Step::Fail(Fault::Garbage(data))) => Scene::Garbage(data),
            Some(Step::Fail(Fault::Error(error))) => Scene::Error(error),
            Some(Step::Fail(Fault::End)) => Scene::End,
            Some(Step::Finish) | None => Scene::Finish,
        })
    }

    async fn cut(&mut self) -> io::Error {
        // What was told before leaves the buffer while this waits, and only then the line is cut.
        task::yield_now().await;
        self.answer.end(Ending::Cut);
        io::Error::other("the script cuts the line")
    }

    /// Plays to the end and gives what was told, the reason for stopping, and the usage.
    ///
    /// # Errors
    /// When the script cuts the line; `Ok(Err(_))` when it ends in an error object.
    pub(super) async fn whole(mut self) -> io::Result<Result<(Vec<Piece>, String, UsageNumbers), String>> {
        let mut pieces = Vec::new();
        loop {
            match self.next().await? {
                Scene::Told(piece) => pieces.push(piece),
                Scene::Garbage(error) | Scene::Error(error) => {
                    self.answer.end(Ending::Finished);
                    return Ok(Err(error));
                }
                Scene::End | Scene::Finish => {
                    self.answer.end(Ending::Finished);
                    let reason = self.play.finish_reason(self.told).to_owned();
                    return Ok(Ok((pieces, reason, self.play.usage(self.told))));
                }
            }
        }
    }

    /// The play as the body of an event stream.
    pub(super) fn stream(
        self,
        teller: Box<dyn Teller>,
    ) -> impl Stream<Item = io::Result<Frame<Bytes>>> + Send {
        let mut events = Vec::new();
        let mut broadcast = Broadcast { performance: self, teller, ready: VecDeque::new(), ended: false };
        broadcast.teller.begin(&mut events);
        broadcast.write(events);
        stream::try_unfold(broadcast, async |mut broadcast| {
            Ok(broadcast.next().await?.map(|chunk| (Frame::data(chunk), broadcast)))
        })
    }
}

/// A performance on its way into a body.
struct Broadcast {
    performance: Performance,
    teller: Box<dyn Teller>,
    ready: VecDeque<Bytes>,
    ended: bool,
}

impl Broadcast {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(Some(chunk));
            }
            if self.ended {
                self.performance.answer.end(Ending::Finished);
                return Ok(None);
            }
            let scene = self.performance.next().await?;
            let mut events = Vec::new();
            self.ended = !matches!(scene, Scene::Told(_) | Scene::Garbage(_));
            match scene {
                Scene::Told(piece) => self.teller.tell(&piece, &mut events),
                Scene::Garbage(data) => events.push(Event::data(data)),
                Scene::Error(error) => self.teller.fail(&error, &mut events),
                Scene::End => {}
                Scene::Finish => {
                    let told = self.performance.told;
                    let play = &self.performance.play;
                    self.teller.finish(play.finish_reason(told), play.usage(told), &mut events);
                }
            }
            self.write(events);
        }
    }

    fn write(&mut self, events: Vec<Event>) {
        let script = self.performance.play.script();
        let end = if script.crlf { "\r\n" } else { "\n" };
        let mut text = String::new();
        for event in events {
            if script.comments {
                text.push_str(&format!(": still here{end}{end}"));
            }
            if let Some(name) = event.name {
                text.push_str(&format!("event: {name}{end}"));
            }
            text.push_str(&format!("data: {}{end}{end}", event.data));
        }
        let mut bytes = Bytes::from(text);
        let size = script.split_bytes.unwrap_or(usize::MAX).max(1);
        while !bytes.is_empty() {
            self.ready.push_back(bytes.split_to(size.min(bytes.len())));
        }
    }
}
