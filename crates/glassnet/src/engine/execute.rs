//! Running a schedule: one match, one kernel call per instruction, compiled for each instruction set.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

use super::arena::Arena;
use super::feed::Feeds;
use super::instruction::{After, ColumnSums, Entropy, Instruction, Product, TableStep, Update};
use super::kernels::{
    Epilogue, Few, Kernel, Lanes8, Level, Pointers, Set, Sixteen, dispatch, product_part_in,
    sum_rows_in,
};
use super::lookup::{self, Codes};
use super::place::{Slot, Space};
use super::rule::{Rule, SLOTS};
use super::{Draw, broadcast, cross_entropy, elementwise, moves, pair, rows};
use crate::error::Result;
use crate::math::random::{DROPOUT, Stream};

/// What the programs of one run share.
pub(super) struct Run<'a> {
    pub(super) level: Level,
    pub(super) arena: Arena,
    pub(super) feeds: &'a Feeds<'a>,
    pub(super) draw: Draw,
    /// The optimiser's step, for a plan that takes it.
    pub(super) update: Option<Updating<'a>>,
    /// Set by whoever fails: nobody computes anything after the next wait.
    pub(super) failed: AtomicBool,
}

/// The optimiser's step: its rules and what it remembers of all parameters.
#[derive(Clone, Copy)]
pub(super) struct Updating<'a> {
    /// Of arrays of two or more axes.
    pub(super) rule: &'a Rule,
    /// Of all other parameters.
    pub(super) others: &'a Rule,
    pub(super) slots: [*mut f32; SLOTS],
}

impl Updating<'_> {
    /// The rule by which `update` changes its parameters.
    #[inline(always)]
    pub(super) fn rule_of(&self, update: &Update) -> &Rule {
        if update.matrix { self.rule } else { self.others }
    }
}

// SAFETY: the threads of a run update different parameters: their schedule keeps them apart.
unsafe impl Sync for Updating<'_> {}

/// Executes one thread's program; `wait` is called where it says so.
///
/// # Safety
/// The program belongs to the plan that the arena was made for, `scratch` is as long as the plan says, and no thread
/// runs the same program on the same arena.
pub(super) unsafe fn execute(
    run: &Run<'_>,
    program: &[Instruction],
    scratch: &mut [f32],
    wait: &dyn Fn(),
) -> Result<()> {
    let level = run.level;
    match level.set() {
        Set::Portable => dispatch(level, Thread::<Lanes8>::new(run, program, scratch, wait)),
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => {
            dispatch(level, Thread::<std::arch::x86_64::__m256>::new(run, program, scratch, wait))
        }
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => {
            dispatch(level, Thread::<std::arch::x86_64::__m512>::new(run, program, scratch, wait))
        }
    }
}

/// One thread at work, on registers `V`.
struct Thread<'a, V> {
    run: &'a Run<'a>,
    program: &'a [Instruction],
    scratch: &'a mut [f32],
    wait: &'a dyn Fn(),
    registers: PhantomData<V>,
}

impl<'a, V> Thread<'a, V> {
    fn new(
        run: &'a Run<'a>,
        program: &'a [Instruction],
        scratch: &'a mut [f32],
        wait: &'a dyn Fn(),
    ) -> Self {
        Thread { run, program, scratch, wait, registers: PhantomData }
    }
}

impl<V: Few> Kernel for Thread<'_, V> {
    type Output = Result<()>;

    #[inline(always)]
    fn run(self) -> Result<()> {
        let Thread { run, program, scratch, wait, .. } = self;
        let arena = &run.arena;
        let mut outcome = Ok(());
        for instruction in program {
            match instruction {
                // SAFETY: `execute`'s promise; inside the level of `V`.
                Instruction::Tiny(tiny) => unsafe {
                    if let Some(update) = tiny.run::<V>(arena, run.update.as_ref()) {
                        update_part::<V>(run, update);
                    }
                },
                // SAFETY: as above.
                Instruction::Product(product) => unsafe {
                    multiply::<V>(run, product, scratch.as_mut_ptr());
                },
                // SAFETY: as above.
                Instruction::ColumnSums(sums) => unsafe { sum_columns::<V>(arena, sums) },
                // SAFETY: as above.
                Instruction::Update(update) => unsafe { update_part::<V>(run, update) },
                // SAFETY: as above.
                Instruction::TableStep(step) => unsafe { table_step::<V>(run, step) },
                Instruction::Wait => {
                    wait();
                    if run.failed.load(Ordering::Relaxed) {
                        outcome = skip(program, instruction, wait).and(outcome);
                        break;
                    }
                }
                Instruction::StopUnlessFinite { loss } => {
                    // SAFETY: `execute`'s promise; the loss was written before the last wait.
                    let loss = unsafe { *arena.read(*loss) };
                    if !loss.is_finite() {
                        outcome = skip(program, instruction, wait).and(outcome);
                        break;
                    }
                }
                // not operations: instructions that aren't inlined here
                other => {
                    let outcome_of = match other {
                        // SAFETY: as above.
                        Instruction::TinyEntropy(tiny) => unsafe {
                            if tiny.run::<V>(arena) {
                                continue;
                            }
                            V::enter(Entropies::<V>(arena, &tiny.whole, PhantomData))
                        },
                        // SAFETY: as above.
                        Instruction::CrossEntropy(entropy) => unsafe {
                            V::enter(Entropies::<V>(arena, entropy, PhantomData))
                        },
                        // SAFETY: `execute`'s promise.
                        other => unsafe { whole(run, other) }, // not operations: whatever is worth a call
                    };
                    if let Err(error) = outcome_of {
                        run.failed.store(true, Ordering::Relaxed);
                        outcome = skip(program, instruction, wait).and(Err(error));
                        break;
                    }
                }
            }
        }
        outcome
    }
}

/// Waits wherever the rest of the program would, so that nobody waits for ever.
#[cold]
#[inline(never)]
fn skip(program: &[Instruction], after: &Instruction, wait: &dyn Fn()) -> Result<()> {
    let mut rest = program.iter();
    rest.by_ref().find(|instruction| std::ptr::eq(*instruction, after));
    for instruction in rest {
        if matches!(instruction, Instruction::Wait) {
            wait();
        }
    }
    Ok(())
}

/// Every instruction that is worth a call.
///
/// # Safety
/// As [`execute`].
#[inline(never)]
unsafe fn whole(run: &Run<'_>, instruction: &Instruction) -> Result<()> {
    let (level, arena) = (run.level, &run.arena);
    // SAFETY: the caller's promise, for every slot below.
    let read = |slot| unsafe { arena.floats(slot) };
    // SAFETY: as above.
    let write = |slot| unsafe { arena.floats_mut(slot) };
    // SAFETY: as above.
    let codes = |slot| unsafe { codes_of(arena, slot) };
    match instruction {
        Instruction::Copy { x, out } => write(*out).copy_from_slice(read(*x)),
        Instruction::Map { activation, x, out } => {
            elementwise::map(level, *activation, read(*x), write(*out));
        }
        Instruction::MapGrad { activation, dy, from, out } => {
            elementwise::map_grad(level, *activation, read(*dy), read(*from), write(*out));
        }
        Instruction::Arithmetic { op, operands, out, reads } => {
            let third = operands.get(2).map_or(&[][..], |&third| read(third));
            let operands = [read(operands[0]), read(operands[1]), third];
            broadcast::arithmetic(level, *op, operands, write(*out), reads);
        }
        Instruction::Softmax { softmax, operands, out, extent } => {
            rows::softmax(level, *softmax, operands.map(read), write(*out), *extent);
        }
        Instruction::Reduce { kind, x, out, extent } => {
            rows::reduce(level, *kind, read(*x), write(*out), *extent);
        }
        Instruction::Normalize { eps, dy, x, out, extent } => {
            rows::normalize(level, *eps, dy.map(read), read(*x), write(*out), *extent);
        }
        Instruction::Mask { p, stream, out } => {
            let draw = run.draw;
            return Stream::at(draw.seed, DROPOUT + *stream as u64, draw.step)
                .fill_keep_mask(write(*out), *p);
        }
        Instruction::Embedding { weight, index, out, width } => {
            return lookup::look_up(read(*weight), codes(*index), *width, write(*out));
        }
        Instruction::EmbeddingGrad { dy, index, out, width, padding_idx } => {
            lookup::gradient(read(*dy), codes(*index), *width, *padding_idx, write(*out));
        }
        Instruction::Move { x, out, path } => moves::strided(read(*x), path, write(*out)),
        Instruction::Pair { loss, operands, out } => {
            let third = operands.get(2).map(|&third| read(third));
            let (first, second) = (read(operands[0]), read(operands[1]));
            pair::value(level, *loss, first, second, third, write(*out));
        }
        Instruction::PairGrad { loss, operand, dy, operands, out } => {
            let third = operands.get(2).map(|&third| read(third));
            let (first, second) = (read(operands[0]), read(operands[1]));
            let out = write(*out);
            pair::derivative(level, *loss, *operand, read(*dy), [first, second], third, out);
        }
        Instruction::Feed(feed) => {
            let rows = feed.rows.start * feed.width..feed.rows.end * feed.width;
            run.feeds.copy(feed, write(feed.out.part(rows)));
        }
        Instruction::Update(_)
        | Instruction::TableStep(_)
        | Instruction::ColumnSums(_)
        | Instruction::CrossEntropy(_)
        | Instruction::Product(_)
        | Instruction::Tiny(_)
        | Instruction::TinyEntropy(_)
        | Instruction::StopUnlessFinite { .. }
        | Instruction::Wait => {
            unreachable!("the caller's own")
        }
    }
    Ok(())
}

/// A rectangle of a product, and what follows it.
///
/// # Safety
/// As [`execute`], inside the level of `V`.
#[inline(always)]
unsafe fn multiply<V: Few>(run: &Run<'_>, p: &Product, scratch: *mut f32) {
    let arena = &run.arena;
    // SAFETY: the caller's promise.
    unsafe {
        let pointers = Pointers {
            a: arena.read(p.a),
            b: arena.read(p.b),
            bias: p.bias.map_or(std::ptr::null(), |bias| arena.read(bias)),
            from: match p.after {
                After::Derive(_, from) => arena.read(from),
                After::Nothing | After::Activate(_) => std::ptr::null(),
            },
            c: arena.write(p.out),
        };
        product_part_in::<V>(&p.shape, p.rows.clone(), p.columns.clone(), &pointers, scratch);
        if p.shape.epilogue == Epilogue::None && p.after != After::Nothing {
            follow(run.level, p, arena);
        }
    }
}

/// # Safety
/// As [`execute`], inside the level of `V`.
#[inline(always)]
unsafe fn sum_columns<V: Few>(arena: &Arena, sums: &ColumnSums) {
    struct Sums<'a, V>(&'a Arena, &'a ColumnSums, PhantomData<V>);
    impl<V: Few> Kernel for Sums<'_, V> {
        type Output = ();

        #[inline(always)]
        fn run(self) {
            let Sums(arena, sums, _) = self;
            let (first, columns) = (sums.columns.start, sums.columns.len());
            // SAFETY: the promise of `sum_columns`.
            unsafe {
                let (x, out) = (arena.read(sums.x).add(first), arena.write(sums.out).add(first));
                sum_rows_in::<V>(sums.rows, sums.stride, columns, x, out);
            }
        }
    }
    // SAFETY: the caller's promise.
    unsafe { V::enter(Sums::<V>(arena, sums, PhantomData)) };
}

/// The optimiser's step on some parameters.
///
/// # Safety
/// As [`execute`], inside the level of `V`.
#[inline(always)]
unsafe fn update_part<V: Few>(run: &Run<'_>, update: &Update) {
    let Some(updating) = &run.update else { return };
    // SAFETY: the caller's promise; slots are as long as the parameters.
    unsafe {
        let slots = updating.slots.map(|slot| slot.wrapping_add(update.parameters.offset));
        V::enter(Updated::<V> {
            rule: updating.rule_of(update),
            len: update.parameters.len,
            parameters: run.arena.write(update.parameters),
            gradient: run.arena.read(update.gradient),
            slots,
            registers: PhantomData,
        });
    }
}

/// The gradient of a table and the optimiser's step on it.
///
/// # Safety
/// As [`execute`], inside the level of `V`.
#[inline(always)]
unsafe fn table_step<V: Few>(run: &Run<'_>, step: &TableStep) {
    let TableStep { width, padding_idx, update, .. } = *step;
    let rows = step.visited.len;
    // SAFETY: the caller's promise: the slots lie apart.
    unsafe {
        let codes = codes_of(&run.arena, step.index);
        let gradient = run.arena.floats_mut(update.gradient);
        let last = run.arena.floats_mut(step.last);
        let visited = run.arena.floats_mut(step.visited);
        lookup::clear(Codes::Floats(last), width, gradient, visited);
        lookup::keep(codes, last);
        lookup::add(run.arena.floats(step.dy), codes, width, padding_idx, gradient);
        let rule = run.update.as_ref().map(|updating| updating.rule_of(&update));
        if !rule.is_some_and(Rule::leaves_where_no_gradient_is) {
            update_part::<V>(run, &update);
            return;
        }
        for place in 0..codes.len() {
            let Some(row) = codes.row(place, rows).filter(|&row| visited[row] == 0.0) else {
                continue;
            };
            visited[row] = 1.0;
            let range = row * width..(row + 1) * width;
            let (parameters, gradient) =
                (update.parameters.part(range.clone()), update.gradient.part(range));
            update_part::<V>(run, &Update { parameters, gradient, ..update });
        }
    }
}

/// The codes that lie in `slot`.
///
/// # Safety
/// As [`Arena::floats`].
unsafe fn codes_of<'a>(arena: &Arena, slot: Slot) -> Codes<'a> {
    // SAFETY: the caller's promise.
    unsafe {
        match slot.space {
            Space::Index => Codes::Integers(arena.indices(slot)),
            Space::State | Space::Work | Space::Packed | Space::Input(_) => {
                Codes::Floats(arena.floats(slot))
            }
        }
    }
}

struct Updated<'a, V> {
    rule: &'a Rule,
    len: usize,
    parameters: *mut f32,
    gradient: *const f32,
    slots: [*mut f32; SLOTS],
    registers: PhantomData<V>,
}

impl<V: Few> Kernel for Updated<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // SAFETY: the promise of `update_part`.
        unsafe {
            self.rule.apply_inner::<<V as Sixteen>::Lanes>(
                self.len,
                self.parameters,
                self.gradient,
                self.slots,
            );
        }
    }
}

/// The activations that products don't have in their own loops, over the rectangle's rows.
///
/// # Safety
/// As [`execute`].
#[inline(never)]
unsafe fn follow(level: Level, p: &Product, arena: &Arena) {
    let apply = |range: std::ops::Range<usize>| {
        // SAFETY: the caller's promise.
        let out = unsafe { arena.floats_mut(p.out.part(range.clone())) };
        match p.after {
            After::Nothing => {}
            After::Activate(activation) => elementwise::map_in_place(level, activation, out),
            After::Derive(activation, from) => {
                // SAFETY: as above.
                let from = unsafe { arena.floats(from.part(range)) };
                elementwise::map_grad_in_place(level, activation, from, out);
            }
        }
    };
    match p.whole_rows() {
        Some(range) => apply(range),
        None => {
            for row in p.rows.clone() {
                apply(row * p.n + p.columns.start..row * p.n + p.columns.end);
            }
        }
    }
}

/// A cross-entropy, to be entered with the promise of [`execute`].
struct Entropies<'a, V>(&'a Arena, &'a Entropy, PhantomData<V>);

impl<V: Few> Kernel for Entropies<'_, V> {
    type Output = Result<()>;

    #[inline(always)]
    fn run(self) -> Result<()> {
        let Entropies(arena, entropy, _) = self;
        // SAFETY: `execute`'s promise, for every slot below.
        let read = |slot| unsafe { arena.floats(slot) };
        // SAFETY: as above.
        let write = |slot| unsafe { arena.floats_mut(slot) };
        let operands = cross_entropy::Operands {
            scores: read(entropy.scores),
            // SAFETY: as above.
            indices: unsafe { arena.indices(entropy.target) },
            probabilities: read(entropy.target),
            weights: entropy.weights.map(read),
            classes: entropy.classes,
        };
        let value = entropy.value.map(write);
        let gradient = entropy.derivative.map(|(dy, out)| (read(dy), write(out)));
        // SAFETY: inside the level of `V`.
        unsafe {
            cross_entropy::run_inner::<<V as Sixteen>::Lanes>(
                entropy.loss,
                &operands,
                value,
                gradient,
            )
        }
    }
}
