//! Which lines are written: the definition, the outermost rule, the way to a closed form, case by case if need be.

use super::chain::Chain;
use super::derivation::{Config, Derivation};
use super::exact::combination;
use super::piecewise::{has_joints, in_pieces};
use super::steer::steer;
use crate::error::{Error, ErrorKind, Result};
use crate::formula::{Expression, parse_in};
use num_traits::{One, Signed, Zero};

/// Larger formulas are refused: no reader would follow.
const MAX_NODES: usize = 400;
/// Higher derivatives are refused.
const MAX_ORDER: u32 = 6;

/// The derivative of `formula` by `variable`, line by line, every line named, checked, and as short as is known.
///
/// The strategy is fixed and finite: the definition is put in for a named function of the variable itself, the
/// outermost rule is applied with the derivatives of the parts (each part that is not elementary has a line of its
/// own), and then a short closed form is looked for by linear algebra and reached by named steps. A step is kept only
/// if its name fits and it is right, so a derivation may end early, but never with a wrong line.
///
/// # Errors
/// Usage errors for a formula beyond 400 nodes, an order of 0 or above 6, or a name that is no variable of the
/// formula while the formula has others; kind `Limit` if the derivative cannot be written down.
///
/// ```
/// use glassnet::derive::{Config, derive};
/// use glassnet::formula::parse;
/// let derivation = derive(&parse("tanh(z)")?, "z", &Config::default())?;
/// assert_eq!(derivation.derivative.to_string(), "1 - tanh(z)^2");
/// assert_eq!(derivation.steps[0].label, "quotient rule");
/// assert_eq!(derivation.steps[2].label, "subtract e^4z and expand by +1 -1");
/// assert!(derivation.is_exact());
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn derive(formula: &Expression, variable: &str, config: &Config) -> Result<Derivation> {
    if formula.nodes() > MAX_NODES {
        let what = format!(
            "the formula has {} parts, at most {MAX_NODES} are derived by steps",
            formula.nodes()
        );
        return Err(Error::usage(what).help("derive a shorter formula"));
    }
    if config.order == 0 || config.order > MAX_ORDER {
        let what = format!("there is no derivation of order {}", config.order);
        return Err(Error::usage(what).help(format!("give an order from 1 to {MAX_ORDER}")));
    }
    let names = formula.variables();
    if !names.is_empty() && !formula.contains(variable) {
        let what = format!("the formula has no variable '{variable}'");
        return Err(Error::usage(what)
            .at(format!("formula '{formula}'"))
            .help(format!("its variables are: {}", names.join(", "))));
    }
    let mut derivation = once(formula, variable, config)?;
    for _ in 1..config.order {
        if derivation.derivative.nodes() > MAX_NODES {
            return Err(Error::new(
                ErrorKind::Limit,
                "the next derivative is too large to be derived by steps",
            )
            .help("ask for a lower order"));
        }
        let mut next = once(&derivation.derivative.clone(), variable, config)?;
        next.previous = Some(Box::new(derivation));
        derivation = next;
    }
    Ok(derivation)
}

fn once(formula: &Expression, variable: &str, config: &Config) -> Result<Derivation> {
    // Also finds formulas whose derivative cannot be written down.
    let slope = formula.differentiate(variable)?;
    let definition = defined(formula, variable).filter(|_| config.from_definition);
    let mut derivation = Derivation {
        formula: formula.clone(),
        definition: definition.clone(),
        variable: variable.to_string(),
        parts: vec![],
        steps: vec![],
        pieces: vec![],
        joints: vec![],
        derivative: slope.clone(),
        conventions: vec![],
        remarks: vec![],
        previous: None,
    };
    if has_joints(formula, variable) {
        in_pieces(&mut derivation)?;
        return Ok(derivation);
    }
    let start = definition.as_ref().unwrap_or(formula);
    let shown = matches!(formula, Expression::Call(..)).then_some(formula);
    let mut chain = Chain::new(variable, None);
    if chain.begin(start) {
        steer(&mut chain, start, shown, variable);
        derivation.derivative = chain.last().cloned().unwrap_or(slope);
    } else {
        let what =
            "No rule with a name was found for this formula; its derivative is the engine's own.";
        derivation.conventions.push(what.to_string());
    }
    derivation.remarks.extend(in_normal_names(&derivation.derivative, variable));
    derivation.parts = chain.parts;
    derivation.steps = chain.steps;
    Ok(derivation)
}

/// The definition of a named function of the variable itself.
fn defined(formula: &Expression, variable: &str) -> Option<Expression> {
    let Expression::Call(function, argument) = formula else { return None };
    let Expression::Variable(name) = argument.as_ref() else { return None };
    // The definition of exp is itself in other letters, those of the logarithms' bases are constants.
    if name != variable || function.name() == "exp" {
        return None;
    }
    Some(function.definition()?.substitute("z", argument))
}

/// The formula in the normal distribution's Φ and φ, which have no names in formulas, if it is a sum of such terms.
fn in_normal_names(formula: &Expression, variable: &str) -> Option<String> {
    let text = formula.to_string();
    if !text.contains("erf(") && !text.contains("sqrt(2*pi)") {
        return None;
    }
    let written = [
        ("Φ(z)", "(1 + erf(z/sqrt(2)))/2"),
        ("z·Φ(z)", "z*(1 + erf(z/sqrt(2)))/2"),
        ("φ(z)", "exp(-z^2/2)/sqrt(2*pi)"),
        ("z·φ(z)", "z*exp(-z^2/2)/sqrt(2*pi)"),
        ("z²·φ(z)", "z^2*exp(-z^2/2)/sqrt(2*pi)"),
    ];
    let z = Expression::variable(variable);
    let basis: Vec<Expression> = written
        .iter()
        .filter_map(|(_, formula)| Some(parse_in(formula, &["z"]).ok()?.substitute("z", &z)))
        .collect();
    let solution = combination(formula, &basis)?;
    let mut sum = String::new();
    for ((name, _), own) in written.iter().zip(&solution).filter(|(_, own)| !own.is_zero()) {
        let sign = match (own.is_negative(), sum.is_empty()) {
            (true, true) => "−",
            (true, false) => " − ",
            (false, true) => "",
            (false, false) => " + ",
        };
        let size = own.abs();
        let size = if size.is_one() { String::new() } else { format!("{size}·") };
        sum += &format!("{sign}{size}{}", name.replace('z', variable));
    }
    let [phi, _, density, ..] = basis.as_slice() else { return None };
    Some(format!(
        "With the normal distribution's Φ({variable}) = {} and φ({variable}) = {} this is {sum}.",
        phi.unicode(),
        density.unicode()
    ))
}
