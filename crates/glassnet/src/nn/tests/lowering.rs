//! Every layer's graph in both modes: types, keys, origins, errors.

use super::generate::module;
use super::goldens::{goldens, lengths, list, text};
use crate::error::{ErrorKind, Result};
use crate::graph::op::Source;
use crate::graph::{Builder, Checked, DType, Dim, Op, Place, Shape};
use crate::nn::{Lowering, Mode, Module, parse};
use proptest::prelude::*;

fn graph(notation: &str, input: Shape, mode: Mode) -> Result<Checked> {
    parse(notation)?.graph(input, mode)
}

fn output(checked: &Checked) -> Shape {
    checked.shape(checked.graph().output("y").expect("an output")).clone()
}

#[test]
fn every_layer_of_the_goldens_gives_pytorch_s_shape() {
    let goldens = goldens(include_str!("../../../tests/goldens/layers.json"));
    for case in list(&goldens["cases"]) {
        let name = text(&case["name"]);
        let mode = if text(&case["mode"]) == "train" { Mode::Train } else { Mode::Eval };
        let input = Shape::from(lengths(&case["input"]["shape"]).as_slice());
        let module = parse(text(&case["expression"])).expect("a network");
        assert_eq!(
            module.input_dtype() == DType::I64,
            text(&case["input"]["dtype"]) == "i64",
            "{name}"
        );
        let checked = match module.graph(input, mode) {
            Ok(checked) => checked,
            Err(error) => {
                // A cumulative average needs the number of batches, which no graph has.
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error}");
                assert_eq!(name, "batch norm cumulative", "{error}");
                continue;
            }
        };
        let expected = Shape::from(lengths(&case["output"]["shape"]).as_slice());
        assert_eq!(output(&checked), expected, "{name}");
    }
}

#[test]
fn elementwise_layers_keep_the_shape() {
    let goldens = goldens(include_str!("../../../tests/goldens/activations.json"));
    for case in list(&goldens["cases"]) {
        for mode in [Mode::Train, Mode::Eval] {
            let shape = Shape::from([Dim::Batch, Dim::Fixed(3)]);
            let checked = graph(text(&case["expression"]), shape.clone(), mode).expect("a graph");
            assert_eq!(output(&checked), shape);
        }
    }
}

#[test]
fn sources_are_named_by_state_dict_keys_and_nodes_by_layers() {
    let module = parse("Sequential(a=Linear(2, 3), b=Sequential(BatchNorm1d(3), PReLU(3)))")
        .expect("a network");
    for mode in [Mode::Train, Mode::Eval] {
        let checked = module.graph(Shape::batch([2]), mode).expect("a graph");
        let mut found: Vec<String> = checked
            .graph()
            .sources()
            .filter_map(|(_, source)| match source {
                Source::Parameter { name, .. } | Source::Buffer { name, .. } => Some(name.clone()),
                Source::Input { .. } | Source::Constant(_) | Source::Count(_) => None,
            })
            .collect();
        found.sort_unstable();
        let arrays = module.state_shapes().into_iter();
        let mut expected: Vec<String> =
            arrays.filter(|array| array.dtype == DType::F32).map(|array| array.key).collect();
        expected.sort_unstable();
        assert_eq!(found, expected, "{mode:?}");
        for node in checked.graph().nodes().iter().skip(1) {
            let Place::Layer(name) = &node.origin().place else { panic!("no layer: {node:?}") };
            assert!(["a", "b.0", "b.1"].contains(&name.as_str()), "{name}");
        }
    }
}

#[test]
fn training_lists_the_buffers_that_change() {
    let module = parse("Sequential(Linear(2, 3), BatchNorm1d(3, momentum=0.25), Dropout(0.5))")
        .expect("a network");
    let mut builder = Builder::new();
    let x = builder.input("x", DType::F32, Shape::batch([2])).expect("an input");
    let mut context = Lowering::new(Mode::Train);
    module.lower(&mut builder, x, &mut context).expect("a graph");
    let keys: Vec<&str> = context.buffer_updates.iter().map(|update| update.key.as_str()).collect();
    assert_eq!(keys, ["1.running_mean", "1.running_var"]);
    for update in &context.buffer_updates {
        assert_eq!(builder.shape(update.value), builder.shape(update.buffer));
    }
    assert_eq!(context.dropout_masks, 1);
    let layers: Vec<(&str, &str)> =
        context.layers.iter().map(|layer| (layer.name.as_str(), layer.kind)).collect();
    assert_eq!(layers, [("0", "Linear"), ("1", "BatchNorm1d"), ("2", "Dropout")]);
}

#[test]
fn dropout_masks_have_streams_of_their_own_and_vanish_in_evaluation() {
    let notation = "Sequential(Dropout(0.5), Linear(2, 2), Dropout(0.5), Dropout(0.0))";
    let streams = |mode: Mode| -> Vec<usize> {
        let checked = graph(notation, Shape::batch([2]), mode).expect("a graph");
        let nodes = checked.graph().nodes().iter();
        nodes
            .filter_map(|node| match node.op() {
                Op::Random(crate::graph::op::Random::DropoutMask { stream, .. }) => Some(*stream),
                _ => None, // not operations: a filter for one family
            })
            .collect()
    };
    assert_eq!(streams(Mode::Train), [0, 1]);
    assert_eq!(streams(Mode::Eval), [0_usize; 0]);
}

/// Every row: notation, input, the error.
#[test]
fn layers_that_do_not_fit_are_named_with_both_sizes() {
    let cases = [
        (
            "Sequential(Linear(2, 3), ReLU(), Linear(4, 2))",
            Shape::batch([2]),
            "the input has 3 features, its weight expects 4; layer \"2\" (Linear); set in_features=3\n  \
             its input is the output of layer \"0\" (Linear), of shape [B, 3]",
        ),
        (
            "Sequential(Linear(2, 3), ReLU(), Linear(3, 2))",
            Shape::batch([5]),
            "the input has 5 features, its weight expects 2; layer \"0\" (Linear); set in_features=5\n  \
             its input is the network's, of shape [B, 5]",
        ),
        (
            "Sequential(Linear(2, 3), Tanh(), BatchNorm1d(4))",
            Shape::batch([2]),
            "the input has 3 channels, the layer expects 4; layer \"2\" (BatchNorm1d); \
             set num_features=3\n  its input is the output of layer \"0\" (Linear), of shape [B, 3]",
        ),
        (
            "Sequential(Linear(2, 3), LayerNorm(4))",
            Shape::batch([2]),
            "the input has shape [B, 3], the layer normalizes last axes of shape [4]; \
             layer \"1\" (LayerNorm); set normalized_shape=3\n  \
             its input is the output of layer \"0\" (Linear), of shape [B, 3]",
        ),
        (
            "Sequential(Linear(2, 3), PReLU(4))",
            Shape::batch([2]),
            "the input has 3 channels, the layer 4 slopes; layer \"1\" (PReLU); \
             set num_parameters=3\n  its input is the output of layer \"0\" (Linear), of shape [B, 3]",
        ),
        (
            "Sequential(Linear(2, 3), Residual(Linear(3, 1)))",
            Shape::batch([2]),
            "the input has shape [B, 3], the inner layers return [B, 1]; layer \"1\" (Residual); \
             make the inner layers return the shape of their input\n  \
             its input is the output of layer \"0\" (Linear), of shape [B, 3]",
        ),
        (
            "Softmax(dim=2)",
            Shape::batch([2]),
            "Dimension out of range (expected to be in range of [-2, 1], but got 2); \
             layer \"\" (Softmax)\n  its input is the network's, of shape [B, 2]",
        ),
        (
            "Sequential(Linear(2, 3), Embedding(4, 2))",
            Shape::batch([2]),
            "the input is f32[B, 3], expected i64 indices; layer \"1\" (Embedding); \
             let the embedding come first, or EmbedColumns where only some columns are codes\n  \
             its input is the output of layer \"0\" (Linear), of shape [B, 3]",
        ),
        (
            "EmbedColumns({'2': Embedding(4, 2)})",
            Shape::batch([2]),
            "the input has 2 columns, column 2 (counted from 0) is to be looked up; \
             layer \"\" (EmbedColumns); give it wider rows, or look up another column\n  \
             its input is the network's, of shape [B, 2]",
        ),
        (
            "Sequential(EmbedColumns({'1': Embedding(4, 3)}), Linear(5, 2))",
            Shape::batch([2]),
            "the input has 4 features, its weight expects 5; layer \"1\" (Linear); \
             set in_features=4\n  \
             its input is the output of layer \"0\" (EmbedColumns), of shape [B, 4]",
        ),
        (
            "Flatten(0)",
            Shape::batch([2]),
            "lowering does not support Flatten: the batch cannot be joined with other axes; \
             layer \"\" (Flatten); use start_dim=1\n  its input is the network's, of shape [B, 2]",
        ),
        (
            "BatchNorm1d(3)",
            Shape::batch([]),
            "expected 2D or 3D input (got 1D input of shape [B]); layer \"\" (BatchNorm1d); \
             flatten it first, or give one row per sample\n  \
             its input is the network's, of shape [B]",
        ),
    ];
    for (notation, input, expected) in cases {
        let error = graph(notation, input, Mode::Train).expect_err(notation);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn formulas_become_elementwise_operations_of_their_layer() {
    let formulas = [
        "z",
        "1",
        "-z",
        "z*tanh(z)",
        "z^2",
        "z^3 - z^4",
        "z^-1",
        "1/z",
        "2/z",
        "z^0.5",
        "2^z",
        "e^z",
        "exp(-z^2)",
        "log2(z)",
        "log10(z)",
        "max(0, z, z^2)",
        "min(1, z)",
        "sqrt(abs(z))",
        "piecewise(z < -1, -1, z >= 1, 1, z)",
        "where(z <= 0, 0, z)",
        "softplus(z) + erf(z)",
        "sin(z)+cos(z)+tan(z)+asin(z)+acos(z)+atan(z)+sinh(z)+cosh(z)",
        "log1p(z) - expm1(z)",
        "relu(z)*sign(z)*silu(z)*gelu(z)*mish(z)*logsigmoid(z)*softsign(z)*sigmoid(z)",
        "x*pi",
    ];
    for formula in formulas {
        let notation = format!("Sequential(Linear(2, 3), Formula('{formula}'))");
        let checked = graph(&notation, Shape::batch([2]), Mode::Train).expect(formula);
        assert_eq!(output(&checked), Shape::batch([3]), "{formula}");
        let layer = checked.graph().nodes().last().expect("nodes").origin().to_string();
        let expected =
            if matches!(formula, "z") { "layer \"0\" (Linear)" } else { "layer \"1\" (Formula)" };
        assert_eq!(layer, expected, "{formula}");
    }
    let error = graph("Formula('z + log(-1)')", Shape::batch([2]), Mode::Eval);
    assert!(error.is_err());
}

#[test]
fn the_input_s_shape_is_guessed_from_the_layers() {
    let cases = [
        ("Linear(2, 3)", Some(Shape::batch([2])), Some(3)),
        ("Sequential(ReLU(), Dropout(), Linear(2, 3))", Some(Shape::batch([2])), Some(3)),
        ("Sequential(Flatten(), Linear(784, 10))", Some(Shape::batch([784])), Some(10)),
        (
            "Sequential(LayerNorm((3, 4)), Flatten(), Linear(12, 2))",
            Some(Shape::batch([3, 4])),
            Some(2),
        ),
        ("Sequential(Embedding(9, 4), Linear(4, 2))", Some(Shape::batch([])), Some(2)),
        ("Sequential(Embedding(9, 4), Flatten(), Linear(12, 2))", Some(Shape::batch([3])), Some(2)),
        ("Sequential(ReLU())", None, None),
        ("Sequential(Linear(2, 3), Linear(2, 3))", None, None),
    ];
    for (notation, input, out_features) in cases {
        let module = parse(notation).expect("a network");
        assert_eq!(module.input_shape(), input, "{notation}");
        assert_eq!(module.out_features(), out_features, "{notation}");
    }
}

#[test]
fn summaries_count_products_per_position_and_name_what_does_not_fit() {
    let summary =
        parse("Sequential(Linear(2, 3), PReLU(), BatchNorm1d(4), LayerNorm(3, bias=False))")
            .and_then(|module| module.summary(Some(Shape::batch([4, 2]))))
            .expect("a summary");
    let rows: Vec<_> = summary
        .rows
        .iter()
        .map(|row| (row.parameters, row.buffers, row.formula.as_deref(), row.macs_per_sample))
        .collect();
    assert_eq!(
        rows,
        [
            (9, 0, Some("2*3+3"), 24),
            (1, 0, Some("1"), 0),
            (8, 9, Some("2*4"), 0),
            (3, 0, Some("3"), 0)
        ]
    );
    assert_eq!(summary.rows[2].output, Some(vec![4, 3]));
    let misfit = parse("2-3").map(|first| crate::nn::sequential([first, crate::nn::linear(4, 1)]));
    let error = misfit.and_then(|module| module.summary(None)).expect_err("a misfit");
    assert!(error.to_string().contains("layer \"1\" (Linear)"), "{error}");
    let unknown = parse("Sequential(ReLU())").and_then(|module| module.summary(None));
    assert_eq!(unknown.expect("a summary").rows[0].output, None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, rng_seed: proptest::test_runner::RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    /// Modules that fit nothing answer with an error that names a layer; those that fit keep their origins.
    #[test]
    fn lowering_any_module_gives_a_graph_or_names_a_layer(module in module(), width in 1_usize..9) {
        let input = module.input_shape().unwrap_or(Shape::batch([width]));
        for mode in [Mode::Train, Mode::Eval] {
            match Module::graph(&module, input.clone(), mode) {
                Ok(checked) => prop_assert!(checked.graph().output("y").is_some()),
                Err(error) => {
                    let place = error.place().unwrap_or("");
                    prop_assert!(place.starts_with("layer "), "{}", error);
                }
            }
        }
    }
}
