//! What each case is known to cost.

use std::{collections::BTreeMap, fmt};

/// A case that costs more than so many percent above the baseline is a regression; one that costs as much less should have its
/// baseline moved, or it could become slower again unseen.
pub const MAX_CHANGE: u64 = 10;

/// Instructions for each event, by case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline(BTreeMap<String, u64>);

/// What a count comes to beside the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// About as before.
    Same,
    /// It costs more than is allowed.
    Slower,
    /// It costs so much less that the baseline should be moved.
    Faster,
    /// The baseline does not know the case.
    New,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "",
            Self::Slower => "SLOWER",
            Self::Faster => "faster",
            Self::New => "new",
        })
    }
}

impl Baseline {
    /// The baseline in a file.
    ///
    /// # Errors
    /// When it is not TOML with a whole number for each case.
    pub fn read(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text).map(Self)
    }

    /// The file of these counts.
    pub fn write(counts: &[(&str, u64)]) -> String {
        let lines: String = counts.iter().map(|(case, count)| format!("{case} = {count}\n")).collect();
        format!("# Instructions for each event, on x86-64. `make baseline` writes this.\n{lines}")
    }

    /// What a case cost.
    pub fn of(&self, case: &str) -> Option<u64> {
        self.0.get(case).copied()
    }

    /// What it means that a case costs so much now.
    pub fn judge(&self, case: &str, count: u64) -> Finding {
        let Some(before) = self.of(case) else { return Finding::New };
        if count * 100 > before * (100 + MAX_CHANGE) {
            Finding::Slower
        } else if count * 100 < before * (100 - MAX_CHANGE) {
            Finding::Faster
        } else {
            Finding::Same
        }
    }
}

#[cfg(test)]
mod tests;
