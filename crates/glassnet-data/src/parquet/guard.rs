//! Panics of the `parquet` crate, which checks some of what it decodes by assertions, as errors.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use glassnet::Result;

use super::footer::damaged;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is one that becomes an error: a program's panic hook need not tell of it.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// What `work` on the file `name` gives; a panic is the error of a damaged file.
pub(super) fn guarded<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = GUARDED.replace(true);
    // Whatever `work` changed is dropped with the error.
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    done.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason");
        Err(damaged(format!("its pages cannot be decoded ({said})"), name))
    })
}
