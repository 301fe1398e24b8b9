//! Operations as the reader applies them: computed at once where all operands are known, else a node of the graph.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use glassnet::graph::op::{Activation, Arithmetic, Layout, Reduce, Reduction, Source};
use glassnet::graph::{Builder, DType, Dim, NodeId, Op, Shape, Type};
use glassnet::nn::StateDict;
use glassnet::{Error, ErrorKind, Result, Tensor, reference};

use super::constant::{Constant, Data, Whole};
use super::element::{Class, Element};
use super::fold;
use super::node::written;
use super::value::{Known, Value};
use crate::message::short;
use crate::note::Conversions;

/// The most elements that the values of one row may have in all: a quarter of a gigabyte of f32.
const MOST_VALUES: usize = 1 << 26;

/// The graph under construction.
pub(super) struct Emitter {
    pub(super) builder: Builder,
    pub(super) state: StateDict,
    /// The nodes of known arrays that entered the graph, by the array's address.
    entered: HashMap<*const Constant, (Rc<Constant>, NodeId)>,
    /// How many keys were wanted again.
    doubles: HashMap<String, usize>,
    /// What folding may still cost, in elements computed.
    pub(super) budget: usize,
    /// Elements of computed values so far, for a batch of one.
    values: usize,
    /// The fixed number of rows that the file declares, where it is read as any number.
    pub(super) lifted: Option<usize>,
    /// Floats that the file takes as whole numbers: a look-up refuses those that are none, nobody else may have them.
    cut: HashSet<NodeId>,
    /// What to name a result of folding.
    pub(super) result: Rc<str>,
    /// The arrays whose numbers became f32.
    pub(super) conversions: Conversions,
}

impl Emitter {
    /// An empty graph; `budget` bounds what is computed while reading.
    pub(super) fn new(budget: usize, lifted: Option<usize>) -> Self {
        Emitter {
            builder: Builder::new(),
            state: StateDict::new(),
            entered: HashMap::new(),
            doubles: HashMap::new(),
            budget,
            values: 0,
            lifted,
            cut: HashSet::new(),
            result: Rc::from(""),
            conversions: Conversions::default(),
        }
    }

    /// A computed float as a whole number of a type, which [`Emitter::is_cut`] tells from others.
    pub(super) fn cut(&mut self, value: &Value, element: Element) -> Result<Value> {
        let id = self.node(value)?;
        self.cut.insert(id);
        Ok(Value::Node { id, element })
    }

    /// Whether a whole number is a float that need not be one.
    pub(super) fn is_cut(&self, value: &Value) -> bool {
        match value {
            Value::Node { id, element } => element.class() == Class::Whole && self.cut.contains(id),
            Value::Known(_) => false,
        }
    }

    /// The value's shape.
    pub(super) fn shape(&self, value: &Value) -> Shape {
        match value {
            Value::Known(known) => Shape::from(known.constant.shape.as_slice()),
            Value::Node { id, .. } => self.builder.shape(*id).clone(),
        }
    }

    /// The number of axes.
    pub(super) fn rank(&self, value: &Value) -> usize {
        self.shape(value).rank()
    }

    /// Takes so much from the budget of folding.
    pub(super) fn spend(&mut self, elements: usize) -> Result<()> {
        self.budget = self.budget.checked_sub(elements).ok_or_else(|| {
            Error::new(ErrorKind::Limit, "the file computes too much from its constants alone")
                .help("simplify the model before: onnxsim, or onnxruntime's offline optimisation")
        })?;
        Ok(())
    }

    /// A known array that the file or the reader computed.
    pub(super) fn known(&self, constant: Constant, trained: bool) -> Value {
        Value::Known(Known { constant: Rc::new(constant), key: self.result.clone(), trained })
    }

    /// A known number.
    pub(super) fn number(&self, number: f64) -> Value {
        self.known(Constant::floats(vec![], vec![number]), false)
    }

    /// The graph's node of a value; known arrays become parameters, buffers or constants.
    pub(super) fn node(&mut self, value: &Value) -> Result<NodeId> {
        let known = match value {
            Value::Node { id, .. } => return Ok(*id),
            Value::Known(known) => known,
        };
        let address = Rc::as_ptr(&known.constant);
        if let Some((_, id)) = self.entered.get(&address) {
            return Ok(*id);
        }
        let constant = &known.constant;
        let id = if let (Data::Wholes(wholes), true) = (&constant.data, constant.len() == 1)
            && let [Whole::Batches(factor)] = wholes[..]
        {
            let rows = self.builder.count(Shape::from([Dim::Batch]))?;
            let count = self.builder.scale(rows, factor as f64)?;
            self.builder.reshape(count, Shape::from(constant.shape.as_slice()))?
        } else if constant.shape.is_empty() {
            self.builder.constant(shortest(constant.to_floats()?[0]))?
        } else {
            let floats = constant.to_floats()?;
            let singles: Vec<f32> = floats.iter().map(|&number| number as f32).collect();
            let exact = floats
                .iter()
                .zip(&singles)
                .all(|(&number, &single)| !number.is_finite() || f64::from(single) == number);
            let key = self.free_key(&known.key);
            // Single precision that was computed with is rounded by whoever computes with it.
            if constant.element.class() == Class::Float && constant.element != Element::F32 {
                self.conversions.add_named(&key, constant.element.name(), "float32", exact);
            }
            let shape = Shape::from(constant.shape.as_slice());
            let id = if known.trained {
                self.builder.parameter(&key, shape)?
            } else {
                self.builder.buffer(&key, shape)?
            };
            self.state.insert(key, Tensor::new(constant.shape.clone(), singles)?);
            id
        };
        self.entered.insert(address, (Rc::clone(constant), id));
        Ok(id)
    }

    /// Like [`Emitter::node`], for statistics that are never trained.
    pub(super) fn buffer(&mut self, value: &Value) -> Result<Value> {
        let value = match value {
            Value::Known(known) => Value::Known(Known { trained: false, ..known.clone() }),
            Value::Node { .. } => value.clone(),
        };
        self.entered(&value)
    }

    /// The value as a node of the graph, so that nothing made of it is folded.
    pub(super) fn entered(&mut self, value: &Value) -> Result<Value> {
        Ok(Value::Node { id: self.node(value)?, element: value.element() })
    }

    /// A state-dict key that is not taken yet.
    fn free_key(&mut self, wanted: &str) -> String {
        let wanted = if wanted.is_empty() { "constant".to_owned() } else { short(wanted) };
        let mut key = wanted.clone();
        while self.state.get(&key).is_some() {
            let number = self.doubles.entry(wanted.clone()).or_insert(1);
            *number += 1;
            key = format!("{wanted}#{number}");
        }
        key
    }

    /// Appends a node, unless its value would be larger than a network's.
    pub(super) fn push(&mut self, op: Op, operands: Vec<NodeId>) -> Result<NodeId> {
        let id = self.builder.push(op, operands)?;
        let shape = self.builder.shape(id);
        let values = fold::elements(&shape.at(1)).ok();
        let values = values.and_then(|elements| self.values.checked_add(elements));
        match values.filter(|&values| values <= MOST_VALUES) {
            Some(values) => self.values = values,
            None => {
                return Err(Error::new(
                    ErrorKind::Limit,
                    format!("the values of one row would have more than {MOST_VALUES} elements, with one of shape {shape}"),
                )
                .help("no feed-forward network needs so many"));
            }
        }
        Ok(id)
    }

    /// Applies a float operation: at once where all operands are known.
    pub(super) fn emit(&mut self, op: Op, operands: &[&Value]) -> Result<Value> {
        let element = match operands.first().map(|first| first.element()) {
            Some(element) if element.class() == Class::Float => element,
            Some(_) | None => Element::F32,
        };
        if operands.iter().any(|operand| operand.known().is_none()) {
            let ids =
                operands.iter().map(|operand| self.node(operand)).collect::<Result<Vec<_>>>()?;
            return Ok(Value::Node { id: self.push(op, ids)?, element });
        }
        let known: Vec<&Constant> = operands.iter().filter_map(|operand| operand.known()).collect();
        let types: Vec<Type> = known
            .iter()
            .map(|constant| Type {
                dtype: DType::F32,
                shape: Shape::from(constant.shape.as_slice()),
            })
            .collect();
        let shape = op.infer(&types.iter().collect::<Vec<_>>())?.shape.at(1);
        self.spend(cost(&op, &known, &shape)?)?;
        let arrays =
            known.iter().map(|constant| constant.to_array()).collect::<Result<Vec<_>>>()?;
        let value = reference::operation(&op, &arrays.iter().collect::<Vec<_>>(), shape)?;
        let value = value.floats()?;
        let constant = Constant {
            element,
            shape: value.shape().to_vec(),
            data: Data::Floats(value.data().to_vec()),
        };
        Ok(self.known(constant, trained(operands)))
    }

    pub(super) fn arithmetic(&mut self, op: Arithmetic, operands: &[&Value]) -> Result<Value> {
        self.emit(Op::Arithmetic(op), operands)
    }

    pub(super) fn add(&mut self, a: &Value, b: &Value) -> Result<Value> {
        self.arithmetic(Arithmetic::Add, &[a, b])
    }

    pub(super) fn sub(&mut self, a: &Value, b: &Value) -> Result<Value> {
        self.arithmetic(Arithmetic::Sub, &[a, b])
    }

    pub(super) fn mul(&mut self, a: &Value, b: &Value) -> Result<Value> {
        self.arithmetic(Arithmetic::Mul, &[a, b])
    }

    pub(super) fn div(&mut self, a: &Value, b: &Value) -> Result<Value> {
        self.arithmetic(Arithmetic::Div, &[a, b])
    }

    /// `b` where `condition > 0`, else `c`.
    pub(super) fn select(&mut self, condition: &Value, b: &Value, c: &Value) -> Result<Value> {
        self.arithmetic(Arithmetic::Select, &[condition, b, c])
    }

    /// `value · factor`; the value itself when the factor is 1.
    pub(super) fn scale(&mut self, value: &Value, factor: f64) -> Result<Value> {
        if factor == 1.0 {
            return Ok(value.clone());
        }
        let factor = self.number(factor);
        self.mul(value, &factor)
    }

    pub(super) fn activation(&mut self, activation: Activation, z: &Value) -> Result<Value> {
        self.emit(Op::Activation(activation), &[z])
    }

    pub(super) fn reduce(
        &mut self,
        kind: Reduction,
        axes: Vec<usize>,
        keep: bool,
        x: &Value,
    ) -> Result<Value> {
        self.emit(Op::Reduce(Reduce { kind, axes, keep }), &[x])
    }

    fn layout(&mut self, layout: Layout, operands: &[&Value]) -> Result<Value> {
        let element = operands.first().map_or(Element::F32, |first| first.element());
        let ids = operands.iter().map(|operand| self.node(operand)).collect::<Result<Vec<_>>>()?;
        if ids.iter().any(|&id| self.builder.type_of(id).dtype == DType::I64) {
            return Err(Error::unsupported(
                "a layout of indices that are an input",
                "the ONNX reader",
                "they can only be looked up",
            ));
        }
        Ok(Value::Node { id: self.push(Op::Layout(layout), ids)?, element })
    }

    /// The same elements under another shape.
    pub(super) fn reshape(&mut self, x: &Value, shape: Shape) -> Result<Value> {
        if self.shape(x) == shape {
            return Ok(x.clone());
        }
        match x {
            Value::Known(known) => {
                self.spend(known.constant.len())?;
                let constant = known.constant.reshaped(fixed(&shape)?)?;
                Ok(Value::Known(Known { constant: Rc::new(constant), ..known.clone() }))
            }
            Value::Node { .. } => self.layout(Layout::Reshape { shape }, &[x]),
        }
    }

    /// The axes in another order.
    pub(super) fn permute(&mut self, x: &Value, axes: Vec<usize>) -> Result<Value> {
        if axes.iter().copied().eq(0..axes.len()) {
            return Ok(x.clone());
        }
        let Value::Known(known) = x else { return self.layout(Layout::Permute { axes }, &[x]) };
        let constant = &known.constant;
        self.spend(constant.len())?;
        let strides = fold::strides(&constant.shape);
        let shape: Vec<usize> = axes.iter().map(|&axis| constant.shape[axis]).collect();
        let steps: Vec<isize> = axes.iter().map(|&axis| strides[axis] as isize).collect();
        let constant = constant.taken(shape.clone(), &fold::places(&shape, &steps, 0));
        Ok(Value::Known(Known { constant: Rc::new(constant), ..known.clone() }))
    }

    /// `count` elements of an axis from `start` on in steps of `step`, which may be negative; they exist.
    pub(super) fn slice(
        &mut self,
        x: &Value,
        axis: usize,
        start: usize,
        step: isize,
        count: usize,
    ) -> Result<Value> {
        if let Value::Known(known) = x {
            let constant = &known.constant;
            let strides = fold::strides(&constant.shape);
            let mut shape = constant.shape.clone();
            shape[axis] = count;
            self.spend(fold::elements(&shape)?)?;
            let mut steps: Vec<isize> = strides.iter().map(|&stride| stride as isize).collect();
            steps[axis] = steps[axis].wrapping_mul(step);
            let constant =
                constant.taken(shape.clone(), &fold::places(&shape, &steps, start * strides[axis]));
            return Ok(self.known(constant, known.trained));
        }
        if step == 1 {
            if self.shape(x).dims().get(axis) == Some(&Dim::Fixed(count)) {
                return Ok(x.clone());
            }
            return self.layout(Layout::Slice { axis, start, end: start + count }, &[x]);
        }
        let parts = (0..count)
            .map(|index| {
                let at = start.wrapping_add_signed(index as isize * step);
                self.layout(Layout::Slice { axis, start: at, end: at + 1 }, &[x])
            })
            .collect::<Result<Vec<Value>>>()?;
        if parts.is_empty() {
            return self.layout(Layout::Slice { axis, start: 0, end: 0 }, &[x]);
        }
        self.concat(&parts.iter().collect::<Vec<_>>(), axis)
    }

    /// Values behind each other along an axis; there is at least one.
    pub(super) fn concat(&mut self, parts: &[&Value], axis: usize) -> Result<Value> {
        if let [one] = parts {
            return Ok((*one).clone());
        }
        let known: Option<Vec<&Constant>> = parts.iter().map(|part| part.known()).collect();
        let Some(known) = known else {
            return self.layout(Layout::Concat { axis }, parts);
        };
        let mut shape = known[0].shape.clone();
        for part in &known[1..] {
            let fits = part.shape.len() == shape.len()
                && (0..shape.len()).all(|at| at == axis || part.shape[at] == shape[at]);
            if !fits {
                return Err(Error::model(format!(
                    "{shape:?} and {:?} differ in more than axis {axis}",
                    part.shape
                )));
            }
            shape[axis] = shape[axis]
                .checked_add(part.shape[axis])
                .ok_or_else(|| Error::model("the joined axis is too long"))?;
        }
        self.spend(fold::elements(&shape)?)?;
        let constant = fold::concat(&known, axis, shape)?;
        Ok(self.known(constant, trained(parts)))
    }

    /// The value repeated to a shape.
    pub(super) fn broadcast(&mut self, x: &Value, shape: Shape) -> Result<Value> {
        if self.shape(x) == shape {
            return Ok(x.clone());
        }
        match x {
            Value::Known(known) if !shape.dims().contains(&Dim::Batch) => {
                let to = fixed(&shape)?;
                if fold::broadcast(&known.constant.shape, &to)? != to {
                    return Err(Error::model(format!(
                        "{:?} does not broadcast to {to:?}",
                        known.constant.shape
                    )));
                }
                self.spend(fold::elements(&to)?)?;
                let places = fold::broadcast_places(&known.constant.shape, &to);
                let constant = known.constant.taken(to, &places);
                Ok(self.known(constant, known.trained))
            }
            Value::Known(_) | Value::Node { .. } => self.layout(Layout::Broadcast { shape }, &[x]),
        }
    }

    /// Zeros before and after an axis of a computed value, or of known floats.
    pub(super) fn pad(
        &mut self,
        x: &Value,
        axis: usize,
        before: usize,
        after: usize,
    ) -> Result<Value> {
        let x = self.entered(x)?;
        self.layout(Layout::Pad { axis, before, after }, &[&x])
    }
}

/// The shortest decimal number that is the same f32: 0.7, not 0.699999988.
pub(super) fn shortest(number: f64) -> f64 {
    if f64::from(number as f32) == number { written(number as f32) } else { number }
}

/// Whether a weight of the file is among the operands.
fn trained(operands: &[&Value]) -> bool {
    operands.iter().any(|operand| match operand {
        Value::Known(known) => known.trained,
        Value::Node { .. } => false,
    })
}

/// The lengths of a shape without a batch.
fn fixed(shape: &Shape) -> Result<Vec<usize>> {
    let lengths = shape.dims().iter().map(|dim| match dim {
        Dim::Fixed(length) => Ok(*length),
        Dim::Batch => Err(Error::unsupported(
            "a constant with a row per sample",
            "the ONNX reader",
            "it does not know how many there are",
        )),
    });
    lengths.collect()
}

/// How many elements the reference evaluator looks at, roughly.
fn cost(op: &Op, operands: &[&Constant], shape: &[usize]) -> Result<usize> {
    let out = fold::elements(shape)?;
    let read: usize = operands.iter().map(|operand| operand.len()).sum();
    let inner = match op {
        Op::Linear(_) => operands[0].shape.iter().copied().max().unwrap_or(1),
        Op::Source(Source::Input { .. } | Source::Parameter { .. } | Source::Buffer { .. })
        | Op::Source(Source::Constant(_) | Source::Count(_))
        | Op::Arithmetic(_)
        | Op::Activation(_)
        | Op::ActivationGrad(_)
        | Op::Softmax(_)
        | Op::Reduce(_)
        | Op::Normalize(_)
        | Op::Random(_)
        | Op::Gather(_)
        | Op::Layout(_)
        | Op::Loss(_) => 1,
    };
    out.checked_mul(inner)
        .and_then(|products| products.checked_add(read))
        .ok_or_else(|| Error::new(ErrorKind::Limit, "a constant is too large to be computed"))
}
