//! Command lines answered within the program: what lessons and exercises show live, and what Python asks.

use clap::Parser;
use glassnet::document::{Block, Document};
use glassnet::lesson::Command;
use glassnet::{Error, Result};
use serde_json::Value;

use crate::args::{Cli, Verb};
use crate::terminal::Terminal;
use crate::{derive, equal, explain, prove, simplify, summary, units, usage, version, worked};

/// What a command says: to people, and to programs.
pub(crate) struct Answer {
    pub(crate) document: Document,
    pub(crate) json: Value,
}

/// Answers a command by the functions that its verb calls; notes go to the terminal.
///
/// # Errors
/// When the command line is wrong, when its verb fails, and for verbs that train, predict or measure: a lesson shows none.
pub(crate) fn answer(command: &Command, terminal: &Terminal) -> Result<Answer> {
    let cli = Cli::try_parse_from(&command.words).map_err(|error| usage::mistake(&error))?;
    if cli.version {
        return version::answer(cli.verbose);
    }
    let threads = cli.common.threads;
    let verb = match cli.verb {
        Some(Verb::Summary(args)) => return summary::answer(&args, terminal),
        Some(Verb::Explain(args)) => return explain::answer(&args, terminal),
        Some(Verb::Derive(args)) => return derive::answer(&args).map(|(answer, _)| answer),
        Some(Verb::Worked(args)) => {
            let work = worked::work(&args.topic, terminal)?;
            return Ok(Answer { document: work.document, json: work.json });
        }
        Some(Verb::Units(args)) => return units::said(&args, terminal).map(|said| said.answer),
        Some(Verb::Simplify(args)) => {
            return simplify::said(&args, terminal).map(|said| said.answer);
        }
        Some(Verb::Widen(args)) => {
            return simplify::widen(&args, terminal).map(|said| said.answer);
        }
        Some(Verb::Deepen(args)) => {
            return simplify::deepen(&args, terminal).map(|said| said.answer);
        }
        Some(Verb::VerifyCertificate(args)) => {
            return simplify::verify(&args, terminal).map(|said| said.answer);
        }
        Some(Verb::Equal(args)) => return equal::said(&args, terminal).map(|said| said.answer),
        Some(Verb::Prove(args)) => {
            return prove::said(&args, threads, terminal).map(|said| said.answer);
        }
        Some(Verb::Train(_)) => "train",
        Some(Verb::Predict(_)) => "predict",
        Some(Verb::Evaluate(_)) => "evaluate",
        Some(Verb::Lesson(_)) => "lesson",
        Some(Verb::Exercise(_)) => "exercise",
        Some(Verb::Convert(_)) => "convert",
        Some(Verb::Bench(_)) => "bench",
        Some(Verb::Completions { .. }) => "completions",
        None => "no verb",
    };
    Err(Error::usage(format!("{verb} is not shown in lessons"))
        .help("use explain, derive, worked, summary, prove, units, simplify, equal, widen, deepen, verify-certificate or --version"))
}

/// Text that a verb prints, as a document.
pub(crate) fn printed(text: &str) -> Document {
    let mut document = Document::default();
    document.push(Block::Code { language: None, text: text.trim_end().to_owned() });
    document
}
