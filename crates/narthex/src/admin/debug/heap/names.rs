//! From addresses to functions.

use std::{collections::HashMap, ffi::c_void, ptr};

/// The functions at addresses, each looked up once.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<usize, Vec<String>>);

impl Names {
    /// The functions of a stack, from the outermost, without those of the allocator itself. `addresses` are where each function returns
    /// to, from the innermost.
    pub(super) fn stack(&mut self, addresses: &[usize]) -> Vec<String> {
        let mut stack = Vec::new();
        for address in addresses {
            let names = self.at(*address);
            if stack.is_empty() && names.last().is_some_and(|name| allocates(name)) {
                continue;
            }
            stack.extend_from_slice(names);
        }
        stack.reverse();
        stack
    }

    /// What is inlined comes before what it is inlined into.
    fn at(&mut self, address: usize) -> &[String] {
        self.0.entry(address).or_insert_with(|| {
            let mut names = Vec::new();
            // The call is before the place to which it returns.
            let call: *mut c_void = ptr::with_exposed_provenance_mut(address.saturating_sub(1));
            backtrace::resolve(call, |symbol| names.extend(symbol.name().map(|name| format!("{name:#}"))));
            if names.is_empty() {
                names.push(format!("{address:#x}"));
            }
            names
        })
    }
}

/// Whether it is a function that does nothing but pass on what another one asked for: jemalloc's, in C, and those between.
fn allocates(name: &str) -> bool {
    let between = ["alloc::alloc::", "alloc::raw_vec::", "__rustc::"];
    !name.contains("::")
        || name.contains("tikv_jemallocator")
        || between.iter().any(|prefix| name.trim_start_matches('<').starts_with(prefix))
}
