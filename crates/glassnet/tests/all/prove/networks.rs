//! Networks whose exact values are far smaller than the terms they are sums of, with a counterexample that is known.

use glassnet::Tensor;
use glassnet::graph::Shape;
use glassnet::math::random::Stream;
use glassnet::nn::{self, Mode, StateDict};
use glassnet::prove::exact::evaluate;
use glassnet::prove::{Case, Constraint, Interval, Network, Property, Weight, lower};

/// Numbers of one network's stream.
pub(crate) struct Draws(Stream);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Draws(Stream::at(seed, 0, 0))
    }

    /// In [-1, 1).
    pub(crate) fn signed(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0
    }

    /// One of `0..count`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        (((self.signed() + 1.0) / 2.0 * count as f32) as usize).min(count - 1)
    }
}

/// The prover's network of `notation` with `state`.
pub(crate) fn network(notation: &str, state: &StateDict) -> Network {
    let module = nn::parse(notation).expect("the notation is right");
    let width = module.in_features().expect("its first layer is linear");
    let graph = module.graph(Shape::batch([width]), Mode::Eval).expect("it fits");
    lower(&graph, "x", "y", &|key| state.floats(key).map(Weight::Fixed)).expect("it is supported")
}

/// A network of units in pairs that nearly cancel, a small box of 1 to 3 inputs, or of `further` more, and a property that a
/// point of the box breaks by nothing or by the last bit.
pub(crate) fn cancelling(seed: u64, further: usize) -> (Network, Property) {
    let mut draws = Draws::new(seed);
    let (inputs, pairs) = (1 + draws.below(3) + further, 1 + draws.below(6));
    let units = 2 * pairs;
    let scale = 10.0_f32.powi(draws.below(9) as i32);
    let mut first = vec![];
    let mut bias = vec![];
    for _ in 0..pairs {
        let row: Vec<f32> = (0..inputs).map(|_| draws.signed() * scale).collect();
        let offset = draws.signed() * scale + 2.0 * scale;
        // The second of a pair differs in the last bit of some weights.
        first.extend(&row);
        for w in row {
            first.push(if draws.below(2) == 0 { w } else { w.next_up() });
        }
        bias.extend([offset, if draws.below(2) == 0 { offset } else { offset.next_up() }]);
    }
    let second: Vec<f32> = (0..pairs)
        .flat_map(|_| {
            let weight = draws.signed();
            [weight, -weight]
        })
        .collect();
    let last = draws.signed() * 1e-3;
    let array =
        |shape: Vec<usize>, data: Vec<f32>| Tensor::new(shape, data).expect("it fits").into();
    let state = StateDict::from_iter([
        ("0.weight", array(vec![units, inputs], first)),
        ("0.bias", array(vec![units], bias)),
        ("2.weight", array(vec![1, units], second)),
        ("2.bias", array(vec![1], vec![last])),
    ]);
    let notation = format!("Sequential(Linear({inputs}, {units}), ReLU(), Linear({units}, 1))");
    let network = network(&notation, &state);
    let point: Vec<f64> = (0..inputs).map(|_| f64::from(draws.signed())).collect();
    let domain = point
        .iter()
        .map(|x| Interval::new(x - 1e-3, x + 1e-3).expect("the ends are in order"))
        .collect();
    // The exact value reaches this threshold, by less than one bit.
    let value = evaluate(&network, &point).expect("the point fits")[0].lo.floor_f64();
    let constraint =
        Constraint { outputs: vec![(0, -1.0)], constant: value, ..Constraint::default() };
    (network, Property { cases: vec![Case { domain, constraints: vec![constraint] }] })
}

/// One network for each sort of activation.
pub(crate) const NOTATIONS: [&str; 11] = [
    "Sequential(Linear(3, 8), ReLU(), Linear(8, 8), ReLU(), Linear(8, 2))",
    "Sequential(Linear(3, 6), LeakyReLU(0.1), BatchNorm1d(6), Linear(6, 2))",
    "Sequential(Linear(3, 6), PReLU(), Linear(6, 6), Hardtanh(-0.5, 0.75), Linear(6, 2))",
    "Sequential(Linear(3, 6), ReLU6(), Linear(6, 6), Hardsigmoid(), Linear(6, 2))",
    "Sequential(Linear(3, 6), Sigmoid(), Linear(6, 6), Tanh(), Linear(6, 2))",
    "Sequential(Linear(3, 6), GELU(), Linear(6, 6), SiLU(), Linear(6, 2))",
    "Sequential(Linear(3, 6), Softplus(), Linear(6, 6), ELU(), Linear(6, 2))",
    "Sequential(Linear(3, 6), Mish(), Linear(6, 6), GELU(approximate='tanh'), Linear(6, 2))",
    "Sequential(Linear(3, 6), ReLU(), Linear(6, 4), Softmax(dim=1))",
    "Sequential(Linear(3, 6), ReLU(), Linear(6, 4), LogSoftmax(dim=1))",
    "Sequential(Linear(3, 6), LayerNorm(6), ReLU(), Linear(6, 2))",
];

/// Random weights for a module, larger than those of a fresh network.
pub(crate) fn state(notation: &str, seed: u64) -> StateDict {
    let mut draws = Draws::new(seed);
    let shapes = nn::parse(notation).expect("the notation is right").state_shapes();
    let arrays = shapes.into_iter().map(|array| {
        let size = array.elements() as usize;
        let positive = array.key.ends_with("running_var");
        let data =
            (0..size).map(|_| if positive { draws.signed() + 1.5 } else { draws.signed() * 1.5 });
        let tensor = Tensor::new(array.shape, data.collect()).expect("it fits");
        (array.key, tensor.into())
    });
    arrays.filter(|(key, _)| !key.ends_with("tracked")).collect()
}

/// A box of `inputs` inputs within [-1, 1], the smaller the greater `size` is.
pub(crate) fn small_box(draws: &mut Draws, inputs: usize, size: i32) -> Vec<Interval> {
    (0..inputs)
        .map(|_| {
            let (a, b) = (f64::from(draws.signed()), f64::from(draws.signed()));
            let near = a + (b - a) * 0.1_f64.powi(size);
            Interval::new(a.min(near), a.max(near)).expect("the ends are in order")
        })
        .collect()
}
