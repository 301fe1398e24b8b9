//! Local derivatives: of one element of a node towards each number that it was computed from.
//!
//! Every family of operations has its answer here, in f64, at the engine's values or at the exact ones. Where an
//! operation has a derivative operation of its own (losses), that one is asked, so that there is one formula.

use super::Trace;
use super::position::{broadcast_from, coordinates, group, place};
use crate::graph::op::{
    Arithmetic, Gather, Layout, Linear, Loss, Normalize, Reduce, Reduction, Softmax,
};
use crate::graph::{NodeId, Op};
use crate::reference::{self, Array, activation};
use crate::tensor::Tensor;

/// A number that an element was computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// Which operand of the operation.
    pub operand: usize,
    /// The element of the operand, row-major.
    pub element: usize,
    /// The derivative of the result towards it; none towards indices, and where a derivative is not differentiated
    /// again.
    pub derivative: Option<f64>,
}

/// Which values local derivatives are taken at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The engine's f32 values.
    Engine,
    /// The f64 values.
    Exact,
}

/// A node's values, whatever they are.
#[derive(Clone, Copy)]
pub(super) enum Values<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
    I64(&'a [i64]),
}

impl Values<'_> {
    fn at(self, element: usize) -> f64 {
        match self {
            Values::F32(values) => f64::from(values[element]),
            Values::F64(values) => values[element],
            Values::I64(values) => values[element] as f64,
        }
    }

    fn array(self, shape: Vec<usize>) -> Option<Array> {
        Some(match self {
            Values::F32(values) => Tensor::new(shape, values.to_vec()).ok()?.into(),
            Values::F64(values) => Tensor::new(shape, values.to_vec()).ok()?.into(),
            Values::I64(values) => Tensor::new(shape, values.to_vec()).ok()?.into(),
        })
    }
}

/// One question: the operation, its operands' values and shapes, the element.
pub(super) struct Question<'a> {
    pub(super) op: &'a Op,
    pub(super) values: Vec<Values<'a>>,
    pub(super) shapes: Vec<Vec<usize>>,
    pub(super) own: Values<'a>,
    pub(super) shape: Vec<usize>,
    pub(super) element: usize,
    pub(super) only: Option<usize>,
}

type Visit<'a> = &'a mut dyn FnMut(Edge);

impl Trace {
    /// Tells `visit` of every number that `element` of `node` was computed from, with the local derivative; with
    /// `only`, of those of one operand.
    pub fn edges(
        &self,
        node: NodeId,
        element: usize,
        basis: Basis,
        only: Option<usize>,
        visit: &mut dyn FnMut(Edge),
    ) {
        let entry = self.graph().graph().node(node);
        let Some(own) = self.values(node, basis) else { return };
        let Some(values) =
            entry.operands().iter().map(|&id| self.values(id, basis)).collect::<Option<Vec<_>>>()
        else {
            return;
        };
        let question = Question {
            op: entry.op(),
            values,
            shapes: entry.operands().iter().map(|&id| self.shape(id)).collect(),
            own,
            shape: self.shape(node),
            element,
            only,
        };
        question.answer(visit);
    }

    fn values(&self, node: NodeId, basis: Basis) -> Option<Values<'_>> {
        if let Some(indices) = self.indices(node) {
            return Some(Values::I64(indices));
        }
        match basis {
            Basis::Engine => self.floats(node).map(Values::F32),
            Basis::Exact => self.exact(node).map(Values::F64),
        }
    }
}

impl Question<'_> {
    pub(super) fn answer(&self, visit: Visit<'_>) {
        match self.op {
            Op::Source(_) | Op::Random(_) => {}
            Op::Linear(op) => self.linear(*op, visit),
            Op::Arithmetic(op) => self.arithmetic(*op, visit),
            Op::Activation(op) => {
                let slope = activation::derivative(*op, self.values[0].at(self.element));
                self.tell(0, self.element, Some(slope), visit);
            }
            Op::ActivationGrad(_) | Op::Loss(Loss::Pair(_) | Loss::PairGrad { .. }) => {
                self.elementwise(visit);
            }
            Op::Softmax(op) => self.softmax(*op, visit),
            Op::Reduce(op) => self.reduce(op, visit),
            Op::Normalize(op) => self.normalize(op, visit),
            Op::Gather(op) => self.gather(*op, visit),
            Op::Layout(op) => self.layout(op, visit),
            Op::Loss(Loss::CrossEntropy(_) | Loss::CrossEntropyGrad(_)) => {
                self.cross_entropy(visit);
            }
        }
    }

    fn tell(&self, operand: usize, element: usize, derivative: Option<f64>, visit: Visit<'_>) {
        if self.only.is_none_or(|only| only == operand) {
            visit(Edge { operand, element, derivative });
        }
    }

    fn coordinates(&self) -> Vec<usize> {
        coordinates(&self.shape, self.element)
    }

    /// Factor by factor: of the product `l·r`, towards `l` it is `r`.
    fn linear(&self, op: Linear, visit: Visit<'_>) {
        let columns = |operand: usize| self.shapes[operand].last().copied().unwrap_or(1);
        let length = |operand: usize| self.shapes[operand].iter().product::<usize>();
        let outputs = self.shape.last().copied().unwrap_or(1).max(1);
        let (row, column) = (self.element / outputs, self.element % outputs);
        let (inner, left, right): (usize, (usize, usize), (usize, usize)) = match op {
            // Start and step of both factors.
            Linear::Affine => {
                let inner = columns(0);
                (inner, (row * inner, 1), (column * inner, 1))
            }
            Linear::MatMul { transpose_a, transpose_b } => {
                let (a, b) = (columns(0), columns(1));
                let inner = if transpose_a { length(0) / a.max(1) } else { a };
                let left = if transpose_a { (row, a) } else { (row * a, 1) };
                let right = if transpose_b { (column * b, 1) } else { (column, b) };
                (inner, left, right)
            }
        };
        for k in 0..inner {
            let (l, r) = (left.0 + k * left.1, right.0 + k * right.1);
            self.tell(0, l, Some(self.values[1].at(r)), visit);
            self.tell(1, r, Some(self.values[0].at(l)), visit);
        }
        if self.values.len() > 2 {
            self.tell(2, column, Some(1.0), visit);
        }
    }

    fn arithmetic(&self, op: Arithmetic, visit: Visit<'_>) {
        let coordinates = self.coordinates();
        let places: Vec<usize> =
            self.shapes.iter().map(|shape| broadcast_from(shape, &coordinates)).collect();
        let value = |operand: usize| self.values[operand].at(places[operand]);
        let (a, b) = (value(0), value(1));
        let derivatives = match op {
            Arithmetic::Add => vec![Some(1.0), Some(1.0)],
            Arithmetic::Sub => vec![Some(1.0), Some(-1.0)],
            Arithmetic::Mul => vec![Some(b), Some(a)],
            Arithmetic::Div => vec![Some(1.0 / b), Some(-a / (b * b))],
            Arithmetic::Maximum => shares(a > b, a == b),
            Arithmetic::Minimum => shares(a < b, a == b),
            Arithmetic::Power => {
                let base = if b == 0.0 { 0.0 } else { b * libm::pow(a, b - 1.0) };
                let exponent = if a == 0.0 { 0.0 } else { libm::pow(a, b) * libm::log(a) };
                vec![Some(base), Some(exponent)]
            }
            Arithmetic::Select => {
                let first = a > 0.0;
                let share = |chosen: bool| Some(f64::from(u8::from(chosen)));
                vec![None, share(first), share(!first)]
            }
        };
        for (operand, derivative) in derivatives.into_iter().enumerate() {
            self.tell(operand, places[operand], derivative, visit);
        }
    }

    /// Operations of equal shapes that have a derivative operation, and the derivatives themselves.
    fn elementwise(&self, visit: Visit<'_>) {
        let one = Array::from(Tensor::scalar(1.0_f64));
        let scalars: Vec<Array> = self
            .values
            .iter()
            .map(|values| Array::from(Tensor::scalar(values.at(self.element))))
            .collect();
        let ask = |op: Op, operands: &[&Array]| {
            let answer = reference::operation(&op, operands, vec![]).ok()?;
            answer.floats().ok().map(|tensor| tensor.data()[0])
        };
        for operand in 0..self.values.len() {
            let derivative = if let Op::Loss(Loss::Pair(loss)) = self.op {
                let operands: Vec<&Array> = std::iter::once(&one).chain(&scalars).collect();
                ask(Op::Loss(Loss::PairGrad { loss: *loss, operand }), &operands)
            } else if operand == 0 {
                // A derivative is linear in what comes from above, and not differentiated again towards the rest.
                let operands: Vec<&Array> = std::iter::once(&one).chain(&scalars[1..]).collect();
                ask(self.op.clone(), &operands)
            } else {
                None
            };
            self.tell(operand, self.element, derivative, visit);
        }
    }

    fn softmax(&self, op: Softmax, visit: Visit<'_>) {
        let members = group(&self.shape, &self.coordinates(), &[op.axis()]);
        let same = |member: usize| f64::from(u8::from(member == self.element));
        let kept = match op {
            Softmax::Probabilities { .. } | Softmax::Logarithms { .. } => self.own,
            Softmax::ProbabilitiesGrad { .. } | Softmax::LogarithmsGrad { .. } => self.values[1],
        };
        let y = kept.at(self.element);
        for &member in &members {
            let derivative = match op {
                Softmax::Probabilities { .. } | Softmax::ProbabilitiesGrad { .. } => {
                    y * (same(member) - kept.at(member))
                }
                Softmax::Logarithms { .. } => same(member) - libm::exp(kept.at(member)),
                Softmax::LogarithmsGrad { .. } => same(member) - libm::exp(y),
            };
            self.tell(0, member, Some(derivative), visit);
        }
        if self.values.len() > 1 {
            for &member in &members {
                self.tell(1, member, None, visit);
            }
        }
    }

    fn reduce(&self, op: &Reduce, visit: Visit<'_>) {
        let shape = &self.shapes[0];
        let mut own = self.coordinates().into_iter();
        let coordinates: Vec<usize> = (0..shape.len())
            .map(|axis| match (op.axes.contains(&axis), op.keep) {
                (true, false) => 0,
                (true, true) => own.next().map_or(0, |_| 0),
                (false, _) => own.next().unwrap_or(0),
            })
            .collect();
        let members = group(shape, &coordinates, &op.axes);
        let count = members.len() as f64;
        let value = |member: usize| self.values[0].at(member);
        let total = self.own.at(self.element);
        let ties = members.iter().filter(|&&member| value(member) == total).count() as f64;
        let mean = members.iter().map(|&member| value(member)).sum::<f64>() / count;
        for &member in &members {
            let derivative = match op.kind {
                Reduction::Sum => 1.0,
                Reduction::Mean => 1.0 / count,
                Reduction::Max | Reduction::Min if value(member) == total => 1.0 / ties,
                Reduction::Max | Reduction::Min => 0.0,
                Reduction::Variance { correction } => {
                    2.0 * (value(member) - mean) / (count - f64::from(correction))
                }
            };
            self.tell(0, member, Some(derivative), visit);
        }
    }

    /// `∂yᵢ/∂xⱼ = (δᵢⱼ − 1/N − yᵢ·yⱼ/N)/√(variance + eps)`, which is also the derivative's own.
    fn normalize(&self, op: &Normalize, visit: Visit<'_>) {
        let x = self.values[if op.grad { 1 } else { 0 }];
        let members = group(&self.shape, &self.coordinates(), &op.axes);
        let count = members.len() as f64;
        let mean = members.iter().map(|&member| x.at(member)).sum::<f64>() / count;
        let square = |member: &usize| (x.at(*member) - mean) * (x.at(*member) - mean);
        let variance = members.iter().map(square).sum::<f64>() / count;
        let deviation = (variance + op.eps).sqrt();
        let y = |member: usize| (x.at(member) - mean) / deviation;
        for &member in &members {
            let same = f64::from(u8::from(member == self.element));
            let slope = (same - (1.0 + y(self.element) * y(member)) / count) / deviation;
            self.tell(0, member, Some(slope), visit);
        }
        if op.grad {
            for &member in &members {
                self.tell(1, member, None, visit);
            }
        }
    }

    fn gather(&self, op: Gather, visit: Visit<'_>) {
        let width = self.shape.last().copied().unwrap_or(1).max(1);
        let (row, column) = (self.element / width, self.element % width);
        match op {
            Gather::Embedding { padding_idx } => {
                let chosen = self.values[1].at(row) as usize;
                // The padding row is never trained: its derivative counts as 0.
                let slope = if padding_idx == Some(chosen) { 0.0 } else { 1.0 };
                self.tell(0, chosen * width + column, Some(slope), visit);
                self.tell(1, row, None, visit);
            }
            Gather::EmbeddingGrad { padding_idx, .. } => {
                let places = self.shapes[1].iter().product::<usize>();
                for at in (0..places).filter(|&at| self.values[1].at(at) as usize == row) {
                    let slope = if padding_idx == Some(row) { 0.0 } else { 1.0 };
                    self.tell(0, at * width + column, Some(slope), visit);
                    self.tell(1, at, None, visit);
                }
            }
        }
    }

    fn layout(&self, op: &Layout, visit: Visit<'_>) {
        let mut own = self.coordinates();
        let shape = &self.shapes[0];
        match op {
            Layout::Reshape { .. } => self.tell(0, self.element, Some(1.0), visit),
            Layout::Broadcast { .. } => {
                self.tell(0, broadcast_from(shape, &own), Some(1.0), visit);
            }
            Layout::Permute { axes } => {
                let mut from = vec![0; own.len()];
                for (&axis, index) in axes.iter().zip(own) {
                    from[axis] = index;
                }
                self.tell(0, place(shape, &from), Some(1.0), visit);
            }
            Layout::Slice { axis, start, .. } => {
                own[*axis] += start;
                self.tell(0, place(shape, &own), Some(1.0), visit);
            }
            Layout::Pad { axis, before, .. } => {
                let inside = own[*axis].checked_sub(*before);
                if let Some(index) = inside.filter(|&index| index < shape[*axis]) {
                    own[*axis] = index;
                    self.tell(0, place(shape, &own), Some(1.0), visit);
                }
            }
            Layout::Concat { axis } => {
                for (operand, shape) in self.shapes.iter().enumerate() {
                    if own[*axis] < shape[*axis] {
                        self.tell(operand, place(shape, &own), Some(1.0), visit);
                        break;
                    }
                    own[*axis] -= shape[*axis];
                }
            }
        }
    }

    /// Cross-entropy: the derivative operation is asked with 1 from above; a row's loss depends on its own scores.
    fn cross_entropy(&self, visit: Visit<'_>) {
        let arrays: Option<Vec<Array>> = self
            .values
            .iter()
            .zip(&self.shapes)
            .map(|(values, shape)| values.array(shape.clone()))
            .collect();
        let Some(mut arrays) = arrays else { return };
        let (loss, first) = match self.op {
            Op::Loss(Loss::CrossEntropy(loss)) => {
                let ones = Array::from(Tensor::full(self.shape.clone(), 1.0_f64));
                arrays.insert(0, ones);
                (*loss, 0)
            }
            Op::Loss(Loss::CrossEntropyGrad(loss)) => {
                arrays[0] = Array::from(Tensor::full(self.shapes[0].clone(), 1.0_f64));
                (*loss, 1)
            }
            _ => return, // not operations: who calls asks for these two
        };
        let shape = self.shapes[first].clone();
        let operands: Vec<&Array> = arrays.iter().collect();
        let answer =
            reference::operation(&Op::Loss(Loss::CrossEntropyGrad(loss)), &operands, shape);
        let Ok(Array::Float(slopes)) = answer else { return };
        let classes = self.shapes[first].last().copied().unwrap_or(1).max(1);
        if first == 1 {
            // Linear in what comes from above.
            let above = if self.shapes[0].is_empty() { 0 } else { self.element / classes };
            self.tell(0, above, slopes.data().get(self.element).copied(), visit);
            let row = self.element / classes;
            for class in row * classes..(row + 1) * classes {
                self.tell(1, class, None, visit);
            }
            return;
        }
        let own = match self.shape.is_empty() {
            true => 0..slopes.len(),
            false => self.element * classes..(self.element + 1) * classes,
        };
        for element in own.clone() {
            self.tell(0, element, Some(slopes.data()[element]), visit);
        }
        let indices = matches!(self.values[1], Values::I64(_));
        let targets = if indices { own.start / classes..own.end.div_ceil(classes) } else { own };
        for element in targets {
            self.tell(1, element, None, visit);
        }
    }
}

/// The derivatives of an extreme towards both operands: half each at a tie.
fn shares(first: bool, tie: bool) -> Vec<Option<f64>> {
    let share = if tie { 0.5 } else { f64::from(u8::from(first)) };
    vec![Some(share), Some(1.0 - share)]
}
