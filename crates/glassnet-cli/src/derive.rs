//! `glassnet derive`.

use clap::Args;
use glassnet::document::Document;
use glassnet::{Error, Result};

use crate::terminal::Terminal;

/// `glassnet derive`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  glassnet derive 'tanh(z)'")]
pub(crate) struct Derive {
    /// The formula, in z.
    pub(crate) formula: Option<String>,
}

pub(crate) fn run(args: &Derive, terminal: &mut Terminal) -> Result<u8> {
    let document = document(args)?;
    terminal.present(&document, None)?;
    Ok(0)
}

pub(crate) fn document(args: &Derive) -> Result<Document> {
    let _ = args;
    Err(Error::unsupported("derive", "command line", "it is not there yet"))
}
