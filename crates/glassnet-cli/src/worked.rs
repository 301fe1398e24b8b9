//! `glassnet worked`: a topic with the user's numbers.
//!
//! Each topic turns its flags into a [`Work`]: the document that people read and the JSON that programs read.

mod numbers;
mod softmax;

use clap::{Args, Subcommand};
use glassnet::Result;
use glassnet::document::Document;
use serde_json::Value;

use crate::terminal::Terminal;

/// `glassnet worked`.
#[derive(Clone, Debug, Args)]
#[command(
    disable_help_subcommand = true,
    subcommand_value_name = "TOPIC",
    subcommand_help_heading = "Topics",
    after_help = "Examples:\n  \
        glassnet worked softmax A=7 B=1 C=2.2 --true A"
)]
pub(crate) struct Worked {
    /// What is worked out.
    #[command(subcommand)]
    pub(crate) topic: Topic,
}

/// What is worked out.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Topic {
    /// Softmax probabilities, the predicted class, the log-likelihood loss and its gradient.
    Softmax(softmax::Softmax),
}

/// A topic worked out.
pub(crate) struct Work {
    /// What people read.
    pub(crate) document: Document,
    /// What programs read.
    pub(crate) json: Value,
}

pub(crate) fn run(args: &Worked, terminal: &mut Terminal) -> Result<u8> {
    let work = work(&args.topic, terminal)?;
    terminal.present(&work.document, Some(&work.json))?;
    Ok(0)
}

/// Works the topic out; notes about files that it reads go to the terminal.
pub(crate) fn work(topic: &Topic, terminal: &Terminal) -> Result<Work> {
    let _ = terminal;
    match topic {
        Topic::Softmax(args) => softmax::work(args),
    }
}
