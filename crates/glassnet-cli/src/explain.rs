//! `glassnet explain`.

use std::ffi::OsString;

use clap::Args;
use glassnet::document::Document;
use glassnet::{Error, Result};

use crate::args::Weights;
use crate::terminal::Terminal;

/// `glassnet explain`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  glassnet explain 2-2-2 --input 0,1 --true 1 --backward")]
pub(crate) struct Explain {
    /// A network or a model file.
    pub(crate) model: OsString,
    #[command(flatten)]
    pub(crate) weights: Weights,
}

pub(crate) fn run(args: &Explain, terminal: &mut Terminal) -> Result<u8> {
    let document = document(args)?;
    terminal.present(&document, None)?;
    Ok(0)
}

pub(crate) fn document(args: &Explain) -> Result<Document> {
    let _ = args;
    Err(Error::unsupported("explain", "command line", "it is not there yet"))
}
