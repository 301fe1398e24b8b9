//! The instructions divided among threads: one program each, with waits where one thread needs what another computes.
//!
//! Instructions are taken in order. Each is cut into disjoint parts, one per thread, or given whole to one of them. Where
//! a part touches what another thread has touched since the last wait, and one of the two writes, everybody waits first.
//! So whatever runs at the same time is apart, for whichever reason the cuts were made; and since the parts' elements are
//! computed as in the whole, the bits don't depend on the number of threads.

use std::ops::Range;

use super::Config;
use super::accesses::Accesses;
use super::cost::{Nanoseconds, WAIT, cost};
use super::divide::{Parts, divide, of_update};
use super::feed::Input;
use super::instruction::{Feed, Instruction, Update};
use super::kernels::Level;
use super::lower::INPUTS;
use super::place::{Slot, Space};
use super::resident::Resident;
use super::tiny::{Tiny, TinyEntropy};

/// What each thread executes.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    /// Everything, for one thread.
    pub(super) alone: Vec<Instruction>,
    /// What the calling thread does before the others are asked.
    pub(super) before: Vec<Instruction>,
    /// A program for each of several threads; empty where one is as fast.
    pub(super) together: Vec<Vec<Instruction>>,
    /// The same as `alone`, where it is a step of training that registers hold.
    pub(super) resident: Option<Box<Resident>>,
    /// How long one run takes, roughly.
    pub(super) time: Nanoseconds,
}

/// What one thread has to be busy for before others are asked to help: below that, the least disturbance costs more
/// than they bring.
const WORTH: Nanoseconds = 15_000.0;

/// The same for predictions with weights that were packed before. Less work suffices: it is little more than reading the
/// weights, of which each thread then keeps its own part in its core's cache from call to call.
const WORTH_PREDICTING: Nanoseconds = 8_000.0;

impl Schedule {
    /// `trained` is the number of parameters, where the plan changes them.
    pub(super) fn new(
        instructions: Vec<Instruction>,
        batch: usize,
        inputs: &[Input],
        tight: usize,
        trained: Option<usize>,
        config: &Config,
    ) -> Self {
        let threads = config.pool.as_ref().map_or(1, |pool| pool.threads());
        let level = config.level;
        let predicts = instructions.iter().any(reads_packed);
        let worth = if predicts { WORTH_PREDICTING } else { WORTH };
        let mut before = feeds(inputs, batch).collect::<Vec<_>>();
        let fed = before.len();
        let instructions = before.iter().cloned().chain(instructions).collect::<Vec<_>>();
        let alone_time: Nanoseconds =
            instructions.iter().map(|instruction| cost(instruction, level)).sum();
        // What is predicted nearly always lies in order already: a wait after the copying would cost more than it.
        let divided = if predicts { &instructions[fed..] } else { &instructions[..] };
        if !predicts {
            before.clear();
        }
        let mut together = vec![];
        // The fewest threads that are nearly as fast as any other number.
        let mut best = alone_time;
        let fewest = if config.divide_always { threads.max(2) } else { 2 };
        for count in fewest..=threads {
            if alone_time < worth && !config.divide_always {
                break;
            }
            let (programs, time) = Division::new(count, config).divide(divided, batch);
            if time < 0.93 * best || config.divide_always {
                (together, best) = (programs, time);
            }
        }
        let resident = trained
            .filter(|_| config.fuse && config.observe.is_empty() && together.is_empty())
            .and_then(|parameters| Resident::read(&instructions, parameters, batch))
            .map(Box::new);
        let alone = if config.fuse { shrink(instructions, level, tight) } else { instructions };
        Schedule { alone, before, together, resident, time: best }
    }

    /// All programs.
    pub(super) fn programs(&self) -> impl Iterator<Item = &[Instruction]> {
        [&self.alone, &self.before].into_iter().chain(&self.together).map(Vec::as_slice)
    }

    /// The scratch that each thread needs; the first one also runs alone.
    pub(super) fn scratch_lens(&self, level: Level) -> Vec<usize> {
        let of = |program: &[Instruction]| {
            let products = program.iter().filter_map(|instruction| match instruction {
                Instruction::Product(product) => Some(product.shape.part_scratch_len(
                    level,
                    product.rows.len(),
                    product.columns.len(),
                )),
                _ => None, // not operations: whatever needs no scratch
            });
            products.max().unwrap_or(0)
        };
        let mut lens: Vec<usize> = self.together.iter().map(|program| of(program)).collect();
        let alone = of(&self.alone);
        match lens.first_mut() {
            Some(first) => *first = alone.max(*first),
            None => lens.push(alone),
        }
        lens
    }
}

/// The instructions with those on a few numbers in registers, and the optimiser's step in the product that gives the
/// gradient where nothing stands between them.
fn shrink(instructions: Vec<Instruction>, level: Level, tight: usize) -> Vec<Instruction> {
    let mut shrunk: Vec<Instruction> = vec![];
    for instruction in instructions {
        let small = match &instruction {
            Instruction::Product(product) => {
                Tiny::new(product, level, tight).map(|tiny| Instruction::Tiny(Box::new(tiny)))
            }
            Instruction::ColumnSums(sums) => {
                Tiny::sums(sums, level, tight).map(|tiny| Instruction::Tiny(Box::new(tiny)))
            }
            Instruction::CrossEntropy(entropy) => TinyEntropy::new(entropy, level, tight)
                .map(|tiny| Instruction::TinyEntropy(Box::new(tiny))),
            Instruction::Update(update) => {
                let gradient = shrunk.iter().rposition(|earlier| {
                    matches!(earlier, Instruction::Tiny(tiny) if tiny.out() == (update.gradient, false))
                });
                if let Some(at) = gradient.filter(|&at| nothing_between(&shrunk[at + 1..], update))
                    && let Instruction::Tiny(tiny) = &mut shrunk[at]
                {
                    **tiny = tiny.as_ref().clone().with_update(*update, level);
                    continue;
                }
                None
            }
            _ => None, // not operations: instructions for which there is nothing smaller
        };
        shrunk.push(small.unwrap_or(instruction));
    }
    shrunk
}

/// Whether a step of the optimiser may come before `instructions`, which stand before it.
fn nothing_between(instructions: &[Instruction], update: &Update) -> bool {
    let step = Instruction::Update(*update).accesses();
    instructions.iter().all(|instruction| {
        !matches!(instruction, Instruction::StopUnlessFinite { .. })
            && !instruction.accesses().conflict(&step)
    })
}

/// Whether it is a product with weights that were packed before.
fn reads_packed(instruction: &Instruction) -> bool {
    matches!(instruction, Instruction::Product(product) if product.b.space == Space::Packed)
}

/// Copies of inputs to their places, in order: the first thing to be done.
fn feeds(inputs: &[Input], batch: usize) -> impl Iterator<Item = Instruction> {
    inputs.iter().enumerate().filter_map(move |(number, input)| {
        let number = u8::try_from(number).ok().filter(|&number| number < INPUTS)?;
        let fed = input.home.space == Space::Work && batch > 0;
        fed.then(|| {
            Instruction::Feed(Feed {
                input: number,
                out: input.home,
                width: input.home.len / batch,
                rows: 0..batch,
            })
        })
    })
}

/// One division under way.
struct Division<'a> {
    count: usize,
    config: &'a Config,
    programs: Vec<Vec<Instruction>>,
    /// What each thread has touched since the last wait.
    touched: Vec<Accesses>,
    /// How long each thread has been busy since the last wait.
    busy: Vec<Nanoseconds>,
    /// How long everything before the last wait took.
    time: Nanoseconds,
    /// In which ranges a slot's elements were computed, where these are contiguous.
    ranges: Vec<(Slot, Vec<Range<usize>>)>,
}

impl<'a> Division<'a> {
    fn new(count: usize, config: &'a Config) -> Self {
        Division {
            count,
            config,
            programs: vec![vec![]; count],
            touched: vec![Accesses::default(); count],
            busy: vec![0.0; count],
            time: WAIT,
            ranges: vec![],
        }
    }

    /// The programs, and how long they will take.
    fn divide(
        mut self,
        instructions: &[Instruction],
        batch: usize,
    ) -> (Vec<Vec<Instruction>>, Nanoseconds) {
        for instruction in instructions {
            match instruction {
                Instruction::StopUnlessFinite { .. } => {
                    // Everybody decides the same: after what was computed so far, before anything else.
                    self.wait();
                    for program in &mut self.programs {
                        program.push(instruction.clone());
                    }
                }
                other => self.place(other, batch), // not operations: whatever can be cut
            }
        }
        // The end of a run is a wait.
        self.time += self.busy.iter().copied().fold(0.0, f32::max) + WAIT;
        (self.programs, self.time)
    }

    fn place(&mut self, instruction: &Instruction, batch: usize) {
        let mut candidates = divide(instruction, self.count, batch);
        if let Instruction::Update(update) = instruction {
            let known = self.ranges.iter().rev().find(|(slot, _)| *slot == update.gradient);
            if let Some((_, ranges)) = known {
                candidates.insert(0, of_update(update, ranges));
            }
        }
        candidates.retain(are_apart);
        let best = if self.config.divide_always && !candidates.is_empty() {
            // One way after the other.
            let turn = self.programs[0].len() % candidates.len();
            candidates.into_iter().nth(turn)
        } else {
            for thread in 0..self.count {
                let mut parts = vec![None; self.count];
                parts[thread] = Some(instruction.clone());
                candidates.push(parts);
            }
            let priced = candidates.into_iter().map(|parts| (self.price(&parts), parts));
            priced.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, parts)| parts)
        };
        let Some(parts) = best else { return };
        if self.must_wait(&parts) {
            self.wait();
        }
        self.remember(&parts);
        for (thread, part) in parts.into_iter().enumerate() {
            let Some(part) = part else { continue };
            self.busy[thread] += cost(&part, self.config.level);
            self.touched[thread].extend(&part.accesses());
            self.programs[thread].push(part);
        }
    }

    /// When everybody will be done. Work that could go on after it without a wait is preferred to work that couldn't.
    fn price(&self, parts: &Parts) -> Nanoseconds {
        let costs = parts
            .iter()
            .map(|part| part.as_ref().map_or(0.0, |part| cost(part, self.config.level)));
        let longest = |times: &mut dyn Iterator<Item = Nanoseconds>| times.fold(0.0, f32::max);
        let end = if self.must_wait(parts) {
            longest(&mut self.busy.iter().copied()) + WAIT + longest(&mut costs.clone())
        } else {
            longest(&mut self.busy.iter().zip(costs.clone()).map(|(busy, cost)| busy + cost))
        };
        // A wait is near for whoever reads columns as rows.
        let by_columns = parts.iter().flatten().any(|part| {
            matches!(part, Instruction::Product(product) if product.columns.len() < product.n)
        });
        let all: Nanoseconds = costs.sum();
        end + if by_columns { WAIT / 2.0 } else { 0.0 } + 0.01 * all
    }

    fn must_wait(&self, parts: &Parts) -> bool {
        parts.iter().enumerate().any(|(thread, part)| {
            let Some(part) = part else { return false };
            let accesses = part.accesses();
            self.touched
                .iter()
                .enumerate()
                .any(|(other, touched)| other != thread && touched.conflict(&accesses))
        })
    }

    fn wait(&mut self) {
        self.time += self.busy.iter().copied().fold(0.0, f32::max) + WAIT;
        for thread in 0..self.count {
            self.programs[thread].push(Instruction::Wait);
            self.touched[thread] = Accesses::default();
            self.busy[thread] = 0.0;
        }
    }

    /// Notes in which ranges an output was computed, for an update that follows.
    fn remember(&mut self, parts: &Parts) {
        let mut ranges = vec![];
        let mut whole = None;
        for part in parts {
            let range = match part {
                None => 0..0,
                Some(Instruction::Product(product)) if product.columns == (0..product.n) => {
                    whole = Some(product.out);
                    product.rows.start * product.n..product.rows.end * product.n
                }
                Some(Instruction::ColumnSums(sums)) => {
                    whole = Some(sums.out);
                    sums.columns.clone()
                }
                Some(_) => return,
            };
            ranges.push(range);
        }
        if let Some(slot) = whole {
            self.ranges.push((slot, ranges));
        }
    }
}

/// Whether no part writes what another one touches.
#[allow(clippy::ptr_arg, reason = "as `retain` calls it")]
fn are_apart(parts: &Parts) -> bool {
    let accesses: Vec<Accesses> = parts.iter().flatten().map(Instruction::accesses).collect();
    accesses
        .iter()
        .enumerate()
        .all(|(at, one)| accesses[..at].iter().all(|other| !one.conflict(other)))
}

#[cfg(test)]
mod tests;
