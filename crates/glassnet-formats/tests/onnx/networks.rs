//! Networks of every layer, which are written as ONNX: by the tests, and by the example that ONNX Runtime's answers are
//! compared with.

use glassnet::nn::{self, Network, StateDict};
use glassnet::{Tensor, Value};

/// Notations with the shape of a row.
pub(crate) const NETWORKS: &[(&str, &[usize])] = &[
    ("6-32-32-4", &[6]),
    ("Sequential(Linear(6, 16, bias=False), Tanh(), Linear(16, 3), Softmax(dim=1))", &[6]),
    (
        "Sequential(Linear(4, 8), BatchNorm1d(8), PReLU(8), Linear(8, 8), PReLU(), Linear(8, 2))",
        &[4],
    ),
    (
        "Sequential(BatchNorm1d(5, affine=False), Linear(5, 5), LayerNorm(5), Linear(5, 5), LayerNorm(5, elementwise_affine=False))",
        &[5],
    ),
    ("Sequential(LayerNorm((3, 4), eps=0.001), Linear(4, 2), LogSoftmax(dim=-1))", &[3, 4]),
    ("Sequential(Linear(4, 6), BatchNorm1d(3), PReLU(3), Flatten(), Linear(18, 2))", &[3, 4]),
    ("Sequential(Embedding(10, 4), Flatten(), Linear(12, 2))", &[3]),
    (
        "Sequential(Linear(5, 8), Tanh(), Residual(Linear(8, 8), GELU(), Linear(8, 8)), Linear(8, 2))",
        &[5],
    ),
    ("Sequential(Linear(3, 4), Sequential(Dropout(0.5), ReLU(), Identity()), Linear(4, 1))", &[3]),
    (
        "Sequential(OrderedDict([('fc1', Linear(3, 4)), ('silu1', SiLU()), ('fc2', Linear(4, 1))]))",
        &[3],
    ),
    (
        "Sequential(Linear(4, 4), LeakyReLU(0.2), Linear(4, 4), ELU(0.7), Linear(4, 4), CELU(1.5), Linear(4, 4), SELU())",
        &[4],
    ),
    (
        "Sequential(Linear(4, 4), GELU(), Linear(4, 4), GELU('tanh'), Linear(4, 4), SiLU(), Linear(4, 4), Mish())",
        &[4],
    ),
    (
        "Sequential(Linear(4, 4), Softplus(), Linear(4, 4), Softplus(2, 1), Linear(4, 4), Softsign(), Linear(4, 4), Sigmoid())",
        &[4],
    ),
    (
        "Sequential(Linear(4, 4), LogSigmoid(), Linear(4, 4), Hardtanh(-0.5, 0.7), Linear(4, 4), ReLU6(), Linear(4, 4))",
        &[4],
    ),
    ("Sequential(Linear(4, 4), Hardsigmoid(), Linear(4, 4), Hardswish(), Linear(4, 4))", &[4]),
    (
        "Sequential(Linear(4, 4), Formula('z*sigmoid(1.5*z)'), Linear(4, 4), Formula('piecewise(z > 0, z^2, sin(z)/2)'))",
        &[4],
    ),
    (
        "Sequential(Linear(4, 4), Formula('expm1(z) + abs(z) - log1p(z^2)'), Linear(4, 4), Formula('max(z, 0.1*z, erf(z))'))",
        &[4],
    ),
    ("Identity()", &[4]),
    ("Linear(3, 2)", &[3]),
];

/// The network of a notation, with statistics that are not those of the first step.
pub(crate) fn network(notation: &str) -> Network {
    let mut network = Network::new(nn::parse(notation).unwrap(), 1).unwrap();
    let mut state = StateDict::new();
    for (key, value) in network.state_dict().iter() {
        if let Value::F32(array) = value {
            let moved = |(at, number): (usize, &f32)| {
                let step = (at % 5) as f32 * 0.1;
                if key.ends_with("running_mean") || key.ends_with("bias") {
                    number + step - 0.2
                } else {
                    number * (1.0 + step)
                }
            };
            let data = array.data().iter().enumerate().map(moved).collect();
            state.insert(key, Tensor::new(array.shape().to_vec(), data).unwrap());
        }
    }
    network.load_state_dict(&state, false).unwrap();
    network
}

/// Rows for a network: floats around 0, or indices below 10.
pub(crate) fn rows(network: &Network, row: &[usize], count: usize) -> Value {
    let mut shape = vec![count];
    shape.extend(row);
    let elements = shape.iter().product::<usize>();
    let numbers = (0..elements).map(|at| (at * 7919 % 1009) as f32 / 252.0 - 2.0);
    if network.module().input_dtype() == glassnet::graph::DType::I64 {
        Tensor::new(shape, (0..elements).map(|at| (at * 7919 % 10) as i64).collect())
            .unwrap()
            .into()
    } else {
        Tensor::new(shape, numbers.collect()).unwrap().into()
    }
}
