//! How long an instruction takes, roughly: what decides how many threads a plan is worth.
//!
//! The figures are those of one core of a server of 2023 and need not be more than half right: they are compared with
//! the price of a wait, and with each other.

use super::instruction::{After, Instruction, Product};
use super::kernels::{Level, Right};
use crate::graph::op::Activation;

pub(super) type Nanoseconds = f32;

/// What it costs that two threads wait for each other.
pub(super) const WAIT: Nanoseconds = 400.0;

/// What an instruction costs at least.
const CALL: Nanoseconds = 10.0;

/// Reading a weight that was packed before, from the second or third cache: with few rows, that is the work.
const READ: Nanoseconds = 0.035;

/// Reading, computing something simple, writing.
const STREAM: Nanoseconds = 0.08;

pub(super) fn cost(instruction: &Instruction, level: Level) -> Nanoseconds {
    let work = match instruction {
        Instruction::Product(product) => of_product(product, level),
        Instruction::Map { activation, out, .. } | Instruction::MapGrad { activation, out, .. } => {
            out.len as f32 * of_activation(*activation)
        }
        Instruction::Copy { out, .. } => out.len as f32 * STREAM,
        Instruction::Arithmetic { out, .. } => out.len as f32 * 2.0 * STREAM,
        Instruction::Softmax { out, .. } => out.len as f32 * 0.6,
        Instruction::ColumnSums(sums) => (sums.rows * sums.columns.len()) as f32 * STREAM,
        Instruction::Reduce { x, .. } => x.len as f32 * 0.2,
        Instruction::Normalize { out, .. } => out.len as f32 * 0.5,
        Instruction::Mask { out, .. } => out.len as f32 * 0.7,
        Instruction::Embedding { out, .. } | Instruction::EmbeddingGrad { out, .. } => {
            out.len as f32 * 0.2
        }
        Instruction::Move { out, .. } => out.len as f32 * 0.8,
        Instruction::CrossEntropy(entropy) => {
            let passes =
                usize::from(entropy.value.is_some()) + usize::from(entropy.derivative.is_some());
            (entropy.scores.len * passes) as f32 * 0.6
        }
        Instruction::Pair { out, .. } | Instruction::PairGrad { out, .. } => out.len as f32 * 0.3,
        Instruction::Feed(feed) => (feed.rows.len() * feed.width) as f32 * STREAM,
        Instruction::Update(update) => update.parameters.len as f32 * 0.3,
        // How many rows are visited hangs on the optimiser, which the plan doesn't know.
        Instruction::TableStep(step) => step.dy.len as f32 * 0.5,
        Instruction::Tiny(_)
        | Instruction::TinyEntropy(_)
        | Instruction::StopUnlessFinite { .. }
        | Instruction::Wait => 0.0,
    };
    CALL + work
}

fn of_product(product: &Product, level: Level) -> Nanoseconds {
    // Multiply-adds per nanosecond in large products, and the registers' width.
    let (rate, lanes) = match level.name() {
        "avx512" => (60.0, 16),
        "avx2" => (40.0, 8),
        _ => (2.0, 1), // not operations: portable code calls a function for each
    };
    let (rows, columns) = (product.rows.len(), product.columns.len());
    let columns_used = columns.next_multiple_of(lanes);
    let sums = rows as f32 * columns_used as f32 * product.k as f32 / rate;
    let packing = if product.transpose_b { 0.12 } else { 0.06 };
    let weights = (columns * product.k) as f32;
    let (read, pack) = if product.shape.b == Right::Panels {
        (weights * READ, 0.0)
    } else {
        let packs = product.transpose_b || rows >= 24;
        (0.0, if packs { weights * packing } else { 0.0 })
    };
    let stored = (rows * columns) as f32;
    let after = match product.after {
        After::Nothing => 0.0,
        After::Activate(activation) | After::Derive(activation, _) => match activation {
            Activation::Relu => 0.0,
            other => of_activation(other), // not operations: all the others by name, below
        },
    };
    sums.max(read) + pack + stored * (after + 0.03)
}

/// Nanoseconds for an element.
fn of_activation(activation: Activation) -> Nanoseconds {
    match activation {
        Activation::Relu
        | Activation::LeakyRelu { .. }
        | Activation::Hardtanh { .. }
        | Activation::Relu6
        | Activation::Hardsigmoid
        | Activation::Hardswish
        | Activation::Softsign
        | Activation::NegativePart
        | Activation::Negate
        | Activation::Abs
        | Activation::Sign
        | Activation::Square
        | Activation::Sqrt
        | Activation::Reciprocal => STREAM,
        Activation::Elu { .. }
        | Activation::Celu { .. }
        | Activation::Selu
        | Activation::Gelu
        | Activation::GeluTanh
        | Activation::Silu
        | Activation::Mish
        | Activation::Softplus { .. }
        | Activation::Sigmoid
        | Activation::LogSigmoid
        | Activation::Tanh
        | Activation::Exp
        | Activation::Expm1
        | Activation::Log
        | Activation::Log1p
        | Activation::Sin
        | Activation::Cos
        | Activation::Erf => 0.6,
        // In f64 and one by one.
        Activation::Tan
        | Activation::Asin
        | Activation::Acos
        | Activation::Atan
        | Activation::Sinh
        | Activation::Cosh => 20.0,
    }
}
