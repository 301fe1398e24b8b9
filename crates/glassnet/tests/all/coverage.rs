//! No operation is missing from the contract: an exhaustive match names each, and the cases must hold all names.

use std::collections::BTreeSet;

use glassnet::grad::grad;
use glassnet::graph::op::{
    Activation, ActivationGrad, Arithmetic, CrossEntropy, Gather, Layout, Linear, Loss, Normalize,
    PairLoss, Random, Reduce, Reduction, Softmax, Source,
};
use glassnet::graph::{Node, Op};

use crate::cases;

/// What must occur among the cases and their gradients, besides all activations and all arithmetic.
const REQUIRED: &str = "
    input parameter buffer constant count
    affine affine+bias matmul matmul_ta matmul_tb matmul_ta_tb
    softmax log_softmax softmax_grad log_softmax_grad
    sum sum+keep mean mean+keep max max+keep min min+keep
    variance_0 variance_0+keep variance_1 variance_1+keep
    normalize normalize_grad
    dropout_mask
    embedding embedding+padding embedding_grad embedding_grad+padding
    reshape permute concat slice pad broadcast
    cross_entropy cross_entropy_grad
    mse l1 smooth_l1 huber bce bce_with_logits kl_div kl_div+log_target
    poisson_nll poisson_nll+log_input poisson_nll+full poisson_nll+log_input+full
    gaussian_nll gaussian_nll+full
    mse_grad_0 mse_grad_1 l1_grad_0 l1_grad_1 smooth_l1_grad_0 smooth_l1_grad_1
    huber_grad_0 huber_grad_1 bce_grad_0 bce_with_logits_grad_0 kl_div_grad_0
    kl_div+log_target_grad_0 poisson_nll_grad_0 poisson_nll+log_input_grad_0
    poisson_nll+full_grad_0 poisson_nll+log_input+full_grad_0
    gaussian_nll_grad_0 gaussian_nll_grad_1 gaussian_nll_grad_2
    gaussian_nll+full_grad_0 gaussian_nll+full_grad_1 gaussian_nll+full_grad_2
";

#[test]
fn every_operation_is_in_the_contract() {
    let mut required: BTreeSet<String> = REQUIRED.split_whitespace().map(String::from).collect();
    required.extend(Arithmetic::ALL.map(|op| format!("{op:?}")));
    for activation in Activation::ALL {
        required.insert(activation.name().into());
        required.insert(format!("{}'", activation.name()));
    }
    let mut found = BTreeSet::new();
    for case in cases::all().unwrap() {
        let gradient = grad(&case.graph, case.loss, &case.towards).unwrap();
        found.extend(gradient.graph.graph().nodes().iter().map(label));
    }
    let missing: Vec<_> = required.difference(&found).collect();
    let unlisted: Vec<_> = found.difference(&required).collect();
    assert!(missing.is_empty(), "operations without a case: {missing:?}");
    assert!(unlisted.is_empty(), "operations that the list above lacks: {unlisted:?}");
}

/// The name of what a node does. Attributes are taken apart in full, so that a new one is a compile error here:
/// give it a case in `cases`, then a name.
fn label(node: &Node) -> String {
    match node.op() {
        Op::Source(source) => match source {
            Source::Input { .. } => "input".into(),
            Source::Parameter { .. } => "parameter".into(),
            Source::Buffer { .. } => "buffer".into(),
            Source::Constant(_) => "constant".into(),
            Source::Count(_) => "count".into(),
        },
        Op::Linear(Linear::Affine) => flagged("affine", [("+bias", node.operands().len() == 3)]),
        Op::Linear(Linear::MatMul { transpose_a, transpose_b }) => {
            flagged("matmul", [("_ta", *transpose_a), ("_tb", *transpose_b)])
        }
        Op::Arithmetic(op) => format!("{op:?}"),
        Op::Activation(activation) => activation.name().into(),
        Op::ActivationGrad(ActivationGrad(activation)) => format!("{}'", activation.name()),
        Op::Softmax(softmax) => match softmax {
            Softmax::Probabilities { axis: _ } => "softmax".into(),
            Softmax::Logarithms { axis: _ } => "log_softmax".into(),
            Softmax::ProbabilitiesGrad { axis: _ } => "softmax_grad".into(),
            Softmax::LogarithmsGrad { axis: _ } => "log_softmax_grad".into(),
        },
        Op::Reduce(Reduce { kind, axes: _, keep }) => {
            let name = match kind {
                Reduction::Sum => "sum",
                Reduction::Mean => "mean",
                Reduction::Max => "max",
                Reduction::Min => "min",
                Reduction::Variance { correction: 0 } => "variance_0",
                Reduction::Variance { correction: _ } => "variance_1",
            };
            flagged(name, [("+keep", *keep)])
        }
        Op::Normalize(Normalize { axes: _, eps: _, grad }) => {
            flagged("normalize", [("_grad", *grad)])
        }
        Op::Random(Random::DropoutMask { p: _, stream: _, shape: _ }) => "dropout_mask".into(),
        Op::Gather(Gather::Embedding { padding_idx }) => {
            flagged("embedding", [("+padding", padding_idx.is_some())])
        }
        Op::Gather(Gather::EmbeddingGrad { rows: _, padding_idx }) => {
            flagged("embedding_grad", [("+padding", padding_idx.is_some())])
        }
        Op::Layout(layout) => match layout {
            Layout::Reshape { shape: _ } => "reshape".into(),
            Layout::Permute { axes: _ } => "permute".into(),
            Layout::Concat { axis: _ } => "concat".into(),
            Layout::Slice { axis: _, start: _, end: _ } => "slice".into(),
            Layout::Pad { axis: _, before: _, after: _ } => "pad".into(),
            Layout::Broadcast { shape: _ } => "broadcast".into(),
        },
        Op::Loss(loss) => match loss {
            Loss::CrossEntropy(loss) => cross_entropy("cross_entropy", *loss),
            Loss::CrossEntropyGrad(loss) => cross_entropy("cross_entropy_grad", *loss),
            Loss::Pair(loss) => pair(*loss),
            Loss::PairGrad { loss, operand } => format!("{}_grad_{operand}", pair(*loss)),
        },
    }
}

fn flagged<const N: usize>(name: &str, flags: [(&str, bool); N]) -> String {
    let set = flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag);
    [name].into_iter().chain(set).collect()
}

/// The cases are the product of all attributes: one name is enough.
fn cross_entropy(name: &str, loss: CrossEntropy) -> String {
    let CrossEntropy { scores: _, reduction: _, label_smoothing: _, ignore_index: _ } = loss;
    name.into()
}

fn pair(loss: PairLoss) -> String {
    match loss {
        PairLoss::Mse => "mse".into(),
        PairLoss::L1 => "l1".into(),
        PairLoss::SmoothL1 { beta: _ } => "smooth_l1".into(),
        PairLoss::Huber { delta: _ } => "huber".into(),
        PairLoss::Bce => "bce".into(),
        PairLoss::BceWithLogits => "bce_with_logits".into(),
        PairLoss::KlDiv { log_target } => flagged("kl_div", [("+log_target", log_target)]),
        PairLoss::PoissonNll { log_input, full, eps: _ } => {
            flagged("poisson_nll", [("+log_input", log_input), ("+full", full)])
        }
        PairLoss::GaussianNll { full, eps: _ } => flagged("gaussian_nll", [("+full", full)]),
    }
}
