//! `glassnet worked`: a topic with the user's numbers.
//!
//! Each topic turns its flags into a [`Work`]: the document that people read and the JSON that programs read.

mod activations;
mod basis;
mod collapse;
mod logistic;
mod manual;
mod numbers;
mod rows;
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
    arg_required_else_help = false,
    subcommand_value_name = "TOPIC",
    subcommand_help_heading = "Topics",
    after_help = "Examples:\n  \
        glassnet worked softmax A=7 B=1 C=2.2 --true A\n  \
        glassnet worked collapse 2-3l-2\n  \
        glassnet worked activations relu sigmoid tanh\n  \
        glassnet worked basis --data xor\n  \
        glassnet worked logistic --data data/penguins.csv --features bill_length_mm,body_mass_g --target sex"
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
    /// Linear layers without an activation between them are one: symbols, numbers, and the network on rows.
    Collapse(Box<collapse::Collapse>),
    /// Activations compared: derivatives, shape, measured cost, vanishing gradients, what speaks for and against each.
    Activations(activations::Activations),
    /// Basis functions chosen by hand (polynomials, radial, Fourier, your own) against a network's learned features.
    Basis(Box<basis::Basis>),
    /// Logistic regression as a network without a hidden layer, beside the convex optimum.
    Logistic(Box<logistic::Logistic>),
    /// One weight's gradient by hand: each sample's numbers, the chain rule, why it is what it is, what to do.
    Manual(Box<manual::Manual>),
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
    match topic {
        Topic::Softmax(args) => softmax::work(args),
        Topic::Collapse(args) => collapse::work(args, terminal),
        Topic::Activations(args) => activations::work(args),
        Topic::Basis(args) => basis::work(args, terminal),
        Topic::Logistic(args) => logistic::work(args, terminal),
        Topic::Manual(args) => manual::work(args, terminal),
    }
}
