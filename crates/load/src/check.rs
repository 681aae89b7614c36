//! Whether a stream is what it must be: each number once and in order, and a text that is whole.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{
    Expect,
    numbered::{self, TOKEN_BYTES},
};

/// Gaps that are remembered of one stream; what is missing beyond them is lost even if it comes late.
const MAX_GAPS: usize = 64;

/// What was wrong with streams. Good ones have none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Damage {
    /// Events that never came.
    pub lost: u64,
    /// Events that came again.
    pub repeated: u64,
    /// Events that came after a later one.
    pub reordered: u64,
    /// Texts that are not what they must be.
    pub altered: u64,
}

impl Damage {
    /// Whether there is any.
    pub fn is_any(&self) -> bool {
        *self != Self::default()
    }
}

impl std::ops::AddAssign for Damage {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.repeated += other.repeated;
        self.reordered += other.reordered;
        self.altered += other.altered;
    }
}

/// Reads along with one stream after the other. Its memory is used again.
#[derive(Debug)]
pub(crate) struct Check {
    expect: Expect,
    /// The number that comes next.
    next: u64,
    gaps: Vec<Range<u64>>,
    /// The text so far, if its end will be told.
    text: String,
    /// Its length.
    length: usize,
    damage: Damage,
}

impl Check {
    pub(crate) const fn new(expect: Expect) -> Self {
        Self {
            expect,
            next: 0,
            gaps: Vec::new(),
            text: String::new(),
            length: 0,
            damage: Damage { lost: 0, repeated: 0, reordered: 0, altered: 0 },
        }
    }

    /// The number after the last one that came.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// An event that stands for the numbers from `first` to `last`. Whether there is anything new in it.
    pub(crate) fn number(&mut self, first: u64, last: u64) -> bool {
        if first > self.next && self.gaps.len() < MAX_GAPS {
            self.gaps.push(self.next..first);
        }
        if first >= self.next {
            self.damage.lost += first - self.next;
            self.next = last + 1;
            return true;
        }
        let late: u64 = self.gaps.iter_mut().map(|gap| fill(gap, first..last + 1)).sum();
        self.damage.lost -= late;
        self.damage.reordered += late;
        self.damage.repeated += (last + 1).min(self.next).saturating_sub(first + late);
        let is_new = last >= self.next;
        self.next = self.next.max(last + 1);
        is_new
    }

    /// A piece of the text.
    pub(crate) fn text(&mut self, piece: &str) {
        match self.expect {
            Expect::Anything => self.text.push_str(piece),
            Expect::Numbered => {
                if !numbered::stands_at(piece, self.length) {
                    self.damage.altered += 1;
                    // From here on, as it goes on: one wrong piece is told once.
                    if let Some(number) = numbered::number(piece) {
                        self.length = number as usize * TOKEN_BYTES;
                    }
                }
            }
        }
        self.length += piece.len();
    }

    /// The same from a server that does not number its events: the text tells their numbers.
    pub(crate) fn unnumbered_text(&mut self, piece: &str) {
        if self.expect == Expect::Numbered
            && let Some(number) = numbered::number(piece)
        {
            let rounds = self.next / numbered::PERIOD as u64 * numbered::PERIOD as u64;
            // Nearest to where it is expected: the text begins again now and then.
            let first =
                [rounds.saturating_sub(numbered::PERIOD as u64), rounds, rounds + numbered::PERIOD as u64]
                    .map(|round| round + number)
                    .into_iter()
                    .min_by_key(|number| number.abs_diff(self.next))
                    .unwrap_or(number);
            let tokens = (piece.len() / TOKEN_BYTES).max(1) as u64;
            if first != self.next {
                self.number(first, first + tokens - 1);
                self.length = self.next as usize * TOKEN_BYTES;
                return;
            }
            self.next += tokens;
        }
        self.text(piece);
    }

    /// The text as the server tells it at its end.
    pub(crate) fn whole(&mut self, text: &str) {
        let is_good = match self.expect {
            Expect::Anything => self.text == text,
            Expect::Numbered => text.len() == self.length && numbered::stands_at(text, 0),
        };
        self.damage.altered += u64::from(!is_good);
        self.text.clear();
        self.length = 0;
    }

    /// The stream is over: what was wrong with it. The next one begins.
    pub(crate) fn end(&mut self) -> Damage {
        self.next = 0;
        self.gaps.clear();
        self.text.clear();
        self.length = 0;
        std::mem::take(&mut self.damage)
    }
}

/// Takes `numbers` out of a gap, and says how many of them were missing there. What is missing before or after them in the gap
/// is lost for good, as far as this is concerned, if they leave two gaps behind.
fn fill(gap: &mut Range<u64>, numbers: Range<u64>) -> u64 {
    let (begin, end) = (numbers.start.max(gap.start), numbers.end.min(gap.end));
    if begin >= end {
        return 0;
    }
    *gap = if begin == gap.start { end..gap.end } else { gap.start..begin };
    end - begin
}

#[cfg(test)]
mod tests;
