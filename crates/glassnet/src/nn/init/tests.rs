//! Initialisers against PyTorch's goldens, their text form, their errors.

use serde::Deserialize;

use super::*;
use crate::error::ErrorKind;
use crate::math::torch_random::goldens::{self, GoldenTensor, architectures};

fn next_uniform(generator: &mut TorchGenerator) -> f32 {
    let mut value = [0.0];
    generator.uniform_(&mut value, 0.0, 1.0).unwrap();
    value[0]
}

#[test]
fn every_initialiser_follows_pytorch() {
    let goldens = goldens::initialisers();
    assert!(goldens.len() > 100);
    for golden in goldens {
        let context = format!("{} {:?}", golden.expression, golden.tensor.shape);
        let init: Init = golden.expression.parse().unwrap();
        let mut generator = TorchGenerator::new(golden.seed);
        let mut tensor = Tensor::full(golden.tensor.shape.clone(), f32::NAN);
        init.apply(&mut tensor, &mut generator).unwrap();
        match tolerance(&init, &tensor) {
            None => golden.tensor.assert_same_bits(tensor.shape(), tensor.data(), &context),
            Some(tolerance) => {
                golden.tensor.assert_close(tensor.shape(), tensor.data(), tolerance, &context)
            }
        }
        assert_eq!(next_uniform(&mut generator), golden.next_uniform, "{context}: draws consumed");
    }
}

/// How far from PyTorch an element may be; `None` for bit for bit.
fn tolerance(init: &Init, tensor: &Tensor<f32>) -> Option<f64> {
    let largest = tensor.data().iter().fold(0.0_f32, |largest, w| largest.max(w.abs()));
    match *init {
        Init::Uniform { .. }
        | Init::Constant(_)
        | Init::Zeros
        | Init::Ones
        | Init::Eye
        | Init::KaimingUniform { .. }
        | Init::XavierUniform { .. } => None,
        Init::TruncNormal { std, .. } | Init::Normal { std, .. } => Some(1e-4 * std),
        // At least 99 % of all draws lie within three deviations.
        Init::KaimingNormal { .. } | Init::XavierNormal { .. } => {
            Some(1e-4 * f64::from(largest) / 3.0)
        }
        Init::Orthogonal { gain } => Some(1e-5 * gain),
    }
}

#[test]
fn gains_are_pytorchs() {
    #[derive(Deserialize)]
    struct Gain {
        nonlinearity: String,
        param: Option<f64>,
        gain: f64,
    }
    let file = include_str!("../../../tests/goldens/init/initialisers.json");
    let gains: Vec<Gain> = goldens::read(file, "gains");
    assert_eq!(gains.len(), 9);
    for Gain { nonlinearity, param, gain } in gains {
        assert_eq!(calculate_gain(nonlinearity.parse().unwrap(), param), gain, "{nonlinearity}");
    }
}

/// A layer with parameters, as the architectures' expressions name it.
enum Part {
    Linear(usize, usize, bool),
    Embedding(usize, usize, Option<i64>),
    /// Constants that draw nothing: normalisation, PReLU.
    Constants(&'static [(&'static str, usize, f32)]),
}

/// The layers of each golden architecture in PyTorch's order of construction, with the keys of their tensors.
fn parts(name: &str) -> Vec<(&'static str, Part)> {
    use Part::{Constants, Embedding, Linear};
    match name {
        "two-units" => vec![("", Linear(2, 2, true))],
        "one-unit" => vec![("", Linear(1, 1, true))],
        "weather" => vec![
            ("0.", Linear(6, 32, true)),
            ("2.", Linear(32, 32, true)),
            ("4.", Linear(32, 32, true)),
            ("6.", Linear(32, 4, true)),
        ],
        "mnist" => vec![
            ("0.", Linear(784, 128, true)),
            ("2.", Linear(128, 64, true)),
            ("4.", Linear(64, 10, true)),
        ],
        "digits" => vec![("0.", Linear(64, 64, true)), ("2.", Linear(64, 10, true))],
        "no-bias" => vec![("0.", Linear(5, 7, false)), ("2.", Linear(7, 3, false))],
        "batch-norm" => vec![
            ("0.", Linear(10, 16, true)),
            (
                "1.",
                Constants(&[
                    ("weight", 16, 1.0),
                    ("bias", 16, 0.0),
                    ("running_mean", 16, 0.0),
                    ("running_var", 16, 1.0),
                ]),
            ),
            ("3.", Linear(16, 3, true)),
        ],
        "layer-norm" => vec![
            ("0.", Linear(8, 12, true)),
            ("1.", Constants(&[("weight", 12, 1.0), ("bias", 12, 0.0)])),
            ("4.", Linear(12, 2, true)),
        ],
        "embedding" => vec![("0.", Embedding(20, 4, None)), ("2.", Linear(12, 5, true))],
        "padded-embedding" => vec![("0.", Embedding(5, 3, Some(0))), ("1.", Linear(3, 2, true))],
        "prelu" => vec![
            ("0.", Linear(4, 6, true)),
            ("1.", Constants(&[("weight", 1, 0.25)])),
            ("2.", Linear(6, 6, true)),
            ("3.", Constants(&[("weight", 6, 0.25)])),
            ("4.", Linear(6, 1, true)),
        ],
        "nested" => vec![
            ("0.0.", Linear(3, 4, true)),
            ("1.0.", Linear(4, 4, true)),
            ("1.1.1.", Linear(4, 2, true)),
        ],
        other => panic!("no layers are written down for {other}"),
    }
}

fn construct(part: &Part, generator: &mut TorchGenerator) -> Vec<(&'static str, Tensor<f32>)> {
    match *part {
        Part::Linear(inputs, outputs, bias) => {
            let (weight, bias) = linear_default(outputs, inputs, bias, generator).unwrap();
            [Some(("weight", weight)), bias.map(|bias| ("bias", bias))]
                .into_iter()
                .flatten()
                .collect()
        }
        Part::Embedding(count, dim, padding) => {
            vec![("weight", embedding_default(count, dim, padding, generator).unwrap())]
        }
        Part::Constants(list) => {
            list.iter().map(|&(key, len, value)| (key, Tensor::full([len], value))).collect()
        }
    }
}

#[test]
fn default_weights_of_twelve_architectures_are_pytorchs() {
    let goldens = architectures();
    assert_eq!(goldens.len(), 12 * 4);
    for golden in goldens {
        let mut generator = TorchGenerator::new(golden.seed);
        let mut floats = golden.tensors.iter().filter(|tensor| tensor.dtype == "float32");
        for (prefix, part) in parts(&golden.name) {
            for (key, tensor) in construct(&part, &mut generator) {
                let expected: &GoldenTensor = floats.next().expect("as many tensors as PyTorch");
                let context = format!("{}, seed {}, {prefix}{key}", golden.expression, golden.seed);
                assert_eq!(format!("{prefix}{key}"), expected.key, "{context}");
                match part {
                    Part::Embedding(..) => {
                        expected.assert_close(tensor.shape(), tensor.data(), 1e-4, &context)
                    }
                    Part::Linear(..) | Part::Constants(_) => {
                        expected.assert_same_bits(tensor.shape(), tensor.data(), &context)
                    }
                }
            }
        }
        assert!(floats.next().is_none(), "{}: PyTorch has more tensors", golden.name);
        assert_eq!(next_uniform(&mut generator), golden.next_uniform, "{}", golden.expression);
    }
}

#[test]
fn a_padding_row_is_zero() {
    for index in [1, -2] {
        let weight = embedding_default(3, 2, Some(index), &mut TorchGenerator::new(0)).unwrap();
        assert_eq!(weight.row(1), [0.0, 0.0]);
        assert!(weight.row(0).iter().chain(weight.row(2)).all(|&w| w != 0.0));
    }
    for (rows, index) in [(3, 3), (3, -4), (0, 0), (3, i64::MIN), (3, i64::MAX)] {
        let error =
            embedding_default(rows, 2, Some(index), &mut TorchGenerator::new(0)).unwrap_err();
        assert_eq!(error.what(), "Padding_idx must be within num_embeddings");
    }
}

#[test]
fn empty_layers_are_made_as_in_pytorch() {
    let mut generator = TorchGenerator::new(0);
    let (weight, bias) = linear_default(3, 0, true, &mut generator).unwrap();
    assert_eq!(weight.shape(), [3, 0]);
    assert_eq!(bias.unwrap().data(), [0.0; 3]);
    // The three zeros were drawn all the same.
    assert_eq!(generator.state().draws, 3);
    let (weight, bias) = linear_default(0, 3, true, &mut generator).unwrap();
    assert_eq!((weight.shape(), bias.unwrap().shape()), (&[0, 3][..], &[0][..]));
}

#[test]
fn layers_beyond_memory_are_an_error() {
    for (outputs, inputs) in [(usize::MAX, 2), (1 << 40, 1 << 20)] {
        let error = linear_default(outputs, inputs, true, &mut TorchGenerator::new(0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
    }
}

#[test]
fn unsuitable_tensors_and_arguments_are_named() {
    let relu = Nonlinearity::Relu;
    let matrix = || Tensor::full([2, 3], 7.0);
    let vector = || Tensor::full([3], 7.0);
    let mut g = TorchGenerator::new(0);
    let fan = "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions";
    let errors = [
        (kaiming_uniform_(&mut vector(), 0.0, FanMode::FanIn, relu, &mut g), fan),
        (kaiming_normal_(&mut vector(), 0.0, FanMode::FanOut, relu, &mut g), fan),
        (xavier_uniform_(&mut vector(), 1.0, &mut g), fan),
        (xavier_normal_(&mut Tensor::scalar(1.0), 1.0, &mut g), fan),
        (
            xavier_normal_(&mut Tensor::full([0, 0], 1.0), 1.0, &mut g),
            "fan_in + fan_out is 0, so the scale of the weights is undefined",
        ),
        (eye_(&mut vector()), "Only tensors with 2 dimensions are supported"),
        (
            orthogonal_(&mut vector(), 1.0, &mut g),
            "Only tensors with 2 or more dimensions are supported",
        ),
        (normal_(&mut matrix(), 0.0, -1.0, &mut g), "normal expects std >= 0.0, but found std -1"),
        (
            uniform_(&mut matrix(), 1.0, 0.0, &mut g),
            "uniform_ expects to return a [from, to) range, but found from=1 > to=0",
        ),
        (
            trunc_normal_(&mut matrix(), 0.0, 0.0, -1.0, 1.0, &mut g),
            "trunc_normal_ expects std > 0.0, but found std 0",
        ),
        (
            trunc_normal_(&mut matrix(), 0.0, 1.0, 2.0, 1.0, &mut g),
            "uniform_ expects to return a [from, to) range, but found from=2 > to=1",
        ),
    ];
    for (result, what) in errors {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.what()), (ErrorKind::Usage, what));
    }
    assert_eq!(g.state().draws, 0);
}

#[test]
fn hopeless_bounds_end() {
    let mut tensor = Tensor::full([4], 7.0);
    let result = trunc_normal_(&mut tensor, 0.0, 1.0, 100.0, 1e9, &mut TorchGenerator::new(0));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(tensor.data(), [7.0; 4]);
}

#[test]
fn text_reads_back() {
    for text in [
        "uniform_(a=-0.1, b=0.1)",
        "normal_(mean=0, std=1e-5)",
        "trunc_normal_(mean=0, std=0.02, a=-2, b=2)",
        "constant_(val=0.3)",
        "zeros_()",
        "ones_()",
        "eye_()",
        "kaiming_uniform_(a=0, mode='fan_in', nonlinearity='relu')",
        "kaiming_normal_(a=0.25, mode='fan_out', nonlinearity='leaky_relu')",
        "xavier_uniform_(gain=1.6666666666666667)",
        "xavier_normal_(gain=1)",
        "orthogonal_(gain=1)",
    ] {
        assert_eq!(text.parse::<Init>().unwrap().to_string(), text);
    }
}

#[test]
fn text_takes_pytorchs_defaults_and_order() {
    for (text, printed) in [
        ("uniform_", "uniform_(a=0, b=1)"),
        (" nn.init.normal_( 0.5 , std = 2. ) ", "normal_(mean=0.5, std=2)"),
        ("torch.nn.init.trunc_normal_(b=3)", "trunc_normal_(mean=0, std=1, a=-2, b=3)"),
        ("kaiming_uniform_()", "kaiming_uniform_(a=0, mode='fan_in', nonlinearity='leaky_relu')"),
        (
            "init.kaiming_normal_(0.1, \"FAN_OUT\",)",
            "kaiming_normal_(a=0.1, mode='fan_out', nonlinearity='leaky_relu')",
        ),
        ("constant_(-3)", "constant_(val=-3)"),
        ("orthogonal_()", "orthogonal_(gain=1)"),
    ] {
        assert_eq!(text.parse::<Init>().unwrap().to_string(), printed, "{text}");
    }
}

#[test]
fn unreadable_text_is_pointed_at() {
    for (text, what, caret) in [
        ("kaiming_(a=0)", "there is no initialiser \"kaiming_\"", "^^^^^^^^"),
        ("normal_(0, 1", "the call does not end with ')'", "            ^"),
        ("normal_(mu=0)", "normal_ has no argument \"mu\"", "        ^^^^"),
        ("normal_(0, 1, 2)", "normal_ takes at most 2 arguments", "              ^"),
        ("normal_(0, mean=1)", "\"mean\" is given twice", "           ^^^^^^"),
        ("normal_(mean=1, 2)", "positional argument follows keyword argument", "                ^"),
        ("normal_(std=ä)", "std must be a finite number, it is ä", "            ^"),
        ("normal_(std=inf)", "std must be a finite number, it is inf", "            ^^^"),
        ("normal_(,)", "mean must be a finite number, it is ", "          ^"),
        ("constant_()", "constant_ needs its argument val", "           ^"),
        ("zeros_(1)", "zeros_ takes at most 0 arguments", "       ^"),
        (
            "kaiming_uniform_(mode='fan')",
            "Mode fan not supported, please use one of ['fan_in', 'fan_out']",
            "                      ^^^^^",
        ),
        (
            "kaiming_uniform_(mode=fan_in)",
            "mode must be a name in quotes, it is fan_in",
            "                      ^^^^^^",
        ),
        (
            "kaiming_uniform_(nonlinearity='gelu')",
            "Unsupported nonlinearity gelu",
            "                              ^^^^^^",
        ),
        ("", "there is no initialiser \"\"", "^"),
    ] {
        let error = text.parse::<Init>().unwrap_err();
        assert_eq!(error.what(), what, "{text}");
        assert_eq!(error.details(), [text, caret], "{text}");
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
}
