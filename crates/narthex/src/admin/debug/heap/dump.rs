//! What jemalloc writes of its samples, read.

use std::{
    fs::File,
    io::{Read as _, Seek as _},
    os::fd::AsRawFd as _,
    sync::LazyLock,
};

use rustix::fs::{MemfdFlags, memfd_create};
use tikv_jemalloc_ctl::{Access as _, AsName as _};

/// One stack, and an estimate of what it holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stack {
    /// Where each function returns to, from the innermost on.
    pub(super) addresses: Vec<usize>,
    pub(super) objects: i64,
    pub(super) bytes: i64,
}

/// jemalloc writes to files only, and an image may have none that can be written: so this one is in memory. It is opened when it is first
/// asked for, and stays, as does its name.
static FILE: LazyLock<Result<(File, &str), String>> = LazyLock::new(|| {
    let file = memfd_create("heap-profile", MemfdFlags::CLOEXEC);
    let file = File::from(file.map_err(|error| format!("no file in memory: {error}"))?);
    let path: &str = format!("/proc/self/fd/{}\0", file.as_raw_fd()).leak();
    Ok((file, path))
});

/// What is held of what was sampled, in jemalloc's words. There must be no other at the same time.
pub(super) fn take() -> Result<String, String> {
    let (file, path) = FILE.as_ref().map_err(String::clone)?;
    "prof.dump\0".name().write(*path).map_err(|error| format!("jemalloc does not write: {error}"))?;
    let mut file: &File = file;
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    // It is memory, as long as something is in it.
    read.and_then(|_| file.set_len(0))
        .map_err(|error| format!("cannot read what jemalloc wrote: {error}"))?;
    Ok(text)
}

/// The stacks of a dump, and how many bytes were allocated to a sample. It begins with `heap_v2/` and that number; then there is, for each
/// stack, `@` with its addresses, and below that the samples of all threads, `t*: objects: bytes […]`, and of each. At last come the
/// libraries.
pub(super) fn parse(text: &str) -> Option<(Vec<Stack>, i64)> {
    let (first, rest) = text.split_once('\n')?;
    let period: u32 = first.strip_prefix("heap_v2/")?.parse().ok()?;
    let mut stacks = Vec::new();
    let mut addresses = None;
    for line in rest.lines().take_while(|line| !line.starts_with("MAPPED_LIBRARIES")) {
        let line = line.trim_start();
        if let Some(stack) = line.strip_prefix('@') {
            let address = |word: &str| usize::from_str_radix(word.trim_start_matches("0x"), 16).ok();
            addresses = Some(stack.split_ascii_whitespace().map(address).collect::<Option<Vec<_>>>()?);
        } else if let Some(figures) = line.strip_prefix("t*:")
            && let Some(addresses) = addresses.take()
        {
            let mut figures =
                figures.split([':', ' ']).filter(|word| !word.is_empty()).map(str::parse::<f64>);
            let (objects, bytes) = (figures.next()?.ok()?, figures.next()?.ok()?);
            let times = stands_for(bytes / objects, period.into());
            let [objects, bytes] = [objects, bytes].map(|figure| (figure * times).round() as i64);
            stacks.push(Stack { addresses, objects, bytes });
        }
    }
    Some((stacks, period.into()))
}

/// How many allocations of that size one that was sampled stands for: the larger, the more likely it is to be sampled. As jemalloc's
/// `jeprof` reckons.
fn stands_for(bytes: f64, period: f64) -> f64 {
    if bytes > 0.0 { 1.0 / (1.0 - (-bytes / period).exp()) } else { 0.0 }
}

#[cfg(test)]
mod tests;
