//! `--monotone`: whether an output never falls where a column grows.

use std::time::Instant;

use glassnet::document::{Align, Block, Document, Table, Text};
use glassnet::prove::exact::Enclosure;
use glassnet::prove::{self, Config, Direction, Fall, Monotone, Rise, Semantics};
use glassnet::{Error, Result};
use serde_json::json;

use super::Prove;
use super::answer::{column, columns, the_box};
use super::network::Subject;
use super::space::Set;
use super::told::{Watch, exactly, meaning};
use super::words::{Question, Told, place, shown_outputs};
use crate::said::Said;
use crate::terminal::Terminal;

pub(super) fn said(
    args: &Prove,
    feature: &str,
    subject: &Subject,
    config: &Config,
    terminal: &Terminal,
) -> Result<Said> {
    let started = Instant::now();
    let network = match subject.output_scales() {
        Some(scales) => subject.network()?.rescaled(&scales)?,
        None => subject.scores()?.0,
    };
    let names = subject.output_names();
    let output = output(args, &names, network.outputs())?;
    let (space, row, sets) = place(args, subject, &network, terminal)?;
    let (name, rising) = match feature.strip_prefix('-') {
        Some(name) if !space.columns.iter().any(|column| column.name == feature) => (name, false),
        Some(_) | None => (feature, true),
    };
    let at = space.find(name, "--monotone")?;
    if !matches!(&sets[at], Set::Range(range) if !range.is_point()) {
        let why = match space.columns[at].is_number() {
            true => "has one value only",
            false => "holds no numbers, so that it can't grow",
        };
        return Err(Error::usage(format!("column {name:?} {why}"))
            .at("--monotone")
            .help("name a column of numbers, and give its range: --domain 'COLUMN=lo..hi', or --data TABLE"));
    }
    let outputs = shown_outputs(&names, network.outputs());
    let verb = if rising { "never falls" } else { "never rises" };
    let statement = format!("{} {verb} where {name} grows and all else stays", outputs[output]);
    let question =
        Question { network, space, sets, row, negated: vec![], statement, outputs, shares: None };
    let boxes = question.space.boxes(&question.sets)?;
    let interrupt = terminal.interrupt()?;
    let mut watch = Watch::new(terminal, &interrupt, started + args.limit());
    let outputs = vec![(output, if rising { 1.0 } else { -1.0 })];
    let mut all = Rise { direction: Direction::Holds, parts: 0, proven: 0.0 };
    let mut told = vec![];
    let share = 1.0 / boxes.len().max(1) as f64;
    for domain in boxes {
        let input = question.space.columns[at].at;
        let asked = Monotone { domain, input, outputs: outputs.clone() };
        let rise = prove::monotone(&question.network, &asked, &mut |at| watch.go_on(at))?;
        all.parts += rise.parts;
        all.proven += share * rise.proven;
        match rise.direction {
            Direction::Holds => {}
            Direction::Unknown => all.direction = Direction::Unknown,
            Direction::Falls(fall) => {
                // In the user's numbers, which may become other features.
                let ((before, from), (after, to)) =
                    (question.in_words(&fall.from), question.in_words(&fall.to));
                match prove::fall_between(&question.network, &outputs, from, to) {
                    Some(fall) => {
                        all.direction = Direction::Falls(Box::new(fall));
                        told = before.into_iter().zip(after).collect();
                        break;
                    }
                    None => all.direction = Direction::Unknown,
                }
            }
        }
    }
    watch.finish();
    // Rounding can make any sum of floats fall by its last bit.
    let semantics = Semantics::Real.name();
    if config.semantics != Semantics::Real {
        terminal.note("--monotone is about exact arithmetic: in f32 the last bits of an output may go up and down");
    }
    let (word, status) = match &all.direction {
        Direction::Holds => ("holds", 0),
        Direction::Falls(_) => ("violated", 1),
        Direction::Unknown => ("unknown", 6),
    };
    let mut document = Document::new(word);
    document.say(format!("statement: {}", question.statement));
    document.say(match &all.direction {
        Direction::Holds => format!(
            "it holds on the whole box, {}; {} parts, {:.2} s",
            meaning(semantics),
            all.parts,
            started.elapsed().as_secs_f64()
        ),
        Direction::Falls(_) => {
            "these two inputs of the box break it, evaluated exactly:".to_owned()
        }
        Direction::Unknown => format!(
            "{:.3} % of the box is proven, {} parts were examined",
            all.proven * 100.0,
            all.parts
        ),
    });
    if let Direction::Falls(fall) = &all.direction {
        document.push(Block::Table(two_points(&question, output, fall, &told, rising)));
    }
    document.say("the box:");
    document.push(Block::Table(the_box(&question)));
    let value = |told: &Told| told.number.map_or(json!(told.text), |number| json!(number));
    let fall = match &all.direction {
        Direction::Falls(fall) => Some(json!({
            "columns": told.iter().map(|(from, to)| json!({
                "name": from.column, "from": value(from), "to": value(to),
            })).collect::<Vec<_>>(),
            "before": value_of(&fall.before, rising).lo.to_f64(),
            "after": value_of(&fall.after, rising).lo.to_f64(),
        })),
        Direction::Holds | Direction::Unknown => None,
    };
    let json = json!({
        "schema": "glassnet.prove/1",
        "verdict": word,
        "statement": question.statement,
        "columns": columns(&question),
        "fall": fall,
        "proven": all.proven,
        "parts": all.parts,
        "seconds": started.elapsed().as_secs_f64(),
        "semantics": semantics,
    });
    Ok(Said::document(document, json, status).or_status(interrupt.status()))
}

/// The output that `--of` names, or the only one.
fn output(args: &Prove, names: &[String], count: usize) -> Result<usize> {
    let listed = match names {
        [] => format!("the outputs are 0 to {}", count.saturating_sub(1)),
        names => format!("the outputs are {}", names.join(", ")),
    };
    match &args.of {
        None if count == 1 => Ok(0),
        None => Err(Error::usage(format!("which of the {count} outputs?"))
            .at("--monotone")
            .help("name it: --of CLASS, or its number from 0")
            .detail(listed)),
        Some(text) => {
            let named = names.iter().position(|name| name == text);
            named.or_else(|| text.parse().ok().filter(|at| *at < count)).ok_or_else(|| {
                Error::usage(format!("{text:?} names no output")).at("--of").help(listed)
            })
        }
    }
}

/// A sum that was taken negative is told as the output.
fn value_of(sum: &Enclosure, rising: bool) -> Enclosure {
    match rising {
        true => sum.clone(),
        false => Enclosure { lo: sum.hi.negated(), hi: sum.lo.negated() },
    }
}

fn two_points(
    question: &Question,
    output: usize,
    fall: &Fall,
    told: &[(Told, Told)],
    rising: bool,
) -> Table {
    let heads = ["column", "first", "second"];
    let columns = heads.into_iter().map(|head| column(head, Align::Left)).collect();
    let mut table = Table { columns, ..Table::default() };
    for (from, to) in told {
        let cells = [&from.column, &from.text, &to.text];
        table.rows.push(cells.into_iter().map(|cell| Text::from(cell.clone())).collect());
    }
    let value = |sum: &Enclosure| Text::from(exactly(&value_of(sum, rising)));
    table.rows.push(vec![
        Text::from(question.outputs[output].clone()),
        value(&fall.before),
        value(&fall.after),
    ]);
    table
}
