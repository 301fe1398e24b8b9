//! A plan's instructions read as a program on registers.

use super::super::instruction::{After, ColumnSums, Entropy, Feed, Instruction, Product, Update};
use super::super::kernels::{LANES, Right};
use super::super::place::{Slot, Space};
use super::super::tiny::Rows;
use super::{From, Gradient, Lanes, MOST_VALUES, Resident, Then};
use crate::graph::op::Activation;

impl Resident {
    /// The step that `instructions` are, for a network of `parameters` and batches of `batch` rows; `None` if registers
    /// don't hold it, or if it has an operation that isn't here.
    pub(in crate::engine) fn read(
        instructions: &[Instruction],
        parameters: usize,
        batch: usize,
    ) -> Option<Self> {
        if parameters == 0 || parameters > LANES || batch == 0 {
            return None;
        }
        let mut reader = Reader { parameters, ..Reader::default() };
        for instruction in instructions {
            reader.take(instruction)?;
        }
        reader.finish(batch)
    }
}

#[derive(Default)]
struct Reader {
    parameters: usize,
    input: Option<Feed>,
    /// Where values lie in the plan's memory.
    values: Vec<(Slot, u8)>,
    count: u8,
    forward: Vec<super::Product>,
    entropy: Option<super::Entropy>,
    target: Option<Slot>,
    backward: Vec<super::Product>,
    gradients: Vec<Gradient>,
    stop: Option<Slot>,
    updates: Vec<Update>,
}

impl Reader {
    fn take(&mut self, instruction: &Instruction) -> Option<()> {
        match instruction {
            Instruction::Feed(feed) => self.feed(feed),
            Instruction::Product(product) if self.is_gradient(product.out) => {
                self.weight_gradient(product)
            }
            Instruction::Product(product) => self.product(product),
            Instruction::ColumnSums(sums) => self.bias_gradient(sums),
            Instruction::CrossEntropy(entropy) => self.entropy(entropy),
            Instruction::StopUnlessFinite { loss } => {
                self.stop = Some(*loss);
                Some(())
            }
            Instruction::Update(update) => {
                self.updates.push(*update);
                Some(())
            }
            _ => None, // not operations: instructions that have no counterpart
        }
    }

    fn feed(&mut self, feed: &Feed) -> Option<()> {
        if self.input.is_some() {
            return None;
        }
        self.define(Slot { space: Space::Input(feed.input), offset: 0, len: feed.out.len })?;
        self.input = Some(feed.clone());
        Some(())
    }

    /// A number for the value that is written to `slot`; what lay there before is gone.
    fn define(&mut self, slot: Slot) -> Option<u8> {
        if slot.len > LANES || usize::from(self.count) == MOST_VALUES {
            return None;
        }
        let apart = |other: &Slot| {
            other.space != slot.space
                || other.range().end <= slot.offset
                || slot.range().end <= other.offset
        };
        self.values.retain(|(other, _)| apart(other));
        self.values.push((slot, self.count));
        self.count += 1;
        Some(self.count - 1)
    }

    fn value(&self, slot: Slot) -> Option<u8> {
        self.values.iter().find(|(other, _)| *other == slot).map(|(_, number)| *number)
    }

    /// The number of the first of some parameters.
    fn parameter(&self, slot: Slot) -> Option<usize> {
        (slot.space == Space::State && slot.range().end <= self.parameters).then_some(slot.offset)
    }

    /// Whether the plan's memory has the gradient of parameters there.
    fn is_gradient(&self, slot: Slot) -> bool {
        slot.space == Space::Work && slot.range().end <= self.parameters
    }

    fn product(&mut self, p: &Product) -> Option<()> {
        whole(p)?;
        let (m, n, k) = (p.m, p.n, p.k);
        if m * n > LANES || p.out.len != m * n {
            return None;
        }
        let a = self.value(p.a)?;
        let weight = self.parameter(p.b)?;
        let (row, along) = if p.transpose_a { (1, m) } else { (k, 1) };
        let (column, down) = if p.transpose_b { (k, 1) } else { (1, n) };
        let bias = match p.bias {
            Some(bias) => Some(self.parameter(bias)?),
            None => None,
        };
        let then = match p.after {
            After::Nothing => Then::Nothing,
            After::Activate(Activation::Relu) => Then::Relu,
            After::Activate(Activation::Tanh) => Then::Tanh,
            After::Activate(Activation::Sigmoid) => Then::Sigmoid,
            After::Derive(Activation::Relu, from) => Then::Stop(self.value(from)?),
            After::Derive(Activation::Tanh, from) => Then::TimesTanh(self.value(from)?),
            After::Derive(Activation::Sigmoid, from) => Then::TimesSigmoid(self.value(from)?),
            After::Activate(_) | After::Derive(..) => return None,
        };
        let per_lane = |f: &dyn Fn(usize) -> usize| -> [u32; LANES] {
            std::array::from_fn(|lane| if lane < m * n { f(lane) as u32 } else { 0 })
        };
        let product = super::Product {
            a: Lanes {
                from: self.latest_or(a),
                first: per_lane(&|lane| lane / n * row),
                step: along as u32,
            },
            b: Lanes {
                from: From::Parameters,
                first: per_lane(&|lane| weight + lane % n * column),
                step: down as u32,
            },
            terms: k,
            bias: bias.map(|bias| per_lane(&|lane| bias + lane % n)),
            then,
            out: self.define(p.out)?,
        };
        match self.entropy {
            None => self.forward.push(product),
            Some(_) => self.backward.push(product),
        }
        Some(())
    }

    /// Values are computed one after the other: gradients of parameters, which nothing waits for, come last.
    fn latest_or(&self, value: u8) -> From {
        if value + 1 == self.count { From::Previous } else { From::Value(value) }
    }

    fn entropy(&mut self, entropy: &Entropy) -> Option<()> {
        if self.entropy.is_some() {
            return None;
        }
        let rows = Rows::new(entropy, LANES)?;
        let scores = self.latest_or(self.value(entropy.scores)?);
        let (value, (above, out)) = (entropy.value?, entropy.derivative?);
        self.target = Some(entropy.target);
        self.entropy = Some(super::Entropy { rows, scores, above, value, out: self.define(out)? });
        Some(())
    }

    /// `out[i, j] = Σ a[t, i]·b[t, j]` over the rows of a batch.
    fn weight_gradient(&mut self, p: &Product) -> Option<()> {
        whole(p)?;
        let plain = p.bias.is_none() && p.after == After::Nothing;
        if !plain || !p.transpose_a || p.transpose_b || p.out.len != p.m * p.n {
            return None;
        }
        let (a, b) = (self.value(p.a)?, self.value(p.b)?);
        let (m, n) = (p.m, p.n);
        let lanes = lanes_of(p.out);
        let per_lane = |f: &dyn Fn(usize) -> usize| per_parameter(p.out, f);
        self.gradients.push(Gradient {
            a: Lanes { from: From::Value(a), first: per_lane(&|at| at / n), step: m as u32 },
            b: Lanes { from: From::Value(b), first: per_lane(&|at| at % n), step: n as u32 },
            terms: p.k,
            lanes,
            ones: 0,
        });
        Some(())
    }

    /// The sums of a value's columns: with the gradient of the weights that belongs to it, or on their own.
    fn bias_gradient(&mut self, sums: &ColumnSums) -> Option<()> {
        let whole = sums.columns == (0..sums.stride) && sums.out.len == sums.stride;
        if !whole || !self.is_gradient(sums.out) {
            return None;
        }
        let from = From::Value(self.value(sums.x)?);
        let (lanes, step) = (lanes_of(sums.out), sums.stride as u32);
        let first = per_parameter(sums.out, &|at| at);
        let partner = self.gradients.iter_mut().find(|gradient| {
            gradient.a.from == from && gradient.a.step == step && gradient.terms == sums.rows
        });
        match partner {
            Some(gradient) => {
                for lane in 0..LANES {
                    gradient.a.first[lane] += first[lane];
                }
                gradient.lanes |= lanes;
                gradient.ones |= lanes;
            }
            None => self.gradients.push(Gradient {
                a: Lanes { from, first, step },
                b: Lanes { from, first, step },
                terms: sums.rows,
                lanes,
                ones: lanes,
            }),
        }
        Some(())
    }

    /// The program, if it is a whole step: every parameter has its gradient, and changes by it unless the loss is not
    /// finite.
    fn finish(mut self, batch: usize) -> Option<Resident> {
        let (input, entropy) = (self.input?, self.entropy?);
        let all = lanes_of(Slot { space: Space::State, offset: 0, len: self.parameters });
        let with_gradient = self.gradients.iter().fold(0, |lanes, gradient| lanes | gradient.lanes);
        let mut changed = 0;
        for Update { parameters, gradient, .. } in &self.updates {
            if *gradient != (Slot { space: Space::Work, ..*parameters }) {
                return None;
            }
            self.parameters.checked_sub(parameters.range().end)?;
            changed |= lanes_of(*parameters);
        }
        let constant = self.values.iter().all(|(slot, _)| *slot != entropy.above);
        let whole = with_gradient == all && changed == all && self.stop == Some(entropy.value);
        if !whole || !constant || entropy.above.space != Space::Work {
            return None;
        }
        // The one that belongs to the latest value first: it is still at hand.
        let latest = From::Value(self.count - 1);
        self.gradients.reverse();
        if let Some(first) = self.gradients.first_mut()
            && first.a.from == latest
        {
            first.a.from = From::Previous;
        }
        Some(Resident {
            parameters: self.parameters,
            input: input.input,
            width: input.width,
            target: self.target?,
            batch,
            forward: self.forward,
            entropy,
            backward: self.backward,
            gradients: self.gradients,
        })
    }
}

/// Whether it is all of a product, whose operands lie as they are.
fn whole(p: &Product) -> Option<()> {
    let all = p.rows == (0..p.m) && p.columns == (0..p.n) && p.shape.b != Right::Panels;
    (all && p.m * p.k <= LANES && p.n * p.k <= LANES && p.k > 0).then_some(())
}

/// A bit for each parameter of a slot.
fn lanes_of(slot: Slot) -> u16 {
    slot.range().fold(0, |lanes, lane| lanes | 1 << (lane % LANES))
}

/// What `f` says of the parameters of a slot, by their place in it; 0 elsewhere.
fn per_parameter(slot: Slot, f: &dyn Fn(usize) -> usize) -> [u32; LANES] {
    std::array::from_fn(|lane| {
        let inside = slot.range().contains(&lane);
        if inside { f(lane - slot.offset) as u32 } else { 0 }
    })
}
