//! An explanation as typed data: what `explain --json` prints.

use serde::Serialize;
use serde::ser::SerializeMap;

use super::differences::Difference;
use super::explanation::Explanation;
use super::forward::{row_range, row_values};
use super::paths::{Path, RowPaths, Step};
use crate::graph::{Dim, NodeId, Op};
use crate::trace::of_activation;

/// The schema that the data follow.
const SCHEMA: &str = "glassnet.explain/1";

/// An array of any rank, written as nested lists; numbers that are not finite are null.
#[derive(Clone, Debug, PartialEq)]
pub struct NestedArray {
    /// The lengths of the axes.
    pub shape: Vec<usize>,
    /// The elements, row-major.
    pub values: Vec<f32>,
}

impl Serialize for NestedArray {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Part { shape: &self.shape, values: &self.values }.serialize(to)
    }
}

struct Part<'a> {
    shape: &'a [usize],
    values: &'a [f32],
}

impl Serialize for Part<'_> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.shape {
            [] => match self.values.first().filter(|value| value.is_finite()) {
                // The decimal that stands for the f32, not the digits of the f64 beside it.
                Some(&value) => to.serialize_f64(crate::trace::written(value)),
                None => to.serialize_none(),
            },
            [length, inner @ ..] => {
                let width: usize = inner.iter().product();
                let parts = (0..*length).map(|at| Part {
                    shape: inner,
                    values: &self.values[at * width..(at + 1) * width],
                });
                to.collect_seq(parts)
            }
        }
    }
}

/// Arrays by state-dict key, in the order of the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ByKey(pub Vec<(String, NestedArray)>);

impl Serialize for ByKey {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (key, array) in &self.0 {
            map.serialize_entry(key, array)?;
        }
        map.end()
    }
}

/// The whole explanation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Data {
    /// `glassnet.explain/1`.
    pub schema: &'static str,
    /// The network's notation.
    pub network: String,
    /// The loss's notation, if there is a loss.
    pub criterion: Option<String>,
    /// The loss of all rows together in f32, and in f64.
    pub loss: Option<f64>,
    /// The same in f64.
    pub loss_f64: Option<f64>,
    /// Each row by itself.
    pub rows: Vec<RowData>,
    /// The gradient of the loss of all rows together, where gradients were asked for.
    pub gradients_mean: Option<ByKey>,
    /// The weight that was asked for.
    pub weight: Option<WeightData>,
    /// The step that was asked for.
    pub update: Option<UpdateData>,
    /// What is known beyond the gradient.
    pub answers: Option<super::Answers>,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowData {
    /// What it is called, if it has a name.
    pub name: Option<String>,
    /// Its features.
    pub input: NestedArray,
    /// The network's output.
    pub output: NestedArray,
    /// The output in f64.
    pub output_f64: Vec<f64>,
    /// What is true of it: the class's index or values.
    pub target: Option<NestedArray>,
    /// Its own loss.
    pub loss: Option<f64>,
    /// Its own loss in f64.
    pub loss_f64: Option<f64>,
    /// The layers in order of evaluation.
    pub layers: Vec<LayerData>,
    /// The gradient of its own loss, where gradients were asked for.
    pub gradients: Option<ByKey>,
}

/// A layer at a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerData {
    /// The state-dict prefix.
    pub name: String,
    /// PyTorch's class name.
    pub kind: &'static str,
    /// What it is given.
    pub input: NestedArray,
    /// What it returns.
    pub output: NestedArray,
    /// The units (row-major, from 0) that lie exactly on a kink.
    pub kink: Vec<usize>,
}

/// A weight's gradient taken apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeightData {
    /// `0.weight[0,1]`.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// The gradient in f32.
    pub gradient: f64,
    /// The gradient in f64.
    pub gradient_f64: f64,
    /// The sum over all paths of all rows.
    pub total: f64,
    /// Row by row, the largest paths.
    pub rows: Vec<PathsData>,
    /// The slope by differences.
    pub difference: Difference,
}

/// What a row adds to a weight's gradient.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathsData {
    /// The row, from 0.
    pub row: Option<usize>,
    /// The sum over the row's paths.
    pub total: f64,
    /// How many paths it has.
    pub count: f64,
    /// The paths of the largest product.
    pub paths: Vec<PathData>,
    /// What the paths that are not listed add.
    pub rest: f64,
}

/// A path from the weight to the loss.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathData {
    /// The units on the way, in order: the layer's name, and the unit from 0; the loss is not listed.
    pub through: Vec<(String, usize)>,
    /// The derivative of each towards the one before it, the loss's last.
    pub factors: Vec<f64>,
    /// Their product.
    pub product: f64,
}

/// One step of an optimiser.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UpdateData {
    /// The optimiser's notation.
    pub optimizer: String,
    /// The parameters after the step.
    pub parameters: ByKey,
    /// The loss of the rows with them, in f64.
    pub loss_f64: f64,
}

impl Explanation {
    /// The explanation as data.
    pub fn data(&self) -> Data {
        let trace = &self.trace;
        let gradients = self.config.backward || self.config.weight.is_some();
        let mean = trace
            .loss()
            .filter(|_| gradients)
            .map(|_| self.by_key(|key| trace.gradient_values(key).unwrap_or_default().to_vec()));
        Data {
            schema: SCHEMA,
            network: self.network.module().notation(),
            criterion: self
                .config
                .criterion
                .as_ref()
                .filter(|_| trace.loss().is_some())
                .map(ToString::to_string),
            loss: trace.loss_value().map(crate::trace::written),
            loss_f64: trace.exact_loss(),
            rows: (0..trace.rows()).map(|row| self.row_data(row, gradients)).collect(),
            gradients_mean: mean,
            weight: self.weight.as_ref().map(|weight| WeightData {
                name: weight.index.to_string(),
                value: crate::trace::written(weight.value),
                gradient: crate::trace::written(weight.gradient),
                gradient_f64: weight.exact_gradient,
                total: weight.paths.total,
                rows: weight.paths.rows.iter().map(|row| self.paths_data(row)).collect(),
                difference: weight.difference.clone(),
            }),
            update: self.update.as_ref().map(|update| UpdateData {
                optimizer: update.optimizer.to_string(),
                parameters: self.by_key(|key| {
                    update.range(key).map_or(vec![], |range| update.after[range].to_vec())
                }),
                loss_f64: update.loss,
            }),
            answers: self.deep.data(),
        }
    }

    fn by_key(&self, values: impl Fn(&str) -> Vec<f32>) -> ByKey {
        let array = |parameter: &crate::trace::Parameter| NestedArray {
            shape: parameter.shape.clone(),
            values: values(&parameter.key),
        };
        ByKey(self.trace.parameters().iter().map(|p| (p.key.clone(), array(p))).collect())
    }

    fn paths_data(&self, row: &RowPaths) -> PathsData {
        let unit = |step: &Step| {
            let layer = self.trace.layers().iter().find(|layer| layer.output == step.node)?;
            let width = row_range(self, step.node, 0).len().max(1);
            Some((layer.name.clone(), step.element % width))
        };
        let path = |path: &Path| PathData {
            through: path.steps.iter().filter_map(unit).collect(),
            factors: path.steps.iter().map(|step| step.factor).collect(),
            product: path.product,
        };
        PathsData {
            row: row.row,
            total: row.total,
            count: row.count,
            paths: row.paths.iter().map(path).collect(),
            rest: row.rest(),
        }
    }

    fn row_data(&self, row: usize, gradients: bool) -> RowData {
        let trace = &self.trace;
        let result = self.rows.get(row);
        let exact = trace.exact(trace.output()).unwrap_or_default();
        RowData {
            name: self.labels.rows.get(row).cloned(),
            input: trace.input().map_or(empty(), |node| self.nested(node, row)),
            output: self.nested(trace.output(), row),
            output_f64: exact[row_range(self, trace.output(), row)].to_vec(),
            target: self.target.as_ref().map(|target| match target {
                crate::train::Target::Classes(classes) => {
                    NestedArray { shape: vec![], values: vec![classes[row] as f32] }
                }
                crate::train::Target::Values(values) => NestedArray {
                    shape: values.shape()[1..].to_vec(),
                    values: values.row(row).to_vec(),
                },
            }),
            loss: result.map(|result| crate::trace::written(result.loss)),
            loss_f64: result.map(|result| result.exact_loss),
            layers: trace
                .layers()
                .iter()
                .map(|layer| LayerData {
                    name: layer.name.clone(),
                    kind: layer.kind,
                    input: self.nested(layer.input, row),
                    output: self.nested(layer.output, row),
                    kink: self.kinks(layer.output, layer.input, row),
                })
                .collect(),
            gradients: result.filter(|_| gradients).map(|result| {
                self.by_key(|key| {
                    let own = result.gradients.iter().find(|(known, _)| known == key);
                    own.map_or(vec![], |(_, values)| values.clone())
                })
            }),
        }
    }

    /// A row's values of a node, in the node's shape without the batch.
    fn nested(&self, node: NodeId, row: usize) -> NestedArray {
        let dims = self.trace.graph().shape(node).dims().to_vec();
        let skip = usize::from(dims.first() == Some(&Dim::Batch));
        let shape = self.trace.shape(node)[skip..].to_vec();
        NestedArray { shape, values: row_values(self, node, row) }
    }

    /// The units of an activation that lie exactly on a kink.
    fn kinks(&self, output: NodeId, input: NodeId, row: usize) -> Vec<usize> {
        let node = self.trace.graph().graph().node(output);
        let Op::Activation(activation) = node.op() else { return vec![] };
        if node.operands() != [input] {
            return vec![];
        }
        let values = row_values(self, input, row);
        let on_kink = |(_, z): &(usize, &f32)| of_activation(*activation, **z).is_some();
        values.iter().enumerate().filter(on_kink).map(|(unit, _)| unit).collect()
    }
}

fn empty() -> NestedArray {
    NestedArray { shape: vec![0], values: vec![] }
}
