//! `glassnet units`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use glassnet::simplify::{self, Domain, Free, LayerUnits, Relation, State};
use glassnet::{Error, Result};
use serde_json::{Value, json};

use crate::args::{Reading, Weights, number};
use crate::domain;
use crate::model::{self, Whole};
use crate::prove::network::Subject;
use crate::said::Said;
use crate::simplify::{inputs, parts};
use crate::terminal::Terminal;

/// `glassnet units`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet units model.safetensors\n  \
    glassnet units model.safetensors --domain 0..1\n  \
    glassnet units model.safetensors --data data/digits.csv\n  \
    glassnet units 'Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())' \
    --weights '{\"0.weight\": [[0.3]], \"2.weight\": [[-0.1]]}' --free 0.weight")]
pub(crate) struct Units {
    /// The network: a PyTorch expression, the short form, or a model file.
    pub(crate) network: OsString,
    #[command(flatten)]
    pub(crate) weights: Weights,
    /// The inputs that are asked about: lo..hi for all, one for each with commas between, or a table for the box of its
    /// rows. Without it: all inputs.
    #[arg(long, allow_hyphen_values = true, value_name = "DOMAIN", conflicts_with = "data")]
    pub(crate) domain: Option<String>,
    /// How much wider the box of --domain's table is taken, on each side, as a share of its width.
    #[arg(long, default_value_t = 0.0, value_parser = number, allow_negative_numbers = true)]
    pub(crate) margin: f64,
    /// A table: its rows are evaluated, and what holds for all inputs in the box of them is proven.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Weights that may have any value: 0.weight, or one number of it, 0.weight[0,1]. May be repeated.
    // Not from the comment, in which brackets are links.
    #[arg(
        long,
        value_name = "WEIGHT",
        help = "Weights that may have any value: 0.weight, or one number of it, '0.weight[0,1]'; may be repeated"
    )]
    pub(crate) free: Vec<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

pub(crate) fn run(args: &Units, terminal: &mut Terminal) -> Result<u8> {
    said(args, terminal)?.tell(terminal)
}

/// What is known of the units that the flags ask about.
pub(crate) fn said(args: &Units, terminal: &Terminal) -> Result<Said> {
    let model = match model::load_whole(&args.network, &args.weights, terminal)? {
        Whole::Graph(_) => return of_graph(args, terminal),
        Whole::Model(_) => model::load(&args.network, &args.weights, terminal)?,
    };
    let network = parts(&model).0;
    let width = inputs(network)?;
    let rows = args
        .data
        .as_deref()
        .map(|path| domain::rows(path, &model, &args.reading, terminal))
        .transpose()?;
    let domain = match (&args.domain, &args.data, &rows) {
        (Some(text), _, _) => {
            domain::read(text, width, &model, args.margin, &args.reading, terminal)?
        }
        (None, Some(path), Some(rows)) => domain::box_of(rows, path, 0.0)?,
        (None, _, _) => Domain::all(width),
    };
    let free = Free::of(&args.free, network)?;
    let layers = simplify::units(network, &domain, &free, rows.as_ref())?;
    Ok(document(&network.module().notation(), &layers))
}

/// As [`said`], of a graph that is no chain of layers.
fn of_graph(args: &Units, terminal: &Terminal) -> Result<Said> {
    let refused = |flag: &str, help: &str| {
        let what = format!("{flag} is for networks of layers, this is a graph of operations");
        Err(Error::usage(what).at(flag.to_owned()).help(help.to_owned()))
    };
    if args.data.is_some() {
        return refused("--data", "give its box with --domain: lo..hi");
    }
    if !args.free.is_empty() {
        return refused("--free", "leave it out");
    }
    let network = Subject::read(&args.network, &args.weights, terminal)?.network()?;
    let domain = match &args.domain {
        Some(text) => domain::plain(text, network.inputs())?,
        None => Domain::all(network.inputs()),
    };
    let layers = simplify::graph_units(&network, &domain)?;
    Ok(document("a graph of operations", &layers))
}

fn document(network: &str, layers: &[LayerUnits]) -> Said {
    let json = json!({
        "schema": "glassnet.units/1",
        "network": network,
        "layers": layers.iter().map(layer).collect::<Vec<_>>(),
    });
    let mut lines = vec![];
    if layers.is_empty() {
        lines.push(
            "no layer has units that can be dead: there is no ReLU, LeakyReLU or PReLU".to_owned(),
        );
    }
    layers.iter().for_each(|layer| say(layer, &mut lines));
    Said::lines(lines, json, 0)
}

fn layer(layer: &LayerUnits) -> Value {
    let count = |state: State| layer.in_state(state).len();
    let mut scopes: Vec<&str> = vec![];
    for unit in layer.units.iter().filter(|unit| unit.state != State::Open) {
        if !scopes.contains(&unit.scope.words()) {
            scopes.push(unit.scope.words());
        }
    }
    let related: Vec<Value> = layer
        .units
        .iter()
        .enumerate()
        .filter_map(|(unit, found)| Some(relation(unit, found.relation.as_ref()?)))
        .collect();
    let states: Vec<Value> = layer
        .units
        .iter()
        .enumerate()
        .filter(|(_, unit)| unit.state != State::Open)
        .map(|(number, unit)| {
            json!({
                "unit": number,
                "state": unit.state.name(),
                "scope": unit.scope.words(),
                "least": unit.lo,
                "most": unit.hi,
                "proof": unit.proof,
            })
        })
        .collect();
    let rows: Option<Vec<Value>> = layer
        .units
        .iter()
        .map(|unit| {
            let rows = unit.rows?;
            Some(json!({
                "positive": rows.positive,
                "zero": rows.zero,
                "negative": rows.negative,
                "undecided": rows.undecided,
            }))
        })
        .collect();
    json!({
        "name": layer.name,
        "given_by": layer.given_by,
        "units": layer.units.len(),
        "dead": count(State::Dead),
        "active": count(State::Active),
        "constant": count(State::Constant),
        "kink": count(State::Kink),
        "open": count(State::Open),
        "both": layer.units.iter().filter(|unit| unit.state == State::Open && unit.both).count(),
        "dead_units": layer.in_state(State::Dead),
        "scope": scopes.join("; "),
        "states": states,
        "related": related,
        "rows": rows,
    })
}

fn relation(unit: usize, relation: &Relation) -> Value {
    match relation {
        Relation::Duplicate(other) => {
            json!({"unit": unit, "relation": "duplicate", "terms": [{"unit": other, "factor": 1.0}]})
        }
        Relation::Proportional(other, factor) => {
            json!({"unit": unit, "relation": "proportional", "terms": [{"unit": other, "factor": factor}]})
        }
        Relation::Dependent(terms) => json!({
            "unit": unit,
            "relation": "dependent",
            "terms": terms
                .iter()
                .map(|(other, factor)| json!({"unit": other, "factor": factor}))
                .collect::<Vec<_>>(),
        }),
    }
}

fn say(layer: &LayerUnits, lines: &mut Vec<String>) {
    const MOST: usize = 20;
    let states = [State::Dead, State::Active, State::Constant, State::Kink, State::Open];
    let counts: Vec<String> = states
        .iter()
        .map(|state| (layer.in_state(*state).len(), state.name()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    lines.push(format!(
        "layer {:?} (behind {:?}): {} units: {}",
        layer.name,
        layer.given_by,
        layer.units.len(),
        counts.join(", ")
    ));
    let open = layer.in_state(State::Open);
    let both = open.iter().filter(|unit| layer.units[**unit].both).count();
    if both > 0 {
        let all = if both == open.len() {
            "all of the open ones".to_owned()
        } else {
            format!("{both} of the open ones")
        };
        lines.push(format!(
            "  {all} are given values above 0 for some inputs and below 0 for others"
        ));
    }
    let told = layer.units.iter().enumerate().filter(|(_, unit)| unit.state != State::Open);
    let all = told.clone().count();
    for (number, unit) in told.take(MOST) {
        let state = match unit.state {
            State::Dead => "dead",
            State::Active => "always active",
            State::Constant => "constant",
            State::Kink => "on the kink",
            State::Open => "open",
        };
        lines.push(format!("  unit {number} is {state} {}: {}", unit.scope.words(), unit.proof));
        if unit.state == State::Active && unit.lo == 0.0 {
            lines.push("    at z = 0 the derivative is a convention".to_owned());
        }
    }
    if all > MOST {
        lines.push(format!("  and {} more; --json lists all", all - MOST));
    }
    for (number, unit) in
        layer.units.iter().enumerate().filter(|(_, unit)| unit.relation.is_some()).take(MOST)
    {
        let text = match &unit.relation {
            Some(Relation::Duplicate(other)) => format!("the same as unit {other}"),
            Some(Relation::Proportional(other, factor)) => format!("{factor} times unit {other}"),
            Some(Relation::Dependent(terms)) => {
                let terms: Vec<String> =
                    terms.iter().map(|(other, factor)| format!("{factor}·unit {other}")).collect();
                format!(
                    "a combination of always active units: {} and a constant",
                    terms.join(" + ")
                )
            }
            None => continue,
        };
        lines.push(format!("  unit {number} is {text}"));
    }
}
