//! `glassnet summary`.

mod graph;

use glassnet::nn::{Module, Summary, SummaryRow};
use glassnet::worked::{self, Counting, Role};
use glassnet::{Error, Result};
use glassnet_data::{Encoding, Feature};
use glassnet_formats::chain::Chain;
use glassnet_formats::onnx::no_chain;
use glassnet_formats::{OnnxModel, Task};
use serde_json::json;

use crate::answer::Answer;
use crate::args::{self, Weights};
use crate::model::{self, Model, Named, Trained};
use crate::terminal::Terminal;

pub(crate) fn run(args: &args::Summary, terminal: &mut Terminal) -> Result<u8> {
    match load(args, terminal)? {
        Loaded::Chain(chain) if args.explain => return Err(chain.ask(&shown(args))),
        Loaded::Chain(chain) => show_chain(&chain, terminal)?,
        Loaded::Graph(_) if args.explain => return Err(no_chain(&shown(args))),
        Loaded::Graph(graph) => graph::show(&graph, terminal)?,
        Loaded::Module(module, _) if args.explain => {
            let answer = explained(args, &module)?;
            terminal.present(&answer.document, Some(&answer.json))?;
        }
        Loaded::Module(module, trained) => show(&module, trained.as_deref(), terminal)?,
    }
    Ok(0)
}

/// The count of weights as an answer within a lesson.
pub(crate) fn answer(args: &args::Summary, terminal: &Terminal) -> Result<Answer> {
    if !args.explain {
        return Err(Error::usage("a summary in a lesson explains").help("add --explain"));
    }
    match load(args, terminal)? {
        Loaded::Module(module, _) => explained(args, &module),
        Loaded::Chain(chain) => Err(chain.ask(&shown(args))),
        Loaded::Graph(_) => Err(no_chain(&shown(args))),
    }
}

/// What there is to summarise.
enum Loaded {
    Module(Module, Option<Box<Trained>>),
    Chain(Box<Chain>),
    Graph(Box<OnnxModel>),
}

fn shown(args: &args::Summary) -> String {
    args.model.display().to_string()
}

fn load(args: &args::Summary, terminal: &Terminal) -> Result<Loaded> {
    let notation = args.model.to_str().filter(|text| model::is_notation(text));
    if let (Some(notation), None) = (notation, &args.activation) {
        return Ok(Loaded::Module(glassnet::nn::parse(notation)?, None));
    }
    let weights = Weights { activation: args.activation.clone(), ..Weights::default() };
    Ok(match model::named(&args.model, &weights, terminal, &|_| Ok(()))? {
        Named::Model(Model::Bare(network)) => Loaded::Module(network.module().clone(), None),
        Named::Model(Model::Trained(trained)) => {
            Loaded::Module(trained.network.module().clone(), Some(trained))
        }
        Named::Chain(chain) => Loaded::Chain(chain),
        Named::Graph(graph) => Loaded::Graph(graph),
    })
}

/// The layers that keys and shapes tell, with `?` where an activation is.
fn show_chain(chain: &Chain, terminal: &mut Terminal) -> Result<()> {
    let unknown = chain.unknown();
    let module = chain.module(&unknown);
    let summary = module.summary(None)?;
    let known = |kind: &'static str| if kind == unknown.kind() { "?" } else { kind };
    if terminal.json() {
        let mut json = document(&module, &summary);
        json["network"] = json!(chain.notation());
        for (layer, row) in json["layers"].as_array_mut().into_iter().flatten().zip(&summary.rows) {
            layer["kind"] = json!(known(row.kind));
        }
        return terminal.document(&json);
    }
    terminal.line(&chain.drawing())?;
    terminal.line("")?;
    let mut table = crate::table::Table::new(&LAYER_COLUMNS);
    for (mut row, of) in layer_rows(&summary).into_iter().zip(&summary.rows) {
        row[1] = known(of.kind).to_owned();
        table.row(row.to_vec());
    }
    terminal.text(&table.render(&[3]))?;
    terminal.line("")?;
    totals(&summary, terminal)?;
    for note in &chain.notes {
        terminal.note(&note.to_string());
    }
    terminal.note(
        "the network was read from keys and shapes; they don't tell its activations: say them with --activation \
         relu (or tanh, gelu, …; identity for none)",
    );
    Ok(())
}

fn totals(summary: &Summary, terminal: &mut Terminal) -> Result<()> {
    terminal.line(&format!("total: {} parameters", summary.parameters))?;
    if summary.buffers > 0 {
        terminal.line(&format!("buffers: {}", summary.buffers))?;
    }
    terminal.line(&format!("products per sample: {}", summary.macs_per_sample))
}

fn explained(args: &args::Summary, module: &Module) -> Result<Answer> {
    let counting = worked::counting(module, args.examples)
        .map_err(|error| if args.examples == Some(0) { error.at("--examples") } else { error })?;
    let mut json = document(module, &module.summary(None)?);
    add_counts(&mut json, &counting);
    Ok(Answer { document: counting.document(), json })
}

/// What `--explain` adds to the JSON: multiplicative weights, biases and buffers apart, for all and per layer.
fn add_counts(typed: &mut serde_json::Value, counting: &Counting) {
    typed["multiplicative"] = json!(counting.multiplicative);
    typed["biases"] = json!(counting.biases);
    typed["examples"] = json!(counting.examples);
    for (layer, counted) in
        typed["layers"].as_array_mut().into_iter().flatten().zip(&counting.layers)
    {
        layer["multiplicative"] = json!(counted.numbers(Role::Multiplicative));
        layer["biases"] = json!(counted.numbers(Role::Bias));
        layer["buffers"] = json!(counted.numbers(Role::Buffer));
    }
}

fn show(module: &Module, trained: Option<&Trained>, terminal: &mut Terminal) -> Result<()> {
    let summary = module.summary(None)?;
    if terminal.json() {
        let mut json = document(module, &summary);
        if let Some(trained) = trained.filter(|trained| !trained.others.is_empty()) {
            json["members"] = json!(trained.others.len() + 1);
        }
        return terminal.document(&json);
    }
    terminal.line(&module.to_string())?;
    terminal.line("")?;
    let mut table = crate::table::Table::new(&LAYER_COLUMNS);
    layer_rows(&summary).into_iter().for_each(|row| table.row(row.to_vec()));
    terminal.text(&table.render(&[3]))?;
    terminal.line("")?;
    totals(&summary, terminal)?;
    if let Some(trained) = trained {
        terminal.line("")?;
        if !trained.others.is_empty() {
            let count = trained.others.len() + 1;
            terminal.line(&format!(
                "an ensemble of {count} such networks, whose predictions are averaged; {} parameters in all",
                count * summary.parameters
            ))?;
        }
        for line in describe(trained) {
            terminal.line(&line)?;
        }
    }
    Ok(())
}

/// What a table of layers has in its columns; the last one is how the parameters come about.
pub(crate) const LAYER_COLUMNS: [&str; 5] = ["layer", "kind", "output", "parameters", ""];

/// The table of layers, a row per layer.
pub(crate) fn layer_rows(summary: &Summary) -> Vec<[String; 5]> {
    let row = |row: &SummaryRow| {
        [
            row.name.clone(),
            row.kind.to_owned(),
            row.output.as_ref().map_or("?".into(), |shape| shape_text(shape)),
            row.parameters.to_string(),
            row.formula
                .as_ref()
                .map_or(String::new(), |formula| format!("= {}", formula.replace('*', "·"))),
        ]
    };
    summary.rows.iter().map(row).collect()
}

fn shape_text(shape: &[usize]) -> String {
    let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("[{}]", lengths.join(", "))
}

fn document(module: &Module, summary: &Summary) -> serde_json::Value {
    let layers: Vec<serde_json::Value> = summary
        .rows
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "kind": row.kind,
                "output": row.output,
                "parameters": row.parameters,
                "formula": row.formula,
            })
        })
        .collect();
    json!({
        "schema": "glassnet.summary/1",
        "network": module.notation(),
        "layers": layers,
        "parameters": summary.parameters,
        "buffers": summary.buffers,
        "macs_per_sample": summary.macs_per_sample,
    })
}

/// What the model file says about task and columns.
fn describe(trained: &Trained) -> Vec<String> {
    let mut lines = vec![];
    let card = &trained.card;
    if let (Some(task), Some(target)) = (&card.task, &card.target) {
        let task = match task {
            Task::Classification => "classification",
            Task::Regression => "regression",
        };
        lines.push(format!("predicts {target} ({task})"));
    }
    if let Some(classes) = &card.classes {
        lines.push(format!("classes: {}", classes.join(", ")));
    }
    lines.push("from:".into());
    lines.extend(
        trained
            .preprocessing
            .features()
            .iter()
            .map(|feature| format!("  {}: {}", feature.column, describe_encoding(feature))),
    );
    lines
}

/// How one column becomes features.
pub(crate) fn describe_encoding(feature: &Feature) -> String {
    let gaps = |missing: bool| if missing { ", with an indicator of gaps" } else { "" };
    match &feature.encoding {
        Encoding::Number { mean, std, median, gaps: missing } => {
            format!("(x - {mean:.6}) / {std:.6}, gaps become {median:.6}{}", gaps(*missing))
        }
        Encoding::Boolean { gaps: missing, .. } => {
            format!("0 or 1{}", gaps(*missing))
        }
        Encoding::Date { parts, gaps: missing } => {
            let year = parts.year.map_or(String::new(), |(mean, std)| {
                format!(", the year as (x - {mean:.6}) / {std:.6}")
            });
            let names = parts.names().join(", ");
            format!("a date: {names}{year}{}", gaps(*missing))
        }
        Encoding::Category { levels, gaps: missing } => {
            format!("one of {}{}", levels.join(", "), gaps(*missing))
        }
        Encoding::Code { levels, gaps: missing } => {
            let shown = levels.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if levels.len() > 10 { ", …" } else { "" };
            let gaps = match missing {
                true => format!(", {} where there is a gap", levels.len() + 1),
                false => String::new(),
            };
            format!("a code from 1 to {} for {shown}{more}{gaps}, 0 for others", levels.len())
        }
    }
}
