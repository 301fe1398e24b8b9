//! The function that somebody asks about: a formula, a function's name, or an activation layer.

use crate::error::{Error, Result};
use crate::formula::{Expression, Function, parse, parse_in};
use crate::nn::{self, Module};

/// A function of one variable, perhaps with parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct AskedFunction {
    /// The formula.
    pub formula: Expression,
    /// The variable that it is derived by.
    pub variable: String,
    /// The layer, if it was asked about by a layer's name: `LeakyReLU(negative_slope=0.1)`.
    pub layer: Option<String>,
}

/// Reads what somebody asks about: `tanh(z)`, `b*tanh(c*z)`, `tanh`, `ReLU()`, `nn.LeakyReLU(0.1)`, `GELU(approximate='tanh')`.
///
/// The variable is `variable`, or else z if the formula has it, or x, or its only one.
///
/// # Errors
/// Usage errors: what is neither formula nor activation, with column and carets; a formula in several variables of
/// which none is z or x; a variable that the formula does not have.
///
/// ```
/// use glassnet::derive::read_function;
/// let leaky = read_function("LeakyReLU(0.1)", None)?;
/// assert_eq!(leaky.formula.to_string(), "piecewise(z > 0, z, 0.1*z)");
/// assert_eq!(read_function("b*tanh(c*x)", None)?.variable, "x");
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn read_function(text: &str, variable: Option<&str>) -> Result<AskedFunction> {
    let trimmed = text.trim();
    if is_layer(trimmed) {
        return read_layer(trimmed, variable);
    }
    if let (None, Some(layer)) = (Function::named(trimmed), nn::activation_name(trimmed)) {
        return read_layer(layer, variable);
    }
    let formula = match Function::named(trimmed) {
        Some(function) => Expression::call(function, Expression::variable(variable.unwrap_or("z"))),
        None => match variable.filter(|name| name.chars().count() > 1) {
            // A variable of several letters has to be named to be read.
            Some(name) => parse_in(text, &[name])?,
            None => parse(text)?,
        },
    };
    let names = formula.variables();
    let own = |name: &str| names.iter().any(|own| own == name);
    let variable = match variable {
        Some(name) if own(name) || names.is_empty() => name.to_string(),
        Some(name) => {
            return Err(Error::usage(format!("the formula has no variable '{name}'"))
                .at(format!("formula '{trimmed}'"))
                .help(format!("its variables are {}", names.join(", "))));
        }
        None if own("z") => "z".into(),
        None if own("x") => "x".into(),
        None => match names.as_slice() {
            [] => "z".into(),
            [only] => only.clone(),
            _ => {
                return Err(Error::usage("the formula has several variables")
                    .at(format!("formula '{trimmed}'"))
                    .help(format!("name the one to derive by: {}", names.join(", "))));
            }
        },
    };
    Ok(AskedFunction { formula, variable, layer: None })
}

/// True for what is written as PyTorch writes layers.
fn is_layer(text: &str) -> bool {
    let name = text.strip_prefix("torch.").unwrap_or(text);
    let name = name.strip_prefix("nn.").unwrap_or(name);
    let mut letters = name.chars();
    name.len() < text.len()
        || (letters.next().is_some_and(|c| c.is_ascii_uppercase())
            && letters.next().is_some_and(|c| c.is_ascii_alphabetic()))
}

fn read_layer(text: &str, variable: Option<&str>) -> Result<AskedFunction> {
    let called = if text.contains('(') { text.to_string() } else { format!("{text}()") };
    let module = nn::parse(&called)?;
    let formula = match &module {
        Module::Activation(activation) => activation.formula(),
        Module::Formula(own) => own.expression().clone(),
        Module::Prelu(_) => parse("piecewise(z > 0, z, a*z)")?,
        module => {
            return Err(Error::usage(format!("{} is no function of one number", module.kind()))
                .at(format!("function '{text}'"))
                .help("give an activation such as ReLU(), or a formula such as tanh(z)"));
        }
    };
    let own = if formula.contains("x") { "x" } else { "z" };
    let formula = match variable {
        Some(name) => formula.substitute(own, &Expression::variable(name)),
        None => formula,
    };
    let variable = variable.unwrap_or(own).to_string();
    Ok(AskedFunction { formula, variable, layer: Some(module.notation()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, variable: Option<&str>, formula: &str, of: &str) {
        let asked = read_function(text, variable).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((asked.formula.to_string().as_str(), asked.variable.as_str()), (formula, of));
    }

    #[test]
    fn formulas_names_and_layers_are_read() {
        check("tanh(z)", None, "tanh(z)", "z");
        check("tanh", None, "tanh(z)", "z");
        check("b*tanh(c*x)", None, "b*tanh(c*x)", "x");
        check("b*tanh(c*x)", Some("c"), "b*tanh(c*x)", "c");
        check("t^2", None, "t^2", "t");
        check("speed^2", Some("speed"), "speed^2", "speed");
        check("3", None, "3", "z");
        check("ReLU", None, "relu(z)", "z");
        check("torch.nn.ELU(alpha=0.5)", Some("t"), "piecewise(t > 0, t, 0.5*(exp(t) - 1))", "t");
        check("Formula('x*tanh(x)')", None, "x*tanh(x)", "x");
        check("leaky_relu", None, "piecewise(z > 0, z, 0.01*z)", "z");
        check("elu", None, "piecewise(z > 0, z, exp(z) - 1)", "z");
        check("relu6", None, "piecewise(z <= 0, 0, z >= 6, 6, z)", "z");
        check("swish", None, "silu(z)", "z");
        for name in ["selu", "celu", "hardswish", "hardtanh", "hardsigmoid", "prelu"] {
            let asked = read_function(name, None).unwrap_or_else(|error| panic!("{error}"));
            assert!(asked.layer.is_some(), "{name}");
        }
        check("PReLU()", None, "piecewise(z > 0, z, a*z)", "z");
        check(
            "GELU(approximate='tanh')",
            None,
            "z*(1 + tanh(sqrt(2/pi)*(z + 0.044715*z^3)))/2",
            "z",
        );
    }

    #[test]
    fn what_is_no_function_of_one_number_is_refused() {
        for (text, variable, what) in [
            ("x*sigmoidd(x)", None, "did you mean 'sigmoid'"),
            ("a*b", None, "name the one to derive by: a, b"),
            ("z^2", Some("q"), "no variable 'q'"),
            ("Linear(2, 3)", None, "no function of one number"),
            ("Relu()", None, "did you mean ReLU"),
            ("Softmax", None, "no function of one number"),
            ("1/(z-z)", None, "division by zero"),
        ] {
            let error = read_function(text, variable).expect_err(text);
            assert!(error.to_string().contains(what), "{text}: {error}");
        }
    }
}
