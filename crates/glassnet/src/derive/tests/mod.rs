//! Tests of derivations.

mod forms;
mod laws;
mod mutants;
mod sheet;
mod stress;

use super::{Config, Derivation, derive};
use crate::formula::{Expression, parse};

fn derivation(formula: &str, order: u32) -> Derivation {
    derive(&parse(formula).unwrap(), "z", &Config { order, ..Config::default() }).unwrap()
}

/// The lines of a derivation with their labels.
fn lines(derivation: &Derivation) -> Vec<String> {
    let written = |step: &super::DerivationStep| format!("{} [{}]", step.to, step.label);
    derivation.steps.iter().map(written).collect()
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.roll(1 << 20) as f64 / (1 << 20) as f64)
    }

    /// A formula in z, at most so deep.
    fn formula(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.roll(6) {
                0..=2 => "z".into(),
                3 => format!("{}", 1 + self.roll(4)),
                4 => format!("exp({}z)", ["", "2", "-", "3"][self.roll(4)]),
                _ => format!("{}z", 2 + self.roll(3)),
            };
        }
        let mut part = || {
            let depth = self.roll(depth);
            self.formula(depth)
        };
        let (a, b) = (part(), part());
        match self.roll(14) {
            0 | 1 => format!("({a}) + ({b})"),
            2 => format!("({a}) - ({b})"),
            3 | 4 => format!("({a})*({b})"),
            5 => format!("({a})/(1 + ({b})^2)"),
            6 => format!("({a})^{}", 2 + self.roll(2)),
            7 => format!("exp(-({a})^2/4)"),
            8 => format!("log(1 + ({a})^2)"),
            9 => format!("tanh({a})"),
            10 => format!("sigmoid({a})"),
            11 => format!("sin({a})*({b})"),
            12 => format!("sqrt(1 + ({a})^2)"),
            _ => format!("{}({a})", ["softplus", "cos", "atan", "erf", "cosh"][self.roll(5)]),
        }
    }
}

/// The formula's value in f64 with z bound, if it is finite and of ordinary size.
fn value(formula: &Expression, z: f64) -> Option<f64> {
    let names = formula.variables();
    let bound: Vec<(&str, f64)> = names
        .iter()
        .enumerate()
        .map(|(i, name)| (name.as_str(), if name == "z" { z } else { 0.7 + 0.4 * i as f64 }))
        .collect();
    formula.evaluate(&bound).ok().filter(|value| value.is_finite() && value.abs() < 1e8)
}
