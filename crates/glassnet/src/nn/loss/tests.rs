//! Losses: notation, values and gradients against PyTorch, errors.

use super::*;
use crate::graph::op::{Layout, Loss, Op};
use crate::graph::{DType, Shape};
use crate::reference::golden::all_close;
use crate::reference::{Array, Feeds, evaluate};

#[test]
fn values_are_pytorchs() -> Result<()> {
    let cases = golden::cases();
    for case in &cases {
        let built = case.build()?;
        let values = evaluate(&built.builder.finish_checked(), &built.feeds, 1)?;
        all_close(&values[built.value], &case.value, &case.name);
    }
    assert_eq!(cases.len(), 168);
    Ok(())
}

/// The derivative of a case's loss operation itself, where the cotangent is the operation's: towards each operand that
/// PyTorch has a gradient for.
fn derivatives(built: &mut golden::Built) -> Result<Vec<(String, NodeId)>> {
    let builder = &mut built.builder;
    let node = builder.graph().node(built.value).clone();
    let cotangent =
        builder.graph().sources().find(|(_, source)| source.name() == Some("cotangent"));
    let (dy, _) = cotangent.expect("a cotangent");
    let operands = [&[dy], node.operands()].concat();
    if let Op::Loss(Loss::CrossEntropy(loss)) = *node.op() {
        let mut gradient = builder.loss(Loss::CrossEntropyGrad(loss), &operands)?;
        if builder.shape(gradient).rank() == 3 {
            gradient = builder.layout(Layout::Permute { axes: vec![0, 2, 1] }, &[gradient])?;
        }
        return Ok(vec![("input".into(), gradient)]);
    }
    // Behind other losses stands a reduction or a weight: then the cotangent is not theirs.
    let Op::Loss(Loss::Pair(loss)) = *node.op() else { return Ok(vec![]) };
    let names = built.operands.iter().enumerate();
    names
        .map(|(operand, (name, _))| {
            Ok((name.clone(), builder.loss(Loss::PairGrad { loss, operand }, &operands)?))
        })
        .collect()
}

#[test]
fn derivatives_are_pytorchs() -> Result<()> {
    let mut compared = 0;
    for case in golden::cases() {
        let mut built = case.build()?;
        let derivatives = derivatives(&mut built)?;
        let values = evaluate(&built.builder.finish_checked(), &built.feeds, 1)?;
        for (name, gradient) in derivatives {
            let (_, operand) = case.operands.iter().find(|(own, _)| *own == name).expect("is one");
            // A variance that was repeated has its gradient before the sum over its copies.
            if values[gradient].shape() == operand.shape() {
                case.check_gradient(&name, &values[gradient]);
                compared += 1;
            }
        }
        let (value, cotangent) = (values[built.value].floats()?, case.cotangent.floats()?);
        let products = value.data().iter().zip(cotangent.data()).map(|(y, dy)| y * dy);
        let objective = values[built.objective].floats()?.data()[0];
        assert!((objective - products.sum::<f64>()).abs() <= 1e-12 * objective.abs());
    }
    assert_eq!(compared, 128);
    Ok(())
}

#[test]
fn expressions_read_back() -> Result<()> {
    for case in golden::cases() {
        let text = case.criterion.to_string();
        assert_eq!(Criterion::parse(&text)?, case.criterion, "{text}");
    }
    for criterion in Criterion::all() {
        assert_eq!(criterion.to_string(), format!("{}()", criterion.name()));
        assert_eq!(Criterion::parse(criterion.short_name())?, criterion);
        assert_eq!(Criterion::parse(&format!("torch.nn.{criterion}"))?, criterion);
        // Every argument that is printed can be set, to what was printed.
        for (name, value) in criterion.arguments() {
            let mut copy = criterion.clone();
            copy.set(name, value)?;
            assert_eq!(copy, criterion, "{name}");
        }
    }
    let poisson = Criterion::parse(" nn.PoissonNLLLoss( eps = 1e-3 , reduction=\"sum\", ) ")?;
    assert_eq!(poisson.to_string(), "PoissonNLLLoss(eps=0.001, reduction='sum')");
    let weighted = "BCELoss(weight=torch.tensor([[1.0, 2.0], [-3.0, 0.5]]))";
    assert_eq!(Criterion::parse(weighted)?.to_string(), weighted);
    Ok(())
}

#[test]
fn mistakes_in_the_notation_are_pointed_at() {
    let fails = |text: &str, expected: &str| {
        let message = Criterion::parse(text).expect_err(text).to_string();
        assert!(message.contains(expected), "{message:?} does not contain {expected:?}");
    };
    fails("crossentropy", "there is no loss \"crossentropy\"; column 1; choose one of cross_en");
    fails("", "there is no loss \"\"");
    fails("mse()!", "column 6");
    fails("mse() huber()", "\n  mse() huber()\n        ^^^^^^^");
    fails("mse(", "column 5");
    fails("mse(reduction)", "a loss takes its arguments by name; column 5; write name=value");
    fails("mse('sum')", "write name=value");
    fails("mse(reduction='avg')", "reduction: 'avg' is not 'mean', 'sum' or 'none'; column 15");
    fails("mse(reduction='batchmean')", "is not 'mean'");
    fails("mse(reduction='sum)", "does not end");
    fails("mse(reduction='sum', reduction='sum')", "given twice; column 22");
    fails("huber(delta=1e999)", "\"1e999\" is no finite number; column 13");
    fails("huber(delta='1')", "delta: '1' is not a number");
    fails("huber(delta=)", "a value is expected here; column 13");
    fails("nll(ignore_index=1.5)", "ignore_index: 1.5 is not a whole number");
    fails("nll(weight=[1, 2", "\",\" is expected here");
    fails("nll(weight=[1, x])", "\"x\" is no finite number; column 16");
    fails("bce(weight=[[1, 2], [3]])", "differ in length; column 21");
    fails(&format!("nll(weight={})", "[".repeat(100_000)), "nested too deeply");
    fails("kl_div(log_target=1)", "log_target: 1 is not True or False");
    fails("mse(größe=1)", "a loss takes its arguments by name");
    fails("cross_entropy(label_smoothing=1.5)", "must be between 0.0 and 1.0. Got: 1.5");
    fails("smooth_l1(beta=-1)", "negative values for beta; loss (SmoothL1Loss)");
    fails("huber(delta=0)", "non-positive values for delta");
    fails("gaussian_nll(eps=-1e-6)", "eps must not be negative");
}

/// The loss of a batch, with operands of the shapes given.
fn lower(
    text: &str,
    estimate: Shape,
    target: (DType, Shape),
    more: [Option<Shape>; 2],
) -> Result<(Builder, NodeId)> {
    let mut builder = Builder::new();
    let estimate = builder.input("input", DType::F32, estimate)?;
    let target = builder.input("target", target.0, target.1)?;
    let [variance, sample_weight] = more;
    let mut float = |name: &str, shape: Option<Shape>| {
        shape.map(|shape| builder.input(name, DType::F32, shape)).transpose()
    };
    let (variance, sample_weight) =
        (float("variance", variance)?, float("sample_weight", sample_weight)?);
    let operands = LossOperands { variance, sample_weight };
    let loss = Criterion::parse(text)?.lower(&mut builder, estimate, target, &operands)?;
    Ok((builder, loss))
}

#[test]
fn shapes_that_do_not_fit_are_refused_in_pytorchs_words() {
    let floats = |shape| (DType::F32, shape);
    let classes = |shape| (DType::I64, shape);
    let scores = || Shape::batch([3]);
    let fails = |text: &str, estimate, target, more, expected: &str| {
        let message = lower(text, estimate, target, more).expect_err(text).to_string();
        assert!(message.contains(expected), "{message:?} does not contain {expected:?}");
        assert!(message.contains("loss ("), "{message:?} does not name the loss");
    };
    let none = || [None, None];
    let column = floats(Shape::batch([1]));
    fails("mse", Shape::batch([]), column, none(), "target size ([B, 1]) must be the same as");
    fails("mse", Shape::batch([]), classes(Shape::batch([])), none(), "wants floats as its target");
    let deep = classes(Shape::batch([4]));
    fails("cross_entropy", scores(), deep.clone(), none(), "expected target size [B], got [B, 4]");
    let same = classes(scores());
    fails("cross_entropy", scores(), same, none(), "expected floating point type for target");
    fails("nll", scores(), floats(scores()), none(), "NLLLoss wants class indices i64[B]");
    let flags = (DType::Bool, scores());
    fails("cross_entropy", scores(), flags, none(), "class indices i64[B] or probabilities");
    let ignoring = "cross_entropy(ignore_index=1)";
    fails(ignoring, scores(), floats(scores()), none(), "not supported for floating point target");
    let two = "cross_entropy(weight=[1, 2])";
    let row_classes = || classes(Shape::batch([]));
    fails(two, scores(), row_classes(), none(), "either for all 3 classes or no classes");
    let two = "bce_with_logits(pos_weight=[1, 2])";
    fails(two, scores(), floats(scores()), none(), "loss.pos_weight has shape [2], which does not");
    fails("bce(weight=[[1], [2]])", scores(), floats(scores()), none(), "does not broadcast");
    fails("gaussian_nll", scores(), floats(scores()), none(), "wants the variance");
    let wrong = [Some(Shape::batch([2])), None];
    fails("gaussian_nll", scores(), floats(scores()), wrong, "var is of incorrect size");
    let given = [Some(scores()), None];
    fails("mse", scores(), floats(scores()), given, "MSELoss takes no variance");
    let wide = [None, Some(scores())];
    fails("mse", scores(), floats(scores()), wide, "expected floats of shape [B]");
    let scalar = Shape::scalar();
    fails("kl_div(reduction=batchmean)", scalar.clone(), floats(scalar), none(), "wants a batch");
}

#[test]
fn the_origin_is_the_loss_and_only_inside_it() -> Result<()> {
    let mut builder = Builder::new();
    let x = builder.input("x", DType::F32, Shape::batch([2]))?;
    let y = builder.input("y", DType::F32, Shape::batch([2]))?;
    let before = builder.set_origin(Origin::layer("0", "Linear"));
    assert_eq!(*before, Origin::default());
    let mse = Criterion::parse("mse")?;
    let loss = mse.lower(&mut builder, x, y, &LossOperands::default())?;
    assert_eq!(**builder.graph().node(loss).origin(), Origin::loss("MSELoss"));
    assert_eq!(*builder.set_origin(Origin::default()), Origin::layer("0", "Linear"));
    Ok(())
}

fn floats(shape: &[usize], data: &[f64]) -> Array {
    Tensor::new(shape, data.to_vec()).expect("the shape fits").into()
}

/// The value of a loss of 3 rows, with `weights` for the rows where given.
fn weighed(text: &str, input: &Array, target: &Array, weights: Option<[f64; 3]>) -> Result<Array> {
    let batched = |array: &Array| Shape::batch(array.shape()[1..].to_vec());
    let dtype = match target {
        Array::Float(_) => DType::F32,
        Array::Index(_) => DType::I64,
    };
    let more = [None, weights.map(|_| Shape::batch([]))];
    let (builder, loss) = lower(text, batched(input), (dtype, batched(target)), more)?;
    let mut feeds = Feeds::new().input("input", input.clone()).input("target", target.clone());
    if let Some(weights) = weights {
        feeds.set_input("sample_weight", floats(&[3], &weights));
    }
    for (key, values) in Criterion::parse(text)?.buffers() {
        feeds.set_state(key, values.clone());
    }
    let mut values = evaluate(&builder.finish_checked(), &feeds, 3)?;
    Ok(values.remove(loss).expect("every node has a value"))
}

const SCORES: [f64; 6] = [0.5, -1.0, 2.0, 0.25, -0.75, 1.5];
const SHARES: [f64; 6] = [0.25, 0.75, 1.0, 0.0, 0.5, 0.5];

fn examples() -> Vec<(&'static str, Array, Array)> {
    let scores = || floats(&[3, 2], &SCORES);
    let shares = || floats(&[3, 2], &SHARES);
    let classes = |classes: &[i64]| -> Array {
        Tensor::new([3], classes.to_vec()).expect("three classes").into()
    };
    let deep: Vec<f64> = SCORES.iter().chain(&SHARES).copied().collect();
    let deep_classes = Tensor::new([3, 2], vec![0_i64, 1, 1, 0, 1, 1]).expect("six classes");
    vec![
        ("cross_entropy", scores(), classes(&[0, 1, 1])),
        ("cross_entropy(weight=[2, 0.5], label_smoothing=0.2)", scores(), classes(&[0, 1, 1])),
        ("cross_entropy(weight=[2, 0.5], ignore_index=0)", scores(), classes(&[0, 1, 1])),
        ("cross_entropy(weight=[2, 0.5])", scores(), shares()),
        ("cross_entropy(weight=[2, 0.5])", floats(&[3, 2, 2], &deep), deep_classes.into()),
        ("nll(weight=[2, 0.5])", scores(), classes(&[1, 0, 1])),
        ("mse", scores(), shares()),
        ("bce_with_logits(weight=[2, 3], pos_weight=[0.5, 4])", scores(), shares()),
        ("kl_div(reduction=batchmean)", scores(), shares()),
    ]
}

#[test]
fn equal_sample_weights_change_no_mean() -> Result<()> {
    for (text, input, target) in examples() {
        let plain = weighed(text, &input, &target, None)?;
        let equal = weighed(text, &input, &target, Some([2.5; 3]))?;
        all_close(&equal, &plain, text);
    }
    Ok(())
}

#[test]
fn a_sample_weight_of_two_counts_a_row_twice() -> Result<()> {
    let keep = |array: &Array, rows: [usize; 3]| -> Array {
        let shape = array.shape();
        match array {
            Array::Float(x) => {
                let data = rows.iter().flat_map(|&row| x.row(row).to_vec()).collect();
                Tensor::new(shape, data).expect("three rows").into()
            }
            Array::Index(x) => {
                let data = rows.iter().flat_map(|&row| x.row(row).to_vec()).collect();
                Tensor::new(shape, data).expect("three rows").into()
            }
        }
    };
    for (text, input, target) in examples() {
        let weights = weighed(text, &input, &target, Some([0.0, 2.0, 1.0]))?;
        let rows = [1, 1, 2];
        let repeated = weighed(text, &keep(&input, rows), &keep(&target, rows), None)?;
        all_close(&weights, &repeated, text);
    }
    Ok(())
}

#[test]
fn sums_and_rows_are_multiplied_by_their_weights() -> Result<()> {
    let (input, target) = (floats(&[3, 2], &SCORES), floats(&[3, 2], &SHARES));
    let none = weighed("mse(reduction=none)", &input, &target, Some([1.0, 0.0, 4.0]))?;
    let expected = [0.0625, 3.0625, 0.0, 0.0, 6.25, 4.0];
    all_close(&none, &floats(&[3, 2], &expected), "none");
    let sum = weighed("mse(reduction=sum)", &input, &target, Some([1.0, 0.0, 4.0]))?;
    all_close(&sum, &floats(&[], &[13.375]), "sum");
    let rows = weighed("cross_entropy(reduction=none)", &input, &target, None)?;
    let weighed_rows =
        weighed("cross_entropy(reduction=none)", &input, &target, Some([1.0, 0.0, 4.0]))?;
    let rows = rows.floats()?.data().to_vec();
    all_close(&weighed_rows, &floats(&[3], &[rows[0], 0.0, 4.0 * rows[2]]), "rows");
    Ok(())
}

#[test]
fn a_variance_for_each_row_is_repeated() -> Result<()> {
    for shape in [Shape::batch([1]), Shape::batch([])] {
        let full = (DType::F32, Shape::batch([2]));
        let (builder, loss) =
            lower("gaussian_nll(eps=0)", Shape::batch([2]), full, [Some(shape.clone()), None])?;
        let feeds = Feeds::new()
            .input("input", floats(&[1, 2], &[1.0, 3.0]))
            .input("target", floats(&[1, 2], &[0.0, 0.0]))
            .input("variance", floats(&shape.at(1), &[2.0]));
        let values = evaluate(&builder.finish_checked(), &feeds, 1)?;
        all_close(&values[loss], &floats(&[], &[0.5 * (2.0_f64.ln() + 2.5)]), "variance");
    }
    Ok(())
}
