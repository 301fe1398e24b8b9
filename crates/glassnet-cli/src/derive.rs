//! `glassnet derive`.
//!
//! Its JSON is `{"schema": "glassnet.derive/1", "formula", "variable", "order", "definition", "derivative", "parts", "steps",
//! "pieces", "joints", "conventions", "exact", "previous", "layer", "properties"}`. A step is `{"from", "under", "to",
//! "rule", "checked"}`: d/d`under` of `from` (or `from` itself, where `under` is null) equals `to`. Formulas are text that
//! `derive` reads back. A property is `{"value", "known": "exactly" | "numerically"}`; a number in it `{"value",
//! "exact"}`, an infinite one `"inf"` or `"-inf"`.
//!
//! With `--check` it is `{"schema", "check": {"file", "right", "first_wrong", "labels": "on_result" | "on_source", "lines"}, "notes"}`;
//! `right` is null if no line was found wrong but not all could be compared (then the exit status is 6, not 0 or 1),
//! `first_wrong` is the file's line, and a line is `{"line", "column", "text", "formula", "right", "value", "after_wrong",
//! "compared_with", "label"}`, with `"at", "expected", "found"` where its value is wrong.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use glassnet::derive::{
    AskedFunction, Config, Convention, Derivation, DerivationStep, How, Interval, JointKind,
    Judgement, Known, LabelJudgement, Limit, Marked, MarkedLine, Properties, Quantity, Reading,
    Symmetry, Trend, check_lines, derive, properties, read_function, read_lines,
};
use glassnet::document::{Block, Check, NoteKind, Text};
use glassnet::{Error, Result};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::output;
use crate::reading::label;
use crate::terminal::Terminal;

/// The exit status where no line was found wrong but not all could be compared.
const UNDECIDED: u8 = 6;

/// `glassnet derive`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  glassnet derive 'tanh(z)'
  glassnet derive 'LeakyReLU(0.1)' --properties
  glassnet derive 'z*sigmoid(z)' --order 2
  glassnet derive --check lines.txt      the first line is d/dz (…), each further one '= …  name of the rule'
Formulas: + - * / ^, exp log sqrt sin … tanh sigmoid relu softplus erf …, |z|, max(a, b), piecewise(z < 0, a, b).")]
pub(crate) struct Derive {
    /// A formula (`tanh(z)`), a function's name (`tanh`) or an activation layer (`LeakyReLU(0.1)`).
    #[arg(required_unless_present = "check", allow_hyphen_values = true)]
    pub(crate) formula: Option<String>,

    /// 2 for the second derivative, derived from the first.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) order: u8,

    /// The variable to derive by; z, x, or the only one if not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) variable: Option<String>,

    /// Check the lines of a file (- for stdin), plain or LaTeX, and mark the first wrong one; exit status 1 if there is one,
    /// 6 if there is none but some line could not be compared.
    #[arg(long, value_name = "FILE", conflicts_with = "properties")]
    pub(crate) check: Option<PathBuf>,

    /// Show the function's properties only, with values and how each is known.
    #[arg(long)]
    pub(crate) properties: bool,
}

pub(crate) fn run(args: &Derive, terminal: &mut Terminal) -> Result<u8> {
    let (answer, status) = answer(args)?;
    terminal.present(&answer.document, Some(&answer.json))?;
    Ok(status)
}

/// The answer as a document and as typed JSON, and the exit status: 1 if a line that was checked is wrong, 6 if none is but not all
/// could be compared.
pub(crate) fn answer(args: &Derive) -> Result<(Answer, u8)> {
    let asked = match &args.formula {
        Some(text) => Some(read_function(text, args.variable.as_deref())?),
        None => None,
    };
    match (&args.check, &asked) {
        (Some(path), _) => check(path, asked.as_ref(), args),
        (None, Some(asked)) => derived(asked, args),
        (None, None) => Err(Error::usage("there is nothing to derive")
            .at("FORMULA")
            .help("give a formula such as 'tanh(z)', or --check FILE")),
    }
}

fn read_text(path: &Path) -> Result<String> {
    let bytes = if path == Path::new("-") {
        let mut bytes = vec![];
        std::io::stdin()
            .lock()
            .take(glassnet::derive::MAX_FILE_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| {
                Error::io(format!("stdin cannot be read: {error}")).at("stdin").help("give a file")
            })?;
        bytes
    } else {
        output::read(path)?
    };
    String::from_utf8(bytes).map_err(|error| {
        Error::usage("the lines are not UTF-8 text")
            .at(format!("{}, byte {}", label(path), error.utf8_error().valid_up_to()))
            .help("save the file as UTF-8")
    })
}

fn check(path: &Path, asked: Option<&AskedFunction>, args: &Derive) -> Result<(Answer, u8)> {
    let name = label(path);
    let text = read_text(path)?;
    let reading = Reading {
        name: name.clone(),
        formula: asked.map(|asked| asked.formula.clone()),
        variable: args.variable.clone().or_else(|| asked.map(|asked| asked.variable.clone())),
    };
    let lines = read_lines(&text, &reading)?;
    let formula = match (asked, args.order) {
        (Some(asked), 2) => Some(asked.formula.differentiate(&asked.variable)?),
        (Some(asked), _) => Some(asked.formula.clone()),
        (None, _) => None,
    };
    let marked = check_lines(&lines, formula.as_ref()).map_err(|error| error.at(name.clone()))?;
    let mut document = marked.document();
    for (numbers, note) in lines.told() {
        let word = if numbers.len() == 1 { "line" } else { "lines" };
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        document.note(NoteKind::Remark, format!("{word} {}: {note}.", numbers.join(", ")));
    }
    let json = json!({
        "schema": "glassnet.derive/1",
        "check": marked_json(&marked, &name),
        "notes": lines.told().iter().map(|(lines, note)| json!({"lines": lines, "note": note})).collect::<Vec<_>>(),
    });
    let status = match marked.is_right() {
        Some(true) => 0,
        Some(false) => 1,
        None => UNDECIDED,
    };
    Ok((Answer { document, json }, status))
}

fn marked_json(marked: &Marked, name: &str) -> Value {
    let first = marked.first_wrong.and_then(|first| marked.lines.get(first));
    json!({
        "file": name,
        "right": marked.is_right(),
        "first_wrong": first.map(|line| line.line.number),
        "labels": match marked.convention {
            Convention::OnResult => "on_result",
            Convention::OnSource => "on_source",
        },
        "lines": marked.lines.iter().map(|line| line_json(line, marked)).collect::<Vec<_>>(),
    })
}

fn line_json(line: &MarkedLine, marked: &Marked) -> Value {
    let right = match line.is_wrong() {
        true => Some(false),
        false => (!line.is_undecided()).then_some(true),
    };
    let reference = line.compared_with.and_then(|with| marked.lines.get(with));
    let mut json = json!({
        "line": line.line.number,
        "column": line.line.column,
        "text": line.line.text,
        "formula": line.line.value.to_string(),
        "right": right,
        "value": match &line.judgement {
            Judgement::Given => "given",
            Judgement::Exact => "exact",
            Judgement::Numeric => "numeric",
            Judgement::Near => "near",
            Judgement::Wrong { .. } => "wrong",
            Judgement::OtherFunction { .. } => "other_function",
            Judgement::Unexplained { .. } => "unexplained",
            Judgement::NoValue => "no_value",
            Judgement::Undecided { .. } => "undecided",
        },
        "after_wrong": line.after_wrong,
        "compared_with": reference.map(|line| line.line.number),
        "label": line.label.as_ref().map(|own| match &own.judgement {
            LabelJudgement::Fits(rule) => {
                json!({"text": own.label.words, "fits": true, "rule": rule.label()})
            }
            LabelJudgement::Wrong { rule, why, really } => json!({
                "text": own.label.words,
                "fits": false,
                "rule": rule.label(),
                "why": why,
                "fitting": really.iter().map(|rule| rule.label()).collect::<Vec<_>>(),
            }),
            LabelJudgement::NoRule | LabelJudgement::NoStep => {
                json!({"text": own.label.words, "fits": null})
            }
        }),
    });
    if let Judgement::Wrong { at, expected, found } = &line.judgement {
        let at: serde_json::Map<String, Value> =
            at.iter().map(|(name, value)| (name.clone(), json!(value.to_f64()))).collect();
        json["at"] = Value::Object(at);
        json["expected"] = json!(expected);
        json["found"] = json!(found);
    }
    json
}

fn derived(asked: &AskedFunction, args: &Derive) -> Result<(Answer, u8)> {
    let known = properties(&asked.formula, &asked.variable);
    if args.properties {
        let known = known?;
        let json = json!({
            "schema": "glassnet.derive/1",
            "formula": asked.formula.to_string(),
            "variable": asked.variable,
            "derivative": known.derivative.to_string(),
            "properties": properties_json(&known),
        });
        return Ok((Answer { document: known.document(), json }, 0));
    }
    let config = Config { order: args.order.into(), ..Config::default() };
    let derivation = derive(&asked.formula, &asked.variable, &config)?;
    let mut document = derivation.document();
    if let Some(layer) = &asked.layer {
        let what = if args.order == 1 { "The derivative of " } else { "The second derivative of " };
        document.title = Text::from(what).code(layer.clone());
    }
    document.section("Properties");
    match &known {
        Ok(known) => document.push(Block::Table(known.table())),
        Err(error) => document.say(format!("Not shown: {}.", error.what())),
    }
    if asked.formula.variables().len() == 1 {
        let call = match &asked.layer {
            Some(layer) => Text::from("The layer is ")
                .code(layer.clone())
                .plain("; a network is trained with the formula by "),
            None => Text::from("A network is trained with it by "),
        };
        document.say(call.code(format!("--activation '{}'", asked.formula)).plain("."));
    }
    let mut json = json!({"schema": "glassnet.derive/1"});
    if let (Value::Object(json), Value::Object(derivation)) =
        (&mut json, derivation_json(&derivation))
    {
        json.extend(derivation);
    }
    json["layer"] = json!(asked.layer);
    json["properties"] = json!(known.as_ref().ok().map(properties_json));
    Ok((Answer { document, json }, 0))
}

fn derivation_json(derivation: &Derivation) -> Value {
    json!({
        "formula": derivation.formula.to_string(),
        "variable": derivation.variable,
        "order": derivation.order(),
        "definition": derivation.definition.as_ref().map(ToString::to_string),
        "derivative": derivation.derivative.to_string(),
        "parts": derivation.parts.iter().map(step_json).collect::<Vec<_>>(),
        "steps": derivation.steps.iter().map(step_json).collect::<Vec<_>>(),
        "pieces": derivation.pieces.iter().map(|piece| json!({
            "low": piece.piece.low.map(|end| end.to_f64()),
            "high": piece.piece.high.map(|end| end.to_f64()),
            "formula": piece.formula.to_string(),
            "derivative": piece.derivative.to_string(),
            "parts": piece.parts.iter().map(step_json).collect::<Vec<_>>(),
            "steps": piece.steps.iter().map(step_json).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "joints": derivation.joints.iter().map(|joint| json!({
            "at": joint.at.to_string(),
            "left": joint.left.as_ref().map(ToString::to_string),
            "right": joint.right.as_ref().map(ToString::to_string),
            "kind": match joint.kind {
                JointKind::Smooth => "smooth",
                JointKind::Kink => "kink",
                JointKind::Jump => "jump",
                JointKind::Unclear => "unclear",
            },
            "convention": joint.convention.as_ref().map(ToString::to_string),
        })).collect::<Vec<_>>(),
        "conventions": derivation.conventions,
        "exact": derivation.is_exact(),
        "previous": derivation.previous.as_ref().map(|previous| derivation_json(previous)),
    })
}

/// A step; `under` names the variable by which `from` is still to be differentiated.
fn step_json(step: &DerivationStep) -> Value {
    json!({
        "from": step.from.to_string(),
        "under": step.under,
        "to": step.to.to_string(),
        "rule": step.label,
        "checked": match step.checked {
            Check::Exact => "exact",
            Check::Numeric => "numeric",
            Check::Wrong => "wrong",
        },
    })
}

/// A number with its exact form: `{"value": 0.25, "exact": "1/4"}`.
fn quantity_json(quantity: &Quantity) -> Value {
    json!({"value": quantity.value, "exact": quantity.exact.as_ref().map(ToString::to_string)})
}

/// A limit: a number, "inf", "-inf", or null.
fn limit_json(limit: &Limit) -> Value {
    match limit {
        Limit::Finite(quantity) => quantity_json(quantity),
        Limit::Infinity => json!("inf"),
        Limit::MinusInfinity => json!("-inf"),
        Limit::None => Value::Null,
    }
}

fn interval_json(interval: &Interval) -> Value {
    json!({
        "low": limit_json(&interval.low),
        "low_closed": interval.low_closed,
        "high": limit_json(&interval.high),
        "high_closed": interval.high_closed,
    })
}

fn with_how<T>(known: &Known<T>, value: Value) -> Value {
    json!({"value": value, "known": known.how.word()})
}

fn properties_json(known: &Properties) -> Value {
    let end = |end: &Option<Quantity>| end.as_ref().map(quantity_json);
    let steepest = &known.steepest.what;
    let sides = known.saturates();
    let [left, right] =
        [0, 1].map(|side| (known.slope_limits[side].how <= How::Numeric).then_some(sides[side]));
    json!({
        "domain": with_how(&known.domain, known.domain.what.iter().map(interval_json).collect()),
        "range": with_how(&known.range, interval_json(&known.range.what)),
        "symmetry": with_how(&known.symmetry, json!(match known.symmetry.what {
            Symmetry::Odd => "odd",
            Symmetry::Even => "even",
            Symmetry::None => "none",
        })),
        "zero_centred": with_how(&known.zero_centred, json!(known.zero_centred.what)),
        "mean_output": known.mean_output,
        "course": with_how(&known.runs, known.runs.what.iter().map(|run| json!({
            "low": end(&run.low),
            "high": end(&run.high),
            "trend": match run.trend {
                Trend::Rising => "rising",
                Trend::Falling => "falling",
                Trend::Constant => "constant",
            },
        })).collect()),
        "max_slope": with_how(&known.steepest, json!({
            "size": limit_json(&steepest.value),
            "at": steepest.at.iter().map(quantity_json).collect::<Vec<_>>(),
            "along": steepest.along.iter().map(|(low, high)| json!({"low": end(low), "high": end(high)})).collect::<Vec<_>>(),
        })),
        "lipschitz": known.lipschitz().map(quantity_json),
        "limits": known.limits.iter().map(|own| with_how(own, limit_json(&own.what))).collect::<Vec<_>>(),
        "slope_limits": known.slope_limits.iter().map(|own| with_how(own, limit_json(&own.what))).collect::<Vec<_>>(),
        "saturates": {"left": left, "right": right},
        "kinks": known.kinks.what.iter().map(|kink| json!({
            "at": kink.at.value,
            "left": limit_json(&kink.left),
            "right": limit_json(&kink.right),
            "jump": kink.jump,
            "convention": kink.convention,
        })).collect::<Vec<_>>(),
        "kinks_known": known.kinks.how.word(),
        "samples": known.samples.iter().map(|sample| json!({
            "z": sample.z,
            "f": sample.value,
            "slope": sample.slope,
            "slope_f32": if sample.slope_f32.is_finite() { json!(sample.slope_f32) } else { Value::Null },
        })).collect::<Vec<_>>(),
    })
}
