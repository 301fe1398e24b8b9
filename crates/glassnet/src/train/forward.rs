//! Predictions for tables of rows.

use std::ops::Range;

use super::dataset::{Features, gather};
use super::inference::{Inference, Rows, Workspace};
use crate::engine::{Block, Config, Memory, Plan};
use crate::error::{Error, Result};
use crate::graph::{Checked, DType, Dim};
use crate::nn::{Network, StateDict};
use crate::tensor::{Tensor, Value};

/// A network in evaluation mode, ready to predict any number of rows.
///
/// A row's prediction does not depend on the rows that are predicted with it.
///
/// ```
/// use glassnet::{Tensor, nn, train::{Features, Predictor}};
/// let network = nn::Network::new(nn::parse("Sequential(Linear(2, 3), ReLU(), Linear(3, 1))")?, 0)?;
/// let mut predictor = Predictor::new(&network, &[2], &Default::default())?;
/// let y = predictor.predict(&Features::Floats(Tensor::from_rows(&[[0.0, 1.0], [1.0, 0.0]])?))?;
/// assert_eq!(y.shape(), [2, 1]);
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Predictor {
    inference: Inference,
    workspace: Workspace,
}

impl Predictor {
    /// Compiles `network` for rows of shape `row` (without the batch).
    ///
    /// # Errors
    /// When the rows do not fit the network, or an operation has no kernel.
    pub fn new(network: &Network, row: &[usize], config: &Config) -> Result<Self> {
        let inference = Inference::new(network, row, config)?;
        let workspace = inference.workspace();
        Ok(Predictor { inference, workspace })
    }

    /// Takes the weights and buffers of the same network under training.
    pub(super) fn take_weights(&mut self, from: &Block) {
        self.inference.take_weights(from);
    }

    /// Checks that `features` are what was compiled for.
    pub(super) fn check(&self, features: &Features) -> Result<()> {
        features_fit(self.inference.graph(), features)
    }

    /// How the engine computes.
    pub fn config(&self) -> &Config {
        self.inference.config()
    }

    /// The shape of one row's output.
    pub fn output_shape(&self) -> Vec<usize> {
        self.inference.output_shape()
    }

    /// The network's outputs for every row: logits, or whatever its last layer computes.
    ///
    /// # Shapes
    /// features `[rows, row…]` → `[rows, output…]`.
    ///
    /// # Errors
    /// When a row has not the shape that was compiled for, or an index is out of range.
    pub fn predict(&mut self, features: &Features) -> Result<Tensor<f32>> {
        features_fit(self.inference.graph(), features)?;
        let rows = features.rows();
        let mut outputs = vec![0.0; rows.saturating_mul(self.inference.width())];
        self.predict_rows(features, 0..rows, &mut outputs)?;
        let mut shape = vec![rows];
        shape.extend(self.inference.output_shape());
        Tensor::new(shape, outputs)
    }

    /// The network's outputs for some of the rows, into `outputs`, one row after the other.
    ///
    /// From the second call with as many rows on, nothing is allocated. [`Inference`] does the same from many threads at
    /// once, and without a table, row by row, at the least latency.
    ///
    /// ```
    /// use glassnet::{Tensor, nn, train::{Features, Predictor}};
    /// let network = nn::Network::new(nn::parse("2-3-1")?, 0)?;
    /// let mut predictor = Predictor::new(&network, &[2], &Default::default())?;
    /// let x = Features::Floats(Tensor::from_rows(&[[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])?);
    /// let mut y = [0.0; 2];
    /// predictor.predict_rows(&x, 1..3, &mut y)?;
    /// assert_eq!(y, predictor.predict(&x)?.data()[1..]);
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// Also when there are no such rows, or `outputs` has another length than they need.
    pub fn predict_rows(
        &mut self,
        features: &Features,
        rows: Range<usize>,
        outputs: &mut [f32],
    ) -> Result<()> {
        features_fit(self.inference.graph(), features)?;
        let count = features.rows();
        if rows.start > rows.end || rows.end > count {
            return Err(Error::data(format!("there are no rows {rows:?} in a table of {count}")));
        }
        let width = self.inference.width();
        if outputs.len() != rows.len().saturating_mul(width) {
            return Err(Error::data(format!(
                "{} places for the outputs of {} rows of {width}",
                outputs.len(),
                rows.len()
            )));
        }
        let row = self.inference.row();
        let elements = rows.start * row..rows.end * row;
        let x = match features {
            Features::Floats(x) => Rows::Floats(&x.data()[elements]),
            Features::Indices(x) => Rows::Indices(&x.data()[elements]),
        };
        self.inference.run_rows(&mut self.workspace, x, outputs, rows.start)
    }
}

/// Copies `rows` of `features` to the plan's input `x`.
pub(crate) fn fill(plan: &Plan, memory: &mut Memory, features: &Features, rows: &[usize]) {
    let Some(place) = plan.input("x") else { return };
    let width: usize = features.shape().iter().skip(1).product();
    match features {
        Features::Floats(x) => gather(x.data(), width, rows, memory.floats_mut(place)),
        Features::Indices(x) => gather(x.data(), width, rows, memory.indices_mut(place)),
    }
}

/// Checks that rows of `features` can be fed to the input `x` of `graph`.
pub(crate) fn features_fit(graph: &Checked, features: &Features) -> Result<()> {
    let wanted = graph.graph().sources().find(|(_, source)| source.name() == Some("x"));
    let Some((id, _)) = wanted else { return Ok(()) };
    let declared = graph.type_of(id);
    let dtype = match features {
        Features::Floats(_) => DType::F32,
        Features::Indices(_) => DType::I64,
    };
    let (wanted, given) = (declared.shape.dims(), features.shape());
    let fits = |(wanted, &given): (&Dim, &usize)| match wanted {
        Dim::Batch => true,
        Dim::Fixed(length) => *length == given,
    };
    if declared.dtype == dtype && wanted.len() == given.len() && wanted.iter().zip(given).all(fits)
    {
        return Ok(());
    }
    Err(Error::data(format!(
        "the features are {}{:?}, the network takes {declared}",
        dtype.name(),
        features.shape()
    )))
}

/// Copies the floats of `state` into the block.
pub(crate) fn load(block: &mut Block, state: &StateDict) -> Result<()> {
    let keys: Vec<String> = block.keys().map(|(key, _)| key.to_owned()).collect();
    for key in keys {
        let values = state.get(&key).and_then(Value::as_f32);
        let (Some(values), Some(place)) = (values, block.get_mut(&key)) else { continue };
        if values.len() != place.len() {
            return Err(Error::model(format!(
                "{key} has {} elements, expected {}",
                values.len(),
                place.len()
            )));
        }
        place.copy_from_slice(values.data());
    }
    Ok(())
}

impl Network {
    /// The outputs for a table of rows: see [`Predictor`], which is faster for many calls.
    ///
    /// # Shapes
    /// x `[rows, features]` → `[rows, outputs]`.
    ///
    /// # Errors
    /// When the rows do not fit the network.
    pub fn forward(&self, x: &Tensor<f32>) -> Result<Tensor<f32>> {
        let row = x.shape().get(1..).unwrap_or(&[]).to_vec();
        let features = Features::Floats(x.clone());
        Predictor::new(self, &row, &Config::default())?.predict(&features)
    }
}
