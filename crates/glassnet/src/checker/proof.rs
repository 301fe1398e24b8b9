//! Proofs of properties: what a proof file says, and the door to checking one.
//!
//! # What a proof is
//! A property is a list of cases, each a box of inputs with constraints `Σ a·x + Σ b·y + c ≤ 0`; it holds when no case has
//! a solution. That a case has none is shown by a tree: its root is the box, an inner node cuts its part in two (an input
//! at a number, or a kink by the sign of what it is given), and a leaf says by which sum of linear forms its part is free
//! of solutions. No node says where it is or what its bounds are: the checker works those out from the root, so every
//! tree covers its box, and whatever else is written in it is advice, which can only be good enough or not.
//!
//! # How a node is checked
//! The checker bounds every unit over the part (`float`), and bounds each constraint from below by three linear forms of
//! the input (steep, middle and flat lines at open kinks; `forms`). A *round* names multipliers `≥ 0` of these forms; their
//! sum and each form by itself cut off what cannot be a solution, and after a round all is bounded again on what is left.
//! A leaf's last sum must be above 0 on
//! the whole part; where a rounding is in the way the checker cuts and halves the part a few times itself.
//!
//! # Semantics
//! `real`: exact arithmetic on the stored weights. `f32-any-order`: that, and every f32 execution, whatever the order of
//! its sums, with or without fused multiply-adds; the checker adds what such an execution may be off by (`float::rounding`).
//!
//! # Source
//! Zhang et al., 'Efficient Neural Network Robustness Certification with General Activation Functions', arXiv 1811.00866,
//! for linear forms; Isac et al., 'Neural Network Verification with Proof Production', FMCAD 2022, for proofs as trees.

mod tree;

use serde::{Deserialize, Serialize};

pub(super) use self::tree::is_shown;
use super::chain::{self, Parameters};
use super::float::Network;
use super::number::Number;
use crate::error::{Error, ErrorKind, Result};
use crate::graph;

/// The version of the format.
pub const SCHEMA: &str = "glassnet.proof/1";

/// The most bytes that a proof may have.
pub const MOST_BYTES: usize = 1 << 30;

/// A verdict about a property of a network, with what shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// [`SCHEMA`].
    pub schema: String,
    /// The network: SHA-256 of its operations and the bits of its weights, as [`digest`](super::digest) gives it.
    pub network: String,
    /// `real` or `f32-any-order`.
    pub semantics: String,
    /// The property: every solution of any of these cases contradicts it.
    pub property: Vec<Case>,
    /// What shows the verdict.
    pub evidence: Evidence,
}

/// A box and what a solution in it meets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// An interval for each input, an infinite end being null.
    pub domain: Vec<(Option<f64>, Option<f64>)>,
    /// What a solution meets.
    pub constraints: Vec<Constraint>,
}

/// `Σ a·x + Σ b·y + c ≤ 0`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// Inputs, each with its factor a.
    pub inputs: Vec<(usize, f64)>,
    /// Outputs, each with its factor b.
    pub outputs: Vec<(usize, f64)>,
    /// The constant c.
    pub constant: f64,
}

/// What shows a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The property holds: for each case the nodes of its tree, each before the nodes below it, the lower (or active)
    /// half first.
    Holds(Vec<Vec<Node>>),
    /// The property is violated: an input that solves a case, over the real numbers.
    Violated {
        /// The case.
        case: usize,
        /// The input.
        input: Vec<f64>,
    },
}

/// Multipliers of forms, each named by its number: form `choice·n + row` is that of constraint `row` of `n` with lines
/// `choice` (0 steep, 1 middle, 2 flat); form `3·n + k` is that of the k-th kink that is held to a side on the way from the
/// root.
pub type Sum = Vec<(usize, f64)>;

/// A node of a tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// No input of the part is a solution: rounds, and the sum that is above 0.
    Free(Vec<Sum>, Sum),
    /// After rounds, the part is cut in two: where the input is at most the number, where it is at least that.
    Input(usize, f64, Vec<Sum>),
    /// After rounds, the part is cut in two: where the unit of the kinks' k-th layer is given at least 0, and at most 0.
    Kink(usize, usize, Vec<Sum>),
}

/// Whether a proof shows its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It does.
    Shown,
    /// It doesn't, and why.
    NotShown(String),
}

impl Proof {
    /// The proof as JSON, a node a line.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        text.replace("},{\"", "},\n{\"") + "\n"
    }

    /// Reads a proof.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] when the text is no proof of this version, with line and column; [`ErrorKind::Limit`] when it is
    /// longer than [`MOST_BYTES`].
    pub fn from_json(text: &str) -> Result<Self> {
        if text.len() > MOST_BYTES {
            let what = format!("the proof has {} bytes, {MOST_BYTES} are read", text.len());
            return Err(Error::new(ErrorKind::Limit, what));
        }
        let proof: Proof = serde_json::from_str(text).map_err(|error| {
            Error::model(format!("this is no proof: {error}"))
                .help("name the file that prove --proof wrote")
        })?;
        if proof.schema != SCHEMA {
            return Err(Error::model(format!("the proof has the schema {:?}", proof.schema))
                .help(format!("this version reads {SCHEMA}")));
        }
        Ok(proof)
    }

    /// The verdict: `holds` or `violated`.
    pub fn verdict(&self) -> &'static str {
        match self.evidence {
            Evidence::Holds(_) => "holds",
            Evidence::Violated { .. } => "violated",
        }
    }

    /// The number of nodes of all trees.
    pub fn nodes(&self) -> usize {
        match &self.evidence {
            Evidence::Holds(trees) => trees.iter().map(Vec::len).sum(),
            Evidence::Violated { .. } => 0,
        }
    }
}

/// Checks that `network` is one that proofs are about.
///
/// # Errors
/// When it isn't: the layer is named.
pub fn can_be_read<'p>(network: (&'p graph::Checked, Parameters<'p>)) -> Result<()> {
    read(network).map(|_| ())
}

fn read<'p>((graph, parameters): (&'p graph::Checked, Parameters<'p>)) -> Result<Network> {
    let network = Network::of(&chain::read(graph, parameters, false)?)?;
    match network.unproven {
        None => Ok(network),
        Some(what) => {
            let why = "proofs are about networks that are piecewise linear, as they are stored";
            Err(Error::unsupported(what, "the checker", why).help("simplify folds normalisations"))
        }
    }
}

/// Decides whether a proof shows its verdict about a network and a property, of which the caller knows the cases.
///
/// # Errors
/// When the network is none that proofs are about, or a tree is deeper than memory should be spent on; that a proof shows
/// nothing is no error.
pub fn verify_proof<'p>(
    network: (&'p graph::Checked, Parameters<'p>),
    property: &[Case],
    proof: &Proof,
) -> Result<Judgement> {
    let invalid = |why: &str| Ok(Judgement::NotShown(why.to_owned()));
    if proof.network != chain::digest(network.0, network.1)? {
        return invalid("it is about another network");
    }
    if proof.property != property {
        return invalid("it is about another property");
    }
    let in_f32 = match proof.semantics.as_str() {
        "real" => false,
        "f32-any-order" => true,
        _ => return invalid("its semantics is neither 'real' nor 'f32-any-order'"), // not operations: words
    };
    let network = read(network)?;
    if let Some(why) = property.iter().find_map(|case| case.misfit(&network)) {
        return invalid(why);
    }
    match &proof.evidence {
        Evidence::Violated { case, input } => {
            let solved = property.get(*case).and_then(|case| case.is_solved(&network, input));
            match solved {
                Some(true) => Ok(Judgement::Shown),
                Some(false) | None => invalid("its input is no solution of the case it names"),
            }
        }
        Evidence::Holds(trees) if trees.len() != property.len() => {
            invalid("it has not one tree for each case")
        }
        Evidence::Holds(trees) => {
            for (at, (case, nodes)) in property.iter().zip(trees).enumerate() {
                if let Some(why) = is_shown(&network, case, nodes, None, in_f32)? {
                    return Ok(Judgement::NotShown(format!("case {at}: {why}")));
                }
            }
            Ok(Judgement::Shown)
        }
    }
}

impl Case {
    /// Why the case isn't one of this network.
    fn misfit(&self, network: &Network) -> Option<&'static str> {
        if self.domain.len() != network.inputs {
            return Some("the property has another number of inputs than the network");
        }
        let fits = |terms: &[(usize, f64)], count: usize| {
            let mut names: Vec<usize> = terms.iter().map(|(name, _)| *name).collect();
            names.sort_unstable();
            let distinct = names.windows(2).all(|pair| pair[0] != pair[1]);
            distinct && terms.iter().all(|(name, factor)| *name < count && factor.is_finite())
        };
        let sound = self.constraints.iter().all(|constraint| {
            fits(&constraint.inputs, network.inputs)
                && fits(&constraint.outputs, network.outputs())
                && constraint.constant.is_finite()
        });
        if sound { None } else { Some("a constraint names what the network doesn't have") }
    }

    /// Whether `x` lies in the box and its outputs, computed exactly, meet every constraint.
    fn is_solved(&self, network: &Network, x: &[f64]) -> Option<bool> {
        let inside = x.len() == self.domain.len()
            && x.iter().zip(&self.domain).all(|(x, (lo, hi))| {
                x.is_finite() && lo.is_none_or(|lo| lo <= *x) && hi.is_none_or(|hi| *x <= hi)
            });
        if !inside {
            return Some(false);
        }
        let y = network.evaluate(x)?;
        for constraint in &self.constraints {
            let mut sum = Number::from_f64(constraint.constant)?;
            for (input, factor) in &constraint.inputs {
                let x = Number::from_f64(x[*input])?;
                sum = sum.plus(&Number::from_f64(*factor)?.times(&x));
            }
            for (output, factor) in &constraint.outputs {
                sum = sum.plus(&Number::from_f64(*factor)?.times(&y[*output]));
            }
            if sum.is_positive() {
                return Some(false);
            }
        }
        Some(true)
    }
}
