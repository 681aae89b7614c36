//! One stream, as a client hears it: its times, its numbers, its text.

use tokio::{sync::watch, time::Instant};

use crate::{Expect, check::Check, clock::Clock, figures::Figures, heard::Heard};

/// One stream. Its memory is used again for the next one.
#[derive(Debug)]
pub(crate) struct Turn {
    /// From when on latencies count; `None` if it was somebody else's request.
    from: Option<Instant>,
    last_piece: Option<Instant>,
    check: Check,
    /// The stream's id, as soon as it is known.
    pub(super) response: String,
    followers: Option<watch::Sender<String>>,
    /// When the connection was lost on which it was heard.
    pub(super) lost: Option<Instant>,
    /// How it ended, once it has.
    pub(super) ended: Option<Result<(), String>>,
}

impl Turn {
    pub(super) const fn new(expect: Expect) -> Self {
        Self {
            from: None,
            last_piece: None,
            check: Check::new(expect),
            response: String::new(),
            followers: None,
            lost: None,
            ended: None,
        }
    }

    pub(super) fn begin(&mut self, from: Option<Instant>, followers: Option<watch::Sender<String>>) {
        self.from = from;
        self.last_piece = None;
        self.response.clear();
        self.followers = followers;
        self.lost = None;
        self.ended = None;
    }

    /// The last number that came.
    pub(super) const fn last(&self) -> Option<u64> {
        self.check.next().checked_sub(1)
    }

    /// Takes what the server said at `now`.
    pub(super) fn hear(&mut self, heard: &Heard<'_>, now: Instant, clock: &Clock, figures: &mut Figures) {
        match *heard {
            Heard::Piece { numbers, text } => {
                self.piece(numbers, text);
                self.measure(numbers, now, clock, figures);
            }
            Heard::Whole { number, text } => {
                self.check.number(number, number);
                self.check.whole(text);
            }
            Heard::Created { number, response } => {
                self.check.number(number, number);
                response.clone_into(&mut self.response);
                if let Some(followers) = &self.followers {
                    followers.send_replace(response.to_owned());
                }
            }
            Heard::Other { number } => drop(self.check.number(number, number)),
            Heard::End { number, outcome } => {
                if let Some(number) = number {
                    // On a WebSocket the event `error`, which comes before `response.failed`, is not told.
                    let skipped = u64::from(outcome.is_err() && number == self.check.next() + 1);
                    self.check.number(number - skipped, number);
                }
                if self.ended.is_none() {
                    self.ended = Some(outcome.map_err(str::to_owned));
                }
            }
            Heard::Refused(code) => self.ended = Some(Err(code.to_owned())),
            Heard::Pinged => {
                figures.pinged += 1;
                return;
            }
            Heard::Aside => return,
        }
        if let Some(lost) = self.lost.take() {
            figures.resumed.record(now - lost);
        }
    }

    fn piece(&mut self, numbers: Option<(u64, u64)>, text: Option<&str>) {
        match (numbers, text) {
            (Some((first, last)), text) => {
                // A text that comes again is told of once, by its number.
                if self.check.number(first, last)
                    && let Some(text) = text
                {
                    self.check.text(text);
                }
            }
            (None, Some(text)) => self.check.unnumbered_text(text),
            (None, None) => {}
        }
    }

    fn measure(&mut self, numbers: Option<(u64, u64)>, now: Instant, clock: &Clock, figures: &mut Figures) {
        let tokens = numbers.map_or(1, |(first, last)| last.saturating_sub(first) + 1);
        figures.tokens_in_all += tokens;
        let counts = clock.counts(now);
        if counts {
            figures.tokens += tokens;
            figures.events += 1;
        }
        match self.last_piece.replace(now) {
            Some(before) if counts => figures.between_tokens.record(now - before),
            None => {
                if let Some(from) = self.from.filter(|from| clock.counts(*from)) {
                    figures.first_token.record(now - from);
                }
            }
            Some(_) => {}
        }
    }

    /// The stream is over, one way or the other.
    pub(super) fn end(&mut self, ended: &Result<(), String>, clock: &Clock, figures: &mut Figures) {
        match ended {
            Ok(()) => figures.completed += 1,
            Err(code) => figures.fail(code),
        }
        if let Some(from) = self.from.filter(|from| clock.counts(*from)) {
            figures.whole.record(from.elapsed());
        }
        figures.damage += self.check.end();
        self.followers = None;
    }
}
