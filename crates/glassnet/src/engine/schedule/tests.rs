//! What the soundness of threads rests on, tried on the steps of random networks: parts are the whole, programs wait
//! together, nobody touches what another one writes before the next wait, and instructions touch what they say.
#![allow(unsafe_code)]

use std::collections::HashMap;

use super::super::arena::Arena;
use super::super::execute::{Run, Updating, execute};
use super::super::rule::{Entry, Momentum, Rule};
use super::super::{Block, Draw, Feeds, Plan, Pool};
use super::*;
use crate::engine::accesses::Region;
use crate::graph::op::Source;
use crate::graph::{Builder, Checked, DType, NodeId, Shape};
use crate::math::random::Stream;
use crate::nn::loss::{Criterion, LossOperands};
use crate::nn::{Lowering, Mode, parse};

/// How many networks are tried.
const NETWORKS: u64 = 30;

const ACTIVATIONS: [&str; 9] =
    ["ReLU", "ReLU", "Tanh", "GELU", "SiLU", "Sigmoid", "ELU", "PReLU", "Hardswish"];

/// A training step of a random network: graph, results, number of parameters. Everything of a tiny one fits registers.
fn step(numbers: &mut Stream, tiny: bool) -> (Checked, Vec<NodeId>, usize, String) {
    let mut below = |bound: usize| numbers.below(bound as u64) as usize;
    let inputs = 1 + below(if tiny { 4 } else { 40 });
    let mut width = inputs;
    let mut layers = vec![];
    for _ in 0..1 + below(4) {
        let next = match below(3) {
            _ if tiny => 1 + below(4),
            0 => 1 + below(9),
            1 => 1 + below(80),
            _ => 32 * (1 + below(4)),
        };
        layers.push(format!("Linear({width}, {next})"));
        width = next;
        match below(8) {
            _ if tiny => {}
            0 => layers.push(format!("BatchNorm1d({width})")),
            1 => layers.push(format!("LayerNorm({width})")),
            2 => layers.push("Dropout(p=0.3)".to_owned()),
            3 => layers.push(format!("Residual(Linear({width}, {width}), PReLU())")),
            4 => layers.push("Softmax(dim=1)".to_owned()),
            5 => layers.push("Formula('z*tanh(z)')".to_owned()),
            _ => {}
        }
        let commonest = if tiny { 2 } else { ACTIVATIONS.len() };
        layers.push(format!("{}()", ACTIVATIONS[below(commonest)]));
    }
    let classes = 1 + below(if tiny { 4 } else { 40 });
    layers.push(format!("Linear({width}, {classes})"));
    let notation = format!("Sequential({})", layers.join(", "));
    let (loss, target, row) = match below(4) {
        0 | 1 => ("CrossEntropyLoss()", DType::I64, Shape::batch([])),
        2 => ("MSELoss()", DType::F32, Shape::batch([classes])),
        _ => ("HuberLoss()", DType::F32, Shape::batch([classes])),
    };
    let (graph, results, parameters) = step_of(&notation, inputs, loss, target, row);
    (graph, results, parameters, notation)
}

/// A training step of a network: graph, results, number of parameters.
fn step_of(
    notation: &str,
    inputs: usize,
    loss: &str,
    target: DType,
    row: Shape,
) -> (Checked, Vec<NodeId>, usize) {
    let mut builder = Builder::new();
    let x = builder.input("x", DType::F32, Shape::batch([inputs])).unwrap();
    let mut context = Lowering::new(Mode::Train);
    let y = parse(notation).unwrap().lower(&mut builder, x, &mut context).unwrap();
    let target = builder.input("y", target, row).unwrap();
    let operands = LossOperands { variance: None, sample_weight: None };
    let criterion = Criterion::parse(loss).unwrap();
    let loss = criterion.lower(&mut builder, y, target, &operands).unwrap();
    let graph = builder.finish_checked();
    let parameters: Vec<NodeId> = { graph.graph().sources() }
        .filter(|(_, source)| matches!(source, Source::Parameter { .. }))
        .map(|(id, _)| id)
        .collect();
    let gradient = crate::grad::grad(&graph, loss, &parameters).unwrap();
    let mut results = gradient.gradients;
    results.push(loss);
    results.extend(context.buffer_updates.iter().map(|update| update.value));
    (gradient.graph, results, parameters.len())
}

/// Plans of random steps, each for another batch, division, number of threads, instruction set.
fn plans() -> impl Iterator<Item = (Plan, Checked, String)> {
    (0..NETWORKS).map(|seed| {
        let mut numbers = Stream::at(seed, 0, 0);
        let tiny = seed % 3 == 2;
        let (graph, results, parameters, notation) = step(&mut numbers, tiny);
        let batch = if tiny { [1, 2, 3, 4, 2] } else { [2, 7, 16, 33, 80] };
        let batch = batch[numbers.below(5) as usize];
        let threads = [2, 3, 5, 8][numbers.below(4) as usize];
        let levels: Vec<Level> = Level::supported().collect();
        let config = Config {
            level: levels[numbers.below(levels.len() as u64) as usize],
            fuse: numbers.below(4) != 0,
            pool: Some(Pool::new(threads).unwrap()),
            divide_always: numbers.below(4) != 0,
            ..Config::default()
        };
        let plan = match numbers.below(4) {
            0 => Plan::compile(&graph, &results, batch, &config),
            1 => Plan::compile_packed(&graph, &results, batch, &config),
            _ => Plan::compile_step(&graph, &results, parameters, batch, &config),
        };
        (plan.unwrap(), graph, format!("seed {seed}: {notation}, batch {batch}, {threads} threads"))
    })
}

/// Every element of some regions; those of an input are where it lies when it is fed.
fn elements<'a>(
    plan: &'a Plan,
    regions: &'a [Region],
) -> impl Iterator<Item = (Space, usize)> + 'a {
    regions.iter().flat_map(|region| {
        let (space, offset) = match region.space {
            Space::Input(number) => (Space::Work, plan.inputs[usize::from(number)].home.offset),
            other => (other, 0),
        };
        let runs = (0..region.runs).map(move |run| offset + region.start + run * region.stride);
        runs.flat_map(move |start| (start..start + region.width).map(move |at| (space, at)))
    })
}

#[test]
fn all_programs_have_the_same_waits_and_stops() {
    let mut divided = 0;
    for (plan, _, what) in plans() {
        let shapes: Vec<Vec<String>> = { plan.schedule.together.iter() }
            .map(|program| {
                let of_all = program.iter().filter(|instruction| {
                    let stop = matches!(instruction, Instruction::StopUnlessFinite { .. });
                    stop || matches!(instruction, Instruction::Wait)
                });
                of_all.map(|instruction| format!("{instruction:?}")).collect()
            })
            .collect();
        assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{what}");
        divided += usize::from(!shapes.is_empty());
    }
    assert!(divided > NETWORKS as usize / 2, "only {divided} plans are for several threads");
}

#[test]
fn nobody_touches_what_another_thread_writes_before_the_next_wait() {
    let mut shared = 0;
    for (plan, _, what) in plans() {
        let segments: Vec<Vec<&[Instruction]>> = { plan.schedule.together.iter() }
            .map(|program| {
                program.split(|instruction| matches!(instruction, Instruction::Wait)).collect()
            })
            .collect();
        for segment in 0..segments.first().map_or(0, Vec::len) {
            // Who writes and who touches each element.
            let mut touched: HashMap<(Space, usize), (u32, u32)> = HashMap::new();
            for (thread, segments) in segments.iter().enumerate() {
                for instruction in segments[segment] {
                    let accesses = instruction.accesses();
                    for element in elements(&plan, &accesses.writes) {
                        touched.entry(element).or_default().0 |= 1 << thread;
                    }
                    for element in elements(&plan, &accesses.reads) {
                        touched.entry(element).or_default().1 |= 1 << thread;
                    }
                }
            }
            for (element, (writers, readers)) in touched {
                let races = writers != 0 && (writers | readers).count_ones() > 1;
                assert!(!races, "{what}: {element:?}, {writers:b} write, {readers:b} read");
                shared += usize::from(readers.count_ones() > 1);
            }
        }
    }
    assert!(shared > 0, "nothing was read by several");
}

#[test]
fn parts_are_the_whole_and_apart() {
    let mut cuts = 0;
    for (plan, _, what) in plans() {
        for instruction in &plan.schedule.alone {
            for count in [2, 3, 5] {
                for parts in divide(instruction, count, plan.batch).into_iter().filter(are_apart) {
                    assert_eq!(parts.len(), count, "{what}");
                    let sorted = |regions: &[Region]| {
                        let mut all: Vec<_> = elements(&plan, regions)
                            .map(|(space, at)| (format!("{space:?}"), at))
                            .collect();
                        all.sort();
                        all
                    };
                    let mut all = Accesses::default();
                    parts.iter().flatten().for_each(|part| all.extend(&part.accesses()));
                    let whole = instruction.accesses();
                    // Each element by one part, and no other element.
                    assert_eq!(sorted(&all.writes), sorted(&whole.writes), "{what}: {parts:?}");
                    let (mut reads, mut of_whole) = (sorted(&all.reads), sorted(&whole.reads));
                    reads.dedup();
                    of_whole.dedup();
                    assert_eq!(reads, of_whole, "{what}: {parts:?}");
                    cuts += 1;
                }
            }
        }
    }
    assert!(cuts > 1000, "only {cuts} cuts");
}

/// A plan that predicts `batch` rows by layers of these widths.
fn prediction(widths: &[usize], batch: usize, level: Level) -> Plan {
    let mut builder = Builder::new();
    let x = builder.input("x", DType::F32, Shape::batch([widths[0]])).unwrap();
    let layers: Vec<String> =
        { widths.windows(2) }.map(|pair| format!("Linear({}, {})", pair[0], pair[1])).collect();
    let notation = format!("Sequential({})", layers.join(", ReLU(), "));
    let mut context = Lowering::new(Mode::Eval);
    let y = parse(&notation).unwrap().lower(&mut builder, x, &mut context).unwrap();
    let config = Config { pool: Some(Pool::new(2).unwrap()), level, ..Config::default() };
    Plan::compile_packed(&builder.finish_checked(), &[y], batch, &config).unwrap()
}

#[test]
fn one_row_through_megabytes_of_weights_is_divided_by_columns() {
    for level in Level::supported() {
        let plan = prediction(&[784, 512, 512, 10], 1, level);
        assert_eq!(plan.threads(), 2, "{level}");
        assert!(matches!(plan.schedule.before[..], [Instruction::Feed(_)]));
        let programs: Vec<String> = { plan.schedule.together.iter() }
            .map(|program| {
                let of_each = program.iter().map(|instruction| match instruction {
                    Instruction::Product(product) => format!("{:?}", product.columns),
                    Instruction::Wait => "wait".to_owned(),
                    other => format!("{other:?}"), // not operations: nothing else is expected
                });
                of_each.collect::<Vec<_>>().join(", ")
            })
            .collect();
        // Each reads its own half of the large weights, and one of them the small ones.
        let expected = ["0..256, wait, 0..256, wait, 0..10", "256..512, wait, 256..512, wait"];
        assert_eq!(programs, expected, "{level}");
    }
    let level = Level::detect();
    assert_eq!(prediction(&[784, 128, 64, 10], 1, level).threads(), 1);
    assert_eq!(prediction(&[6, 32, 32, 32, 4], 4, level).threads(), 1);
}

#[test]
fn scattered_rows_are_copied_before_others_read_them() {
    let alone = Config::default();
    let pool = Some(Pool::new(2).unwrap());
    let together = Config { pool, divide_always: true, ..Config::default() };
    let mut builder = Builder::new();
    let x = builder.input("x", DType::F32, Shape::batch([300])).unwrap();
    let mut context = Lowering::new(Mode::Eval);
    let module = parse("300-200-7").unwrap();
    let y = module.lower(&mut builder, x, &mut context).unwrap();
    let graph = builder.finish_checked();
    let mut block = Block::for_graph(&graph);
    Stream::at(3, 0, 0).fill_normal(block.data_mut(), 0.0, 0.5);
    let mut table = vec![0.0; 300 * 9];
    Stream::at(4, 0, 0).fill_normal(&mut table, 0.0, 1.0);
    let results = [alone, together].map(|config| {
        let plan = Plan::compile_packed(&graph, &[y], 3, &config).unwrap();
        assert_eq!(plan.threads(), if config.divide_always { 2 } else { 1 });
        let packed = plan.pack(&block);
        let mut memory = plan.memory();
        let mut all = vec![];
        for rows in [[8, 0, 3], [1, 1, 7], [2, 6, 5]] {
            let mut feeds = Feeds::default();
            feeds.set(plan.feed("x").unwrap(), &table, &rows);
            plan.run_packed(&block, &packed, &mut memory, Draw::default(), &feeds).unwrap();
            all.extend(plan.results(&memory).iter().map(|value| value.to_bits()));
        }
        all
    });
    assert_eq!(results[0], results[1]);
}

fn momentum() -> Rule {
    let entry = Entry { sign: 1.0, decay: 0.25, keep: 1.0 };
    Rule::Momentum(Momentum { entry, keep: 0.5, add: 1.0, rate: -0.125 })
}

/// The arrays of one run.
#[derive(Clone)]
struct Arrays {
    state: Vec<f32>,
    work: Vec<f32>,
    index: Vec<i64>,
    packed: Vec<f32>,
    slots: [Vec<f32>; 3],
    /// A table for each input that is fed.
    fed: [Vec<f32>; 2],
}

impl Arrays {
    fn random(plan: &Plan) -> Self {
        let mut numbers = Stream::at(1, 2, 3);
        let mut floats = |len: usize| (0..len).map(|_| numbers.uniform_f32() + 0.1).collect();
        let lengths = &plan.lengths;
        Arrays {
            state: floats(lengths.state),
            work: floats(lengths.work),
            index: vec![0; lengths.index],
            packed: floats(lengths.packed),
            slots: std::array::from_fn(|_| floats(lengths.state)),
            fed: std::array::from_fn(|input| floats(lengths.inputs[input])),
        }
    }

    /// NaN wherever nothing of `kept` lies.
    fn poisoned(&self, plan: &Plan, kept: &[Region]) -> Self {
        let (mut state, mut work) = (vec![f32::NAN; self.state.len()], self.work.clone());
        work.fill(f32::NAN);
        for (space, at) in elements(plan, kept) {
            match space {
                Space::State => state[at] = self.state[at],
                Space::Work => work[at] = self.work[at],
                Space::Index | Space::Packed | Space::Input(_) => {}
            }
        }
        Arrays { state, work, ..self.clone() }
    }

    fn run(&mut self, plan: &Plan, instruction: &Instruction) {
        let work = self.work.as_mut_ptr();
        let inputs = std::array::from_fn(|number| match plan.inputs.get(number) {
            Some(Input { home: Slot { space: Space::Work, offset, .. }, .. }) => {
                work.wrapping_add(*offset).cast_const()
            }
            Some(_) | None => work.cast_const(),
        });
        let (state, index) = (self.state.as_mut_ptr(), self.index.as_ptr());
        let arena = Arena::new(state, work, index, self.packed.as_ptr(), inputs);
        let rule = momentum();
        let slots = self.slots.each_mut().map(|slot| slot.as_mut_ptr());
        let mut feeds = Feeds::default();
        let rows: Vec<usize> = (0..plan.batch).rev().collect();
        for name in ["x", "y"] {
            if let Some(place) = plan.feed(name) {
                feeds.set(place, &self.fed[usize::from(place.number)], &rows);
            }
        }
        let run = Run {
            level: plan.level,
            arena,
            feeds: &feeds,
            draw: Draw::default(),
            update: Some(Updating { rule: &rule, others: &rule, slots }),
            failed: Default::default(),
        };
        let mut scratch = vec![0.0; plan.scratch_lens.iter().copied().max().unwrap_or(0)];
        // SAFETY: the arrays are as long as the plan's, and no other thread has them.
        let outcome =
            unsafe { execute(&run, std::slice::from_ref(instruction), &mut scratch, &|| {}) };
        outcome.unwrap();
    }

    fn bits(&self, (space, at): (Space, usize)) -> u32 {
        match space {
            Space::State => self.state[at].to_bits(),
            Space::Work => self.work[at].to_bits(),
            Space::Index | Space::Packed | Space::Input(_) => unreachable!("nobody writes it"),
        }
    }

    /// All that can be written.
    fn all(&self) -> impl Iterator<Item = (Space, usize)> + use<> {
        let state = (0..self.state.len()).map(|at| (Space::State, at));
        state.chain((0..self.work.len()).map(|at| (Space::Work, at)))
    }
}

#[test]
fn instructions_write_and_read_what_they_say() {
    for (plan, _, what) in plans().take(18) {
        let before = Arrays::random(&plan);
        for instruction in plan.schedule.programs().flatten() {
            let accesses = instruction.accesses();
            let is_tiny = matches!(instruction, Instruction::Tiny(_) | Instruction::TinyEntropy(_));
            let mut after = before.clone();
            after.run(&plan, instruction);
            // Everything else as it was, and the outputs from the operands alone; an optimiser's step begins at the
            // parameters that it changes.
            let parameters = accesses.writes.iter().filter(|write| write.space == Space::State);
            let kept: Vec<Region> = accesses.reads.iter().chain(parameters).copied().collect();
            let poisoned = before.poisoned(&plan, &kept);
            let mut same = poisoned.clone();
            same.run(&plan, instruction);
            let written: std::collections::HashSet<_> = elements(&plan, &accesses.writes).collect();
            for element in before.all() {
                if written.contains(&element) {
                    let (a, b) = (after.bits(element), same.bits(element));
                    // The padding of the widest register is claimed on all of them.
                    if is_tiny && a == before.bits(element) && b == poisoned.bits(element) {
                        continue;
                    }
                    assert_eq!(a, b, "{what}: {instruction:?} reads elsewhere for {element:?}");
                } else {
                    let (a, b) = (before.bits(element), after.bits(element));
                    assert_eq!(a, b, "{what}: {instruction:?} writes {element:?}");
                    let (a, b) = (poisoned.bits(element), same.bits(element));
                    assert_eq!(a, b, "{what}: {instruction:?} writes {element:?}");
                }
            }
            // What an optimiser remembers of a parameter is touched with it alone.
            for (slot, remembered) in after.slots.iter().enumerate() {
                for (at, value) in remembered.iter().enumerate() {
                    let kept = value.to_bits() == before.slots[slot][at].to_bits();
                    let of_parameter = written.contains(&(Space::State, at));
                    assert!(kept || of_parameter, "{what}: {instruction:?} writes slot {at}");
                    assert_eq!(value.to_bits(), same.slots[slot][at].to_bits(), "{what}");
                }
            }
        }
    }
}

#[test]
fn a_step_that_fails_changes_no_parameter() {
    let (mut infinite, mut refused) = (0, 0);
    for (divided, graph, what) in plans().filter(|(plan, ..)| plan.trained) {
        let mut alone = divided.clone();
        alone.schedule.together.clear();
        for plan in [divided, alone] {
            let what = format!("{what}, {} together", plan.schedule.together.len());
            let mut block = Block::for_graph(&graph);
            Stream::at(3, 0, 0).fill_normal(block.data_mut(), 0.0, 0.5);
            let mut slots: [Vec<f32>; 3] =
                std::array::from_fn(|_| vec![0.5; block.parameters().len()]);
            let bits = |block: &Block, slots: &[Vec<f32>; 3]| -> Vec<u32> {
                block.data().iter().chain(slots.iter().flatten()).map(|x| x.to_bits()).collect()
            };
            let mut memory = plan.memory();
            let mut step = |feature: f32, class: i64| {
                memory.floats_mut(plan.input("x").unwrap()).fill(feature);
                let target = plan.input("y").unwrap();
                match target.0.space {
                    Space::Index => memory.indices_mut(target).fill(class),
                    _ => memory.floats_mut(target).fill(0.5), // not operations: places of floats
                }
                let before = bits(&block, &slots);
                let each = slots.each_mut().map(Vec::as_mut_slice);
                let feeds = Feeds::default();
                let (draw, rules) = (Draw::default(), [&momentum(), &momentum()]);
                let outcome = plan.step(&mut block, &mut memory, draw, &feeds, rules, each);
                (outcome.is_ok(), before == bits(&block, &slots), target.0.space == Space::Index)
            };
            let (done, same, of_classes) = step(f32::NAN, 0);
            assert!(done && same, "{what}: the loss is no number");
            infinite += 1;
            if of_classes {
                let (done, same, _) = step(0.25, 1000);
                assert!(!done && same, "{what}: there is no such class");
                refused += 1;
            }
            let (done, same, _) = step(0.25, 0);
            assert!(done && !same, "{what}: a step like any other");
        }
    }
    assert!(infinite > 10 && refused > 5, "{infinite} and {refused}");
}

/// The gradient of a table and the optimiser's step on it are one instruction, which touches only the rows that were looked up,
/// whatever was looked up before, with several threads as with one; a code beyond the table changes no parameter.
#[test]
fn plain_descent_visits_the_rows_that_were_looked_up() {
    let notation = "Sequential(EmbedColumns({'1': Embedding(50, 3, padding_idx=0)}), Linear(5, 8), Tanh(), Linear(8, 1))";
    let (graph, results, parameters) =
        step_of(notation, 3, "MSELoss()", DType::F32, Shape::batch([1]));
    let pool = Some(Pool::new(3).unwrap());
    let config = Config { pool, divide_always: true, ..Config::default() };
    let plan = Plan::compile_step(&graph, &results, parameters, 4, &config).unwrap();
    for program in plan.schedule.programs() {
        let grads = |i: &&Instruction| matches!(i, Instruction::EmbeddingGrad { .. });
        assert_eq!(program.iter().filter(grads).count(), 0);
    }
    let steps = plan.schedule.alone.iter();
    assert_eq!(steps.filter(|i| matches!(i, Instruction::TableStep(_))).count(), 1);

    let entry = Entry { sign: 1.0, decay: 0.0, keep: 1.0 };
    let rule = Rule::Sgd(super::super::rule::Sgd { entry, rate: -0.1 });
    let mut alone = plan.clone();
    alone.schedule.together.clear();
    let trained: Vec<Vec<u32>> = [plan, alone]
        .into_iter()
        .map(|plan| {
            let mut block = Block::for_graph(&graph);
            Stream::at(3, 0, 0).fill_normal(block.data_mut(), 0.0, 0.5);
            let mut memory = plan.memory();
            let mut step = |codes: [f32; 4], block: &mut Block| {
                let rows = codes.iter().flat_map(|&code| [0.5, code, -1.0]);
                let place = memory.floats_mut(plan.input("x").unwrap());
                place.iter_mut().zip(rows).for_each(|(to, from)| *to = from);
                memory.floats_mut(plan.input("y").unwrap()).fill(0.75);
                let (feeds, slots) = (Feeds::default(), [&mut [][..], &mut [], &mut []]);
                let draw = Draw::default();
                let outcome = plan.step(block, &mut memory, draw, &feeds, [&rule, &rule], slots);
                let gradient = memory.floats(plan.place(results[0]).unwrap());
                let rows = gradient.chunks(3).enumerate();
                let touched = rows.filter(|(_, row)| row.iter().any(|&value| value != 0.0));
                (outcome.is_ok(), touched.map(|(row, _)| row).collect::<Vec<usize>>())
            };
            for (codes, rows) in
                [([7.0, 49.0, 7.0, 0.0], vec![7, 49]), ([3.0, 7.0, 4.0, 4.0], vec![3, 4, 7])]
            {
                let before = block.get("0.1.weight").unwrap().to_vec();
                assert_eq!(step(codes, &mut block), (true, rows.clone()), "{codes:?}");
                let after = block.get("0.1.weight").unwrap().chunks(3);
                let changed = before.chunks(3).zip(after).enumerate();
                let changed = changed.filter(|(_, (before, after))| before != after);
                assert_eq!(changed.map(|(row, _)| row).collect::<Vec<usize>>(), rows, "{codes:?}");
            }
            let bits = |block: &Block| block.data().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let before = bits(&block);
            assert!(!step([1.0, 50.0, 2.0, 3.0], &mut block).0);
            assert_eq!(bits(&block), before);
            before
        })
        .collect();
    assert!(trained[0] == trained[1]);
}
