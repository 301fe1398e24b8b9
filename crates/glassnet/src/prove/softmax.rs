//! Softmax and its logarithm as sums of exponentials of differences, which share what the scores have in common.
//!
//! `pᵢ = 1/(1 + Σⱼ≠ᵢ e^(zⱼ − zᵢ))`, `log pᵢ = −log(1 + Σⱼ≠ᵢ e^(zⱼ − zᵢ))`: over the reals these are the functions themselves,
//! and no maximum is needed, since bounds may be infinite.
//!
//! # Numerics
//! The engine computes `e^(zᵢ − m)·(1/Σ)`. With u = 2⁻²⁴ and n scores: the difference is off by u·|zᵢ − m|, at most 104·u of
//! the exponential that is not 0 in f32; exp by 2·u; the sum by n·u, and by 0.37·n·u from its differences; the reciprocal
//! and the product by u each. All of it is less than (2n + 130)·u of pᵢ, which the sum below is taken to be off by. Of the
//! logarithm the same share of the sum is an absolute error; the rest, u·|zᵢ − m| and two roundings of the result, is less
//! than the four roundings that every function's value has.
//!
//! # Source
//! `torch.nn.Softmax`; the order of the engine's steps is that of [`Softmax`](crate::graph::op::Softmax).

use super::{Affine, Interval, Matrix, Network, Step, Term};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::Activation;

/// The greatest number of scores.
pub(super) const MOST_SCORES: usize = 256;

/// How many roundings a sum of n exponentials has more than its own.
pub(super) fn further_roundings(scores: usize) -> usize {
    2 * scores + 130
}

/// By how much the f32 probabilities of so many scores may miss those over the reals, all together; so also by how much their sum
/// may miss 1.
pub fn softmax_error(scores: usize) -> f64 {
    // A tenth of a percent more has room for what is of second order.
    further_roundings(scores) as f64 * super::propagate::U32 * 1.001
}

/// Rows `zⱼ − zᵢ` for every i and every j but it, over a layer of `n` scores.
fn differences(layer: usize, n: usize) -> Affine {
    let (mut starts, mut columns, mut values) = (vec![0], vec![], vec![]);
    for i in 0..n {
        for j in (0..n).filter(|&j| j != i) {
            let pair = if i < j { [(i, -1.0), (j, 1.0)] } else { [(j, 1.0), (i, -1.0)] };
            columns.extend(pair.map(|(column, _)| column));
            values.extend(pair.map(|(_, value)| value));
            starts.push(columns.len());
        }
    }
    let rows = starts.len() - 1;
    let matrix = Matrix::Sparse { starts, columns, values };
    let terms = vec![Term { layer, matrix, spread: None }];
    Affine { terms, bias: vec![Interval::point(0.0); rows], rounds: false, further_constants: 0 }
}

/// Rows `1 + Σ` of the exponentials of each score, with the roundings of the whole.
fn sums(layer: usize, n: usize) -> Affine {
    let others = n.saturating_sub(1);
    let matrix = Matrix::Sparse {
        starts: (0..=n).map(|at| at * others).collect(),
        columns: (0..n * others).collect(),
        values: vec![1.0; n * others],
    };
    let terms = vec![Term { layer, matrix, spread: None }];
    let further_constants = further_roundings(n);
    Affine { terms, bias: vec![Interval::point(1.0); n], rounds: true, further_constants }
}

impl Network {
    /// The layer of the softmax of layer `of`, or of its logarithm, behind all others.
    fn append_softmax(&mut self, of: usize, logarithm: bool) -> Result<()> {
        let n = self.layers[of].size;
        if n > MOST_SCORES {
            return Err(Error::new(
                ErrorKind::Limit,
                format!("a softmax of {n} scores is more than the {MOST_SCORES} that are bounded"),
            ));
        }
        self.append(n * n.saturating_sub(1), Step::Affine(differences(of, n)));
        let of = self.output;
        self.append(n * n.saturating_sub(1), Step::Smooth { of, function: Activation::Exp });
        self.append(n, Step::Affine(sums(self.output, n)));
        let of = self.output;
        let function = if logarithm { Activation::Log } else { Activation::Reciprocal };
        self.append(n, Step::Smooth { of, function });
        Ok(())
    }

    /// The network with the softmax of its outputs behind them: `y₀ … yₙ₋₁, p₀ … pₙ₋₁`.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] for more than 256 outputs.
    pub fn with_probabilities(mut self) -> Result<Network> {
        let (scores, n) = (self.output, self.outputs());
        self.append_softmax(scores, false)?;
        let select = |layer: usize, first: usize| Term {
            layer,
            matrix: Matrix::Sparse {
                starts: (0..=2 * n).map(|row| row.saturating_sub(first).min(n)).collect(),
                columns: (0..n).collect(),
                values: vec![1.0; n],
            },
            spread: None,
        };
        let terms = vec![select(scores, 0), select(self.output, n)];
        let bias = vec![Interval::point(0.0); 2 * n];
        self.append(
            2 * n,
            Step::Affine(Affine { terms, bias, rounds: false, further_constants: 0 }),
        );
        Ok(self.renewed())
    }
}
