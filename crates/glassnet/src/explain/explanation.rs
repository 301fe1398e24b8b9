//! Asking for an explanation, and what it consists of.

use std::sync::Arc;

use super::deep::{self, Deep};
use super::differences::{Difference, difference};
use super::paths::{Paths, paths};
use super::setting::Weight;
use super::symbols::Symbols;
use super::{forward, gradients, loss, printed, update, weight};
use crate::document::{Document, NoteKind, Text};
use crate::error::{Error, Result};
use crate::nn::loss::Criterion;
use crate::nn::{Mode, Network};
use crate::tensor::Tensor;
use crate::trace::{self, Trace, Update};
use crate::train::optimizer::Optimizer;
use crate::train::{Dataset, Features, Target};

/// The most rows that are explained at once.
const MOST_ROWS: usize = 1000;

/// The rows to explain.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// What they are described by.
    pub features: Features,
    /// What is true of them, if known: without it there is no loss and no gradient.
    pub target: Option<Target>,
    /// What features, classes and rows are called.
    pub labels: Labels,
}

/// What things are called; an empty list names nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    /// The features, in order.
    pub features: Vec<String>,
    /// The classes, in order.
    pub classes: Vec<String>,
    /// The rows, in order: `line 17`.
    pub rows: Vec<String>,
    /// How the output becomes the predicted quantity.
    pub scale: Option<Scale>,
}

/// A quantity that the network learned standardised: `output·deviation + mean`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// What it is called.
    pub name: String,
    /// The mean of the training rows.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
}

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The loss; needed for everything that goes backwards.
    pub criterion: Option<Criterion>,
    /// Whether gradients are shown.
    pub backward: bool,
    /// A weight whose gradient is taken apart.
    pub weight: Option<Weight>,
    /// An output, from 0, that is attributed to the inputs.
    pub attribute: Option<usize>,
    /// An optimiser whose first step is shown.
    pub optimizer: Option<Optimizer>,
    /// Evaluation, or training (batch normalisation by these rows, dropout drawn).
    pub mode: Mode,
}

/// Rows traced through a network, and what was asked about them.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The network.
    pub network: Network,
    /// All rows as one batch: the loss is their mean (or sum), the gradient its.
    pub trace: Arc<Trace>,
    /// Each row by itself; none without a loss.
    pub rows: Vec<RowResult>,
    /// What things are called.
    pub labels: Labels,
    /// What is true of the rows.
    pub target: Option<Target>,
    /// What was asked.
    pub config: Config,
    /// The weight that was asked for.
    pub weight: Option<WeightResult>,
    /// The step that was asked for.
    pub update: Option<Update>,
    /// The deep answers.
    pub deep: Deep,
    pub(super) symbols: Symbols,
}

/// One row by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct RowResult {
    /// Its own loss, as the engine computed it.
    pub loss: f32,
    /// Its own loss in f64.
    pub exact_loss: f64,
    /// The gradient of its own loss for every parameter, where gradients were asked for.
    pub gradients: Vec<(String, Vec<f32>)>,
}

/// What was found about a weight.
#[derive(Clone, Debug)]
pub struct WeightResult {
    /// Which weight.
    pub index: Weight,
    /// Its place in its parameter's array.
    pub place: usize,
    /// Its value.
    pub value: f32,
    /// The gradient that the engine computed.
    pub gradient: f32,
    /// The gradient in f64.
    pub exact_gradient: f64,
    /// The ways on which it acts on the loss.
    pub paths: Paths,
    /// The slope by differences.
    pub difference: Difference,
}

/// Traces `rows` through `network` and finds what `config` asks.
///
/// ```
/// use glassnet::{Tensor, nn::{self, Network, loss::Criterion}, train::{Features, Target}};
/// use glassnet::explain::{Config, Labels, Rows, Weight, explain};
/// let network = Network::new(nn::parse("2-2-2")?, 0)?;
/// let rows = Rows {
///     features: Features::Floats(Tensor::from_rows(&[[0.0, 1.0]])?),
///     target: Some(Target::Classes(vec![1])),
///     labels: Labels::default(),
/// };
/// let config = Config {
///     criterion: Some(Criterion::parse("cross_entropy")?),
///     weight: Some(Weight::parse("0.weight[0,1]")?),
///     ..Config::default()
/// };
/// let explanation = explain(&network, &rows, &config)?;
/// let weight = explanation.weight.as_ref().unwrap();
/// assert!((weight.paths.total - weight.exact_gradient).abs() < 1e-12);
/// assert!(explanation.document().plain().contains("0.weight[0, 1]"));
/// # Ok::<(), glassnet::Error>(())
/// ```
///
/// # Errors
/// When rows and network do not fit, a value is not finite, a class or weight does not exist, or something is asked
/// backwards without a true value.
pub fn explain(network: &Network, rows: &Rows, config: &Config) -> Result<Explanation> {
    let count = rows.features.rows();
    if count == 0 {
        return Err(Error::data("there are no rows").help("give at least one"));
    }
    if count > MOST_ROWS {
        return Err(Error::new(
            crate::ErrorKind::Limit,
            format!("{count} rows are more than can be explained at once"),
        )
        .help(format!("choose at most {MOST_ROWS}")));
    }
    let settings =
        trace::Config { mode: config.mode, as_written: true, ..trace::Config::default() };
    let backward = config.backward || config.weight.is_some() || config.optimizer.is_some();
    let (trace, results) = match (&rows.target, &config.criterion) {
        (Some(target), Some(criterion)) => {
            let data = Dataset::new(rows.features.clone(), target.clone())?;
            let trace = Trace::new(network, &data, criterion, &settings)?;
            let results = row_results(network, &trace, &data, criterion, &settings, backward)?;
            (trace, results)
        }
        (None, _) if backward => {
            return Err(Error::usage(
                "a gradient needs the true value, against which there is a loss",
            )
            .help("give the true class or value"));
        }
        (_, _) => (Trace::forward(network, &rows.features, &settings)?, vec![]),
    };
    let trace = Arc::new(trace);
    let weight = config.weight.as_ref().map(|index| weight_result(&trace, index)).transpose()?;
    let mut deep = match (&rows.target, &config.criterion) {
        (Some(target), Some(criterion)) => {
            let data = Dataset::new(rows.features.clone(), target.clone())?;
            let weight = weight.as_ref().map(|weight| &weight.index);
            deep::find(network, &trace, &data, criterion, config, weight)?
        }
        (_, _) => Deep::default(),
    };
    if let Some(output) = config.attribute {
        deep.attributions = deep::attributions(network, &rows.features, output)?;
    }
    let update = config.optimizer.as_ref().map(|optimizer| trace.update(optimizer)).transpose()?;
    let criterion = config.criterion.as_ref().filter(|_| rows.target.is_some());
    Ok(Explanation {
        symbols: Symbols::new(&trace, network.module(), criterion),
        network: network.clone(),
        trace,
        rows: results,
        labels: rows.labels.clone(),
        target: rows.target.clone(),
        config: config.clone(),
        weight,
        update,
        deep,
    })
}

/// Every row by itself, as a batch of one.
fn row_results(
    network: &Network,
    all: &Trace,
    data: &Dataset,
    criterion: &Criterion,
    settings: &trace::Config,
    gradients: bool,
) -> Result<Vec<RowResult>> {
    let result = |trace: &Trace| RowResult {
        loss: trace.loss_value().unwrap_or(f32::NAN),
        exact_loss: trace.exact_loss().unwrap_or(f64::NAN),
        gradients: if gradients { own_gradients(trace) } else { vec![] },
    };
    if data.rows() == 1 {
        return Ok(vec![result(all)]);
    }
    if settings.mode == Mode::Train {
        // Rows are computed together: none has a loss of its own.
        return Ok(vec![]);
    }
    (0..data.rows())
        .map(|row| Ok(result(&Trace::new(network, &single(data, row)?, criterion, settings)?)))
        .collect()
}

fn own_gradients(trace: &Trace) -> Vec<(String, Vec<f32>)> {
    let own = |key: &str| trace.gradient_values(key).unwrap_or_default().to_vec();
    trace.parameters().iter().map(|p| (p.key.clone(), own(&p.key))).collect()
}

/// One row as rows.
fn single(data: &Dataset, row: usize) -> Result<Dataset> {
    fn cut<T: Copy>(tensor: &Tensor<T>, row: usize) -> Result<Tensor<T>> {
        let shape: Vec<usize> =
            std::iter::once(1).chain(tensor.shape().iter().skip(1).copied()).collect();
        Tensor::new(shape, tensor.row(row).to_vec())
    }
    let features = match data.features() {
        Features::Floats(x) => Features::Floats(cut(x, row)?),
        Features::Indices(x) => Features::Indices(cut(x, row)?),
    };
    let target = match data.target() {
        Target::Classes(classes) => Target::Classes(vec![classes[row]]),
        Target::Values(values) => Target::Values(cut(values, row)?),
    };
    Dataset::new(features, target)
}

/// Where a weight lies in its parameter's array, row-major; a parameter with a single element needs no index.
fn place(trace: &Trace, weight: &Weight) -> Result<usize> {
    let parameter = trace.parameter(&weight.key)?;
    let shape = &parameter.shape;
    let elements: usize = shape.iter().product();
    let zeros = vec![0; shape.len()];
    let index = if weight.index.is_empty() && elements == 1 { &zeros } else { &weight.index };
    let fits = index.len() == shape.len()
        && index.iter().zip(shape).all(|(&index, &length)| index < length);
    if fits {
        return Ok(index
            .iter()
            .zip(shape)
            .fold(0, |place, (&index, &length)| place * length + index));
    }
    let key = &weight.key;
    let last = shape.iter().map(|length| length.saturating_sub(1)).collect();
    let first = Weight { key: key.clone(), index: zeros };
    let last = Weight { key: key.clone(), index: last };
    Err(Error::usage(format!("{weight} is outside {key}, which has shape {shape:?}"))
        .help(format!("give an index from {first} to {last}")))
}

fn weight_result(trace: &Trace, index: &Weight) -> Result<WeightResult> {
    let place = place(trace, index)?;
    let parameter = trace.parameter(&index.key)?;
    let at = |values: Option<&[f32]>| values.map_or(f32::NAN, |values| values[place]);
    let exact = trace.exact_gradient(&index.key).map_or(f64::NAN, |values| values[place]);
    Ok(WeightResult {
        index: Weight { key: index.key.clone(), index: trace.coordinates(parameter.node, place) },
        place,
        value: at(trace.floats(parameter.node)),
        gradient: at(trace.gradient_values(&index.key)),
        exact_gradient: exact,
        paths: paths(trace, &index.key, place)?,
        difference: difference(trace, &index.key, place)?,
    })
}

impl Explanation {
    /// What people read.
    pub fn document(&self) -> Document {
        let mut document = Document::new(
            Text::from("How ").code(self.network.module().notation()).plain(" computes"),
        );
        forward::write(self, &mut document);
        let backward =
            self.trace.loss().is_some() && (self.config.backward || self.weight.is_some());
        deep::write_attributions(&self.deep, &self.labels, self.trace.rows(), &mut document);
        if self.trace.loss().is_some() {
            loss::write(self, &mut document);
            printed::write(self, &mut document);
        }
        if self.config.backward && self.trace.loss().is_some() {
            gradients::write(self, &mut document);
            deep::write_convention(&self.deep, &self.labels, &mut document);
        }
        if let Some(result) = &self.weight {
            weight::write(self, result, &mut document);
            deep::write_along(&self.deep, &result.index, &self.labels, &mut document);
        }
        if let Some(step) = &self.update {
            update::write(self, step, &mut document);
        }
        if backward {
            deep::write_sharpness(&self.deep, &mut document);
        }
        document
    }

    /// What a row is called, counted from 0.
    pub(super) fn row_name(&self, row: usize) -> String {
        match self.labels.rows.get(row) {
            Some(name) => name.clone(),
            None => format!("row {}", row + 1),
        }
    }

    /// What a class is called.
    pub(super) fn class_name(&self, class: usize) -> String {
        self.labels.classes.get(class).cloned().unwrap_or_else(|| class.to_string())
    }
}

/// Says what was left out.
pub(super) fn omitted(document: &mut Document, text: impl Into<Text>) {
    document.note(NoteKind::Omitted, text);
}
