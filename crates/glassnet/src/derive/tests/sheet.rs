//! The exercise's derivations, line by line.

use crate::derive::{Config, Derivation, derive};
use crate::formula::parse;

pub(super) fn derivation(formula: &str, order: u32) -> Derivation {
    derive(&parse(formula).unwrap(), "z", &Config { order, ..Config::default() }).unwrap()
}

pub(super) fn show(d: &Derivation) -> String {
    let mut text = format!("{}", d.formula);
    if let Some(definition) = &d.definition {
        text += &format!(" = {definition}");
    }
    for step in &d.parts {
        text += &format!(
            "\n  where d/dz {} = {} [{}, {}]",
            step.from,
            step.to,
            step.label,
            step.checked.sign()
        );
    }
    for step in &d.steps {
        text += &format!("\n  = {} [{}, {}]", step.to, step.label, step.checked.sign());
    }
    for piece in &d.pieces {
        text += &format!(
            "\n  {:?}..{:?}: {}",
            piece.piece.low.map(|r| r.to_f64()),
            piece.piece.high.map(|r| r.to_f64()),
            piece.formula
        );
        for step in &piece.parts {
            text += &format!("\n    where d/dz {} = {} [{}]", step.from, step.to, step.label);
        }
        for step in &piece.steps {
            text += &format!("\n    = {} [{}, {}]", step.to, step.label, step.checked.sign());
        }
    }
    for joint in &d.joints {
        text += &format!("\n  at {}: {:?}", joint.at, joint.kind);
    }
    for line in &d.conventions {
        text += &format!("\n  {line}");
    }
    text + &format!("\n  => {}\n", d.derivative)
}

#[test]
fn print_all() {
    for formula in
        std::env::var("FORMULAS").unwrap_or_default().split(';').filter(|f| !f.is_empty())
    {
        let (formula, order) = match formula.split_once('@') {
            Some((f, n)) => (f, n.parse().unwrap()),
            None => (formula, 1),
        };
        let start = std::time::Instant::now();
        let d = derivation(formula, order);
        let t = start.elapsed();
        println!("{}  {:?}\n{}", show(&d), t, d.document().plain());
    }
}
