//! Every integration test of the crate, in one binary.

mod arrays;
mod blocks;
mod codes;
mod counting;
mod hostile;
mod laws;
mod memory;
#[cfg(feature = "parquet")]
mod parquet;
mod preprocessing;
mod splitting;
mod tables;

use glassnet::Error;
use glassnet_data::{CsvOptions, Table, read_csv};

/// The table in `text`, which must be one.
fn table(text: &str) -> Table {
    read(text, &CsvOptions::default()).unwrap_or_else(|error| panic!("{error}\nin:\n{text}"))
}

fn read(text: &str, options: &CsvOptions) -> Result<Table, Error> {
    read_csv(text.as_bytes(), "t.csv", options)
}

/// A committed file of this crate or repository, by its path from the crate.
fn file(path: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
