//! The table of cases, one file per family of operations.

pub(crate) mod activation;
pub(crate) mod arithmetic;
pub(crate) mod cross_entropy;
pub(crate) mod layout;
pub(crate) mod linear;
pub(crate) mod normalize;
pub(crate) mod pair;
pub(crate) mod reduce;
pub(crate) mod softmax;
pub(crate) mod source;

use glassnet::Result;
use glassnet::graph::{Dim, Shape};

use crate::bench::Case;

/// All cases of all families.
pub(crate) fn all() -> Result<Vec<Case>> {
    let families = [
        linear::all()?,
        arithmetic::all()?,
        activation::all()?,
        softmax::all()?,
        reduce::all()?,
        normalize::all()?,
        source::all()?,
        layout::all()?,
        cross_entropy::all()?,
        pair::all()?,
    ];
    Ok(families.into_iter().flatten().collect())
}

/// A shape where 0 stands for the batch.
fn shape(lengths: &[usize]) -> Shape {
    let dim = |&length: &usize| if length == 0 { Dim::Batch } else { Dim::Fixed(length) };
    lengths.iter().map(dim).collect::<Vec<Dim>>().into()
}

/// Every subset of the axes `0..rank`, each ascending.
fn subsets(rank: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..1_usize << rank).map(move |bits| (0..rank).filter(|axis| bits >> axis & 1 == 1).collect())
}
