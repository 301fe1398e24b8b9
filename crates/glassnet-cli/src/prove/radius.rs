//! How far around a row its class is certain: the largest radius that is proven, and the least at which it is known to fail.

use std::time::{Duration, Instant};

use glassnet::document::{Block, Document};
use glassnet::prove::{Config, Interval, Verdict};
use glassnet::{Error, Result};
use serde_json::json;

use super::answer::{self, few};
use super::sets;
use super::space::Set;
use super::told::{Watch, meaning};
use super::words::{Found, Question, slice};
use crate::said::Said;

/// What is known of radii around a row.
pub(super) struct Radius {
    /// Within this the statement is proven.
    certified: f64,
    /// A counterexample is so far away.
    violated: Option<f64>,
    /// The last counterexample.
    found: Option<Found>,
    /// Whether the time was over before both were near each other.
    cut: bool,
    parts: u64,
}

/// Searches by halves, until both ends are within a hundredth of each other or the time is over.
///
/// # Errors
/// When no column can vary.
pub(super) fn largest(
    question: &mut Question,
    config: &Config,
    until: Instant,
    watch: &mut Watch<'_>,
) -> Result<Radius> {
    // Nobody asks beyond a million standard deviations.
    const MOST: f64 = 1e6;
    let mut known = Radius { certified: 0.0, violated: None, found: None, cut: false, parts: 0 };
    let mut undecided: Option<f64> = None;
    let mut radius = 0.1;
    loop {
        around(question, radius)?;
        let end = slice(until, 0.35);
        let found = question.ask(config, &mut |at| watch.go_on(at) && Instant::now() < end)?;
        known.parts += found.outcome.parts;
        match found.verdict {
            Verdict::Holds => known.certified = radius,
            Verdict::Violated(_) => {
                let far = distance(question, &found).unwrap_or(radius).min(radius);
                known.violated = Some(far.max(known.certified));
                known.found = Some(found);
            }
            Verdict::Unknown => undecided = Some(radius),
        }
        let above = [known.violated, undecided].into_iter().flatten().fold(MOST, f64::min);
        let near = above - known.certified <= 0.01 * above;
        if near || known.certified >= MOST || !watch.has_time() {
            known.cut = undecided
                .is_some_and(|radius| known.violated.is_none_or(|far| radius < far))
                || !(near || known.certified >= MOST);
            return Ok(known);
        }
        radius = if above < MOST {
            if known.certified > 0.0 { (known.certified + above) / 2.0 } else { above / 2.0 }
        } else {
            (radius * 2.0).min(MOST)
        };
        if radius < 1e-12 {
            known.cut = true;
            return Ok(known);
        }
    }
}

fn around(question: &mut Question, radius: f64) -> Result<()> {
    let row = question.row.as_ref().ok_or_else(|| Error::usage("a row is needed"))?;
    let mut varies = false;
    for ((column, cell), set) in question.space.columns.iter().zip(row).zip(&mut question.sets) {
        let Some(number) = cell.number.filter(|_| column.is_number()) else { continue };
        *set = Set::Range(sets::around(number, radius, column.scale().0)?);
        varies = true;
    }
    if varies {
        return Ok(());
    }
    Err(Error::usage("the row has no number that could change")
        .at("--class-stays")
        .help("let categories vary: --within 'COLUMN=*'"))
}

/// How far a counterexample is from the row: the greatest share of a unit, over the columns; rounded up.
fn distance(question: &Question, found: &Found) -> Option<f64> {
    let row = question.row.as_ref()?;
    let columns = question.space.columns.iter().zip(row).zip(&found.told);
    columns
        .filter_map(|((column, cell), told)| {
            let apart = Interval::point(told.number?).minus(Interval::point(cell.number?));
            Some((apart.magnitude() / column.scale().0).next_up())
        })
        .reduce(f64::max)
}

/// What is known.
pub(super) fn said(question: &Question, radius: &Radius, semantics: &str, took: Duration) -> Said {
    let holds = radius.certified > 0.0;
    let word = if holds { "holds" } else { "unknown" };
    let scaled = question.space.columns.iter().any(|column| column.scale() != (1.0, 0.0));
    let unit = if scaled { " standard deviations" } else { "" };
    let mut document = Document::new(word);
    document.say(format!("statement: {}", question.statement));
    document.say(match holds {
        true => format!(
            "it holds for every input within {}{unit} of the row in each column, {}; {} parts, {:.2} s",
            shown_down(radius.certified),
            meaning(semantics),
            radius.parts,
            took.as_secs_f64()
        ),
        false => "no distance from the row was proven".to_owned(),
    });
    match (&radius.found, radius.violated) {
        (Some(found), Some(far)) => {
            document.say(format!("this input, {} away, breaks it, evaluated exactly:", few(far)));
            document.push(Block::Table(answer::counterexample(question, found)));
        }
        (_, _) if radius.cut => document.say("what is farther away is unknown"),
        (_, _) => document.say("no input was found that breaks it"),
    }
    if radius.cut && radius.found.is_some() {
        document.say("what lies between is unknown: the time was over");
    }
    let json = json!({
        "schema": "glassnet.prove/1",
        "verdict": word,
        "statement": question.statement,
        "radius": {
            "certified": radius.certified,
            "violated": radius.violated,
            "unit": if scaled { "standard deviations" } else { "inputs" },
        },
        "witness": radius.found.as_ref().map(answer::witness),
        "parts": radius.parts,
        "seconds": took.as_secs_f64(),
        "semantics": semantics,
    });
    Said::document(document, json, told_status(holds))
}

fn told_status(holds: bool) -> u8 {
    super::words::status(if holds { &Verdict::Holds } else { &Verdict::Unknown })
}

/// A radius with few digits that is not greater.
fn shown_down(radius: f64) -> String {
    let near = |radius: f64| -> Option<f64> { format!("{radius:.4e}").parse().ok() };
    // A little less is written with digits that are not greater.
    let tried = [near(radius), near(radius * (1.0 - 1e-4))];
    let found = tried.into_iter().flatten().find(|near| *near <= radius);
    found.unwrap_or(radius).to_string()
}
