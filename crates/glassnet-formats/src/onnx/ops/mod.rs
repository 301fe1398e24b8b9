//! The operators of ONNX: a function for each, in files by family, and the table of them.
//!
//! A function is given the operands in the operator's order and gives back the results in its order. Versions of an
//! operator that mean something else are told apart in it by [`Node::opset`].

mod arithmetic;
mod elementwise;
mod indexing;
mod known;
mod layout;
mod logic;
mod loss;
mod normalize;
mod product;
mod reduce;
mod softmax;
mod split;
mod transposed;
mod window;

use glassnet::graph::{Dim, Shape};
use glassnet::{Error, Result};

use super::constant::Constant;
use super::emit::Emitter;
use super::fold::MOST_AXES;
use super::node::Node;
use super::value::{Operands, Value};

/// Reads one node.
type Lower = fn(&mut Emitter, &Node<'_>, &Operands<'_>) -> Result<Vec<Value>>;

/// Every operator that is read, in the order of the alphabet.
const OPERATORS: &[(&str, Lower)] = &[
    ("Abs", elementwise::abs),
    ("Acos", elementwise::acos),
    ("Acosh", elementwise::acosh),
    ("Add", arithmetic::add),
    ("And", logic::and),
    ("ArgMax", indexing::arg_max),
    ("ArgMin", indexing::arg_min),
    ("Asin", elementwise::asin),
    ("Asinh", elementwise::asinh),
    ("Atan", elementwise::atan),
    ("Atanh", elementwise::atanh),
    ("AveragePool", window::average_pool),
    ("BatchNormalization", normalize::batch),
    ("Cast", known::cast),
    ("CastLike", known::cast_like),
    ("Celu", elementwise::celu),
    ("Clip", arithmetic::clip),
    ("Concat", layout::concat),
    ("Constant", known::constant),
    ("ConstantOfShape", known::constant_of_shape),
    ("Conv", window::conv),
    ("ConvTranspose", transposed::conv_transpose),
    ("Cos", elementwise::cos),
    ("Cosh", elementwise::cosh),
    ("Div", arithmetic::div),
    ("Dropout", known::dropout),
    ("Elu", elementwise::elu),
    ("Equal", logic::equal),
    ("Erf", elementwise::erf),
    ("Exp", elementwise::exp),
    ("Expand", layout::expand),
    ("EyeLike", known::eye_like),
    ("Flatten", layout::flatten),
    ("Gather", indexing::gather),
    ("Gelu", elementwise::gelu),
    ("Gemm", product::gemm),
    ("GlobalAveragePool", reduce::global_average_pool),
    ("GlobalMaxPool", reduce::global_max_pool),
    ("Greater", logic::greater),
    ("GreaterOrEqual", logic::greater_or_equal),
    ("GroupNormalization", normalize::group),
    ("HardSigmoid", elementwise::hard_sigmoid),
    ("HardSwish", elementwise::hard_swish),
    ("Hardmax", softmax::hardmax),
    ("Identity", known::identity),
    ("InstanceNormalization", normalize::instance),
    ("IsInf", logic::is_inf),
    ("IsNaN", logic::is_nan),
    ("LayerNormalization", normalize::layer),
    ("LeakyRelu", elementwise::leaky_relu),
    ("Less", logic::less),
    ("LessOrEqual", logic::less_or_equal),
    ("Log", elementwise::log),
    ("LogSoftmax", softmax::log_softmax),
    ("LpNormalization", normalize::lp),
    ("MatMul", product::matmul),
    ("Max", arithmetic::max),
    ("MaxPool", window::max_pool),
    ("Mean", arithmetic::mean),
    ("MeanVarianceNormalization", normalize::mean_variance),
    ("Min", arithmetic::min),
    ("Mish", elementwise::mish),
    ("Mod", arithmetic::modulo),
    ("Mul", arithmetic::mul),
    ("Neg", elementwise::neg),
    ("NegativeLogLikelihoodLoss", loss::negative_log_likelihood),
    ("Not", logic::not),
    ("OneHot", indexing::one_hot),
    ("Or", logic::or),
    ("PRelu", elementwise::prelu),
    ("Pad", layout::pad),
    ("Pow", arithmetic::pow),
    ("RMSNormalization", normalize::root_mean_square),
    ("Range", known::range),
    ("Reciprocal", elementwise::reciprocal),
    ("ReduceL1", reduce::l1),
    ("ReduceL2", reduce::l2),
    ("ReduceLogSum", reduce::log_sum),
    ("ReduceLogSumExp", reduce::log_sum_exp),
    ("ReduceMax", reduce::max),
    ("ReduceMean", reduce::mean),
    ("ReduceMin", reduce::min),
    ("ReduceProd", reduce::product),
    ("ReduceSum", reduce::sum),
    ("ReduceSumSquare", reduce::sum_of_squares),
    ("Relu", elementwise::relu),
    ("Reshape", layout::reshape),
    ("Selu", elementwise::selu),
    ("Shape", known::shape),
    ("Shrink", elementwise::shrink),
    ("Sigmoid", elementwise::sigmoid),
    ("Sign", elementwise::sign),
    ("Sin", elementwise::sin),
    ("Sinh", elementwise::sinh),
    ("Size", known::size),
    ("Slice", split::slice),
    ("Softmax", softmax::softmax),
    ("SoftmaxCrossEntropyLoss", loss::softmax_cross_entropy),
    ("Softplus", elementwise::softplus),
    ("Softsign", elementwise::softsign),
    ("Split", split::split),
    ("Sqrt", elementwise::sqrt),
    ("Squeeze", layout::squeeze),
    ("Sub", arithmetic::sub),
    ("Sum", arithmetic::sum),
    ("SwiGLU", elementwise::swiglu),
    ("Swish", elementwise::swish),
    ("Tan", elementwise::tan),
    ("Tanh", elementwise::tanh),
    ("ThresholdedRelu", elementwise::thresholded_relu),
    ("Tile", layout::tile),
    ("Transpose", layout::transpose),
    ("Trilu", indexing::trilu),
    ("Unsqueeze", layout::unsqueeze),
    ("Where", logic::choose),
    ("Xor", logic::xor),
];

/// The names of the operators that are read.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OPERATORS.iter().map(|(name, _)| *name)
}

/// Reads a node into the graph.
///
/// # Errors
/// `Unsupported` for an operator or a use of one that is not read; otherwise what is wrong with it.
pub(super) fn lower(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (kind, domain) = (node.kind(), node.domain());
    if !domain.is_empty() {
        return Err(node
            .unsupported(&format!("it belongs to {domain:?}, not to ONNX's own operators"))
            .help("export the model with ONNX's own operators only"));
    }
    // Looking at known operands costs, so that no file makes us look at a large one a million times.
    let known = (0..operands.len()).filter_map(|index| operands.get(index)?.known());
    emitter.spend(known.map(Constant::len).sum())?;
    let looks_up = |index: usize| kind == "Gather" && index == 1;
    let given = (0..operands.len()).filter(|&index| !looks_up(index));
    if given.filter_map(|index| operands.get(index)).any(|operand| emitter.is_cut(operand)) {
        return Err(node.unsupported("it takes what was computed and then cut to whole numbers"));
    }
    match OPERATORS.iter().find(|(name, _)| *name == kind) {
        Some((_, lower)) => {
            let results = lower(emitter, node, operands)?;
            match results.iter().map(|result| emitter.rank(result)).find(|&rank| rank > MOST_AXES) {
                Some(rank) => Err(node.unsupported(&format!("its result has {rank} axes"))),
                None => Ok(results),
            }
        }
        None => Err(node
            .unsupported("a feed-forward network needs no such operator, as far as we know")
            .help("export the part of the model that is feed-forward")),
    }
}

/// The axis that `axis` means: negative ones count from the end.
fn axis(axis: i64, rank: usize) -> Result<usize> {
    let ranked = rank as i64;
    if axis < -ranked || axis >= ranked {
        return Err(Error::model(format!("axis {axis} of an array with {rank} axes"))
            .help("export the model again"));
    }
    Ok(axis.rem_euclid(ranked.max(1)) as usize)
}

/// Distinct axes in ascending order.
fn axes(given: &[i64], rank: usize) -> Result<Vec<usize>> {
    if given.len() > MOST_AXES {
        return Err(Error::model(format!("{} axes are named", given.len())));
    }
    let mut found = given.iter().map(|&one| axis(one, rank)).collect::<Result<Vec<usize>>>()?;
    found.sort_unstable();
    if found.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Error::model(format!("the axes {given:?} name one twice")));
    }
    Ok(found)
}

/// The length of several axes joined into one.
fn joined(dims: &[Dim]) -> Result<Dim> {
    let fixed = dims.iter().try_fold(1_usize, |product, dim| product.checked_mul(dim.at(1)));
    let fixed = fixed.ok_or_else(|| Error::model("a joined axis is too long"))?;
    match (dims.iter().filter(|dim| **dim == Dim::Batch).count(), fixed) {
        (0, fixed) => Ok(Dim::Fixed(fixed)),
        (1, 1) => Ok(Dim::Batch),
        _ => Err(Error::unsupported(
            "joining the batch with other axes",
            "the ONNX reader",
            "rows must stay apart",
        )),
    }
}

/// A shape made of pieces.
fn shape_of(pieces: &[&[Dim]]) -> Shape {
    pieces.concat().into()
}

/// The length of an axis that does not depend on the batch.
fn length(shape: &Shape, axis: usize, what: &str) -> Result<usize> {
    match shape.dims().get(axis) {
        Some(Dim::Fixed(length)) => Ok(*length),
        Some(Dim::Batch) => Err(Error::unsupported(
            &format!("{what} along the batch"),
            "the ONNX reader",
            "rows must stay apart",
        )),
        None => Err(Error::model(format!("{what} along axis {axis} of {shape}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_without_doubles() {
        assert!(OPERATORS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn axes_count_from_either_end() {
        assert_eq!(axes(&[-1, 0], 3).unwrap(), [0, 2]);
        assert!(axes(&[1, -2], 3).is_err());
        assert!(axis(3, 3).is_err());
        assert!(axis(0, 0).is_err());
        assert!(axis(i64::MIN, 2).is_err());
    }
}
