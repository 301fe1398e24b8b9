//! What a contract is checked on: a small graph with the arrays that it is fed.

use glassnet::graph::op::{Arithmetic, Reduction};
use glassnet::graph::{Builder, Checked, DType, NodeId, Shape};
use glassnet::{Result, Tensor, Value};

/// A graph, a value in it, a scalar loss that depends on that value, and everything that is fed.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) batch: usize,
    pub(crate) graph: Checked,
    /// The node that the case is about.
    pub(crate) value: NodeId,
    /// A scalar: the sum of the value times fixed numbers.
    pub(crate) loss: NodeId,
    /// The sources that the loss is differentiated towards.
    pub(crate) towards: Vec<NodeId>,
    pub(crate) inputs: Vec<(String, Value)>,
    pub(crate) state: Vec<(String, Tensor<f32>)>,
    /// Whether the gradient is compared with differences: not where the point lies on a kink.
    pub(crate) differences: bool,
    /// How far the engine may be from the reference, relative to the largest entry of the array.
    pub(crate) tolerance: f64,
    /// What the engine may be off besides, whatever the array's size: where a formula cancels.
    pub(crate) floor: f64,
    /// The same relative to the largest entry of all gradients together: where a gradient is 0 but for rounding.
    pub(crate) shared: f64,
    /// At most so many elements of an array are moved one by one; all are moved together besides.
    pub(crate) moved_singly: usize,
}

/// Relative to an array's largest entry: some hundred f32 roundings.
const TOLERANCE: f64 = 2e-5;

/// Numbers that f32 holds exactly, the same on every machine (SplitMix64: Steele, Lea & Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    /// A stream of its own for every name (FNV-1a).
    pub(crate) fn named(name: &str) -> Self {
        Numbers(name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..count`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    /// One of `choices`.
    pub(crate) fn choose<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    /// True once in `count` times.
    pub(crate) fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// A number strictly between `low` and `high`, in steps of 2^-16 of the range.
    pub(crate) fn between(&mut self, (low, high): (f32, f32)) -> f32 {
        let share = (self.below(1 << 16) as f32 + 0.5) / 65536.0;
        low + (high - low) * share
    }

    pub(crate) fn many(&mut self, count: usize, range: (f32, f32)) -> Vec<f32> {
        (0..count).map(|_| self.between(range)).collect()
    }
}

/// Builds a [`Case`].
pub(crate) struct Bench {
    name: String,
    batch: usize,
    pub(crate) builder: Builder,
    pub(crate) numbers: Numbers,
    towards: Vec<NodeId>,
    inputs: Vec<(String, Value)>,
    state: Vec<(String, Tensor<f32>)>,
    differences: bool,
    tolerance: f64,
    floor: f64,
    shared: f64,
    moved_singly: usize,
}

impl Bench {
    pub(crate) fn new(name: impl Into<String>, batch: usize) -> Self {
        let name = name.into();
        Bench {
            batch,
            builder: Builder::new(),
            numbers: Numbers::named(&name),
            towards: vec![],
            inputs: vec![],
            state: vec![],
            differences: true,
            tolerance: TOLERANCE,
            // Below the normal numbers f32 has fewer digits.
            floor: f64::from(f32::MIN_POSITIVE),
            shared: 0.0,
            moved_singly: 10,
            name,
        }
    }

    /// The case lies on kinks: its gradient is not compared with differences.
    pub(crate) fn on_kinks(mut self) -> Self {
        self.differences = false;
        self
    }

    /// A whole network: roundings add up, and its arrays are too many to move every element.
    pub(crate) fn of_many_layers(mut self) -> Self {
        self.tolerance = 2e-4;
        self.shared = 2e-6;
        self.floor = 1e-7;
        self.moved_singly = 1;
        self
    }

    /// Errors of the engine up to `floor` do not count.
    pub(crate) fn floor(mut self, floor: f64) -> Self {
        self.floor = floor;
        self
    }

    fn elements(&self, shape: &Shape) -> usize {
        shape.elements(self.batch).expect("small shapes")
    }

    /// An input of random numbers in a range; the loss is differentiated towards it.
    pub(crate) fn input(&mut self, shape: impl Into<Shape>, range: (f32, f32)) -> Result<NodeId> {
        let id = self.held(shape, range)?;
        self.towards.push(id);
        Ok(id)
    }

    /// An input of random numbers that the loss is not differentiated towards.
    pub(crate) fn held(&mut self, shape: impl Into<Shape>, range: (f32, f32)) -> Result<NodeId> {
        let shape = shape.into();
        let data = self.numbers.many(self.elements(&shape), range);
        self.fixed(shape, data)
    }

    /// An input of given numbers; the loss is differentiated towards it.
    pub(crate) fn given(&mut self, shape: impl Into<Shape>, data: Vec<f32>) -> Result<NodeId> {
        let id = self.fixed(shape, data)?;
        self.towards.push(id);
        Ok(id)
    }

    /// An input of given numbers that the loss is not differentiated towards.
    pub(crate) fn fixed(&mut self, shape: impl Into<Shape>, data: Vec<f32>) -> Result<NodeId> {
        let (shape, name) = (shape.into(), format!("x{}", self.inputs.len()));
        let id = self.builder.input(&name, DType::F32, shape.clone())?;
        self.inputs.push((name, Tensor::new(shape.at(self.batch), data)?.into()));
        Ok(id)
    }

    /// An input of integers.
    pub(crate) fn indices(&mut self, shape: impl Into<Shape>, data: Vec<i64>) -> Result<NodeId> {
        let (shape, name) = (shape.into(), format!("i{}", self.inputs.len()));
        let id = self.builder.input(&name, DType::I64, shape.clone())?;
        self.inputs.push((name, Tensor::new(shape.at(self.batch), data)?.into()));
        Ok(id)
    }

    /// An input of random integers below `count`.
    pub(crate) fn random_indices(
        &mut self,
        shape: impl Into<Shape>,
        count: usize,
    ) -> Result<NodeId> {
        let shape = shape.into();
        let data = (0..self.elements(&shape)).map(|_| self.numbers.below(count) as i64).collect();
        self.indices(shape, data)
    }

    /// An input of random whole floats below `count`.
    pub(crate) fn random_codes(&mut self, shape: impl Into<Shape>, count: usize) -> Result<NodeId> {
        let shape = shape.into();
        let data = (0..self.elements(&shape)).map(|_| self.numbers.below(count) as f32).collect();
        self.fixed(shape, data)
    }

    /// A parameter of random numbers in a range; the loss is differentiated towards it.
    pub(crate) fn parameter(
        &mut self,
        shape: impl Into<Shape>,
        range: (f32, f32),
    ) -> Result<NodeId> {
        let (shape, name) = (shape.into(), format!("{}.weight", self.state.len()));
        let data = self.numbers.many(self.elements(&shape), range);
        let id = self.builder.parameter(&name, shape.clone())?;
        self.state.push((name, Tensor::new(shape.at(self.batch), data)?));
        self.towards.push(id);
        Ok(id)
    }

    /// A buffer of random numbers in a range.
    pub(crate) fn buffer(&mut self, shape: impl Into<Shape>, range: (f32, f32)) -> Result<NodeId> {
        let (shape, name) = (shape.into(), format!("{}.running_mean", self.state.len()));
        let data = self.numbers.many(self.elements(&shape), range);
        let id = self.builder.buffer(&name, shape.clone())?;
        self.state.push((name, Tensor::new(shape.at(self.batch), data)?));
        Ok(id)
    }

    /// The case about `value`, whose elements are weighted at random.
    pub(crate) fn finish(mut self, value: NodeId) -> Result<Case> {
        // Of both signs and nowhere near 0, so that no element is overlooked.
        let signs = [-1.0_f32, 1.0];
        let weights = (0..self.elements(self.builder.shape(value)))
            .map(|_| self.numbers.choose(&signs) * self.numbers.between((0.5, 1.5)))
            .collect();
        self.finish_weighted(value, weights)
    }

    /// The case about `value`, with the plain sum of its elements as the loss.
    pub(crate) fn finish_sum(self, value: NodeId) -> Result<Case> {
        let weights = vec![1.0; self.elements(self.builder.shape(value))];
        self.finish_weighted(value, weights)
    }

    fn finish_weighted(mut self, value: NodeId, weights: Vec<f32>) -> Result<Case> {
        let shape = self.builder.shape(value).clone();
        let weights = self.fixed(shape, weights)?;
        let weighted = self.builder.arithmetic(Arithmetic::Mul, &[value, weights])?;
        let loss = self.builder.reduce_all(Reduction::Sum, weighted)?;
        self.builder.output("value", value);
        self.builder.output("loss", loss);
        Ok(Case {
            name: self.name,
            batch: self.batch,
            graph: self.builder.finish_checked(),
            value,
            loss,
            towards: self.towards,
            inputs: self.inputs,
            state: self.state,
            differences: self.differences,
            tolerance: self.tolerance,
            floor: self.floor,
            shared: self.shared,
            moved_singly: self.moved_singly,
        })
    }
}
