//! Batch and layer normalisation with their statistics.

use super::forward::{View, largest, left_out};
use super::number::{number, number_f32, shown};
use crate::document::{Document, Text};
use crate::formula::{Math, Operator};
use crate::nn::{BatchNorm1d, LayerNorm, Mode};

/// Up to so many units are shown each.
const UNITS: usize = 4;

/// `(x − μ)/√(σ² + ε)·γ + β` with a unit's numbers.
struct Unit {
    x: f32,
    mean: f64,
    variance: f64,
    eps: f64,
    weight: Option<f32>,
    bias: Option<f32>,
    y: f32,
}

fn symbolic(view: &View<'_>, weight: bool, bias: bool) -> Math {
    let square = Math::name("σ").power(Math::f64(2.0));
    let root = Math::Root(Box::new(Math::sum([square, Math::name("ε")])));
    let centred = Math::sum([view.whole(view.layer.input), Math::name("μ").negative()]);
    let mut value = Math::fraction(centred, root);
    if weight {
        value = Math::product([value, Math::name("γ")]);
    }
    if bias {
        value = Math::sum([value, Math::name("β")]);
    }
    view.whole(view.layer.output).equals(value)
}

impl Unit {
    fn formula(&self, left: Math) -> Math {
        let centred = Math::sum([number_f32(self.x), number(self.mean).negative()]);
        let root = Math::Root(Box::new(Math::sum([number(self.variance), number(self.eps)])));
        let mut value = Math::fraction(centred, root);
        if let Some(weight) = self.weight {
            value = Math::product([value, number_f32(weight)]);
        }
        if let Some(bias) = self.bias {
            value = Math::sum([value, number_f32(bias)]);
        }
        Math::row([
            left,
            Math::Operator(Operator::Equals),
            value,
            Math::Operator(Operator::Approximately),
            number_f32(self.y),
        ])
    }
}

fn write(view: &View<'_>, units: impl Fn(usize) -> Unit, document: &mut Document) {
    let y = view.output();
    for unit in largest(&y, UNITS) {
        document.formula(units(unit).formula(view.unit(view.layer.output, unit)));
    }
    left_out(y.len(), UNITS, document);
}

pub(super) fn batch(view: &View<'_>, norm: &BatchNorm1d, document: &mut Document) {
    let trace = &view.all.trace;
    let get = |name: &str| trace.block().get(&view.key(name));
    let running = view.all.config.mode == Mode::Eval && norm.track_running_stats;
    document.say(if running {
        "Each unit is standardised with the mean and variance that training collected:"
    } else {
        "Each unit is standardised with the mean and variance of these rows:"
    });
    document.formula(symbolic(view, norm.affine, norm.affine && norm.bias));
    let (x, y) = (view.input(), view.output());
    let channel = |unit: usize| unit * norm.num_features / y.len().max(1);
    let all = trace.floats(view.layer.input).unwrap_or_default();
    let statistics = |unit: usize| match (running, get("running_mean"), get("running_var")) {
        (true, Some(mean), Some(variance)) => {
            (f64::from(mean[channel(unit)]), f64::from(variance[channel(unit)]))
        }
        (_, _, _) => {
            let same = |(at, _): &(usize, &f32)| channel(at % y.len()) == channel(unit);
            moments(all.iter().enumerate().filter(same).map(|(_, &value)| value))
        }
    };
    let unit = |unit: usize| {
        let (mean, variance) = statistics(unit);
        Unit {
            x: x[unit],
            mean,
            variance,
            eps: norm.eps.value(),
            weight: get("weight").map(|values| values[channel(unit)]),
            bias: get("bias").map(|values| values[channel(unit)]),
            y: y[unit],
        }
    };
    write(view, unit, document);
}

pub(super) fn layer(view: &View<'_>, norm: &LayerNorm, document: &mut Document) {
    let trace = &view.all.trace;
    let get = |name: &str| trace.block().get(&view.key(name));
    let (x, y) = (view.input(), view.output());
    let width: usize = norm.normalized_shape.iter().product::<usize>().max(1);
    document.formula(symbolic(view, get("weight").is_some(), get("bias").is_some()));
    let group = |unit: usize| unit / width * width..(unit / width + 1) * width;
    if x.len() == width {
        let (mean, variance) = moments(x.iter().copied());
        let square = Math::name("σ").power(Math::f64(2.0));
        document.say(
            Text::from(format!("Mean and variance of the row's {width} numbers: "))
                .math(Math::name("μ").approximately(shown(mean).math()))
                .plain(", ")
                .math(square.approximately(shown(variance).math()))
                .plain("."),
        );
    }
    let unit = |unit: usize| {
        let (mean, variance) = moments(x[group(unit)].iter().copied());
        Unit {
            x: x[unit],
            mean,
            variance,
            eps: norm.eps.value(),
            weight: get("weight").map(|values| values[unit % width]),
            bias: get("bias").map(|values| values[unit % width]),
            y: y[unit],
        }
    };
    write(view, unit, document);
}

/// Mean and population variance.
fn moments(values: impl Iterator<Item = f32> + Clone) -> (f64, f64) {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().map(f64::from).sum::<f64>() / count;
    let variance = values.map(|value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
    (mean, variance)
}
