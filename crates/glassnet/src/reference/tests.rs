//! The oracle against PyTorch's numbers and small cases done by hand.

use super::golden::{all_close, close, numbers, read, tensor};
use super::*;
use crate::graph::op::{
    Activation, ActivationGrad, Arithmetic, CrossEntropy, Gather, Layout, Loss, LossReduction,
    Normalize, PairLoss, Random, Reduce, Reduction, Scores, Softmax,
};
use crate::graph::{Builder, DType, Dim, NodeId};

/// The value of a graph of one operation, whose operands are inputs `0`, `1`, … of the arrays' shapes.
fn apply_op(op: Op, arrays: Vec<Array>) -> Result<Array> {
    let mut builder = Builder::new();
    let mut feeds = Feeds::new();
    let mut operands = vec![];
    for (index, array) in arrays.into_iter().enumerate() {
        let dtype = match array {
            Array::Float(_) => DType::F64,
            Array::Index(_) => DType::I64,
        };
        operands.push(builder.input(&index.to_string(), dtype, Shape::from(array.shape()))?);
        feeds.set_input(index.to_string(), array);
    }
    let id = builder.push(op, operands)?;
    let mut values = evaluate(&builder.finish_checked(), &feeds, 1)?;
    Ok(values.remove(id).expect("every node has a value"))
}

fn array<const N: usize>(shape: [usize; N], data: &[f64]) -> Array {
    Tensor::new(shape.to_vec(), data.to_vec()).expect("the shape fits").into()
}

fn indices<const N: usize>(shape: [usize; N], data: &[i64]) -> Array {
    Tensor::new(shape.to_vec(), data.to_vec()).expect("the shape fits").into()
}

fn check(op: Op, operands: Vec<Array>, expected: Array) {
    let what = format!("{op:?}");
    all_close(&apply_op(op, operands).expect(&what), &expected, &what);
}

fn message(op: Op, operands: Vec<Array>) -> String {
    apply_op(op, operands).expect_err("an error is due").to_string()
}

fn in_torch(expression: &str) -> Option<Activation> {
    Some(match expression {
        "ReLU()" => Activation::Relu,
        "LeakyReLU()" => Activation::LeakyRelu { negative_slope: 0.01 },
        "LeakyReLU(0.2)" => Activation::LeakyRelu { negative_slope: 0.2 },
        "ELU()" => Activation::Elu { alpha: 1.0 },
        "ELU(alpha=0.5)" => Activation::Elu { alpha: 0.5 },
        "CELU()" => Activation::Celu { alpha: 1.0 },
        "CELU(alpha=1.5)" => Activation::Celu { alpha: 1.5 },
        "SELU()" => Activation::Selu,
        "GELU()" => Activation::Gelu,
        "GELU(approximate='tanh')" => Activation::GeluTanh,
        "SiLU()" => Activation::Silu,
        "Mish()" => Activation::Mish,
        "Softplus()" => Activation::Softplus { beta: 1.0, threshold: 20.0 },
        "Softplus(beta=2, threshold=5)" => Activation::Softplus { beta: 2.0, threshold: 5.0 },
        "Softsign()" => Activation::Softsign,
        "Sigmoid()" => Activation::Sigmoid,
        "LogSigmoid()" => Activation::LogSigmoid,
        "Tanh()" => Activation::Tanh,
        "Hardtanh()" => Activation::Hardtanh { min: -1.0, max: 1.0 },
        "Hardtanh(-2, 0.5)" => Activation::Hardtanh { min: -2.0, max: 0.5 },
        "ReLU6()" => Activation::Relu6,
        "Hardsigmoid()" => Activation::Hardsigmoid,
        "Hardswish()" => Activation::Hardswish,
        _ => return None,
    })
}

#[test]
fn activations_are_pytorchs() {
    let golden = read(include_str!("../../tests/goldens/activations.json"));
    let mut compared = 0;
    for case in golden["cases"].as_array().expect("cases") {
        let expression = case["expression"].as_str().expect("an expression");
        let Some(activation) = in_torch(expression) else { continue };
        compared += 1;
        // PyTorch rounds this slope to f32.
        let slope_bound = if activation == Activation::Hardsigmoid { 1e-7 } else { 1e-12 };
        let (values, slopes) = (numbers(&case["y"]), numbers(&case["dy"]));
        for ((z, y), dy) in numbers(&golden["z"]).into_iter().zip(values).zip(slopes) {
            let what = format!("{expression} at {z}");
            close(activation::value(activation, z), y, 1e-12, &what);
            let what = format!("{what}, the derivative");
            close(activation::derivative(activation, z), dy, slope_bound, &what);
            let kept = match activation.derivative_form() {
                crate::graph::op::DerivativeForm::Input => z,
                crate::graph::op::DerivativeForm::Output => y,
            };
            let grad = Op::ActivationGrad(ActivationGrad(activation));
            let dz = apply_op(grad, vec![array([1], &[3.0]), array([1], &[kept])]).unwrap();
            close(dz.floats().unwrap().data()[0], 3.0 * dy, slope_bound, &what);
        }
    }
    assert_eq!(compared, 23);
}

#[test]
fn derivatives_are_those_of_the_values() {
    for activation in Activation::ALL {
        for z in [-4.3, -1.7, -0.6, 0.3, 0.45, 0.9, 2.2, 5.1] {
            let (value, slope) =
                (activation::value(activation, z), activation::derivative(activation, z));
            if value.is_nan() {
                continue;
            }
            let step = 1e-4;
            let at = |z| activation::value(activation, z);
            let differences = (8.0 * (at(z + step) - at(z - step)) - at(z + 2.0 * step)
                + at(z - 2.0 * step))
                / (12.0 * step);
            let bound = 1e-9 * (1.0 + slope.abs());
            assert!((slope - differences).abs() < bound, "{activation:?} at {z}: {slope}");
            let kept = match activation.derivative_form() {
                crate::graph::op::DerivativeForm::Input => z,
                crate::graph::op::DerivativeForm::Output => value,
            };
            let grad = Op::ActivationGrad(ActivationGrad(activation));
            check(grad, vec![array([1], &[1.0]), array([1], &[kept])], array([1], &[slope]));
        }
    }
}

#[test]
fn activations_survive_large_and_missing_numbers() {
    for activation in Activation::ALL {
        if activation != Activation::Sign {
            assert!(activation::value(activation, f64::NAN).is_nan(), "{activation:?}");
        }
    }
    for z in [-1e200, -800.0, 800.0, 1e200] {
        for activation in [
            Activation::Gelu,
            Activation::GeluTanh,
            Activation::Silu,
            Activation::Mish,
            Activation::Softplus { beta: 1.0, threshold: f64::INFINITY },
            Activation::LogSigmoid,
        ] {
            let (y, dy) = (activation::value(activation, z), activation::derivative(activation, z));
            assert!(y.is_finite() && dy.is_finite(), "{activation:?} at {z}: {y}, {dy}");
        }
    }
    // The left tail keeps its digits: Φ(−10) = 7.6198530241605261e−24.
    close(activation::value(Activation::Gelu, -10.0) * 1e23, -7.619853024160526, 1e-12, "GELU");
}

#[test]
fn layers_are_pytorchs() {
    let golden = read(include_str!("../../tests/goldens/layers.json"));
    let case = |name: &str| {
        let cases = golden["cases"].as_array().expect("cases");
        cases.iter().find(|case| case["name"] == name).expect(name)
    };
    let probabilities =
        |axis| (Softmax::Probabilities { axis }, Softmax::ProbabilitiesGrad { axis });
    let logarithms = |axis| (Softmax::Logarithms { axis }, Softmax::LogarithmsGrad { axis });
    for (name, (forward, backward)) in [
        ("softmax channels", probabilities(1)),
        ("softmax large", probabilities(1)),
        ("log-softmax columns", logarithms(0)),
        ("log-softmax large", logarithms(1)),
    ] {
        let case = case(name);
        let (y, dy) = (tensor(&case["output"]), tensor(&case["cotangent"]));
        check(Op::Softmax(forward), vec![tensor(&case["input"])], y.clone());
        check(Op::Softmax(backward), vec![dy, y], tensor(&case["input_gradient"]));
    }
    let plain = case("layer norm plain");
    let normalize = |grad| Op::Normalize(Normalize { axes: vec![1], eps: 1e-5, grad });
    let (x, dy) = (tensor(&plain["input"]), tensor(&plain["cotangent"]));
    check(normalize(false), vec![x.clone()], tensor(&plain["output"]));
    check(normalize(true), vec![dy, x], tensor(&plain["input_gradient"]));
    for (name, padding_idx) in [("embedding", None), ("embedding padding", Some(2))] {
        let case = case(name);
        let (table, index) = (tensor(&case["parameters"]["weight"]), tensor(&case["input"]));
        let (y, dy) = (tensor(&case["output"]), tensor(&case["cotangent"]));
        check(Op::Gather(Gather::Embedding { padding_idx }), vec![table, index.clone()], y);
        let grad = Op::Gather(Gather::EmbeddingGrad { rows: 6, padding_idx });
        check(grad, vec![dy, index], tensor(&case["gradients"]["weight"]));
    }
}

#[test]
fn products_take_either_operand_transposed() {
    // A = [[1, 2, 3], [4, 5, 6]], Bᵀ = [[1, 0, 2], [-1, 1, 0]]: A·B = [[7, 1], [16, 1]].
    let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let a_transposed = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
    let b = [1.0, -1.0, 0.0, 1.0, 2.0, 0.0];
    let b_transposed = [1.0, 0.0, 2.0, -1.0, 1.0, 0.0];
    let product = || array([2, 2], &[7.0, 1.0, 16.0, 1.0]);
    let matmul = |transpose_a, transpose_b| {
        Op::Linear(crate::graph::op::Linear::MatMul { transpose_a, transpose_b })
    };
    check(matmul(false, false), vec![array([2, 3], &a), array([3, 2], &b)], product());
    check(matmul(false, true), vec![array([2, 3], &a), array([2, 3], &b_transposed)], product());
    check(matmul(true, false), vec![array([3, 2], &a_transposed), array([3, 2], &b)], product());
    let both = vec![array([3, 2], &a_transposed), array([2, 3], &b_transposed)];
    check(matmul(true, true), both, product());
    // Leading axes count as rows.
    let leading =
        vec![array([1, 2, 3], &a), array([2, 3], &b_transposed), array([2], &[1.0, -1.0])];
    let affine = Op::Linear(crate::graph::op::Linear::Affine);
    check(affine, leading, array([1, 2, 2], &[8.0, 0.0, 17.0, 0.0]));
    let stacked = vec![array([3, 1, 2], &a_transposed), array([3, 1, 2], &b)];
    check(matmul(true, false), stacked, product());
}

#[test]
fn arithmetic_broadcasts_and_keeps_nan() {
    let column = || array([2, 1], &[1.0, 2.0]);
    let row = || array([3], &[10.0, 20.0, 30.0]);
    let sub = array([2, 3], &[-9.0, -19.0, -29.0, -8.0, -18.0, -28.0]);
    check(Op::Arithmetic(Arithmetic::Sub), vec![column(), row()], sub);
    let power = array([2, 3], &[1.0, 1.0, 1.0, 1024.0, 1048576.0, 1073741824.0]);
    check(Op::Arithmetic(Arithmetic::Power), vec![column(), row()], power);
    let a = || array([4], &[1.0, f64::NAN, 3.0, -0.5]);
    let b = || array([4], &[2.0, 0.0, f64::NAN, -1.0]);
    let larger = array([4], &[2.0, f64::NAN, f64::NAN, -0.5]);
    check(Op::Arithmetic(Arithmetic::Maximum), vec![a(), b()], larger);
    let smaller = array([4], &[1.0, f64::NAN, f64::NAN, -1.0]);
    check(Op::Arithmetic(Arithmetic::Minimum), vec![a(), b()], smaller);
    let condition = array([4], &[1.0, 0.0, f64::NAN, -1.0]);
    let chosen = array([4], &[7.0, 8.0, 8.0, 8.0]);
    let select = vec![condition, array([], &[7.0]), array([1], &[8.0])];
    check(Op::Arithmetic(Arithmetic::Select), select, chosen);
}

#[test]
fn layouts_move_elements() {
    let x = || array([2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let cube: Vec<f64> = (0..24).map(f64::from).collect();
    let permuted = apply_op(
        Op::Layout(Layout::Permute { axes: vec![2, 0, 1] }),
        vec![array([2, 3, 4], &cube)],
    )
    .unwrap();
    assert_eq!(permuted.shape(), [4, 2, 3]);
    // y[c, a, b] = x[a, b, c].
    assert_eq!(permuted.floats().unwrap().data()[6 + 3 + 2], 12.0 + 8.0 + 1.0);
    let permute = Op::Layout(Layout::Permute { axes: vec![1, 0] });
    check(permute, vec![x()], array([3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
    let slice = Op::Layout(Layout::Slice { axis: 1, start: 1, end: 3 });
    check(slice, vec![x()], array([2, 2], &[2.0, 3.0, 5.0, 6.0]));
    let pad = Op::Layout(Layout::Pad { axis: 1, before: 1, after: 0 });
    check(pad, vec![x()], array([2, 4], &[0.0, 1.0, 2.0, 3.0, 0.0, 4.0, 5.0, 6.0]));
    let wide = vec![x(), array([2, 1], &[7.0, 8.0])];
    let concat = Op::Layout(Layout::Concat { axis: 1 });
    check(concat, wide, array([2, 4], &[1.0, 2.0, 3.0, 7.0, 4.0, 5.0, 6.0, 8.0]));
    let broadcast = Op::Layout(Layout::Broadcast { shape: Shape::from([2, 2, 2]) });
    let repeated = array([2, 2, 2], &[1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
    check(broadcast, vec![array([2, 1], &[1.0, 2.0])], repeated);
    let reshape = Op::Layout(Layout::Reshape { shape: Shape::from([3, 2]) });
    check(reshape, vec![x()], array([3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
}

#[test]
fn reductions_over_any_axes() {
    let x = || array([2, 3], &[1.0, 5.0, 5.0, 4.0, 4.0, -2.0]);
    let reduce =
        |kind, axes: &[usize], keep| Op::Reduce(Reduce { kind, axes: axes.to_vec(), keep });
    check(reduce(Reduction::Sum, &[0], false), vec![x()], array([3], &[5.0, 9.0, 3.0]));
    check(reduce(Reduction::Mean, &[1], true), vec![x()], array([2, 1], &[11.0 / 3.0, 2.0]));
    check(reduce(Reduction::Max, &[1], false), vec![x()], array([2], &[5.0, 4.0]));
    check(reduce(Reduction::Min, &[0, 1], false), vec![x()], array([], &[-2.0]));
    check(reduce(Reduction::Sum, &[], false), vec![x()], x());
    let population = reduce(Reduction::Variance { correction: 0 }, &[1], false);
    check(population, vec![x()], array([2], &[32.0 / 9.0, 8.0]));
    let unbiased = reduce(Reduction::Variance { correction: 1 }, &[1], false);
    check(unbiased.clone(), vec![x()], array([2], &[16.0 / 3.0, 12.0]));
    check(unbiased, vec![array([2, 1], &[1.0, 2.0])], array([2], &[f64::NAN; 2]));
    let with_nan = vec![array([3], &[f64::NAN, 1.0, 2.0])];
    check(reduce(Reduction::Max, &[0], false), with_nan.clone(), array([], &[f64::NAN]));
    check(reduce(Reduction::Min, &[0], false), with_nan, array([], &[f64::NAN]));
    check(reduce(Reduction::Mean, &[0], false), vec![array([0], &[])], array([], &[f64::NAN]));
    check(reduce(Reduction::Sum, &[0], false), vec![array([0], &[])], array([], &[0.0]));
    let nothing = message(reduce(Reduction::Max, &[0], false), vec![array([0], &[])]);
    assert!(nothing.contains("no largest"), "{nothing}");
}

#[test]
fn cross_entropy_counts_only_rows_that_count() {
    let scores = || array([2, 2], &[-1.0, -2.0, -3.0, -4.0]);
    let ignored = || indices([2], &[-100, 1]);
    let loss = |reduction| CrossEntropy {
        scores: Scores::LogProbabilities,
        reduction,
        ..CrossEntropy::default()
    };
    let mean = Op::Loss(Loss::CrossEntropy(loss(LossReduction::Mean)));
    check(mean.clone(), vec![scores(), ignored()], array([], &[4.0]));
    let nobody = || indices([2], &[-100, -100]);
    check(mean, vec![scores(), nobody()], array([], &[f64::NAN]));
    for scores_are in [Scores::Logits, Scores::LogProbabilities] {
        let loss = CrossEntropy { scores: scores_are, ..loss(LossReduction::Mean) };
        let grad = Op::Loss(Loss::CrossEntropyGrad(loss));
        let operands = vec![array([], &[1.0]), scores(), nobody()];
        check(grad, operands, array([2, 2], &[0.0; 4]));
    }
    let grad = Op::Loss(Loss::CrossEntropyGrad(loss(LossReduction::None)));
    let operands = vec![array([2], &[2.0, 3.0]), scores(), ignored()];
    check(grad, operands, array([2, 2], &[0.0, 0.0, 0.0, -3.0]));
}

#[test]
fn derivatives_towards_third_operands() {
    let gaussian = PairLoss::GaussianNll { full: true, eps: 1e-3 };
    for (loss, estimate, target, third) in
        [(PairLoss::BceWithLogits, -0.7, 0.3, 2.5), (gaussian, 0.4, -1.1, 0.8)]
    {
        let operands =
            |third: f64| vec![array([1], &[estimate]), array([1], &[target]), array([1], &[third])];
        let value = |third: f64| {
            let value = apply_op(Op::Loss(Loss::Pair(loss)), operands(third)).unwrap();
            value.floats().unwrap().data()[0]
        };
        let slope = (value(third + 1e-5) - value(third - 1e-5)) / 2e-5;
        let with_dy = [vec![array([1], &[2.0])], operands(third)].concat();
        let grad = apply_op(Op::Loss(Loss::PairGrad { loss, operand: 2 }), with_dy).unwrap();
        let found = grad.floats().unwrap().data()[0];
        assert!((found - 2.0 * slope).abs() < 1e-8, "{loss:?}: {found}, {slope}");
    }
}

#[test]
fn indices_out_of_range_are_named_with_their_row() {
    let embedding = Op::Gather(Gather::Embedding { padding_idx: None });
    let table = || array([3, 1], &[0.0, 1.0, 2.0]);
    let high = message(embedding.clone(), vec![table(), indices([2, 2], &[0, 1, 2, 3])]);
    assert!(high.starts_with("row 1: index 3 is out of range, the table has 3 rows"), "{high}");
    let low = message(embedding, vec![table(), indices([2], &[0, -1])]);
    assert!(low.starts_with("row 1: index -1 is out of range"), "{low}");
    let loss = Op::Loss(Loss::CrossEntropy(CrossEntropy::default()));
    let scores = array([2, 3], &[0.0; 6]);
    let class = message(loss, vec![scores, indices([2], &[0, 3])]);
    assert!(class.starts_with("row 1: target 3 is out of bounds, there are 3 classes"), "{class}");
}

fn graph_of_all_sources() -> Result<(Checked, [NodeId; 3])> {
    let mut builder = Builder::new();
    let x = builder.input("x", DType::F32, Shape::batch([2]))?;
    let weight = builder.parameter("x", Shape::from([2]))?;
    let shape = Shape::batch([2]);
    let mask = builder.random(Random::DropoutMask { p: 0.5, stream: 7, shape })?;
    let product = builder.mul(x, weight)?;
    let dropped = builder.mul(product, mask)?;
    let tenth = builder.constant(0.1)?;
    let count = builder.count(Shape::from([Dim::Batch, Dim::Batch, Dim::Fixed(2)]))?;
    Ok((builder.finish_checked(), [dropped, tenth, count]))
}

#[test]
fn sources_are_fed_by_name_and_stream() -> Result<()> {
    let (checked, [dropped, tenth, count]) = graph_of_all_sources()?;
    let feeds = Feeds::new()
        .input("x", Tensor::from_rows(&[[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]])?)
        .state("x", Tensor::new([2], vec![10.0, 100.0])?)
        .mask(7, Tensor::from_rows(&[[0.0, 2.0], [2.0, 0.0], [2.0, 2.0]])?);
    let values = evaluate(&checked, &feeds, 3)?;
    let expected = array([3, 2], &[0.0, 400.0, 60.0, 0.0, 100.0, 1200.0]);
    all_close(&values[dropped], &expected, "x · weight · mask");
    assert_eq!(values[tenth], array([], &[0.1]));
    assert_eq!(values[count], array([], &[18.0]));
    Ok(())
}

#[test]
fn feeds_that_are_missing_or_do_not_fit_are_named() -> Result<()> {
    let (checked, _) = graph_of_all_sources()?;
    let fails = |feeds: &Feeds, expected: &str| {
        let message = evaluate(&checked, feeds, 1).expect_err(expected).to_string();
        assert!(message.contains(expected), "{message}");
    };
    let mut feeds = Feeds::new();
    fails(&feeds, "the input \"x\" is not fed; graph; feed an array of shape [1, 2]");
    feeds.set_input("x", Tensor::full([2, 2], 1.0));
    fails(&feeds, "the input \"x\" is fed with shape [2, 2], expected [1, 2]");
    feeds.set_input("x", Tensor::full([1, 2], 1_i64));
    fails(&feeds, "the input \"x\" is fed with integers, expected floats");
    feeds.set_input("x", Tensor::full([1, 2], 1.0));
    fails(&feeds, "the parameter \"x\" is not fed");
    feeds.set_state("x", Tensor::full([2], 1.0));
    fails(&feeds, "the dropout mask of stream 7 is not fed");
    feeds.set_mask(7, Tensor::full([1, 2], 2.0));
    evaluate(&checked, &feeds, 1)?;
    let huge = evaluate(&checked, &feeds, usize::MAX / 4).unwrap_err();
    assert_eq!(huge.kind(), ErrorKind::Limit);
    Ok(())
}
