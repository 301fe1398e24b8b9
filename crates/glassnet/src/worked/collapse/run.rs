//! Linear layers one after the other, and their product.

use crate::error::{Error, ErrorKind, Result};
use crate::nn::{BatchNorm1d, Linear, Module, StateDict};
use crate::trace::written;

/// The most elements that a collapsed weight may have.
const MAX_ELEMENTS: usize = 1 << 26;

/// `y = W x + b`, W by rows: one row per output. Weights are the decimals that are printed: 0.1 is 0.1, not the nearest
/// f32.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// W, `[outputs][inputs]`.
    pub weight: Vec<Vec<f64>>,
    /// b, one number per output.
    pub bias: Vec<f64>,
}

/// A layer of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The state-dict prefix.
    pub name: String,
    /// PyTorch's class name.
    pub kind: &'static str,
    /// What it computes.
    pub affine: Affine,
    /// Whether it has a bias.
    pub has_bias: bool,
    /// How many trained numbers it has.
    pub parameters: usize,
}

/// Layers that are one.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The layers in order.
    pub layers: Vec<Layer>,
    /// The layer that they are together.
    pub collapsed: Affine,
}

/// What a layer of a network is here.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Linear(Layer),
    /// Nothing happens in evaluation.
    Nothing,
    /// An elementwise function that is not linear.
    Activation(String, &'static str),
    /// Anything else that parts runs.
    Other(String, &'static str),
}

impl Affine {
    fn diagonal(scale: &[f64], bias: Vec<f64>) -> Affine {
        let row = |at: usize| {
            let mut row = vec![0.0; scale.len()];
            row[at] = scale[at];
            row
        };
        Affine { weight: (0..scale.len()).map(row).collect(), bias }
    }

    /// The number of inputs.
    pub fn inputs(&self) -> usize {
        self.weight.first().map_or(0, Vec::len)
    }

    /// This layer after `first`: `W (W₁ x + b₁) + b`.
    fn after(&self, first: &Affine) -> Affine {
        let product = |row: &Vec<f64>| {
            let mut sums = vec![0.0; first.inputs()];
            for (&factor, inner) in row.iter().zip(&first.weight) {
                for (sum, &value) in sums.iter_mut().zip(inner) {
                    *sum += factor * value;
                }
            }
            sums
        };
        let bias = self.weight.iter().zip(&self.bias).map(|(row, &own)| {
            row.iter().zip(&first.bias).map(|(&factor, &value)| factor * value).sum::<f64>() + own
        });
        Affine { weight: self.weight.iter().map(product).collect(), bias: bias.collect() }
    }
}

impl Run {
    fn of(layers: Vec<Layer>) -> Run {
        let mut collapsed = layers[0].affine.clone();
        for layer in &layers[1..] {
            collapsed = layer.affine.after(&collapsed);
        }
        Run { layers, collapsed }
    }

    /// The trained numbers of all layers.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }

    /// The numbers of the layer that they are together.
    pub fn collapsed_parameters(&self) -> usize {
        let outputs = self.collapsed.weight.len();
        let bias = self.layers.iter().any(|layer| layer.has_bias);
        outputs * self.collapsed.inputs() + if bias { outputs } else { 0 }
    }
}

/// The maximal runs, and what stands between them.
pub(super) fn runs(parts: &[Part]) -> (Vec<Run>, Vec<(String, &'static str)>) {
    let (mut runs, mut barriers, mut open) = (vec![], vec![], vec![]);
    for part in parts {
        match part {
            Part::Linear(layer) => {
                if !follows(&open, layer) {
                    runs.push(Run::of(std::mem::take(&mut open)));
                }
                open.push(layer.clone());
            }
            Part::Nothing => {}
            Part::Activation(name, kind) | Part::Other(name, kind) => {
                barriers.push((name.clone(), *kind));
                if !open.is_empty() {
                    runs.push(Run::of(std::mem::take(&mut open)));
                }
            }
        }
    }
    if !open.is_empty() {
        runs.push(Run::of(open));
    }
    (runs, barriers)
}

/// Whether `layer` takes what the last of `before` gives. Layers over several axes need not.
fn follows(before: &[Layer], layer: &Layer) -> bool {
    before.last().is_none_or(|last| last.affine.weight.len() == layer.affine.inputs())
}

/// The linear layers without the activations between them; `None` where something else parts them.
pub(super) fn without_activations(parts: &[Part]) -> Option<Run> {
    let is_linear = |part: &Part| matches!(part, Part::Linear(_));
    let (first, last) = (parts.iter().position(is_linear)?, parts.iter().rposition(is_linear)?);
    let mut layers = vec![];
    for part in &parts[first..=last] {
        match part {
            Part::Linear(layer) if follows(&layers, layer) => layers.push(layer.clone()),
            Part::Nothing | Part::Activation(..) => {}
            Part::Linear(_) | Part::Other(..) => return None,
        }
    }
    // What stands before the first linear layer would change its inputs.
    let free = parts[..first].iter().all(|part| *part == Part::Nothing);
    free.then(|| Run::of(layers))
}

/// The parts of `module` in order.
pub(super) fn parts(module: &Module, state: &StateDict) -> Result<Vec<Part>> {
    let mut found = vec![];
    collect(module, String::new(), state, &mut found)?;
    Ok(found)
}

fn collect(module: &Module, path: String, state: &StateDict, parts: &mut Vec<Part>) -> Result<()> {
    match module {
        Module::Sequential(sequential) => {
            for (name, child) in sequential.children() {
                collect(child, join(&path, name), state, parts)?;
            }
        }
        Module::Residual(residual) => {
            let mut inner = vec![];
            for (name, child) in residual.inner.children() {
                collect(child, join(&path, name), state, &mut inner)?;
            }
            match linear_residual(&inner, &path) {
                Some(layer) => parts.push(Part::Linear(layer)),
                None => {
                    parts.push(Part::Other(path.clone(), "Residual"));
                    parts.extend(inner);
                    parts.push(Part::Other(path, "Residual"));
                }
            }
        }
        Module::Linear(linear) => parts.push(Part::Linear(read_linear(linear, path, state)?)),
        Module::BatchNorm1d(norm) if norm.track_running_stats => {
            parts.push(Part::Linear(read_norm(norm, path, state)?));
        }
        Module::Identity | Module::Dropout(_) => parts.push(Part::Nothing),
        // In front of everything else it only renames the places of the input.
        Module::Flatten(_) if parts.iter().all(|part| *part == Part::Nothing) => {
            parts.push(Part::Nothing);
        }
        Module::Formula(_) | Module::Activation(_) | Module::Prelu(_) => {
            parts.push(Part::Activation(path, module.kind()));
        }
        Module::Softmax { .. }
        | Module::LogSoftmax { .. }
        | Module::Flatten(_)
        | Module::BatchNorm1d(_)
        | Module::LayerNorm(_)
        | Module::Embedding(_) => parts.push(Part::Other(path, module.kind())),
    }
    Ok(())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// `x + (W x + b)` where all inner layers are linear.
fn linear_residual(inner: &[Part], path: &str) -> Option<Layer> {
    let (runs, barriers) = runs(inner);
    let [run] = runs.as_slice() else { return None };
    if !barriers.is_empty() {
        return None;
    }
    let mut affine = run.collapsed.clone();
    for (at, row) in affine.weight.iter_mut().enumerate() {
        *row.get_mut(at)? += 1.0;
    }
    Some(Layer {
        name: path.to_owned(),
        kind: "Residual",
        affine,
        has_bias: run.layers.iter().any(|layer| layer.has_bias),
        parameters: run.parameters(),
    })
}

fn read_linear(linear: &Linear, name: String, state: &StateDict) -> Result<Layer> {
    if linear.in_features.saturating_mul(linear.out_features) > MAX_ELEMENTS {
        return Err(Error::new(
            ErrorKind::Limit,
            format!(
                "a layer of {}·{} weights is too large",
                linear.in_features, linear.out_features
            ),
        )
        .at(format!("layer {name:?} (Linear)"))
        .help("give a network with smaller layers"));
    }
    let weight = state.floats(&join(&name, "weight"))?;
    let rows = (0..linear.out_features)
        .map(|row| weight.row(row).iter().map(|&value| written(value)).collect());
    let bias = match linear.bias {
        true => floats(state, &join(&name, "bias"))?,
        false => vec![0.0; linear.out_features],
    };
    Ok(Layer {
        parameters: weight.len() + if linear.bias { bias.len() } else { 0 },
        affine: Affine { weight: rows.collect(), bias },
        has_bias: linear.bias,
        kind: "Linear",
        name,
    })
}

/// Batch normalisation by the running statistics: `(x − mean)/√(variance + eps)·weight + bias`.
fn read_norm(norm: &BatchNorm1d, name: String, state: &StateDict) -> Result<Layer> {
    let array = |key: &str, wanted: bool, default: f64| match wanted {
        true => floats(state, &join(&name, key)),
        false => Ok(vec![default; norm.num_features]),
    };
    let (mean, variance) = (array("running_mean", true, 0.0)?, array("running_var", true, 1.0)?);
    let weight = array("weight", norm.affine, 1.0)?;
    let bias = array("bias", norm.affine && norm.bias, 0.0)?;
    let eps = norm.eps.value();
    let scale: Vec<f64> =
        weight.iter().zip(&variance).map(|(w, variance)| w / (variance + eps).sqrt()).collect();
    let shift = (0..norm.num_features).map(|at| bias[at] - mean[at] * scale[at]).collect();
    let trained = usize::from(norm.affine) + usize::from(norm.affine && norm.bias);
    Ok(Layer {
        affine: Affine::diagonal(&scale, shift),
        has_bias: true,
        parameters: trained * norm.num_features,
        kind: "BatchNorm1d",
        name,
    })
}

fn floats(state: &StateDict, key: &str) -> Result<Vec<f64>> {
    Ok(state.floats(key)?.data().iter().map(|&value| written(value)).collect())
}
