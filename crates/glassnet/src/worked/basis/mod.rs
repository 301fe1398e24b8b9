//! Basis functions by hand against learned features.
//!
//! A model `Σ c·φ(x)` is linear in its coefficients c, which least squares finds at once; its basis functions φ are
//! somebody's choice. A network's last layer is the same model: its hidden units are the basis functions, and training
//! chooses them.

mod by_hand;
mod document;
mod learned;

pub use learned::Learning;

use crate::error::{Error, Result};
use crate::formula::{Expression, Math};
use crate::nn::Network;
use crate::worked::digits::count;
use crate::worked::least_squares::least_squares;

/// The most rows that are selected as centres.
const MOST_SELECTED: usize = 30;

/// What [`basis`] compares.
#[derive(Clone, Debug, PartialEq)]
pub struct BasisConfig {
    /// The total degrees of polynomials; 1 is the linear model.
    pub degrees: Vec<usize>,
    /// Whether the product x₁x₂ joins the linear model (two inputs only).
    pub product: bool,
    /// Functions of one's own, in x (or x1 and x2).
    pub formulas: Vec<Expression>,
    /// The centres of radial functions; without any, `centre_count` rows are selected.
    pub centres: Vec<Vec<f64>>,
    /// How many rows become centres, each the one that lessens the error most.
    pub centre_count: usize,
    /// The width s of `e^(−‖x − c‖²/(2s²))`; without, the largest distance over √(2·centres).
    pub width: Option<f64>,
    /// The highest frequency of the Fourier basis; 0 for none.
    pub fourier: usize,
    /// How the learned features come about.
    pub learning: Learning,
}

impl Default for BasisConfig {
    /// Linear, with the product, degrees 2 and 3, two centres, frequency 1, a small network that is trained.
    fn default() -> Self {
        BasisConfig {
            degrees: vec![1, 2, 3],
            product: true,
            formulas: vec![],
            centres: vec![],
            centre_count: 2,
            width: None,
            fourier: 1,
            learning: Learning::default(),
        }
    }
}

/// Which family a basis belongs to.
#[derive(Clone, Debug, PartialEq)]
pub enum BasisKind {
    /// All products of powers up to this total degree.
    Polynomial(usize),
    /// 1, x1, x2, x1·x2.
    Product,
    /// The user's own.
    Own,
    /// Radial functions of this width around centres.
    Radial {
        /// The centres.
        centres: Vec<Vec<f64>>,
        /// s.
        width: f64,
        /// Whether the centres were selected from the rows.
        selected: bool,
    },
    /// Sines and cosines up to this frequency.
    Fourier(usize),
    /// A network's hidden units.
    Learned,
}

/// A function of the inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct BasisFunction {
    /// How it is written.
    pub name: Math,
    /// The same as text.
    pub text: String,
    /// Its values on the rows.
    pub values: Vec<f64>,
    /// Its coefficient; 0 if it depends on earlier functions on these rows.
    pub coefficient: f64,
    /// Whether it depends on no earlier function on these rows.
    pub independent: bool,
}

/// A basis with its coefficients.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedBasis {
    /// Its family.
    pub kind: BasisKind,
    /// Its functions.
    pub functions: Vec<BasisFunction>,
    /// The mean squared error on the rows.
    pub mse: f64,
}

/// What [`basis`] finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    /// What the inputs are called in the data; in formulas they are x, or x1 and x2.
    pub names: Vec<String>,
    /// What is predicted.
    pub target_name: String,
    /// The inputs, row by row.
    pub inputs: Vec<Vec<f64>>,
    /// What is predicted, row by row.
    pub target: Vec<f64>,
    /// The bases, the learned one last.
    pub bases: Vec<FittedBasis>,
    /// The network of the learned basis.
    pub network: Network,
    /// The network's own mean squared error, by its own last layer; `None` if it has several outputs.
    pub network_mse: Option<f64>,
    /// How it was trained, in words; `None` if its weights were given.
    pub training: Option<String>,
    /// For one input: places and each basis's values there, to be drawn.
    pub curves: Vec<Vec<(f64, f64)>>,
}

/// Fits each basis of `config` to the rows by least squares and compares their errors.
///
/// # Shapes
/// inputs: one or two numbers per row; target: one number per row.
///
/// # Errors
/// More than two inputs, no or a single row, numbers that are not finite, centres or formulas of another width, a
/// network that does not fit.
///
/// ```
/// use glassnet::worked::{BasisConfig, basis};
/// let x = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]].map(Vec::from);
/// let names = ["x1", "x2"].map(String::from);
/// let found = basis(&names, "y", &x, &[0.0, 1.0, 1.0, 0.0], &BasisConfig::default())?;
/// assert!((found.bases[0].mse - 0.25).abs() < 1e-15); // linear
/// assert!(found.bases[1].mse < 1e-28); // with x1·x2
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn basis(
    names: &[String],
    target_name: &str,
    inputs: &[Vec<f64>],
    target: &[f64],
    config: &BasisConfig,
) -> Result<Basis> {
    check(names, inputs, target, config)?;
    let mut bases = by_hand::fit(inputs, target, config)?;
    let learned = learned::learn(inputs, target, &config.learning)?;
    let units = learned.functions(inputs)?;
    bases.push(fitted(BasisKind::Learned, units, target)?);
    let curves = if names.len() == 1 {
        let grid = grid(inputs);
        bases.iter().map(|basis| curve(basis, &learned, &grid)).collect::<Result<_>>()?
    } else {
        vec![]
    };
    Ok(Basis {
        names: names.to_vec(),
        target_name: target_name.to_owned(),
        inputs: inputs.to_vec(),
        target: target.to_vec(),
        bases,
        network_mse: learned.mse(inputs, target)?,
        training: learned.training.clone(),
        network: learned.network,
        curves,
    })
}

/// The variables that formulas are written in.
pub(super) fn variables(width: usize) -> Vec<&'static str> {
    if width == 1 { vec!["x"] } else { vec!["x1", "x2"] }
}

fn check(
    names: &[String],
    inputs: &[Vec<f64>],
    target: &[f64],
    config: &BasisConfig,
) -> Result<()> {
    if !(1..=2).contains(&names.len()) {
        return Err(Error::data(format!(
            "{} inputs; basis functions are compared for one or two",
            names.len()
        ))
        .at("the inputs")
        .help("choose one or two of the columns"));
    }
    if inputs.len() < 2 || inputs.len() != target.len() {
        return Err(Error::data(format!(
            "{} with {}",
            count(inputs.len(), "row"),
            count(target.len(), "target")
        ))
        .at("the rows")
        .help("give at least two rows, each with a target"));
    }
    for (row, values) in inputs.iter().enumerate() {
        if values.len() != names.len() {
            return Err(Error::data(format!(
                "row {row} (counted from 0) has {} inputs, expected {}",
                values.len(),
                names.len()
            ))
            .at("the rows")
            .help("give every row as many"));
        }
        if let Some(bad) = values.iter().chain([&target[row]]).find(|value| !value.is_finite()) {
            return Err(Error::data(format!("row {row} (counted from 0) has the value {bad}"))
                .at("the rows")
                .help("give finite numbers"));
        }
    }
    if let Some(centre) = config.centres.iter().find(|centre| centre.len() != names.len()) {
        return Err(Error::usage(format!(
            "the centre {centre:?} has {} numbers, the rows have {}",
            centre.len(),
            names.len()
        ))
        .at("the centres")
        .help("give centres with a number per input"));
    }
    if config.width.is_some_and(|width| !(width.is_finite() && width > 0.0)) {
        return Err(Error::usage("the width of radial functions is not above 0")
            .at("the width")
            .help("give a positive number"));
    }
    let known = variables(names.len());
    for formula in &config.formulas {
        if let Some(other) =
            formula.variables().into_iter().find(|name| !known.contains(&name.as_str()))
        {
            return Err(Error::usage(format!("the function {formula} has the variable {other}"))
                .at("the functions")
                .help(format!("write them in {}", known.join(" and "))));
        }
    }
    if config.centre_count > MOST_SELECTED {
        return Err(Error::usage(format!(
            "{} centres are too many to select",
            config.centre_count
        ))
        .at("the number of centres")
        .help(format!("select at most {MOST_SELECTED}, or give the centres")));
    }
    if config.degrees.iter().any(|&degree| degree > 30) || config.fourier > 30 {
        return Err(Error::usage("degrees and frequencies above 30 are not fitted in f64")
            .at("the degrees")
            .help("give at most 30"));
    }
    Ok(())
}

/// The coefficients of named functions.
fn fitted(
    kind: BasisKind,
    functions: Vec<(Math, String, Vec<f64>)>,
    target: &[f64],
) -> Result<FittedBasis> {
    let columns: Vec<Vec<f64>> = functions.iter().map(|function| function.2.clone()).collect();
    let fit = least_squares(&columns, target)?;
    let functions =
        functions.into_iter().enumerate().map(|(at, (name, text, values))| BasisFunction {
            name,
            text,
            values,
            coefficient: fit.coefficients[at],
            independent: fit.used[at],
        });
    Ok(FittedBasis { kind, functions: functions.collect(), mse: fit.mse })
}

/// 101 places over the range of the one input.
fn grid(inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let values = inputs.iter().map(|row| row[0]);
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    (0..=100).map(|step| vec![low + (high - low) * f64::from(step) / 100.0]).collect()
}

fn curve(
    basis: &FittedBasis,
    learned: &learned::Learned,
    grid: &[Vec<f64>],
) -> Result<Vec<(f64, f64)>> {
    let columns: Vec<Vec<f64>> = match basis.kind {
        BasisKind::Learned => {
            learned.functions(grid)?.into_iter().map(|(_, _, values)| values).collect()
        }
        BasisKind::Polynomial(_)
        | BasisKind::Product
        | BasisKind::Own
        | BasisKind::Radial { .. }
        | BasisKind::Fourier(_) => basis
            .functions
            .iter()
            .map(|function| by_hand::values(&function.text.parse()?, grid))
            .collect::<Result<_>>()?,
    };
    Ok((0..grid.len())
        .map(|at| {
            let terms = columns.iter().zip(&basis.functions);
            (grid[at][0], terms.map(|(column, f)| column[at] * f.coefficient).sum())
        })
        .collect())
}

#[cfg(test)]
mod tests;
