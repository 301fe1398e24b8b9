//! The trace is what training computes, bit for bit, and its local derivatives multiply to its gradients.

use super::{Basis, Config, Trace};
use crate::engine::{self, Draw};
use crate::error::Result;
use crate::graph::NodeId;
use crate::nn::loss::Criterion;
use crate::nn::{self, Mode, Network};
use crate::tensor::Tensor;
use crate::train::optimizer::Optimizer;
use crate::train::{
    self, Control, Dataset, Features, Observer, Session, Shuffle, StepEvent, Target,
};

const NETWORKS: [(&str, &str); 12] = [
    ("Sequential(Linear(4, 5), ReLU(), Linear(5, 3))", "cross_entropy"),
    ("Sequential(Linear(4, 5), Tanh(), Linear(5, 3))", "CrossEntropyLoss(label_smoothing=0.1)"),
    ("Sequential(Linear(4, 5), GELU(), Linear(5, 3))", "cross_entropy"),
    ("Sequential(Linear(4, 5), BatchNorm1d(5), ReLU(), Linear(5, 3))", "cross_entropy"),
    ("Sequential(Linear(4, 5), LayerNorm(5), SiLU(), Linear(5, 3))", "cross_entropy"),
    ("Sequential(Linear(4, 4), Residual(Linear(4, 4), ReLU()), Linear(4, 3))", "cross_entropy"),
    ("Sequential(Linear(4, 5), PReLU(), Linear(5, 3), LogSoftmax(dim=1))", "nll"),
    ("Sequential(Linear(4, 5), Sigmoid(), Linear(5, 3))", "mse"),
    ("Sequential(Linear(4, 5), LeakyReLU(), Linear(5, 3), Sigmoid())", "bce"),
    ("Sequential(Linear(4, 5), Softplus(), Linear(5, 3))", "huber"),
    (
        "Sequential(Linear(4, 5), Formula('z*sigmoid(z)+max(z,0)'), Linear(5, 3), Softmax(dim=1))",
        "l1",
    ),
    ("Sequential(Linear(4, 5), ReLU(), Dropout(0.5), Linear(5, 3))", "bce_with_logits"),
];

const OPTIMIZERS: [&str; 9] = [
    "SGD(lr=0.1, momentum=0.9)",
    "SGD(lr=0.1, momentum=0.9, nesterov=True)",
    "Adam(lr=0.01)",
    "AdamW(lr=0.01)",
    "NAdam(lr=0.01)",
    "RAdam(lr=0.01)",
    "RMSprop(lr=0.01)",
    "Adagrad(lr=0.01)",
    "Adadelta()",
];

fn rows(criterion: &str) -> Result<Dataset> {
    let numbers = |count: usize, by: f32| -> Vec<f32> {
        (0..count).map(|at| ((at * 7 + 3) % 11) as f32 * by - 0.4).collect()
    };
    let x = Features::Floats(Tensor::new([6, 4], numbers(24, 0.2))?);
    let target = if criterion.contains("ross_entropy")
        || criterion.contains("CrossEntropy")
        || criterion == "nll"
    {
        Target::Classes(vec![0, 1, 2, 0, 2, 1])
    } else {
        let values = numbers(18, 0.1).into_iter().map(|value| (value + 0.4).min(1.0)).collect();
        Target::Values(Tensor::new([6, 3], values)?)
    };
    Dataset::new(x, target)
}

/// What a step of training showed.
#[derive(Default)]
struct Seen {
    loss: f32,
    gradients: Vec<f32>,
    after: Vec<f32>,
}

impl Observer for Seen {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        self.loss = event.loss;
        self.gradients = event.gradients.to_vec();
        self.after = event.block.parameters().to_vec();
        Control::Continue
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn the_trace_is_what_training_computes_bit_for_bit() -> Result<()> {
    for (notation, loss) in NETWORKS {
        let network = Network::new(nn::parse(notation)?, 3)?;
        let (data, criterion) = (rows(loss)?, Criterion::parse(loss)?);
        for (at, optimizer) in OPTIMIZERS.into_iter().enumerate() {
            let optimizer = Optimizer::parse(optimizer)?;
            let settings = train::Config {
                epochs: 1,
                batch_size: 6,
                shuffle: Shuffle::None,
                seed: 5,
                ..train::Config::new(criterion.clone(), optimizer)
            };
            let mut seen = Seen::default();
            Session::new(network.clone(), &data, None, &settings)?.epoch(&mut seen)?;
            let engine = engine::Config { fuse: at % 2 == 0, ..engine::Config::default() };
            let draw = Draw { seed: 5, step: 0 };
            let config = Config { mode: Mode::Train, engine, draw, as_written: at % 3 == 0 };
            let trace = Trace::new(&network, &data, &criterion, &config)?;
            let update = trace.update(&optimizer)?;
            let name = format!("{notation} {optimizer}");
            assert_eq!(trace.loss_value().map(f32::to_bits), Some(seen.loss.to_bits()), "{name}");
            assert_eq!(bits(&update.gradients), bits(&seen.gradients), "{name}");
            assert_eq!(bits(&update.after), bits(&seen.after), "{name}");
            assert_ne!(update.after, update.before, "{name}");
            // By name they are the same numbers as in the block.
            for parameter in trace.parameters() {
                let range =
                    update.range(&parameter.key).expect("every parameter lies in the block");
                let own = trace.gradient_values(&parameter.key).expect("there is a loss");
                assert_eq!(bits(own), bits(&seen.gradients[range]), "{name} {}", parameter.key);
            }
        }
    }
    Ok(())
}

#[test]
fn evaluation_is_what_prediction_computes() -> Result<()> {
    for (notation, loss) in NETWORKS {
        let network = Network::new(nn::parse(notation)?, 3)?;
        let (data, criterion) = (rows(loss)?, Criterion::parse(loss)?);
        let trace = Trace::new(&network, &data, &criterion, &Config::default())?;
        let Features::Floats(x) = data.features() else { continue };
        let predicted = network.forward(x)?;
        assert_eq!(bits(trace.floats(trace.output()).unwrap()), bits(predicted.data()));
        let forward = Trace::forward(&network, data.features(), &Config::default())?;
        assert_eq!(bits(forward.floats(forward.output()).unwrap()), bits(predicted.data()));
    }
    Ok(())
}

/// Every forward node's derivative by the chain rule over its users' local derivatives.
fn chain_rule(trace: &Trace) -> Vec<Vec<f64>> {
    let graph = trace.graph().graph();
    let forward: Vec<NodeId> = graph.ids().filter(|&id| trace.is_forward(id)).collect();
    let mut slopes: Vec<Vec<f64>> =
        forward.iter().map(|&id| vec![0.0; trace.shape(id).iter().product()]).collect();
    slopes[trace.loss().unwrap().index()][0] = 1.0;
    for &id in forward.iter().rev() {
        let above = slopes[id.index()].clone();
        for (element, above) in above.into_iter().enumerate().filter(|(_, above)| *above != 0.0) {
            trace.edges(id, element, Basis::Exact, None, &mut |edge| {
                let operand = graph.node(id).operands()[edge.operand];
                if let Some(slope) = edge.derivative {
                    slopes[operand.index()][edge.element] += above * slope;
                }
            });
        }
    }
    slopes
}

#[test]
fn local_derivatives_multiply_to_the_gradients() -> Result<()> {
    for (notation, loss) in NETWORKS {
        for mode in [Mode::Eval, Mode::Train] {
            let network = Network::new(nn::parse(notation)?, 3)?;
            let (data, criterion) = (rows(loss)?, Criterion::parse(loss)?);
            let config = Config { mode, ..Config::default() };
            let trace = Trace::new(&network, &data, &criterion, &config)?;
            let slopes = chain_rule(&trace);
            let mut checked = 0;
            for parameter in trace.parameters() {
                let gradient = trace.exact_gradient(&parameter.key).unwrap();
                for (found, wanted) in slopes[parameter.node.index()].iter().zip(gradient) {
                    assert!(
                        (found - wanted).abs() <= 1e-12 * (1.0 + wanted.abs()),
                        "{notation} {mode:?} {}: {found} {wanted}",
                        parameter.key
                    );
                    checked += 1;
                }
            }
            assert!(checked > 30);
            // What flows backwards is there by node, too.
            for layer in trace.layers() {
                let Some(node) = trace.derivative(layer.output) else { continue };
                for (found, wanted) in
                    slopes[layer.output.index()].iter().zip(trace.exact(node).unwrap())
                {
                    assert!((found - wanted).abs() <= 1e-12 * (1.0 + wanted.abs()), "{notation}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn gradients_are_linear_in_what_flows_back() -> Result<()> {
    for (notation, loss) in NETWORKS {
        let network = Network::new(nn::parse(notation)?, 3)?;
        let (data, criterion) = (rows(loss)?, Criterion::parse(loss)?);
        let config = Config { mode: Mode::Train, ..Config::default() };
        let trace = Trace::new(&network, &data, &criterion, &config)?;
        let graph = trace.graph().graph();
        for id in graph.ids().filter(|&id| !trace.is_forward(id)) {
            let name = graph.node(id).op().name();
            if !name.ends_with("_grad") {
                continue;
            }
            for (element, &value) in trace.exact(id).unwrap().iter().enumerate() {
                let mut sum = 0.0;
                let source = graph.node(id).operands();
                trace.edges(id, element, Basis::Exact, Some(0), &mut |edge| {
                    let above = trace.exact(source[0]).unwrap()[edge.element];
                    sum += edge.derivative.unwrap() * above;
                });
                assert!((sum - value).abs() <= 1e-12 * (1.0 + value.abs()), "{notation} {name}");
            }
        }
    }
    Ok(())
}

/// The network of task 2.5: the corners (0, 1) and (1, 0) lie exactly on both kinks.
fn exercise() -> Result<(Network, Dataset)> {
    let state = nn::StateDict::from_iter([
        ("0.weight", Tensor::new([2, 2], vec![3.21_f32, 3.21, -2.34, -2.34])?.into()),
        ("0.bias", Tensor::new([2], vec![-3.21_f32, 2.34])?.into()),
        ("2.weight", Tensor::new([2, 2], vec![3.19_f32, 4.64, -2.68, -3.44])?.into()),
        ("2.bias", Tensor::new([2], vec![-4.08_f32, 4.42])?.into()),
    ]);
    let network = Network::with_state(nn::parse("2-2-2")?, &state)?;
    let x = Tensor::from_rows(&[[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0_f32]])?;
    Ok((network, Dataset::new(Features::Floats(x), Target::Classes(vec![0, 1, 1, 0]))?))
}

#[test]
fn an_element_tells_where_it_came_from() -> Result<()> {
    let (network, rows) = exercise()?;
    let criterion = Criterion::parse("cross_entropy")?;
    let config = Config { as_written: true, ..Config::default() };
    let trace = Trace::new(&network, &rows, &criterion, &config)?;
    let (linear, relu) = (trace.layer("0").unwrap().output, trace.layer("1").unwrap().output);
    let sum = trace.element(linear, 2)?; // row (0, 1), first unit: 3.21·0 + 3.21·1 − 3.21
    assert_eq!((sum.value, sum.coordinates.as_slice()), (0.0, [1, 0].as_slice()));
    let operands: Vec<(&str, usize, f32)> =
        sum.operands.iter().map(|o| (o.name.as_str(), o.element, o.value)).collect();
    let wanted = [
        ("x", 2, 0.0),
        ("0.weight", 0, 3.21),
        ("x", 3, 1.0),
        ("0.weight", 1, 3.21),
        ("0.bias", 0, -3.21),
    ];
    assert_eq!(operands, wanted);
    // Terms of size 3.21 cancel to exactly 0: nothing is left of their digits.
    assert_eq!(sum.precision.cancellation, Some(f64::INFINITY));
    let unit = trace.element(relu, 2)?;
    let kink = unit.kink.expect("the unit lies on the kink");
    assert_eq!((kink.at, kink.below, kink.above, kink.taken), (0.0, 0.0, 1.0, 0.0));
    assert_eq!(unit.saturation, None);
    let flat = trace.element(relu, 0)?;
    assert_eq!((flat.kink, flat.saturation), (None, Some(super::Saturation::Flat)));
    assert!((trace.exact_loss().unwrap() - 0.000117333929).abs() < 1e-12);
    assert_eq!(trace.loss_value(), Some(0.00011732114));
    let gradient = trace.gradient_values("0.weight").unwrap();
    assert!((f64::from(gradient[0]) - -4.73e-5).abs() < 5e-8, "{gradient:?}");
    Ok(())
}

#[test]
fn numbers_are_taken_as_written() {
    let text = |value: f32| format!("{value:e}").parse::<f64>().unwrap();
    let mut value = 1.1e-9_f32;
    while value < 1e12 {
        for value in [value, -value, value * 1.37, (value * 100.0).round() / 100.0] {
            assert_eq!(super::written(value), text(value), "{value}");
        }
        value *= 1.0173;
    }
    assert!(super::written(f32::NAN).is_nan());
}

#[test]
fn lost_digits_are_told_in_units_of_the_last_place() {
    let precision = super::Precision::of(1.0 + f32::EPSILON, 1.0, Some(1000.0));
    assert_eq!(precision.ulps, 1.0);
    assert!((precision.digits_lost() - 3.0).abs() < 1e-12);
    assert_eq!(super::Precision::of(f32::NAN, f64::NAN, None).ulps, 0.0);
    assert_eq!(super::Precision::of(f32::INFINITY, 1e39, None).ulps, f64::INFINITY);
}

#[test]
fn names_and_bad_rows_are_told() -> Result<()> {
    let (network, rows) = exercise()?;
    let criterion = Criterion::parse("cross_entropy")?;
    let trace = Trace::new(&network, &rows, &criterion, &Config::default())?;
    let message = trace.parameter("0.wieght").unwrap_err().to_string();
    assert!(message.contains("did you mean 0.weight?") && message.contains("2.bias"), "{message}");
    let nan = Features::Floats(Tensor::from_rows(&[[0.0, f32::NAN]])?);
    let message = Trace::forward(&network, &nan, &Config::default()).unwrap_err().to_string();
    assert!(message.contains("NaN") && message.contains("row 0, value 1"), "{message}");
    let wide = Features::Floats(Tensor::from_rows(&[[0.0, 1.0, 2.0]])?);
    assert!(Trace::forward(&network, &wide, &Config::default()).is_err());
    let data = trace.data();
    assert_eq!(data.nodes[data.loss.unwrap()].values, [0.00011732114]);
    Ok(())
}
