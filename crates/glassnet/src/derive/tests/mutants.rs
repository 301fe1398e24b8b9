//! Formulas that were changed by rule: never called equal when they are not, never called different when they are.

use super::laws::KNOWN;
use super::{Dice, derivation, value};
use crate::derive::{Comparison, compare};
use crate::formula::{Expression, Function, Sign};

/// The formula with its `place`-th node (in the order of printing) changed, if that node can be.
fn mutate(tree: &Expression, place: &mut usize, kind: usize) -> Expression {
    if *place == 0 {
        *place = usize::MAX;
        return change(tree, kind);
    }
    *place = place.saturating_sub(1);
    tree.map_children(|child| match *place {
        usize::MAX => child.clone(),
        _ => mutate(child, place, kind),
    })
}

fn change(tree: &Expression, kind: usize) -> Expression {
    let one = || Expression::integer(1);
    match tree {
        Expression::Number(number) => {
            let value = number.rational().map_or(0, |value| value.numerator() as i64);
            Expression::integer(value + 1 + kind as i64 % 2)
        }
        Expression::Sum(terms) => {
            let mut terms = terms.clone();
            let last = kind % terms.len();
            terms[last].sign = terms[last].sign.flipped();
            if terms[0].sign == Sign::Minus && last == 0 {
                terms[0].value = Expression::negative(terms[0].value.clone());
                terms[0].sign = Sign::Plus;
            }
            Expression::Sum(terms)
        }
        Expression::Product(parts) if parts.len() > 2 => {
            Expression::Product(parts[..parts.len() - 1].to_vec())
        }
        Expression::Product(parts) => parts[kind % parts.len()].clone(),
        Expression::Quotient(top, bottom) => match kind % 2 {
            0 => Expression::Quotient(bottom.clone(), top.clone()),
            _ => Expression::Product(vec![top.as_ref().clone(), bottom.as_ref().clone()]),
        },
        Expression::Power(base, exponent) => match kind % 2 {
            0 => base.as_ref().clone(),
            _ => Expression::power(exponent.as_ref().clone(), base.as_ref().clone()),
        },
        Expression::Call(function, argument) => {
            let other = match function {
                Function::Exp => Function::Cosh,
                Function::Tanh => Function::Sigmoid,
                Function::Sigmoid => Function::Tanh,
                Function::Sin => Function::Cos,
                Function::Abs => Function::Relu,
                _ => Function::Sin,
            };
            Expression::call(other, argument.as_ref().clone())
        }
        Expression::Negative(value) => value.as_ref().clone(),
        Expression::Variable(_) => Expression::Product(vec![Expression::integer(2), tree.clone()]),
        other => Expression::Product(vec![other.clone(), one(), Expression::integer(2)]),
    }
}

/// Whether f64 tells the two apart clearly, at many points.
fn differ_clearly(left: &Expression, right: &Expression, dice: &mut Dice) -> Option<bool> {
    let (mut apart, mut seen) = (false, 0);
    for _ in 0..60 {
        let z = dice.between(-3.0, 3.0);
        let (Some(a), Some(b)) = (value(left, z), value(right, z)) else { continue };
        seen += 1;
        apart |= (a - b).abs() > 1e-6 * (1.0 + a.abs() + b.abs());
    }
    (seen >= 10).then_some(apart)
}

#[test]
fn mutants_are_told_apart() {
    let mut dice = Dice(29);
    let (mut different, mut equal, mut unknown) = (0, 0, 0);
    for formula in KNOWN {
        let found = derivation(formula, 1);
        for step in found.parts.iter().chain(&found.steps) {
            for _ in 0..6 {
                let kind = dice.roll(6);
                let mut place = dice.roll(step.to.nodes());
                let mutant = mutate(&step.to, &mut place, kind);
                let Some(apart) = differ_clearly(&step.to, &mutant, &mut dice) else { continue };
                match compare(&step.to, &mutant) {
                    Comparison::Equal | Comparison::NumericallyEqual => {
                        assert!(!apart, "{} is called equal to {mutant}", step.to);
                        equal += 1;
                    }
                    Comparison::Different { at, left, right } => {
                        // Both values at the point are those that f64 computes there.
                        let names: Vec<(&str, f64)> = at
                            .iter()
                            .map(|(name, value)| (name.as_str(), value.to_f64()))
                            .collect();
                        for (tree, shown) in [(&step.to, left), (&mutant, right)] {
                            let own = tree.evaluate(&names).unwrap();
                            let near = (own - shown).abs() <= 1e-6 * (1.0 + shown.abs());
                            assert!(near, "{tree} at {names:?}: {own} {shown}");
                        }
                        assert!(left != right, "{} and {mutant} at {names:?}", step.to);
                        different += 1;
                    }
                    Comparison::Unknown { why } => {
                        assert!(!apart, "{} and {mutant}: {why}", step.to);
                        unknown += 1;
                    }
                }
            }
        }
    }
    assert!(different >= 200, "{different} different, {equal} equal, {unknown} unknown");
}

#[test]
fn random_formulas_are_equal_to_themselves_in_another_form() {
    let mut dice = Dice(41);
    let mut decided = 0;
    for round in 0..80 {
        let text = dice.formula(1 + round % 3);
        let Ok(formula) = crate::formula::parse(&text) else { continue };
        // (f + g)² − g² − 2fg = f², with another formula g
        let other = dice.formula(1);
        let twisted = format!("(({text}) + ({other}))^2 - ({other})^2 - 2*({text})*({other})");
        let (Ok(twisted), Ok(square)) =
            (crate::formula::parse(&twisted), crate::formula::parse(&format!("({formula})^2")))
        else {
            continue;
        };
        match compare(&twisted, &square) {
            Comparison::Equal => decided += 1,
            Comparison::NumericallyEqual => {}
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(decided >= 60, "{decided}");
}
