//! `glassnet explain`.

mod rows;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use clap::Args;
use glassnet::explain::{self, Config, Explanation, Labels, Weight};
use glassnet::nn::loss::Criterion;
use glassnet::nn::{Module, Network};
use glassnet::train::optimizer::Optimizer;
use glassnet::{Error, Result};

use crate::answer::Answer;
use crate::args::{Gaps, Reading, Unseen, Weights};
use crate::model::{self, Model};
use crate::terminal::Terminal;
use crate::usage::at_flag;

/// `glassnet explain`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet explain 2-2-2 --input 0,1 --true 1 --backward\n  \
    glassnet explain 2-2-2 --input 0,1 --true 1 --weight '0.weight[0,1]' --optimizer 'Adam(lr=0.01)'\n  \
    glassnet explain model.safetensors --data data/seattle-weather.csv --row 17 --backward")]
pub(crate) struct Explain {
    /// A network or a model file.
    pub(crate) model: OsString,
    /// A row's numbers; several rows by repeating the flag, or parted by semicolons. For a model file they are its encoded
    /// features.
    #[arg(long, value_name = "X,…", allow_hyphen_values = true, conflicts_with = "data")]
    pub(crate) input: Vec<String>,
    /// A table to take rows from, or a pattern of files; a model file encodes it as it does to predict. A bare network takes
    /// numbers.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Vec<PathBuf>,
    /// Which rows of the table, counted from 1 without the header: 17, or 3,5-8. The first row if not given.
    #[arg(long, value_name = "N,…", requires = "data")]
    pub(crate) row: Vec<String>,
    /// What is true of the rows: a class (its name, or its index from 0) or numbers; several rows as for --input.
    #[arg(long = "true", value_name = "Y", allow_hyphen_values = true)]
    pub(crate) truth: Vec<String>,
    /// With a bare network and --data: the column that is true of the rows.
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub(crate) target: Option<String>,
    /// The loss: cross_entropy, mse, bce_with_logits, … or an expression such as 'HuberLoss(delta=2.0)'. A model file has
    /// its own; a bare network of one output takes mse, one of several with a class cross_entropy.
    #[arg(long)]
    pub(crate) loss: Option<String>,
    /// Show the gradient of every parameter.
    #[arg(long)]
    pub(crate) backward: bool,
    /// Take the gradient of one weight apart along every path to the loss.
    // Not from the comment, in which brackets are links.
    #[arg(
        long,
        value_name = "KEY[I,J]",
        help = "Take the gradient of one weight apart along every path to the loss: 0.weight[0,1], counted from 0"
    )]
    pub(crate) weight: Option<String>,
    /// Show what each input adds to one output: a class by its name, or the output's number from 0.
    #[arg(long, value_name = "OUTPUT")]
    pub(crate) attribute: Option<String>,
    /// Show the first step of an optimiser: sgd, or an expression such as 'Adam(lr=0.01)'.
    #[arg(long)]
    pub(crate) optimizer: Option<String>,
    /// The table of a bare network has no header.
    #[arg(long, requires = "data")]
    pub(crate) no_header: bool,
    /// What to do with categories that the training did not have.
    #[arg(long, value_enum, default_value = "error")]
    pub(crate) unseen: Unseen,
    /// What to do with gaps in columns that had none in training.
    #[arg(long, value_enum, default_value = "error")]
    pub(crate) gaps: Gaps,
    #[command(flatten)]
    pub(crate) weights: Weights,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

pub(crate) fn run(args: &Explain, terminal: &mut Terminal) -> Result<u8> {
    let explanation = explanation(args, terminal)?;
    if terminal.json() {
        // Written as it is made: a large network's gradients as one tree would need ten times their size.
        let mut out = Written { terminal, failed: None };
        let written = serde_json::to_writer_pretty(&mut out, &explanation.data());
        if let Some(error) = out.failed {
            return Err(error);
        }
        written
            .map_err(|error| Error::io(format!("the result cannot be written as JSON: {error}")))?;
        terminal.bytes(b"\n")?;
    } else {
        terminal.present(&explanation.document(), None)?;
    }
    Ok(0)
}

/// The terminal as a writer; its own error is kept.
struct Written<'a> {
    terminal: &'a mut Terminal,
    failed: Option<Error>,
}

impl io::Write for Written<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.terminal.bytes(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.failed = Some(error);
                Err(io::Error::other("stdout"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The explanation as an answer within a lesson.
pub(crate) fn answer(args: &Explain, terminal: &Terminal) -> Result<Answer> {
    let explanation = explanation(args, terminal)?;
    let json = serde_json::to_value(explanation.data())
        .map_err(|error| Error::io(format!("the result cannot be written as JSON: {error}")))?;
    Ok(Answer { document: explanation.document(), json })
}

/// What is asked for, from the flags.
fn explanation(args: &Explain, terminal: &Terminal) -> Result<Explanation> {
    let weight = args.weight.as_deref().map(Weight::parse).transpose();
    let weight = weight.map_err(|error| at_flag(error, "--weight"))?;
    let optimizer = args.optimizer.as_deref().map(Optimizer::parse).transpose();
    let optimizer = optimizer.map_err(|error| at_flag(error, "--optimizer"))?;
    let loss = args.loss.as_deref().map(Criterion::parse).transpose();
    let loss = loss.map_err(|error| at_flag(error, "--loss"))?;
    let check = |module: &Module| rows::check(args, module);
    let model = model::load_checked(&args.model, &args.weights, terminal, &check)?;
    let (rows, criterion) = rows::read(args, &model, loss, terminal)?;
    let attribute = args.attribute.as_deref().map(|text| output(text, &rows.labels)).transpose()?;
    let config = Config {
        criterion,
        backward: args.backward,
        weight,
        attribute,
        optimizer,
        ..Config::default()
    };
    explain::explain(network(&model), &rows, &config).map_err(|error| place(error, args))
}

/// An output by its class's name or its number.
fn output(text: &str, labels: &Labels) -> Result<usize> {
    let named = labels.classes.iter().position(|name| name == text);
    named.or_else(|| text.parse().ok()).ok_or_else(|| {
        let error = Error::usage(format!("{text:?} names no output")).at("--attribute");
        match labels.classes.is_empty() {
            true => error.help("give its number, from 0"),
            false => error.help(format!("give one of {}", labels.classes.join(", "))),
        }
    })
}

fn network(model: &Model) -> &Network {
    match model {
        Model::Bare(network) => network,
        Model::Trained(trained) => &trained.network,
    }
}

/// Says which flag an error is about, where the library cannot know.
fn place(error: Error, args: &Explain) -> Error {
    let what = error.what();
    let flag = if what.contains("weight") && args.weight.is_some() && error.place().is_none() {
        "--weight"
    } else if what.contains("needs the true value") {
        "--true"
    } else {
        return error;
    };
    at_flag(error, flag)
}
