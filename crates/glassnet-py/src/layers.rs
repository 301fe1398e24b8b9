//! Layers and losses as pieces, by the notation that also builds them in Python.

use std::sync::Arc;

use glassnet::graph::{Builder, DType, Shape};
use glassnet::nn::loss::{Criterion, LossOperands};
use glassnet::nn::{self, Lowering, Mode};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::OrException;
use crate::piece::{Part, Piece};
use crate::random::with_generator;
use crate::state::write_state;

/// The piece `name` of a layer or network written as `notation`, for an input of `shape`: `x`, then its state-dict keys.
#[pyfunction]
pub(crate) fn layer_piece(
    name: &str,
    notation: &str,
    shape: Vec<usize>,
    training: bool,
) -> PyResult<Piece> {
    layer(name, notation, &shape, training).or_exception().map(|part| Piece(Arc::new(part)))
}

pub(crate) fn layer(
    name: &str,
    notation: &str,
    shape: &[usize],
    training: bool,
) -> glassnet::Result<Part> {
    let module = nn::parse(notation)?;
    module.validate()?;
    let mut builder = Builder::new();
    let x = builder.input("x", module.input_dtype(), Shape::from(shape))?;
    let mode = if training { Mode::Train } else { Mode::Eval };
    let mut lowering = Lowering::new(mode);
    let y = module.lower(&mut builder, x, &mut lowering)?;
    let updates: Vec<_> =
        lowering.buffer_updates.iter().map(|update| (update.buffer, update.value)).collect();
    Part::new(name, &builder.finish_checked(), &[y], &updates)
}

/// The piece `name` of a loss written as `notation`: estimate, target, then what of `variance`, `loss.weight` and
/// `loss.pos_weight` has a shape here.
#[pyfunction]
#[pyo3(signature = (name, notation, estimate, target, integers, variance=None, weight=None, pos_weight=None))]
pub(crate) fn criterion_piece(
    name: &str,
    notation: &str,
    estimate: Vec<usize>,
    target: Vec<usize>,
    integers: bool,
    variance: Option<Vec<usize>>,
    weight: Option<Vec<usize>>,
    pos_weight: Option<Vec<usize>>,
) -> PyResult<Piece> {
    let build = || {
        let mut criterion = Criterion::parse(notation)?;
        give_weights(&mut criterion, weight, pos_weight);
        let mut builder = Builder::new();
        let scores = builder.input("input", DType::F32, Shape::from(estimate.as_slice()))?;
        let dtype = if integers { DType::I64 } else { DType::F32 };
        let wanted = builder.input("target", dtype, Shape::from(target.as_slice()))?;
        let variance = match variance {
            Some(shape) => {
                Some(builder.input("variance", DType::F32, Shape::from(shape.as_slice()))?)
            }
            None => None,
        };
        let operands = LossOperands { variance, sample_weight: None };
        let loss = criterion.lower(&mut builder, scores, wanted, &operands)?;
        Part::new(name, &builder.finish_checked(), &[loss], &[])
    };
    build().or_exception().map(|part| Piece(Arc::new(part)))
}

/// Weights of a shape: their values are operands of the piece.
fn give_weights(
    criterion: &mut Criterion,
    weight: Option<Vec<usize>>,
    pos_weight: Option<Vec<usize>>,
) {
    let ones = |shape: Option<Vec<usize>>| shape.map(|shape| glassnet::Tensor::full(shape, 1.0));
    match criterion {
        Criterion::CrossEntropyLoss(loss) => loss.weight = ones(weight),
        Criterion::NLLLoss(loss) => loss.weight = ones(weight),
        Criterion::BCELoss(loss) => loss.weight = ones(weight),
        Criterion::BCEWithLogitsLoss(loss) => {
            loss.weight = ones(weight);
            loss.pos_weight = ones(pos_weight);
        }
        Criterion::MSELoss(_)
        | Criterion::L1Loss(_)
        | Criterion::SmoothL1Loss(_)
        | Criterion::HuberLoss(_)
        | Criterion::KLDivLoss(_)
        | Criterion::PoissonNLLLoss(_)
        | Criterion::GaussianNLLLoss(_) => {}
    }
}

/// Checks a layer's arguments and draws its initial arrays from the global generator, as PyTorch's constructor does.
#[pyfunction]
pub(crate) fn initial_state<'py>(py: Python<'py>, notation: &str) -> PyResult<Bound<'py, PyDict>> {
    let module = nn::parse(notation).or_exception()?;
    let state = with_generator(|generator| module.init(generator)).or_exception()?;
    write_state(py, &state)
}
