//! A text in JSON, read without copying.

use std::borrow::Cow;

use bytestring::ByteString;
use serde::Deserialize;

/// A text that borrows from the JSON unless it has escapes. (serde borrows a `Cow` by itself only where it stands alone, not
/// inside an `Option`.)
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Text<'_> {
    /// The text on its own, or `None` if it is empty.
    pub(crate) fn said(self) -> Option<ByteString> {
        (!self.0.is_empty()).then(|| match self.0 {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        })
    }
}
