//! What people's names for steps mean beyond the rules' own shapes: names that are used loosely, and names that
//! only seem to fit.

use crate::derive::Rule;
use crate::formula::{Expression, Function};
use std::collections::BTreeSet;

/// A second look at a step without d/dz: `Some(None)` if the name fits as people use it, `Some(Some(why))` if it does
/// not, `None` if there is nothing to add to the rule's own shape.
pub(super) fn second_look(
    rule: Rule,
    from: &Expression,
    under: Option<&str>,
    to: &Expression,
) -> Option<Option<&'static str>> {
    if under.is_some() {
        return None;
    }
    match rule {
        // People call every change that makes a line shorter so.
        Rule::Simplify => (to.nodes() < from.nodes()).then_some(None),
        // A sum became a product with a sum among its factors.
        Rule::Factor => is_factored(from, to).then_some(None),
        Rule::Separate => is_factored(from, to)
            .then_some(Some("a common factor was written in front of brackets")),
        // A name that only cancelled went, but not for its formula.
        Rule::Definition | Rule::Substitute => (functions(from) == functions(to)
            && from.variables() == to.variables())
        .then_some(Some("no function's name came or went")),
        Rule::Identity => (calls(from) == calls(to))
            .then_some(Some("the same functions of the same arguments stand in both")),
        Rule::Sum
        | Rule::ConstantFactor
        | Rule::Product
        | Rule::Quotient
        | Rule::Chain
        | Rule::Power
        | Rule::Exponential
        | Rule::Logarithm
        | Rule::Known
        | Rule::Constant
        | Rule::MultiplyOut
        | Rule::Collect
        | Rule::Expand
        | Rule::Square
        | Rule::Divide
        | Rule::Cancel
        | Rule::CommonDenominator
        | Rule::PowerLaw
        | Rule::Reorder => None,
    }
}

fn is_factored(from: &Expression, to: &Expression) -> bool {
    let sum = |tree: &Expression| matches!(tree, Expression::Sum(_));
    match (from, to) {
        (Expression::Sum(_), Expression::Product(factors)) => factors.iter().any(sum),
        (Expression::Quotient(from, a), Expression::Quotient(to, b)) if a == b => {
            is_factored(from, to)
        }
        _ => false,
    }
}

fn walk(tree: &Expression, see: &mut impl FnMut(&Expression)) {
    see(tree);
    tree.children().into_iter().for_each(|child| walk(child, see));
}

/// The functions that occur; e^u counts as exp.
fn functions(tree: &Expression) -> BTreeSet<Function> {
    let mut found = BTreeSet::new();
    walk(tree, &mut |tree| match tree {
        Expression::Call(function, _) => drop(found.insert(*function)),
        Expression::Power(base, exponent)
            if !exponent.variables().is_empty() && base.variables().is_empty() =>
        {
            found.insert(Function::Exp);
        }
        _ => {}
    });
    found
}

/// Every function with its argument.
fn calls(tree: &Expression) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(tree, &mut |tree| {
        if let Expression::Call(..) = tree {
            found.insert(tree.to_string());
        }
    });
    found
}
