//! `glassnet exercise`.

use clap::Args;
use glassnet::document::Document;
use glassnet::lesson::exercise::{Exercise as Variant, Numbers, Redundant, State};
use glassnet::report::{self, Config, Format};
use glassnet::{Result, lesson};
use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::args::whole;
use crate::terminal::Terminal;

/// `glassnet exercise`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet exercise 2.3 --seed 7\n  \
    glassnet exercise 2.3 --seed 7 --solution\n  \
    glassnet exercise 1.2 --seed 3 --format latex > sheet.tex")]
pub(crate) struct Exercise {
    /// The task: 1.1, 1.2, 1.3, 1.4, 2.1, 2.2, 2.3 or 2.5.
    pub(crate) task: String,
    /// Which variant: the same seed gives the same one for ever.
    #[arg(long, default_value_t = 0, value_parser = whole::<u64>, allow_negative_numbers = true, value_name = "N")]
    pub(crate) seed: u64,
    /// Also print the worked solution.
    #[arg(long)]
    pub(crate) solution: bool,
}

pub(crate) fn run(args: &Exercise, terminal: &mut Terminal) -> Result<u8> {
    let variant = Variant::new(&args.task, args.seed)?;
    if terminal.json() {
        let document = document(&variant, args.solution, terminal)?;
        terminal.document(&document)?;
        return Ok(0);
    }
    let document = shown(&variant, args.solution, terminal)?;
    terminal.present(&document, None)?;
    Ok(0)
}

/// The variant as an answer.
pub(crate) fn answer(args: &Exercise, terminal: &Terminal) -> Result<Answer> {
    let variant = Variant::new(&args.task, args.seed)?;
    Ok(Answer {
        document: shown(&variant, args.solution, terminal)?,
        json: document(&variant, args.solution, terminal)?,
    })
}

/// The variant as people read it.
fn shown(variant: &Variant, solution: bool, terminal: &Terminal) -> Result<Document> {
    let mut run = |command: &lesson::Command| Ok(answer::answer(command, terminal)?.document);
    variant.document(solution, &mut run)
}

/// The variant as JSON: what was chosen, the statement as Markdown, and what each command of the solution answers.
fn document(variant: &Variant, solution: bool, terminal: &Terminal) -> Result<Value> {
    let statement = variant.document(false, &mut |_| Ok(Default::default()))?;
    let solution = match solution {
        false => Value::Null,
        true => {
            let solve = |command: lesson::Command| {
                let result = answer::answer(&command, terminal)?.json;
                Ok(json!({"command": command.line, "result": result}))
            };
            let steps = variant.commands().into_iter().map(solve);
            Value::Array(steps.collect::<Result<_>>()?)
        }
    };
    Ok(json!({
        "schema": "glassnet.exercise/1",
        "task": variant.task,
        "seed": variant.seed,
        "numbers": numbers(&variant.numbers),
        "statement": report::render(&statement, Format::Markdown, &Config::default()),
        "solution": solution,
    }))
}

/// What was chosen for the variant.
fn numbers(numbers: &Numbers) -> Value {
    match numbers {
        Numbers::Collapse(of) => json!({
            "0.weight": of.first, "0.bias": of.first_bias,
            "1.weight": of.second, "1.bias": of.second_bias,
        }),
        Numbers::Derivative(of) => json!({"formula": of.formula, "kinked": of.kinked}),
        Numbers::Compare(of) => json!({"activations": of.activations}),
        Numbers::Softmax(of) => {
            let logits: serde_json::Map<String, Value> =
                of.logits.iter().map(|(name, logit)| (name.clone(), json!(logit))).collect();
            json!({"logits": logits, "true": of.logits[of.truth].0})
        }
        Numbers::Basis(of) => {
            let rows: Vec<Value> =
                of.data.iter().map(|(x, y)| json!({"input": x, "target": y})).collect();
            json!({"data": rows})
        }
        Numbers::Count(of) => json!({
            "examples": of.examples, "features": of.features,
            "labels": of.labels, "hidden": of.hidden,
        }),
        Numbers::Manual(of) => json!({
            "data": of.data,
            "0.weight": of.first,
            "2.weight": of.second,
            "state": match of.state {
                State::Alive => "alive",
                State::FirstDead => "first_dead",
                State::SecondDead => "second_dead",
            },
        }),
        Numbers::Network(of) => json!({
            "0.weight": of.first, "0.bias": of.first_bias,
            "2.weight": of.second, "2.bias": of.second_bias,
            "classes": of.classes,
            "on_kinks": of.on_kinks,
            "third_unit": of.redundant.map(|redundant| match redundant {
                Redundant::Zero => "zero",
                Redundant::Dead => "dead",
                Redundant::Double => "double",
            }),
        }),
    }
}
