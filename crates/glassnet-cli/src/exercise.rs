//! `glassnet exercise`.

use clap::Args;
use glassnet::document::Document;
use glassnet::{Error, Result};

use crate::terminal::Terminal;

/// `glassnet exercise`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  glassnet exercise 2.3 --seed 7 --solution")]
pub(crate) struct Exercise {
    /// The task: 1.2, 1.4, 2.2, 2.3 or 2.5.
    pub(crate) task: String,
}

pub(crate) fn run(args: &Exercise, terminal: &mut Terminal) -> Result<u8> {
    let document = document(args)?;
    terminal.present(&document, None)?;
    Ok(0)
}

fn document(args: &Exercise) -> Result<Document> {
    let _ = args;
    Err(Error::unsupported("exercise", "command line", "it is not there yet"))
}
