//! Does a rule's name fit what happened between two lines?
//!
//! A true line with a false name is a wrong line. Whether the lines are equal is decided elsewhere
//! ([`compare`](super::compare())); here the *shape* of the change is looked at: which brackets went, which terms were
//! added up, which functions were named.

use super::rule::Rule;
use super::shape::{Shape, canonical, focus, listed};
use crate::formula::{Constant, Expression, Function};

/// Whether a name fits a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Fits,
    /// It does not.
    DoesNotFit {
        /// Why, in a sentence without a final stop.
        why: String,
    },
}

impl Verdict {
    /// True for `Fits`.
    pub fn fits(&self) -> bool {
        *self == Verdict::Fits
    }
}

/// Whether `rule` is the name of the step from `from` to `to`. `under` is the variable by which `from` is still to
/// be differentiated (`Some("z")` for d/dz `from` = `to`), or `None` for a step between two lines without d/dz.
///
/// The step is taken to be true; see [`compare`](super::compare()) for that. Where a step is both (multiplying out a
/// square is the square rule, too), both names fit.
///
/// ```
/// use glassnet::derive::{Rule, validate};
/// use glassnet::formula::parse;
/// let (from, to) = (parse("2z*(z + 1) - z")?, parse("2z^2 + 2z - z")?);
/// assert!(validate(Rule::MultiplyOut, &from, None, &to).fits());
/// assert!(!validate(Rule::Collect, &from, None, &to).fits());
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn validate(rule: Rule, from: &Expression, under: Option<&str>, to: &Expression) -> Verdict {
    let fits = match (under, rule.differentiates()) {
        (Some(variable), true) => fits_derivative(rule, from, variable, to),
        (None, false) => {
            if from == to {
                return reject("nothing changed".into());
            }
            let (near_from, near_to) = focus(from, to);
            fits_change(rule, from, to) || fits_change(rule, &near_from, &near_to)
        }
        (Some(_), false) => {
            let why = format!("a derivative is taken here, '{}' takes none", rule.label());
            return reject(why);
        }
        (None, true) => {
            let why = format!("no derivative is taken here, which '{}' does", rule.label());
            return reject(why);
        }
    };
    match fits {
        true => Verdict::Fits,
        false => reject(expectation(rule).to_string()),
    }
}

fn reject(why: String) -> Verdict {
    Verdict::DoesNotFit { why }
}

/// What the rule would need, said where it does not fit.
fn expectation(rule: Rule) -> &'static str {
    match rule {
        Rule::Sum => "the sum rule is for sums and differences",
        Rule::ConstantFactor => "there is no constant factor in front",
        Rule::Product => "the product rule is for products of two or more functions",
        Rule::Quotient => "the quotient rule is for fractions, and leaves the denominator squared",
        Rule::Chain => "the chain rule is for a function of a function",
        Rule::Power => "the power rule is for powers with a constant exponent",
        Rule::Exponential => "this is no exponential",
        Rule::Logarithm => "this is no logarithm",
        Rule::Known => "this is no function whose derivative is known by name",
        Rule::Constant => "this is neither constant nor linear",
        Rule::MultiplyOut => "no brackets were multiplied out",
        Rule::Collect => "no like terms were added up",
        Rule::Expand => "no terms were added that cancel each other",
        Rule::Separate => "terms were not grouped or split, or not only",
        Rule::Square => "no square of a sum or difference of squares came or went",
        Rule::Divide => "no fraction was divided out term by term",
        Rule::Definition => "no function's name came or went",
        Rule::Substitute => "nothing was put in the place of something else",
        Rule::Cancel => "no common factor was removed",
        Rule::Factor => "no common factor was written in front of brackets",
        Rule::CommonDenominator => "fractions were not written over one denominator",
        Rule::PowerLaw => "no powers were combined or rewritten",
        Rule::Identity => "no identity of sine and cosine was used",
        Rule::Simplify => "more changed than numbers, signs and factors of one",
        Rule::Reorder => "more changed than the order",
    }
}

fn is_variable(tree: &Expression, variable: &str) -> bool {
    matches!(tree, Expression::Variable(name) if name == variable)
}

/// The part that depends on the variable behind constant factors and signs.
fn behind_constants<'a>(tree: &'a Expression, variable: &str) -> &'a Expression {
    match tree {
        Expression::Negative(value) => behind_constants(value, variable),
        Expression::Product(parts) => {
            let mut dependent = parts.iter().filter(|part| part.contains(variable));
            match (dependent.next(), dependent.next()) {
                (Some(only), None) => behind_constants(only, variable),
                _ => tree,
            }
        }
        Expression::Quotient(top, bottom) if !bottom.contains(variable) => {
            behind_constants(top, variable)
        }
        tree => tree,
    }
}

fn is_exponential(tree: &Expression, variable: &str) -> bool {
    match tree {
        Expression::Call(Function::Exp, _) => true,
        Expression::Power(base, exponent) => {
            !base.contains(variable) && exponent.contains(variable)
                || base.contains(variable) && exponent.contains(variable)
        }
        _ => false,
    }
}

fn is_logarithm(tree: &Expression) -> bool {
    use Function::{Log, Log1p, Log2, Log10};
    matches!(tree, Expression::Call(Log | Log2 | Log10 | Log1p, _))
}

/// A power with a constant exponent, of the variable or of something else.
fn power_base<'a>(tree: &'a Expression, variable: &str) -> Option<&'a Expression> {
    match tree {
        Expression::Power(base, exponent) if !exponent.contains(variable) => Some(base),
        Expression::Call(Function::Sqrt, base) => Some(base),
        Expression::Quotient(top, bottom) if !top.contains(variable) => {
            Some(power_base(bottom, variable).unwrap_or(bottom))
        }
        _ => None,
    }
}

/// All terms are constant, or satisfy the condition behind their constant factors; one at least does.
fn every_term(tree: &Expression, variable: &str, fits: &dyn Fn(&Expression) -> bool) -> bool {
    let whole = behind_constants(tree, variable);
    match whole {
        Expression::Sum(terms) => {
            terms.iter().all(|term| {
                !term.value.contains(variable) || every_term(&term.value, variable, fits)
            }) && whole.contains(variable)
        }
        whole => fits(whole),
    }
}

fn fits_derivative(rule: Rule, from: &Expression, variable: &str, to: &Expression) -> bool {
    let core = behind_constants(from, variable);
    match rule {
        Rule::Sum => matches!(core, Expression::Sum(_)),
        Rule::ConstantFactor => match from {
            Expression::Product(parts) => parts.iter().any(|part| !part.contains(variable)),
            from => core != from,
        },
        Rule::Product => match core {
            Expression::Product(parts) => {
                parts.iter().filter(|part| part.contains(variable)).count() >= 2
            }
            _ => false,
        },
        Rule::Quotient => match core {
            Expression::Quotient(_, bottom) => bottom.contains(variable) && divides(to),
            _ => false,
        },
        Rule::Chain => {
            let inner = match core {
                Expression::Call(_, inner) => Some(inner.as_ref()),
                Expression::Power(base, exponent) if !base.contains(variable) => {
                    Some(exponent.as_ref())
                }
                core => power_base(core, variable),
            };
            inner.is_some_and(|inner| inner.contains(variable) && !is_variable(inner, variable))
        }
        Rule::Power => every_term(from, variable, &|term| {
            is_variable(term, variable) && term != from || power_base(term, variable).is_some()
        }),
        Rule::Exponential => every_term(from, variable, &|term| is_exponential(term, variable)),
        Rule::Logarithm => every_term(from, variable, &is_logarithm),
        Rule::Known => every_term(from, variable, &|term| match term {
            Expression::Call(function, _) => *function != Function::Exp && !is_logarithm(term),
            Expression::Max(_) | Expression::Min(_) | Expression::Piecewise(..) => true,
            _ => false,
        }),
        Rule::Constant => {
            !from.contains(variable)
                || every_term(from, variable, &|term| is_variable(term, variable))
        }
        // The others take no derivative.
        Rule::MultiplyOut
        | Rule::Collect
        | Rule::Expand
        | Rule::Separate
        | Rule::Square
        | Rule::Divide
        | Rule::Definition
        | Rule::Substitute
        | Rule::Cancel
        | Rule::Factor
        | Rule::CommonDenominator
        | Rule::PowerLaw
        | Rule::Identity
        | Rule::Simplify
        | Rule::Reorder => false,
    }
}

/// True if the formula is a fraction or has a negative power, perhaps behind a sign or as a term.
fn divides(tree: &Expression) -> bool {
    match tree {
        Expression::Quotient(..) => true,
        Expression::Power(_, exponent) => matches!(exponent.as_ref(), Expression::Negative(_)),
        Expression::Negative(value) => divides(value),
        Expression::Product(parts) => parts.iter().any(divides),
        Expression::Sum(terms) => terms.iter().any(|term| divides(&term.value)),
        _ => false,
    }
}

fn fits_change(rule: Rule, from: &Expression, to: &Expression) -> bool {
    let (a, b) = (Shape::of(from), Shape::of(to));
    // Naming rules are the only ones by which a function comes, or goes without cancelling.
    let same_names = a.names == b.names;
    let no_new_names = b.names.is_subset(&a.names);
    let (Some(before), Some(after)) = (&a.terms, &b.terms) else {
        // Too large to be looked at term by term: only what can be told is held against the name.
        return match rule {
            Rule::Definition | Rule::Substitute => !same_names,
            _ => no_new_names,
        };
    };
    let same_sum = before.collected == after.collected;
    let same_terms = before.listed == after.listed;
    let no_new_brackets = b.brackets.is_subset(&a.brackets);
    match rule {
        Rule::MultiplyOut => {
            no_new_names
                && same_sum
                && no_new_brackets
                && (b.products < a.products
                    && (b.written_terms > a.written_terms || b.products == 0)
                    || b.products == a.products && b.groups < a.groups && same_terms)
        }
        Rule::Collect => {
            no_new_names
                && same_sum
                && !same_terms
                && no_new_brackets
                && b.products == a.products
                && b.written_terms < a.written_terms
                && after.listed.len() < before.listed.len()
        }
        Rule::Expand => {
            no_new_names
                && same_sum
                && b.products == a.products
                && after
                    .cancelling
                    .iter()
                    .any(|(key, size)| before.cancelling.get(key).is_none_or(|own| own < size))
        }
        Rule::Separate => {
            same_names
                && same_terms
                && a.products == b.products
                && a.powers == b.powers
                && (a.groups != b.groups || b.fractions > a.fractions && b.written_terms > 1)
        }
        Rule::Square => {
            let came = b.squares > a.squares || b.conjugates > a.conjugates;
            let went = a.squares > b.squares || a.conjugates > b.conjugates;
            no_new_names
                && same_sum
                && (came && b.written_terms < a.written_terms
                    || went && b.written_terms > a.written_terms)
        }
        Rule::Divide => same_names && divided(from, to),
        Rule::Definition => {
            let defined = |name: &&String| {
                let function = name.split('(').next().and_then(Function::named);
                function.is_some_and(|function| function.definition().is_some())
            };
            let named = b.names.difference(&a.names).any(|name| defined(&name));
            let unfolded = a.names.difference(&b.names).any(|name| defined(&name));
            named || unfolded && to.nodes() > from.nodes()
        }
        Rule::Substitute => !same_names || a.variables != b.variables,
        Rule::Cancel => no_new_names && cancelled(from, to),
        Rule::Factor => {
            let whole = match to {
                Expression::Quotient(top, _) => top,
                to => to,
            };
            let whole = match whole {
                Expression::Negative(value) => value,
                whole => whole,
            };
            let product = matches!(whole, Expression::Product(parts)
                    if parts.iter().any(|part| matches!(part, Expression::Sum(_))))
                && a.outer_terms > 1
                && b.outer_terms == 1;
            no_new_names
                && same_sum
                && before.listed.len() > 1
                && (b.products > a.products || product)
        }
        Rule::CommonDenominator => {
            let joined = b.top_fractions < a.top_fractions.max(2) && !is_fraction(from);
            no_new_names
                && a.written_terms > 1
                && is_fraction(to)
                && (joined || a.nested > b.nested)
        }
        Rule::PowerLaw => {
            same_names
                && same_terms
                && a.products == b.products
                && a.powers != b.powers
                && a.nested <= b.nested
        }
        Rule::Identity => {
            let trigonometric = a
                .names
                .iter()
                .any(|name| ["sin", "cos", "tan"].iter().any(|start| name.starts_with(start)));
            trigonometric && !same_sum
        }
        Rule::Simplify => {
            no_new_names
                && before.listed == after.listed
                && a.products == b.products
                && a.squares == b.squares
                && a.groups >= b.groups
                && a.numbers != b.numbers
                && b.written_terms <= a.written_terms
        }
        Rule::Reorder => canonical(from) == canonical(to),
        Rule::Sum
        | Rule::ConstantFactor
        | Rule::Product
        | Rule::Quotient
        | Rule::Chain
        | Rule::Power
        | Rule::Exponential
        | Rule::Logarithm
        | Rule::Known
        | Rule::Constant => false,
    }
}

/// The formula without numbers in front.
fn behind_numbers(tree: &Expression) -> &Expression {
    match tree {
        Expression::Negative(value) => behind_numbers(value),
        Expression::Product(parts) => {
            let mut others = parts.iter().filter(|part| part.rational().is_none());
            match (others.next(), others.next()) {
                (Some(only), None) => behind_numbers(only),
                _ => tree,
            }
        }
        tree => tree,
    }
}

fn is_fraction(tree: &Expression) -> bool {
    matches!(behind_numbers(tree), Expression::Quotient(..))
}

/// (a + b)/c became a/c + b/c with at least one of them divided.
fn divided(from: &Expression, to: &Expression) -> bool {
    let Expression::Quotient(top, _) = behind_numbers(from) else { return false };
    let (Expression::Sum(tops), Expression::Sum(parts)) = (behind_numbers(top), behind_numbers(to))
    else {
        return false;
    };
    tops.len() == parts.len()
        && tops.iter().zip(&parts[..]).any(|(top, part)| {
            !matches!(&part.value, Expression::Quotient(own, _) if **own == top.value)
        })
}

/// Something stood above and below a fraction line, and no longer does so often.
fn cancelled(from: &Expression, to: &Expression) -> bool {
    if let (Expression::Sum(before), Expression::Sum(after)) = (from, to)
        && before.len() == after.len()
    {
        let mut pairs = before.iter().zip(after).filter(|(a, b)| a != b).peekable();
        return pairs.peek().is_some()
            && pairs.all(|(a, b)| a.sign == b.sign && cancelled(&a.value, &b.value));
    }
    let (before, after) = (listed(from), listed(to));
    let mixed = |list: &[(String, i64)], base: &str| {
        let above: i64 = list.iter().filter(|(own, n)| own == base && *n > 0).map(|p| p.1).sum();
        let below: i64 = list.iter().filter(|(own, n)| own == base && *n < 0).map(|p| -p.1).sum();
        above.min(below)
    };
    let removed = before.iter().any(|(base, _)| mixed(&before, base) > mixed(&after, base));
    if removed {
        return true;
    }
    // A factor of every term above the line: what is left below is a part of what was there.
    match (behind_numbers(from), behind_numbers(to)) {
        (Expression::Quotient(top, bottom), other) => {
            let (left_top, left_bottom) = match other {
                Expression::Quotient(top, bottom) => (top.as_ref(), Some(bottom.as_ref())),
                other => (other, None),
            };
            let below = listed(bottom);
            let kept = left_bottom.map(listed).unwrap_or_default();
            let fewer = kept.len() < below.len()
                || kept.iter().map(|p| p.1).sum::<i64>() < below.iter().map(|p| p.1).sum::<i64>();
            let from_below = kept.iter().all(|(base, _)| below.iter().any(|(own, _)| own == base));
            fewer && from_below && left_top.nodes() < top.nodes()
        }
        _ => false,
    }
}

/// True if the base is e, for the name of the rule.
pub(super) fn is_power_of_e(tree: &Expression) -> bool {
    matches!(tree, Expression::Power(base, _) if **base == Expression::Constant(Constant::E))
}
