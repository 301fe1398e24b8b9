//! What a certificate says, and the door to checking one.

use serde::{Deserialize, Serialize};

use super::bound::{self, Extent, Growth};
use super::chain::{self, Chain, Parameters};
use super::number::Number;
use super::proof::Node;
use super::{canonical, replay};
use crate::error::{Error, Result};
use crate::graph;

/// The version of the format.
pub const SCHEMA: &str = "glassnet.certificate/1";

/// A claim that two networks compute the same, with the steps that show it.
///
/// Layers are counted along the chain that the graph is: a matrix with its bias is one layer, an activation is one, a
/// normalisation is one, and where a row is kept for a residual sum and where it is added are one each. Numbers are written as fractions. Every step is applied to what the steps before it
/// left, and its units are numbered in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// [`SCHEMA`].
    pub schema: String,
    /// The first network: SHA-256 of its operations and the bits of its weights.
    pub a: String,
    /// The second network.
    pub b: String,
    /// An interval for each input, an infinite end being null; null for all inputs.
    pub domain: Option<Vec<(Option<f64>, Option<f64>)>>,
    /// What the numbers are: `real`.
    pub semantics: String,
    /// How it is shown.
    pub method: Method,
    /// Steps from the first network.
    pub steps_a: Vec<Step>,
    /// Steps from the second network, to the same.
    pub steps_b: Vec<Step>,
    /// What is claimed.
    pub claim: Claim,
}

/// How a certificate shows its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By its steps, which lead from both networks to the same.
    Steps,
    /// By the canonical form of networks with one hidden ReLU layer.
    Canonical,
}

/// `|A(x) − B(x)| ≤ bound + per_input·max|x|` for every output and every x of the domain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The constant part; 0 where nothing was rounded.
    pub bound: f64,
    /// What grows with the input; 0 on bounded domains.
    pub per_input: f64,
}

/// A row of new weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The unit.
    pub unit: usize,
    /// Its weights.
    pub weight: Vec<String>,
    /// Its bias.
    pub bias: String,
}

/// One rewriting, whose side condition the checker decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Changes nothing: shows for the next step that is none of this kind that a unit is given more than 0, or less than 0,
    /// on the whole domain, which has finite ends.
    ShowSign {
        /// The activation's layer.
        layer: usize,
        /// The unit.
        unit: usize,
        /// Whether it is given more than 0.
        positive: bool,
        /// A tree as those of [proofs](super::proof), of the layers before the activation: no input contradicts it.
        tree: Vec<Node>,
    },
    /// Removes ReLU units that are 0 on the whole domain: the upper end of what they are given is at most 0.
    DropDead {
        /// The activation's layer.
        layer: usize,
        /// The units.
        units: Vec<usize>,
    },
    /// Removes units whose incoming weights are all 0, and adds what they give to the next bias.
    FoldConstant {
        /// The activation's layer.
        layer: usize,
        /// The units.
        units: Vec<usize>,
    },
    /// Removes units whose outgoing weights are all 0.
    DropUnused {
        /// The activation's layer.
        layer: usize,
        /// The units.
        units: Vec<usize>,
    },
    /// Removes a unit whose row is `scale` > 0 times that of another.
    Merge {
        /// The activation's layer.
        layer: usize,
        /// The unit that stays.
        keep: usize,
        /// The unit that goes.
        drop: usize,
        /// How many times the one that stays it is.
        scale: String,
    },
    /// Removes an always active unit that is a combination of other always active ones.
    RemoveDependent {
        /// The activation's layer.
        layer: usize,
        /// The unit that goes.
        unit: usize,
        /// The others, each with its factor.
        terms: Vec<(usize, String)>,
        /// What is added to them.
        constant: String,
    },
    /// Makes one matrix of two that follow each other.
    Compose {
        /// The first of them.
        layer: usize,
    },
    /// Removes an activation all of whose units are always active.
    DropActivation {
        /// The activation's layer.
        layer: usize,
    },
    /// Multiplies a batch normalisation into the matrix beside it.
    FoldBatchNorm {
        /// The normalisation's layer.
        layer: usize,
    },
    /// Gives units other weights: the outputs move by what the checker computes.
    Replace {
        /// The matrix's layer.
        layer: usize,
        /// The new rows.
        rows: Vec<Row>,
    },
    /// Writes a matrix as a product: some of its rows, and each row as a combination of those.
    Factor {
        /// The matrix's layer.
        layer: usize,
        /// The rows that the others are made of.
        basis: Vec<usize>,
        /// For each row the factors of the basis.
        coefficients: Vec<Vec<String>>,
    },
    /// Multiplies a unit's row by a factor > 0 and divides its outgoing weights by it.
    Scale {
        /// The activation's layer.
        layer: usize,
        /// The unit.
        unit: usize,
        /// The factor.
        factor: String,
    },
    /// Puts units into another order: new unit i is old unit `order[i]`.
    Permute {
        /// The activation's layer.
        layer: usize,
        /// The old numbers in the new order.
        order: Vec<usize>,
    },
    /// Adds a unit behind the others that is `scale` > 0 times another, and takes over a part of its outgoing weights.
    Split {
        /// The activation's layer.
        layer: usize,
        /// The unit.
        unit: usize,
        /// How many times the unit the new one is.
        scale: String,
        /// The new unit's outgoing weights.
        outgoing: Vec<String>,
    },
    /// Adds an identity matrix and a ReLU behind a ReLU.
    InsertIdentity {
        /// The ReLU's layer.
        layer: usize,
    },
}

/// What checking found.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The claim is proven; the bound is the one that the checker computed, which is at most the claimed one.
    Valid(Checked),
    /// The certificate doesn't show its claim, and why.
    Invalid(String),
}

/// A claim that was proven.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checked {
    /// Whether the outputs are equal over the real numbers, without any rounding.
    pub exact: bool,
    /// A bound of the difference that doesn't grow with the input, near the exact one.
    pub bound: f64,
    /// What of the bound grows with the largest input.
    pub per_input: f64,
}

impl Certificate {
    /// The certificate as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a certificate.
    ///
    /// # Errors
    /// When the text is no certificate of this version: line and column are named.
    pub fn from_json(text: &str) -> Result<Self> {
        let certificate: Certificate = serde_json::from_str(text).map_err(|error| {
            Error::model(format!("this is no certificate: {error}"))
                .help("name the file that simplify wrote beside its model")
        })?;
        if certificate.schema != SCHEMA {
            return Err(Error::model(format!(
                "the certificate has the schema {:?}",
                certificate.schema
            ))
            .help(format!("this version reads {SCHEMA}")));
        }
        Ok(certificate)
    }
}

/// What a certificate calls a network: SHA-256 of its operations and the bits of its weights.
///
/// # Errors
/// When weights are missing.
pub fn digest(network: &graph::Checked, parameters: Parameters<'_>) -> Result<String> {
    chain::digest(network, parameters)
}

/// Decides whether the certificate shows its claim about the networks a and b.
///
/// # Errors
/// When a network is none that certificates are about; that a certificate shows nothing is no error.
pub fn verify<'p>(
    a: (&'p graph::Checked, Parameters<'p>),
    b: (&'p graph::Checked, Parameters<'p>),
    certificate: &Certificate,
) -> Result<Verdict> {
    for (name, claimed, (network, parameters)) in
        [("first", &certificate.a, a), ("second", &certificate.b, b)]
    {
        if *claimed != chain::digest(network, parameters)? {
            return Ok(Verdict::Invalid(format!("it is about another {name} network")));
        }
    }
    let nothing_done = certificate.steps_a.is_empty() && certificate.steps_b.is_empty();
    if certificate.a == certificate.b && nothing_done && certificate.method == Method::Steps {
        return Ok(itself(certificate));
    }
    match check(a, b, certificate) {
        Ok(checked) => Ok(Verdict::Valid(checked)),
        Err(error) => Ok(Verdict::Invalid(error.to_string())),
    }
}

/// A network of the same operations on the same weights is the same function, whatever it computes.
fn itself(certificate: &Certificate) -> Verdict {
    let claim = certificate.claim;
    let holds = |value: f64| value >= 0.0 && value.is_finite();
    if certificate.semantics != "real" || !holds(claim.bound) || !holds(claim.per_input) {
        return Verdict::Invalid("its bound is no number of at least 0".to_owned());
    }
    Verdict::Valid(Checked { exact: true, bound: 0.0, per_input: 0.0 })
}

/// A network's chain, and how far what it stands for is from it at most (`None`: it is the chain).
fn read<'p>(
    (network, parameters): (&'p graph::Checked, Parameters<'p>),
    certificate: &Certificate,
) -> Result<(Chain, Option<Vec<Growth>>)> {
    let chain = chain::read(network, parameters, false)?;
    if !chain.has_roots {
        return Ok((chain, None));
    }
    let less = chain::read(network, parameters, true)?;
    let apart = bound::distance(&less, &chain, &domain(certificate, chain.inputs)?)?;
    Ok((chain, Some(apart)))
}

fn check<'p>(
    a: (&'p graph::Checked, Parameters<'p>),
    b: (&'p graph::Checked, Parameters<'p>),
    certificate: &Certificate,
) -> Result<Checked> {
    let ((a, off_a), (b, off_b)) = (read(a, certificate)?, read(b, certificate)?);
    let invalid = |why: &str| Err(Error::model(why.to_owned()));
    if certificate.semantics != "real" {
        return invalid("its semantics is not 'real'");
    }
    if a.inputs != b.inputs {
        return invalid("the networks have different numbers of inputs");
    }
    let domain = domain(certificate, a.inputs)?;
    let claim = certificate.claim;
    let (Some(bound), Some(per_input)) =
        (Number::from_f64(claim.bound), Number::from_f64(claim.per_input))
    else {
        return invalid("its bound is not finite");
    };
    if certificate.method == Method::Canonical {
        if !certificate.steps_a.is_empty() || !certificate.steps_b.is_empty() {
            return invalid("a canonical form has no steps");
        }
        if bound.is_negative() || per_input.is_negative() {
            return invalid("its bound is negative");
        }
        if off_a.is_some() || off_b.is_some() {
            return invalid("its networks have roots, which a canonical form does not know");
        }
        canonical::equal(&a, &b)?;
        return Ok(Checked { exact: true, bound: 0.0, per_input: 0.0 });
    }
    let ends = certificate.domain.as_deref();
    let (left, moved_left) = replay::replay(a, &certificate.steps_a, &domain, ends)?;
    let (right, moved_right) = replay::replay(b, &certificate.steps_b, &domain, ends)?;
    let mut all = bound::distance(&left, &right, &domain)?;
    for moved in [off_a, off_b, moved_left, moved_right].into_iter().flatten() {
        if moved.len() != all.len() {
            return invalid("the networks have different numbers of outputs");
        }
        all = all.iter().zip(&moved).map(|(a, b)| a.plus(b)).collect();
    }
    let most = |part: fn(&Growth) -> &Number| {
        all.iter().map(part).cloned().fold(Number::zero(), Number::max)
    };
    let (constant, slope) = (most(|growth| &growth.constant), most(|growth| &growth.slope));
    if constant.minus(&bound).is_positive() || slope.minus(&per_input).is_positive() {
        return Err(Error::model(format!(
            "what it shows is |Δ| ≤ {:e} + {:e}·max|x|, not the claimed {:e} + {:e}·max|x|",
            constant.near(),
            slope.near(),
            claim.bound,
            claim.per_input
        )));
    }
    let exact = constant.is_zero() && slope.is_zero();
    Ok(Checked { exact, bound: constant.near(), per_input: slope.near() })
}

fn domain(certificate: &Certificate, inputs: usize) -> Result<Vec<Extent>> {
    let Some(domain) = &certificate.domain else {
        return Ok(vec![Extent { lo: None, hi: None }; inputs]);
    };
    if domain.len() != inputs {
        return Err(Error::model(format!(
            "its domain has {} intervals, the networks {inputs} inputs",
            domain.len()
        )));
    }
    let extent = |(lo, hi): &(Option<f64>, Option<f64>)| {
        let end = |end: &Option<f64>| end.map(Number::from_f64);
        let (lo, hi) = match (end(lo), end(hi)) {
            (Some(None), _) | (_, Some(None)) => {
                return Err(Error::model("its domain has an end that is no number"));
            }
            (lo, hi) => (lo.flatten(), hi.flatten()),
        };
        if let (Some(lo), Some(hi)) = (&lo, &hi)
            && hi.minus(lo).is_negative()
        {
            return Err(Error::model(
                "its domain has an interval whose lower end is above its upper end",
            ));
        }
        Ok(Extent { lo, hi })
    };
    domain.iter().map(extent).collect()
}
