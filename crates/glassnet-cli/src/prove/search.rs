//! A search on several threads, which is watched from this one.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use glassnet::Result;
use glassnet::prove::{Config, Network, Outcome, Progress, Property, Recording, Search};

/// How often `go_on` is asked.
const INTERVAL: Duration = Duration::from_millis(50);

/// What a search on `threads` threads comes to, and its recording where `config` asks for one. `go_on` is asked every 50 ms; when it says no, the search ends as unknown.
///
/// # Errors
/// When the property doesn't fit the network.
pub(super) fn run(
    network: &Network,
    property: &Property,
    config: &Config,
    threads: usize,
    go_on: &mut dyn FnMut(&Progress) -> bool,
) -> Result<(Outcome, Option<Recording>)> {
    let search = Search::new(network, property, config)?;
    thread::scope(|scope| {
        let (over, watched) = mpsc::channel::<()>();
        let mut started = 0;
        for _ in 0..threads {
            let (over, search) = (over.clone(), &search);
            let work = move || {
                search.work(&mut |_| true);
                drop(over);
            };
            started += usize::from(thread::Builder::new().spawn_scoped(scope, work).is_ok());
        }
        drop(over);
        if started == 0 {
            // The system gives no thread: this one does it.
            search.work(go_on);
            return;
        }
        while watched.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
            if !go_on(&search.progress()) {
                search.stop();
            }
        }
    });
    Ok(search.finish())
}
