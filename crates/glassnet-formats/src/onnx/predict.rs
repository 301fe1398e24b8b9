//! What a file's graph computes for given values.

use glassnet::engine::{Block, Config, Draw, Memory, Plan};
use glassnet::graph::op::Source;
use glassnet::graph::{DType, Dim, Shape};
use glassnet::{Error, Result, Tensor, Value};

use super::OnnxModel;
use crate::message::quoted;

/// How many rows of a table are computed at once.
const ROWS: usize = 1024;

/// A graph compiled for a number of rows.
struct Compiled<'a> {
    model: &'a OnnxModel,
    rows: usize,
    plan: Plan,
    block: Block,
    memory: Memory,
}

impl<'a> Compiled<'a> {
    fn new(model: &'a OnnxModel, rows: usize, config: &Config) -> Result<Self> {
        let results: Vec<_> = model.graph.graph().outputs().iter().map(|&(_, id)| id).collect();
        let plan = Plan::compile(&model.graph, &results, rows, config)?;
        let mut block = Block::for_graph(&model.graph);
        for (key, value) in model.state.iter() {
            if let (Some(place), Some(array)) = (block.get_mut(key), value.as_f32()) {
                place.copy_from_slice(array.data());
            }
        }
        let memory = plan.memory();
        Ok(Compiled { model, rows, plan, block, memory })
    }

    /// The outputs in the graph's order; inputs that the graph does not read are ignored.
    fn run(&mut self, inputs: &[(&str, Value)]) -> Result<Vec<Tensor>> {
        for (name, value) in inputs {
            let Some(place) = self.plan.input(name) else { continue };
            match value {
                Value::F32(tensor) => {
                    self.memory.floats_mut(place).copy_from_slice(tensor.data());
                }
                Value::I64(tensor) => {
                    self.memory.indices_mut(place).copy_from_slice(tensor.data());
                }
            }
        }
        self.plan.run(&self.block, &mut self.memory, Draw::default())?;
        let outputs = self.model.graph.graph().outputs().iter().enumerate();
        let outputs = outputs.map(|(index, (_, id))| {
            let data = self.plan.results(&self.memory)[self.plan.result_range(index)].to_vec();
            Tensor::new(self.model.graph.shape(*id).at(self.rows), data)
        });
        outputs.collect()
    }
}

/// An input of a graph, as a part of a table's columns.
struct Part<'a> {
    name: &'a str,
    dtype: DType,
    shape: &'a Shape,
    /// How many columns it takes.
    width: usize,
}

impl OnnxModel {
    /// The outputs by name, computed in f32 by the engine.
    ///
    /// # Shapes
    /// Inputs and outputs have the graph's shapes for one common number of rows.
    ///
    /// # Errors
    /// When an input is missing or has another shape, or an operation has no kernel.
    pub fn predict(
        &self,
        inputs: &[(&str, Value)],
        config: &Config,
    ) -> Result<Vec<(String, Tensor)>> {
        let rows = self.rows(inputs)?;
        let outputs = Compiled::new(self, rows, config)?.run(inputs)?;
        let names = self.graph.graph().outputs().iter().map(|(name, _)| name.clone());
        Ok(names.zip(outputs).collect())
    }

    /// The outputs by name for the rows of a table, whose columns are the elements of the inputs in their order.
    ///
    /// # Shapes
    /// `[rows, columns]` → `[rows, elements]` for each output.
    ///
    /// # Errors
    /// When the table has not as many columns as the inputs have elements, a column of indices has other numbers, the
    /// file is for another number of rows, or an input or an output has no row for each sample.
    pub fn predict_table(
        &self,
        table: &Tensor<f32>,
        config: &Config,
    ) -> Result<Vec<(String, Tensor)>> {
        let &[rows, columns] = table.shape() else {
            return Err(Error::data(format!("a table is wanted, found {:?}", table.shape())));
        };
        let fixed = self.fixed_rows()?;
        let parts = self.parts()?;
        let wanted: usize = parts.iter().map(|part| part.width).sum();
        if wanted != columns {
            let each = |part: &Part<'_>| format!("{} of {}", quoted(part.name), part.shape);
            let each: Vec<String> = parts.iter().map(each).collect();
            return Err(Error::data(format!(
                "the table has {columns} columns, {wanted} are wanted"
            ))
            .help(format!("give a column for each element of {}", each.join(", "))));
        }
        if let Some(fixed) = fixed.filter(|&fixed| fixed != rows) {
            return Err(Error::data(format!("the table has {rows} rows, the file is for {fixed}"))
                .help("give that many, or export the model with an open number of rows"));
        }
        let outputs = self.graph.graph().outputs();
        let mut data = vec![vec![]; outputs.len()];
        let mut compiled: Option<Compiled<'_>> = None;
        let mut start = 0;
        while start < rows {
            let now = if fixed.is_some() { rows } else { ROWS.min(rows - start) };
            let plan = match compiled.take().filter(|compiled| compiled.rows == now) {
                Some(same) => compiled.insert(same),
                None => compiled.insert(Compiled::new(self, now, config)?),
            };
            let inputs = cut(&parts, table, start, now)?;
            for (all, part) in data.iter_mut().zip(plan.run(&inputs)?) {
                all.extend_from_slice(part.data());
            }
            start += now;
        }
        let named = outputs.iter().zip(data).map(|((name, id), data)| {
            let dims = &self.graph.shape(*id).dims()[1..];
            let width = dims.iter().map(|dim| Shape::from([*dim]).at(1)[0]).product::<usize>();
            Ok((name.clone(), Tensor::new([rows, width], data)?))
        });
        named.collect()
    }

    /// The number of rows that the file is for, where it is for one; what has no rows is refused.
    fn fixed_rows(&self) -> Result<Option<usize>> {
        let graph = self.graph.graph();
        let inputs = graph.sources().filter_map(|(id, source)| match source {
            Source::Input { name, .. } => Some((format!("input {}", quoted(name)), id)),
            Source::Parameter { .. }
            | Source::Buffer { .. }
            | Source::Constant(_)
            | Source::Count(_) => None,
        });
        let outputs =
            graph.outputs().iter().map(|(name, id)| (format!("output {}", quoted(name)), *id));
        let mut found: Option<Dim> = None;
        for (what, id) in inputs.chain(outputs) {
            let first = self.graph.shape(id).dims().first().copied();
            let (Some(first), true) = (first, found.is_none() || found == first) else {
                let why = format!("its shape is {}", self.graph.shape(id));
                return Err(Error::unsupported(&what, "a table", &why)
                    .help("compute it with OnnxModel::predict, from the library"));
            };
            found = Some(first);
        }
        match found {
            Some(Dim::Batch) => Ok(None),
            Some(Dim::Fixed(rows)) => Ok(Some(rows)),
            None => Err(Error::model("the graph has no input")),
        }
    }

    fn parts(&self) -> Result<Vec<Part<'_>>> {
        let mut parts = vec![];
        for (id, source) in self.graph.graph().sources() {
            let Source::Input { name, dtype, .. } = source else { continue };
            let shape = self.graph.shape(id);
            let lengths = &shape.at(1)[1..];
            let width = lengths.iter().try_fold(1_usize, |all, &length| all.checked_mul(length));
            let width = width.ok_or_else(|| Error::model("an input is too large"))?;
            parts.push(Part { name, dtype: *dtype, shape, width });
        }
        Ok(parts)
    }

    /// The number of rows that all inputs agree on.
    fn rows(&self, inputs: &[(&str, Value)]) -> Result<usize> {
        let mut rows = None;
        for (id, source) in self.graph.graph().sources() {
            let Source::Input { name, dtype, .. } = source else { continue };
            let given = inputs.iter().find(|(given, _)| given == name);
            let wanted = self.graph.shape(id);
            let place = || format!("input {name:?}");
            let Some((_, value)) = given else {
                return Err(
                    Error::data(format!("no values for the input of shape {wanted}")).at(place())
                );
            };
            let found = value.shape();
            let batch = wanted.dims().iter().position(|dim| *dim == Dim::Batch);
            let own = batch.and_then(|axis| found.get(axis).copied());
            rows = rows.or(own);
            if wanted.at(rows.unwrap_or(1)) != found {
                return Err(Error::data(format!(
                    "the values have shape {found:?}, expected {wanted}"
                ))
                .at(place()));
            }
            let fits = match value {
                Value::F32(_) => *dtype != DType::I64,
                Value::I64(_) => *dtype == DType::I64,
            };
            if !fits {
                return Err(Error::data("the values have another element type").at(place()));
            }
        }
        Ok(rows.unwrap_or(1))
    }
}

/// The inputs that `rows` rows of a table from `start` on are.
fn cut<'a>(
    parts: &[Part<'a>],
    table: &Tensor<f32>,
    start: usize,
    rows: usize,
) -> Result<Vec<(&'a str, Value)>> {
    let mut column = 0;
    let inputs = parts.iter().map(|part| {
        let columns = column..column + part.width;
        column += part.width;
        let mut shape = part.shape.at(rows);
        shape[0] = rows;
        let cells = (start..start + rows).flat_map(|row| &table.row(row)[columns.clone()]);
        let value: Value = match part.dtype {
            DType::F32 | DType::F64 | DType::Bool => {
                Tensor::new(shape, cells.copied().collect())?.into()
            }
            DType::I64 => Tensor::new(shape, cells.map(index).collect::<Result<_>>()?)?.into(),
        };
        Ok((part.name, value))
    });
    inputs.collect()
}

fn index(cell: &f32) -> Result<i64> {
    if cell.fract() == 0.0 && cell.abs() < 16_777_216.0 {
        return Ok(*cell as i64);
    }
    Err(Error::data(format!("{cell} is no index"))
        .help("give whole numbers in the columns of indices"))
}
