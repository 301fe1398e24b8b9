//! Linear layers one after the other, and their product.

use crate::error::{Error, ErrorKind, Result};
use crate::nn::{BatchNorm1d, Linear, Module, StateDict};
use crate::trace::written;

/// The most elements that a weight may have.
const MAX_ELEMENTS: usize = 1 << 26;
/// The most multiplications that a run's product may take: a second or so.
const MAX_PRODUCTS: usize = 1 << 30;
/// What counts as 0 when a rank is found, relative to the largest element.
pub(super) const RANK_TOLERANCE: f64 = 1e-12;

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
    /// The layer that they are together; `None` where the product takes more than 2³⁰ multiplications.
    pub collapsed: Option<Affine>,
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

    /// The rank of W, by elimination with full pivoting: pivots below 1e-12 of the largest element count as 0.
    pub fn rank(&self) -> usize {
        let mut rows = self.weight.clone();
        let largest = |rows: &[Vec<f64>]| {
            let mut best = (0, 0, 0.0);
            for (at, row) in rows.iter().enumerate() {
                for (column, value) in row.iter().enumerate() {
                    if value.abs() > best.2 {
                        best = (at, column, value.abs());
                    }
                }
            }
            best
        };
        let least = largest(&rows).2 * RANK_TOLERANCE;
        let mut rank = 0;
        loop {
            let (at, column, size) = largest(&rows);
            if size <= least {
                return rank;
            }
            let pivot = rows.swap_remove(at);
            for row in &mut rows {
                let factor = row[column] / pivot[column];
                for (value, &part) in row.iter_mut().zip(&pivot) {
                    *value -= factor * part;
                }
                row[column] = 0.0;
            }
            rank += 1;
        }
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
        let mut run = Run { layers, collapsed: None };
        if run.products() <= MAX_PRODUCTS {
            let mut whole = run.layers[0].affine.clone();
            for layer in &run.layers[1..] {
                whole = layer.affine.after(&whole);
            }
            run.collapsed = Some(whole);
        }
        run
    }

    /// How many multiplications the product of the weights takes, from the first layer on.
    pub fn products(&self) -> usize {
        self.layers[1..].iter().fold(0, |sum: usize, layer| {
            let elements = layer.affine.weight.len().saturating_mul(layer.affine.inputs());
            sum.saturating_add(elements.saturating_mul(self.inputs()))
        })
    }

    /// The number of inputs.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.affine.inputs())
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.affine.weight.len())
    }

    /// The trained numbers of all layers.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }

    /// The numbers of the layer that they are together.
    pub fn collapsed_parameters(&self) -> usize {
        let outputs = self.outputs();
        let bias = self.layers.iter().any(|layer| layer.has_bias);
        outputs * self.inputs() + if bias { outputs } else { 0 }
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
            match linear_residual(&inner, &path)? {
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
        | Module::Embedding(_)
        | Module::EmbedColumns(_) => parts.push(Part::Other(path, module.kind())),
    }
    Ok(())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// `x + (W x + b)` where all inner layers are linear.
fn linear_residual(inner: &[Part], path: &str) -> Result<Option<Layer>> {
    let (runs, barriers) = runs(inner);
    let [run] = runs.as_slice() else { return Ok(None) };
    if !barriers.is_empty() || run.outputs() > run.inputs() {
        return Ok(None);
    }
    let mut affine = run.collapsed.clone().ok_or_else(|| {
        Error::new(
            ErrorKind::Limit,
            format!("the product of its layers takes {} multiplications", run.products()),
        )
        .at(format!("layer {path:?} (Residual)"))
        .help("give a network with smaller layers")
    })?;
    for (at, row) in affine.weight.iter_mut().enumerate() {
        row[at] += 1.0;
    }
    Ok(Some(Layer {
        name: path.to_owned(),
        kind: "Residual",
        affine,
        has_bias: run.layers.iter().any(|layer| layer.has_bias),
        parameters: run.parameters(),
    }))
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
