//! Random formulas: every line is right by an independent check, and every rule's name fits its line only.

use super::{Dice, derivation, value};
use crate::derive::{Derivation, DerivationStep, Rule, validate};
use crate::formula::Expression;

/// The slope by differences of two step widths, with the difference of both as its error.
fn slope(formula: &Expression, z: f64) -> Option<(f64, f64)> {
    let by = |step: f64| {
        let (up, down) = (value(formula, z + step)?, value(formula, z - step)?);
        Some((up - down) / (2.0 * step))
    };
    let (coarse, fine) = (by(2e-4)?, by(1e-4)?);
    // Richardson: the error falls with the fourth power of the step.
    let best = fine + (fine - coarse) / 3.0;
    Some((best, (fine - coarse).abs() + 1e-8 * (1.0 + best.abs())))
}

fn check_step(step: &DerivationStep, dice: &mut Dice, low: f64, high: f64) -> usize {
    let mut points = 0;
    for _ in 0..60 {
        let z = dice.between(low, high);
        let Some(after) = value(&step.to, z) else { continue };
        let (before, error) = match &step.under {
            Some(_) => match slope(&step.from, z) {
                Some(found) => found,
                None => continue,
            },
            None => match value(&step.from, z) {
                Some(found) => (found, 1e-9 * (1.0 + found.abs() + after.abs())),
                None => continue,
            },
        };
        if error > 1e-3 * (1.0 + before.abs()) {
            continue;
        }
        assert!(
            (before - after).abs() <= 20.0 * error + 1e-7 * (1.0 + before.abs()),
            "{} -> {} [{}] at z = {z}: {before} {after} (error {error})",
            step.from,
            step.to,
            step.label
        );
        points += 1;
        if points == 20 {
            break;
        }
    }
    points
}

fn check(derivation: &Derivation, dice: &mut Dice) -> usize {
    let mut steps: Vec<(&DerivationStep, f64, f64)> = vec![];
    steps.extend(derivation.parts.iter().chain(&derivation.steps).map(|step| (step, -2.0, 2.0)));
    for piece in &derivation.pieces {
        let low = piece.piece.low.map_or(-4.0, |low| low.to_f64()) + 0.01;
        let high = piece.piece.high.map_or(4.0, |high| high.to_f64()) - 0.01;
        steps.extend(piece.parts.iter().chain(&piece.steps).map(|step| (step, low, high)));
    }
    let mut looked = 0;
    for (step, low, high) in steps {
        looked += usize::from(check_step(step, dice, low, high) >= 10);
        let fits = validate(step.rule, &step.from, step.under.as_deref(), &step.to).fits();
        assert!(fits, "{} -> {} [{}]", step.from, step.to, step.label);
        assert_eq!(Rule::parse(&step.label), Some(step.rule), "{} is read as its rule", step.label);
        // Lines are read back as they were written.
        let variables = step.to.variables();
        let names: Vec<&str> = variables.iter().map(String::as_str).collect();
        assert_eq!(crate::formula::parse_in(&step.to.to_string(), &names).as_ref(), Ok(&step.to));
    }
    looked
}

pub(super) const KNOWN: [&str; 34] = [
    "tanh(z)",
    "sigmoid(z)",
    "relu(z)",
    "(exp(3z)-1)/(exp(3z)+1)",
    "b*tanh(c*z)",
    "softplus(z)",
    "silu(z)",
    "gelu(z)",
    "mish(z)",
    "z/(1+abs(z))",
    "log(cosh(z))",
    "z*tanh(z)",
    "sigmoid(z)*sigmoid(2z)",
    "max(0.1z, z)",
    "min(1, max(-1, z))",
    "piecewise(z > 0, z, exp(z) - 1)",
    "abs(z^2-1)",
    "exp(2z)*sin(z^2)",
    "(z^2+1)/(z^2-z+3)",
    "(z+1)^3*(z-2)",
    "sqrt(1+z^2)",
    "log(1+z^2)/z",
    "atan(z)*z",
    "1/(1+exp(-2z))",
    "(e^z-e^(-z))/(e^z+e^(-z))",
    "sin(z)/cos(z)",
    "z^3*exp(-z^2/2)",
    "erf(z)*exp(z^2)",
    "exp(-exp(-z))",
    "logsigmoid(z)",
    "tan(z)",
    "2^z*z",
    "cosh(z)^2",
    "(2z+1)/(3z-2)",
];

#[test]
fn every_line_of_known_formulas_is_right() {
    let mut dice = Dice(3);
    let mut looked = 0;
    for formula in KNOWN {
        for order in [1, 2] {
            looked += check(&derivation(formula, order), &mut dice);
        }
    }
    assert!(looked > 150, "{looked}");
}

#[test]
fn every_line_of_random_formulas_is_right() {
    let mut dice = Dice(11);
    let (mut looked, mut ended) = (0, 0);
    for round in 0..70 {
        let text = dice.formula(1 + round % 3);
        let Ok(formula) = crate::formula::parse(&text) else { continue };
        if !formula.contains("z") {
            continue;
        }
        let found = derivation(&text, 1);
        looked += check(&found, &mut dice);
        ended += usize::from(!found.steps.is_empty() || !found.pieces.is_empty());
    }
    assert!(looked > 120 && ended > 50, "{looked} {ended}");
}

#[test]
fn a_right_line_with_another_name_is_rejected() {
    // Names that may both be right for one step.
    let related = |a: Rule, b: Rule| {
        let groups: [&[Rule]; 5] = [
            &[Rule::Definition, Rule::Substitute, Rule::Identity],
            &[Rule::MultiplyOut, Rule::Square],
            &[Rule::PowerLaw, Rule::Simplify, Rule::Cancel],
            &[Rule::Chain, Rule::Exponential, Rule::Logarithm, Rule::Power, Rule::Known],
            &[Rule::Separate, Rule::Divide],
        ];
        groups.iter().any(|group| group.contains(&a) && group.contains(&b))
    };
    let (mut tried, mut accepted) = (0, vec![]);
    for formula in KNOWN {
        let found = derivation(formula, 1);
        for step in found.all_steps() {
            for rule in Rule::all().filter(|rule| *rule != step.rule && !related(*rule, step.rule))
            {
                tried += 1;
                if validate(rule, &step.from, step.under.as_deref(), &step.to).fits() {
                    accepted.push(format!(
                        "{} -> {}: {} as {}",
                        step.from,
                        step.to,
                        step.label,
                        rule.label()
                    ));
                }
            }
        }
    }
    let rejected = 100.0 - 100.0 * accepted.len() as f64 / tried as f64;
    assert!(tried > 1000 && rejected >= 98.0, "{rejected} % of {tried}\n{}", accepted.join("\n"));
}
