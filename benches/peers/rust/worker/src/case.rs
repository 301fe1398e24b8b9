//! A case: the network, its rows, and what is to be measured.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{Result, said};

/// What is measured.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Training steps over resident batches in order.
    Train,
    /// Forward passes, `batch` rows at a time.
    Infer,
    /// Training steps of `members` networks at once.
    Ensemble,
}

/// The loss, a mean over the batch (for `Mse` over all elements).
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    CrossEntropy,
    Mse,
}

/// The optimiser. Adam's other settings are PyTorch's: 0.9, 0.999, 1e-8.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Rule {
    Adam { lr: f64 },
    Sgd { lr: f64, momentum: f64 },
}

/// What is to be learnt.
#[derive(Clone, Debug)]
pub enum Targets {
    Classes(Vec<i64>),
    Values(Vec<f32>),
}

/// A network of linear layers with ReLU between, its initial weights, and rows for it.
#[derive(Clone, Debug)]
pub struct Case {
    pub task: Task,
    /// Widths from the input to the output.
    pub sizes: Vec<usize>,
    pub batch: usize,
    pub batches: usize,
    pub members: usize,
    pub optimizer: Rule,
    pub loss: Goal,
    /// `[out, in]`, row-major, a layer after the other.
    pub weights: Vec<Vec<f32>>,
    pub biases: Vec<Vec<f32>>,
    /// `[batches·batch, in]`.
    pub x: Vec<f32>,
    /// Absent where nothing is trained.
    pub y: Option<Targets>,
}

/// The part of a request that describes a case.
#[derive(Debug, Deserialize)]
pub(crate) struct Description {
    task: Task,
    sizes: Vec<usize>,
    batch: usize,
    batches: usize,
    members: usize,
    optimizer: Rule,
    loss: Goal,
    tensors: PathBuf,
}

/// The head of a file of arrays, which lie little-endian in a second file.
#[derive(Debug, Deserialize)]
struct Head {
    file: PathBuf,
    tensors: BTreeMap<String, Place>,
}

#[derive(Debug, Deserialize)]
struct Place {
    dtype: String,
    shape: Vec<usize>,
    offset: usize,
}

impl Case {
    pub(crate) fn read(description: Description) -> Result<Case> {
        let arrays = Arrays::read(&description.tensors)?;
        let layers = description.sizes.len() - 1;
        // As in PyTorch's `Sequential(Linear, ReLU, Linear, …)`.
        let all = |kind: &str| -> Result<Vec<Vec<f32>>> {
            (0..layers).map(|layer| arrays.floats(&format!("{}.{kind}", 2 * layer))).collect()
        };
        let y = match (description.task, description.loss) {
            (Task::Infer, _) => None,
            (Task::Train | Task::Ensemble, Goal::CrossEntropy) => {
                Some(Targets::Classes(arrays.classes("y")?))
            }
            (Task::Train | Task::Ensemble, Goal::Mse) => Some(Targets::Values(arrays.floats("y")?)),
        };
        Ok(Case {
            task: description.task,
            batch: description.batch,
            batches: description.batches,
            members: description.members,
            optimizer: description.optimizer,
            loss: description.loss,
            weights: all("weight")?,
            biases: all("bias")?,
            x: arrays.floats("x")?,
            y,
            sizes: description.sizes,
        })
    }

    /// The input's width.
    pub fn inputs(&self) -> usize {
        self.sizes[0]
    }

    /// The output's width.
    pub fn outputs(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    /// Rows of `x`.
    pub fn rows(&self) -> usize {
        self.batch * self.batches
    }

    /// Input rows of a batch, row-major.
    pub fn x_of(&self, batch: usize) -> &[f32] {
        let len = self.batch * self.inputs();
        &self.x[batch * len..(batch + 1) * len]
    }
}

struct Arrays {
    head: Head,
    bytes: Vec<u8>,
}

impl Arrays {
    fn read(path: &Path) -> Result<Arrays> {
        let head: Head = serde_json::from_slice(&fs::read(path).map_err(said)?).map_err(said)?;
        let bytes = fs::read(path.with_file_name(&head.file)).map_err(said)?;
        Ok(Arrays { head, bytes })
    }

    fn bytes_of(&self, name: &str, dtype: &str, width: usize) -> Result<&[u8]> {
        let place = self.head.tensors.get(name).ok_or_else(|| format!("no array `{name}`"))?;
        if place.dtype != dtype {
            return Err(format!("array `{name}` is {}, not {dtype}", place.dtype));
        }
        let len = place.shape.iter().product::<usize>() * width;
        let range = place.offset..place.offset + len;
        self.bytes.get(range).ok_or_else(|| format!("array `{name}` ends after its file"))
    }

    fn floats(&self, name: &str) -> Result<Vec<f32>> {
        let bytes = self.bytes_of(name, "f32", 4)?;
        Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }

    fn classes(&self, name: &str) -> Result<Vec<i64>> {
        let bytes = self.bytes_of(name, "i32", 4)?;
        let whole = |b: &[u8]| i64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        Ok(bytes.chunks_exact(4).map(whole).collect())
    }
}
