//! `glassnet worked`.

use clap::Args;
use glassnet::document::Document;
use glassnet::{Error, Result};

use crate::terminal::Terminal;

/// `glassnet worked`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  glassnet worked softmax A=7 B=1 C=2.2 --true A")]
pub(crate) struct Worked {
    /// The topic and its numbers.
    pub(crate) words: Vec<String>,
}

pub(crate) fn run(args: &Worked, terminal: &mut Terminal) -> Result<u8> {
    let document = document(args)?;
    terminal.present(&document, None)?;
    Ok(0)
}

fn document(args: &Worked) -> Result<Document> {
    let _ = args;
    Err(Error::unsupported("worked", "command line", "it is not there yet"))
}
