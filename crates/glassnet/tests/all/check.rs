//! The contract: what holds for every graph, whatever it is made of.

use glassnet::engine::{Block, Config, Draw, Level, Plan};
use glassnet::grad::{Gradient, grad};
use glassnet::graph::{Checked, NodeId, NodeMap, Op, op::Random, parse};
use glassnet::reference::{Array, Feeds, evaluate};
use glassnet::{Result, Tensor, Value};

use crate::bench::Case;
use crate::differences;

/// What is wrong, one line each; nothing when the contract holds.
pub(crate) fn check(case: &Case) -> Vec<String> {
    let problems = match try_check(case) {
        Ok(problems) => problems,
        Err(error) => vec![error.to_string()],
    };
    problems.into_iter().map(|problem| format!("{}: {problem}", case.name)).collect()
}

/// Checks all cases and fails with everything that is wrong.
pub(crate) fn check_all(cases: impl IntoIterator<Item = Case>) {
    let problems: Vec<String> = cases.into_iter().flat_map(|case| check(&case)).collect();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

fn try_check(case: &Case) -> Result<Vec<String>> {
    let mut problems = vec![];
    let gradient = grad(&case.graph, case.loss, &case.towards)?;
    if parse(&gradient.graph.graph().to_string()).as_ref() != Ok(gradient.graph.graph()) {
        problems.push("the text form does not read back".into());
    }
    let results = results(case, &gradient);
    let plain =
        Config { level: Level::PORTABLE, fuse: false, observe: masks(&gradient.graph), pool: None };
    let engine = run(case, &gradient.graph, &results, &plain)?;
    let feeds = feeds(case, &gradient.graph, &engine)?;
    let reference = evaluate(&gradient.graph, &feeds, case.batch)?;
    let mut most: f64 = 0.0;
    for &id in &gradient.gradients {
        most = most.max(largest(reference[id].floats()?.data()));
    }
    for (index, &id) in results.iter().enumerate() {
        // The loss is only a sum of the value's elements, which may cancel.
        if id != case.loss || id == case.value {
            let expected = reference[id].floats()?;
            let own = case.tolerance * largest(expected.data());
            let allowed = own + case.shared * most + case.floor;
            problems.extend(far(&engine.results[index], expected, allowed, &what(case, index)));
        }
    }
    if case.differences {
        let gradients: Vec<&Tensor<f64>> =
            gradient.gradients.iter().map(|&id| reference[id].floats()).collect::<Result<_>>()?;
        problems.extend(differences::compare(case, &feeds, &gradients)?);
    }
    problems.extend(bits_differ(case, &gradient, &results, &engine)?);
    Ok(problems)
}

/// The value, the loss, and the loss's gradients.
fn results(case: &Case, gradient: &Gradient) -> Vec<NodeId> {
    [case.value, case.loss].iter().chain(&gradient.gradients).copied().collect()
}

fn what(case: &Case, result: usize) -> String {
    match result {
        0 => "the value".into(),
        1 => "the loss".into(),
        index => format!("the gradient towards %{}", case.towards[index - 2].index()),
    }
}

/// The nodes that only the engine knows: the reference draws nothing.
fn masks(graph: &Checked) -> Vec<NodeId> {
    let random = |id: &NodeId| matches!(graph.graph().node(*id).op(), Op::Random(_));
    graph.graph().ids().filter(random).collect()
}

/// What one run of the engine left.
pub(crate) struct Run {
    pub(crate) results: Vec<Vec<f32>>,
    pub(crate) observed: NodeMap<Vec<f32>>,
}

/// Compiles, feeds and runs.
pub(crate) fn run(
    case: &Case,
    graph: &Checked,
    results: &[NodeId],
    config: &Config,
) -> Result<Run> {
    let plan = Plan::compile(graph, results, case.batch, config)?;
    let mut memory = plan.memory();
    for (name, value) in &case.inputs {
        let Some(place) = plan.input(name) else { continue };
        match value {
            Value::F32(tensor) => memory.floats_mut(place).copy_from_slice(tensor.data()),
            Value::I64(tensor) => memory.indices_mut(place).copy_from_slice(tensor.data()),
        }
    }
    plan.run(&block(case, graph), &mut memory, Draw { seed: 7, step: 3 })?;
    let mut observed = NodeMap::for_graph(graph.graph());
    for &id in &config.observe {
        if let Some(place) = plan.place(id) {
            observed.insert(id, memory.floats(place).to_vec());
        }
    }
    let all = plan.results(&memory);
    let results = (0..results.len()).map(|at| all[plan.result_range(at)].to_vec()).collect();
    Ok(Run { results, observed })
}

fn block(case: &Case, graph: &Checked) -> Block {
    let mut block = Block::for_graph(graph);
    for (key, tensor) in &case.state {
        if let Some(place) = block.get_mut(key) {
            place.copy_from_slice(tensor.data());
        }
    }
    block
}

/// What the reference is fed: the same f32 numbers, and the masks that the engine drew.
pub(crate) fn feeds(case: &Case, graph: &Checked, engine: &Run) -> Result<Feeds> {
    let mut feeds = Feeds::new();
    for (name, value) in &case.inputs {
        feeds.set_input(name, value.clone());
    }
    for (key, tensor) in &case.state {
        feeds.set_state(key, tensor.clone());
    }
    for id in masks(graph) {
        if let (Op::Random(Random::DropoutMask { stream, .. }), Some(mask)) =
            (graph.graph().node(id).op(), engine.observed.get(id))
        {
            let mask = Tensor::new(graph.shape(id).at(case.batch), mask.clone())?;
            feeds.set_mask(*stream, Array::from(mask));
        }
    }
    Ok(feeds)
}

/// The first element that is further than `allowed` from the expected one.
pub(crate) fn far(
    found: &[f32],
    expected: &Tensor<f64>,
    allowed: f64,
    what: &str,
) -> Option<String> {
    if found.len() != expected.len() {
        return Some(format!("{what} has {} elements, not {}", found.len(), expected.len()));
    }
    let mut pairs = found.iter().zip(expected.data()).enumerate();
    pairs.find_map(|(at, (&found, &expected))| {
        let same = f64::from(found) == expected || (found.is_nan() && expected.is_nan());
        let near = (f64::from(found) - expected).abs() <= allowed;
        (!same && !near).then(|| {
            format!(
                "{what}, element {at}: the engine has {found:e}, the reference {expected:e}, \
                 more than {allowed:e} away"
            )
        })
    })
}

/// The largest finite magnitude.
pub(crate) fn largest(values: &[f64]) -> f64 {
    values.iter().filter(|value| value.is_finite()).fold(0.0, |most, value| most.max(value.abs()))
}

/// The same bits whatever the instruction set, fused or not, everything observed or nothing.
fn bits_differ(
    case: &Case,
    gradient: &Gradient,
    results: &[NodeId],
    plain: &Run,
) -> Result<Vec<String>> {
    let graph = &gradient.graph;
    let mut problems = vec![];
    let mut inner: Option<NodeMap<Vec<f32>>> = None;
    for level in Level::supported() {
        for (fuse, everything) in [(false, true), (true, true), (false, false), (true, false)] {
            let observe = if everything { graph.graph().ids().collect() } else { vec![] };
            let config = Config { level, fuse, observe, pool: None };
            let run = run(case, graph, results, &config)?;
            let where_ = format!("on {level}, fuse {fuse}, everything observed {everything}");
            for index in 0..results.len() {
                if !same_bits(&run.results[index], &plain.results[index]) {
                    problems.push(format!("{} has other bits {where_}", what(case, index)));
                }
            }
            if !everything {
                continue;
            }
            problems.extend(unobserved(graph, &run).map(|id| format!("%{id} is not observed")));
            if let Some(first) = &inner {
                let differs = graph.graph().ids().find(|&id| {
                    let (a, b) = (run.observed.get(id), first.get(id));
                    a.zip(b).is_some_and(|(a, b)| !same_bits(a, b))
                });
                problems.extend(differs.map(|id| format!("%{} differs {where_}", id.index())));
            } else {
                inner = Some(run.observed);
            }
        }
    }
    Ok(problems)
}

/// A computed node that was to be observed and has no place.
fn unobserved(graph: &Checked, run: &Run) -> Option<usize> {
    let computed = |id: &NodeId| !matches!(graph.graph().node(*id).op(), Op::Source(_));
    let mut ids = graph.graph().ids().filter(computed);
    ids.find(|&id| run.observed.get(id).is_none()).map(NodeId::index)
}

/// Equal bits; a NaN is a NaN.
pub(crate) fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()))
}
