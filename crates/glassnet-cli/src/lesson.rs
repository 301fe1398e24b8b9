//! `glassnet lesson`.

use clap::Args;
use glassnet::document::Document;
use glassnet::{Error, Result};

use crate::terminal::Terminal;

/// `glassnet lesson`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  glassnet lesson 2.3")]
pub(crate) struct Lesson {
    /// Which one: 1.1 to 2.5, or all.
    pub(crate) name: Option<String>,
}

pub(crate) fn run(args: &Lesson, terminal: &mut Terminal) -> Result<u8> {
    let document = document(args)?;
    terminal.present(&document, None)?;
    Ok(0)
}

fn document(args: &Lesson) -> Result<Document> {
    let _ = args;
    Err(Error::unsupported("lesson", "command line", "it is not there yet"))
}
