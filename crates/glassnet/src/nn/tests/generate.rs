//! Random modules, valid in every argument.

use crate::nn::{
    Activation, Approximate, BatchNorm1d, Dropout, EmbedColumns, Embedding, Flatten, Formula,
    LayerNorm, Linear, Module, Prelu, Residual, Scalar, Sequential,
};
use proptest::prelude::*;

/// Any module: nested containers of any layers, which need not fit each other.
pub(super) fn module() -> impl Strategy<Value = Module> {
    layer().prop_recursive(4, 24, 4, |inner| {
        let positional = prop::collection::vec(inner.clone(), 0..4);
        let names = prop::collection::hash_map("[a-zA-Z_µ' \"\\\\\n-]{1,6}", inner, 1..4);
        prop_oneof![
            positional.clone().prop_map(|children| Sequential::new(children).into()),
            positional.prop_map(|children| Residual { inner: Sequential::new(children) }.into()),
            names.clone().prop_map(|children| Sequential::named(children).into()),
            names.prop_map(|children| Residual { inner: Sequential::named(children) }.into()),
        ]
    })
}

fn scalar(range: std::ops::Range<f64>) -> impl Strategy<Value = Scalar> {
    let whole = range.start.ceil() as i64..range.end.floor() as i64 + 1;
    prop_oneof![range.prop_map(Scalar::Float), whole.prop_map(Scalar::Int)]
}

fn layer() -> impl Strategy<Value = Module> {
    let eps = prop_oneof![Just(Scalar::Float(1e-5)), scalar(0.0..1.0), Just(Scalar::Float(3e-17))];
    let dim = prop::option::of(-3_i64..3);
    prop_oneof![
        (1_usize..9, 1_usize..9, any::<bool>()).prop_map(|(in_features, out_features, bias)| {
            Linear { in_features, out_features, bias }.into()
        }),
        activation().prop_map(Module::Activation),
        (1_usize..4, scalar(-1.0..1.0)).prop_map(|(num_parameters, init)| Prelu {
            num_parameters,
            init
        }
        .into()),
        prop::sample::select(vec!["z*tanh(z)", "piecewise(z > 0, z, z^2/3)", "x + 1", "-z"])
            .prop_map(|text| Formula::new(text).expect("a formula").into()),
        dim.clone().prop_map(|dim| Module::Softmax { dim }),
        dim.prop_map(|dim| Module::LogSoftmax { dim }),
        Just(Module::Identity),
        (-3_i64..3, -3_i64..3)
            .prop_map(|(start_dim, end_dim)| Flatten { start_dim, end_dim }.into()),
        (scalar(0.0..1.0), any::<bool>()).prop_map(|(p, inplace)| Dropout { p, inplace }.into()),
        (
            1_usize..9,
            eps.clone(),
            prop::option::of(scalar(0.0..1.0)),
            any::<bool>(),
            any::<bool>(),
            any::<bool>()
        )
            .prop_map(
                |(num_features, eps, momentum, affine, track_running_stats, bias)| {
                    BatchNorm1d { num_features, eps, momentum, affine, track_running_stats, bias }
                        .into()
                }
            ),
        (prop::collection::vec(1_usize..5, 1..4), eps, any::<bool>(), any::<bool>()).prop_map(
            |(normalized_shape, eps, elementwise_affine, bias)| {
                LayerNorm { normalized_shape, eps, elementwise_affine, bias }.into()
            }
        ),
        (
            3_usize..9,
            1_usize..5,
            prop::option::of(-3_i64..3),
            prop::option::of(scalar(0.5..2.0)),
            scalar(0.5..3.0),
            any::<bool>(),
            any::<bool>()
        )
            .prop_map(|(rows, dim, padding_idx, max_norm, norm_type, by_freq, sparse)| {
                Embedding {
                    padding_idx,
                    max_norm,
                    norm_type,
                    scale_grad_by_freq: by_freq,
                    sparse,
                    ..Embedding::new(rows, dim)
                }
                .into()
            }),
        prop::collection::btree_map(0_usize..6, (3_usize..9, 1_usize..5, any::<bool>()), 0..4)
            .prop_map(|tables| {
                let table = |(column, (rows, dim, padded)): (usize, (usize, usize, bool))| {
                    let padding_idx = padded.then_some(0);
                    (column, Embedding { padding_idx, ..Embedding::new(rows, dim) })
                };
                EmbedColumns::new(tables.into_iter().map(table)).into()
            }),
    ]
}

fn activation() -> impl Strategy<Value = Activation> {
    let plain = any::<bool>().prop_flat_map(|inplace| {
        prop::sample::select(vec![
            Activation::Relu { inplace },
            Activation::Selu { inplace },
            Activation::Silu { inplace },
            Activation::Mish { inplace },
            Activation::Relu6 { inplace },
            Activation::Hardsigmoid { inplace },
            Activation::Hardswish { inplace },
            Activation::Softsign,
            Activation::Sigmoid,
            Activation::LogSigmoid,
            Activation::Tanh,
            Activation::Gelu { approximate: Approximate::None },
            Activation::Gelu { approximate: Approximate::Tanh },
        ])
    });
    let shaped = (scalar(0.5..3.0), scalar(4.0..30.0), any::<bool>());
    let shaped = shaped.prop_flat_map(|(low, high, inplace)| {
        prop::sample::select(vec![
            Activation::LeakyRelu { negative_slope: low, inplace },
            Activation::Elu { alpha: low, inplace },
            Activation::Celu { alpha: low, inplace },
            Activation::Softplus { beta: low, threshold: high },
            Activation::Hardtanh { min_val: low, max_val: high, inplace },
        ])
    });
    prop_oneof![plain, shaped]
}
