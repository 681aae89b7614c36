//! What is passed on of a text: mostly the text itself, which is not copied then.

use bytestring::ByteString;

/// Puts together what is passed on of `input`, from left to right.
pub(crate) struct Pieces<'a> {
    input: &'a ByteString,
    /// Up to here everything was passed on, or left out.
    done: usize,
    /// What was passed on before `done`, if it is not one piece of the input.
    out: Option<String>,
}

impl<'a> Pieces<'a> {
    /// Of `input` all from `start` on is to be passed on, if nothing else is said.
    pub(crate) const fn new(input: &'a ByteString, start: usize) -> Self {
        Self { input, done: start, out: None }
    }

    /// Passes on what stands before `at`, and `replacement`.
    pub(crate) fn replace(&mut self, at: usize, replacement: &str) {
        let before = &self.input[self.done.min(at)..at];
        let out = self.out.get_or_insert_default();
        out.push_str(before);
        out.push_str(replacement);
        self.done = self.done.max(at);
    }

    /// Leaves out what stands before `at`.
    pub(crate) fn skip_to(&mut self, at: usize) {
        self.done = self.done.max(at);
    }

    /// Passes on what stands before `end`, and nothing more: all of it.
    pub(crate) fn finish(self, end: usize) -> ByteString {
        let last = &self.input[self.done.min(end)..end];
        match self.out {
            Some(mut out) => {
                out.push_str(last);
                out.into()
            }
            None => self.input.slice_ref(last),
        }
    }
}
