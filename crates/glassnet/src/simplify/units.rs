//! The states of units: what an activation does on all inputs that are asked about, and why.
//!
//! A state is what interval propagation with infinite ends shows (0·∞ = 0), where weights may be free as well. What that
//! leaves open on a bounded domain is bounded by substituting backwards (CROWN), and then by splitting inputs and kinks
//! within a budget. With a table its rows are evaluated too, exactly where rounding would decide a sign: what holds on
//! them is said of them only. Value and gradient are kept apart: a unit given `z ∈ [0, ∞)` acts as the identity, while
//! its derivative at 0 is still a convention.

use num_traits::{Signed, Zero};

use super::bounds::{Domain, Reach, reaches};
use super::chain::Chain;
use super::exact::{combination, independent, near, one, proportion};
use super::rewrite::{alike, direction};
use super::rows::{OnRows, on_rows};
use super::tight::{Sides, Tight, in_parts, places, proved};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Origin, Place};
use crate::nn::Network;
use crate::prove::{self, Interval, Semantics, Step};
use crate::tensor::Tensor;

/// What a ReLU-like unit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is given at most 0: a ReLU gives 0.
    Dead,
    /// It is given at least 0: it acts as the identity.
    Active,
    /// It is given one value only.
    Constant,
    /// It is given 0 only: both one-sided derivatives apply to every input.
    Kink,
    /// Both sides may occur, or were not excluded.
    Open,
}

impl State {
    /// Its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            State::Dead => "dead",
            State::Active => "active",
            State::Constant => "constant",
            State::Kink => "kink",
            State::Open => "open",
        }
    }
}

/// For what a state holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Scope {
    /// The rows of a table.
    Data,
    /// The box of a table's rows, and so its rows.
    DataBox,
    /// A box, or what is left of it with infinite ends.
    Box,
    /// All inputs that aren't negative.
    Nonnegative,
    /// All inputs.
    All,
    /// All inputs and all values of the weights that are free.
    AllAndFree,
}

impl Scope {
    /// The scope in words, as they follow a state.
    pub fn words(&self) -> &'static str {
        match self {
            Scope::Data => "on these rows",
            Scope::DataBox => "in the box of these rows",
            Scope::Box => "on the domain",
            Scope::Nonnegative => "for every x ≥ 0",
            Scope::All => "for every data set",
            Scope::AllAndFree => "for every data set, whatever the free weights are",
        }
    }
}

/// How a unit is made of others, for every input.
#[derive(Clone, Debug, PartialEq)]
pub enum Relation {
    /// The same weights as another unit.
    Duplicate(usize),
    /// So many times another unit.
    Proportional(usize, f64),
    /// A combination of other always active units, with their factors.
    Dependent(Vec<(usize, f64)>),
}

/// A unit with its state and what shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Its state.
    pub state: State,
    /// For what it holds.
    pub scope: Scope,
    /// The least it is given, rounded down.
    pub lo: f64,
    /// The most it is given, rounded up.
    pub hi: f64,
    /// How it is made of other units.
    pub relation: Option<Relation>,
    /// The proof, in a sentence.
    pub proof: String,
    /// Whether inputs on both sides of the kink are known, so that it is open for certain.
    pub both: bool,
    /// On how many rows of the table it is on each side, where there is a table.
    pub rows: Option<OnRows>,
}

/// The units of one activation.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerUnits {
    /// The activation's name in the network.
    pub name: String,
    /// The layer that gives its input.
    pub given_by: String,
    /// Its units in order.
    pub units: Vec<Unit>,
}

impl LayerUnits {
    /// The units in a state.
    pub fn in_state(&self, state: State) -> Vec<usize> {
        (0..self.units.len()).filter(|&unit| self.units[unit].state == state).collect()
    }
}

/// Weights that may have any value: a state-dict key, or one number of it: `0.weight`, `0.weight[1,0]`, `2.bias[0]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Free {
    names: Vec<(String, Vec<usize>)>,
}

impl Free {
    /// Reads names of weights.
    ///
    /// # Errors
    /// When a name has brackets that hold no indices, or the network has no such weight.
    pub fn of(names: &[String], network: &Network) -> Result<Self> {
        let mut found = vec![];
        for name in names {
            let bad = |what: String| {
                let keys: Vec<&str> = network.state_dict().keys().collect();
                Err(Error::usage(what)
                    .at("--free")
                    .help(format!("its weights are {}", keys.join(", "))))
            };
            let (key, indices) = match name.split_once('[') {
                None => (name.as_str(), vec![]),
                Some((key, rest)) => {
                    let numbers: Option<Vec<usize>> = rest
                        .strip_suffix(']')
                        .map(|rest| {
                            rest.split(',').map(|index| index.trim().parse().ok()).collect()
                        })
                        .unwrap_or(None);
                    let Some(numbers) = numbers else {
                        return bad(format!("{name:?} has brackets without indices"));
                    };
                    (key, numbers)
                }
            };
            let Some(value) = network.state_dict().get(key) else {
                return bad(format!("the network has no weights {key:?}"));
            };
            let shape = value.shape();
            let fits = indices.is_empty()
                || indices.len() == shape.len()
                    && indices.iter().zip(shape).all(|(at, size)| at < size);
            if !fits {
                return bad(format!("{key} has the shape {shape:?}, which {name:?} is not in"));
            }
            found.push((key.to_owned(), indices));
        }
        Ok(Free { names: found })
    }

    fn holds(&self, layer: &str, row: usize, column: Option<usize>) -> bool {
        let part = if column.is_some() { "weight" } else { "bias" };
        let key = if layer.is_empty() { part.to_owned() } else { format!("{layer}.{part}") };
        self.names.iter().any(|(name, indices)| {
            *name == key
                && match indices[..] {
                    [] => true,
                    [at] => at == row && column.is_none(),
                    [at, other] => at == row && column == Some(other),
                    _ => false, // not operations: numbers of indices
                }
        })
    }

    fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// The states of all units behind ReLU-like activations: on `domain`, for all values of the weights that are `free`.
/// With `rows` the domain is their box: what isn't decided on it is looked up on the rows themselves.
///
/// # Errors
/// `Unsupported` where the network has layers that aren't bounded, or, with free weights or rows, that aren't those of
/// [`simplify`](super::simplify()); when the domain has another number of inputs.
///
/// ```
/// use glassnet::{nn::{self, Network, StateDict}, simplify::{Domain, Free, State, units}, Tensor};
/// // The exercise's network with w2 < 0: whatever w1 is, the second unit is dead for every data set.
/// let module = nn::parse("Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())")?;
/// let state = StateDict::from_iter([
///     ("0.weight", Tensor::new([1, 1], vec![0.3_f32])?.into()),
///     ("2.weight", Tensor::new([1, 1], vec![-0.1_f32])?.into()),
/// ]);
/// let network = Network::with_state(module, &state)?;
/// let free = Free::of(&["0.weight".into()], &network)?;
/// let layers = units(&network, &Domain::all(1), &free, None)?;
/// assert_eq!(layers[1].units[0].state, State::Dead);
/// assert_eq!(layers[1].units[0].scope.words(), "for every data set, whatever the free weights are");
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn units(
    network: &Network,
    domain: &Domain,
    free: &Free,
    rows: Option<&Tensor<f32>>,
) -> Result<Vec<LayerUnits>> {
    let chain = match Chain::read(network) {
        Ok(chain) => chain,
        Err(error)
            if error.kind() == ErrorKind::Unsupported && free.is_empty() && rows.is_none() =>
        {
            return graph_units(&proved(network)?, domain);
        }
        Err(error) => return Err(error),
    };
    if domain.ends().len() != chain.inputs {
        return Err(Error::usage(format!(
            "the domain has {} intervals, the network {} inputs",
            domain.ends().len(),
            chain.inputs
        ))
        .at("the domain")
        .help("give one interval for all inputs, or one for each"));
    }
    let is_free = |layer: usize, row: usize, column: Option<usize>| {
        !free.is_empty() && free.holds(&chain.layers[layer].name, row, column)
    };
    let wide = reaches(&chain, &Domain::all(chain.inputs), &is_free)?;
    let narrow = reaches(&chain, domain, &is_free)?;
    let seen = match rows.filter(|_| free.is_empty()) {
        Some(rows) => on_rows(network, &chain, rows)?,
        None => vec![None; chain.layers.len()],
    };
    let scopes = Scopes::of(domain, free, rows.is_some());
    let mut layers = vec![];
    for layer in 0..chain.layers.len() {
        let Some(slopes) = chain.slopes(layer) else { continue };
        if narrow[layer].len() != slopes.len() {
            continue;
        }
        let unit = |unit: usize| {
            // What holds for all inputs is said so, whatever was asked about.
            let (wide, narrow) = (wide[layer][unit], narrow[layer][unit]);
            let (state, scope, reach) = match state(wide) {
                State::Open => (state(narrow), scopes.here.clone(), narrow),
                found @ (State::Dead | State::Active | State::Constant | State::Kink) => {
                    (found, scopes.everywhere.clone(), wide)
                }
            };
            let proof = proof(&chain, layer, unit, state, reach);
            let rows = seen[layer].as_ref().map(|units| units[unit]);
            let both = rows.is_some_and(|rows| rows.positive > 0 && rows.negative > 0);
            Unit { state, scope, lo: reach.lo, hi: reach.hi, relation: None, proof, both, rows }
        };
        let found: Vec<Unit> = (0..slopes.len()).map(unit).collect();
        layers.push((layer, found));
    }
    if free.is_empty()
        && layers.iter().any(|(_, units)| units.iter().any(is_open))
        && let Ok(whole) = proved(network)
    {
        let places = places(&chain, &whole);
        let placed = layers.iter_mut().filter_map(|(layer, units)| Some((places[*layer]?, units)));
        tighten(&whole, domain, placed.collect());
    }
    let mut narrow = narrow;
    for (layer, units) in &mut layers {
        for (unit, reach) in units.iter_mut().zip(&mut narrow[*layer]) {
            reach.nonnegative |= unit.lo >= 0.0;
            look_up(unit, rows.map_or(0, |rows| rows.data().len() / chain.inputs.max(1)));
        }
        relate(&chain, *layer, &narrow[*layer], free, units);
    }
    let named = |(layer, units): (usize, Vec<Unit>)| LayerUnits {
        name: chain.layers[layer].name.clone(),
        given_by: layer.checked_sub(1).map_or_else(String::new, |at| chain.layers[at].name.clone()),
        units,
    };
    Ok(layers.into_iter().map(named).collect())
}

/// The states of all units behind kinks between 0 and 1 of a network in the prover's form, whatever its operations are.
///
/// # Errors
/// When the domain has another number of inputs.
pub fn graph_units(network: &prove::Network, domain: &Domain) -> Result<Vec<LayerUnits>> {
    let box_of = |domain: &Domain| -> Result<Vec<Interval>> {
        domain.ends().iter().map(|(lo, hi)| Interval::new(*lo, *hi)).collect()
    };
    if domain.ends().len() != network.inputs() {
        let (given, inputs) = (domain.ends().len(), network.inputs());
        return Err(Error::usage(format!(
            "the domain has {given} intervals, the network {inputs} inputs"
        ))
        .at("the domain")
        .help("give one interval for all inputs, or one for each"));
    }
    let all = box_of(&Domain::all(network.inputs()))?;
    let wide = prove::interval_bounds(network, &all, Semantics::Real)?;
    let narrow = prove::interval_bounds(network, &box_of(domain)?, Semantics::Real)?;
    let scopes = Scopes::of(domain, &Free::default(), false);
    let mut found: Vec<(usize, LayerUnits)> = vec![];
    for layer in network.layers() {
        let Step::Kink { of, below, above } = layer.step else { continue };
        let given = &network.layers()[of];
        // The kinks of which a clipping is made read what the same operation computed.
        let is_part = given.node == layer.node && !is_selection(&given.step);
        if above != 1.0 || !(0.0..1.0).contains(&below) || is_part {
            continue;
        }
        let unit = |(wide, narrow): (&Interval, &Interval)| {
            let (state, scope, z) = match state(reach(wide)) {
                State::Open => (state(reach(narrow)), scopes.here.clone(), narrow),
                found @ (State::Dead | State::Active | State::Constant | State::Kink) => {
                    (found, scopes.everywhere.clone(), wide)
                }
            };
            let interval = format!("z ∈ [{}, {}]", ends(z.lo()), ends(z.hi()));
            let proof = told(state, &interval, "");
            Unit {
                state,
                scope,
                lo: z.lo(),
                hi: z.hi(),
                relation: None,
                proof,
                both: false,
                rows: None,
            }
        };
        let units = wide[of].iter().zip(&narrow[of]).map(unit).collect();
        let (name, given_by) = (named(&layer.origin), named(&given.origin));
        found.push((of, LayerUnits { name, given_by, units }));
    }
    let open = found.iter_mut().map(|(place, layer)| (*place, &mut layer.units)).collect();
    tighten(network, domain, open);
    Ok(found.into_iter().map(|(_, layer)| layer).collect())
}

/// Whether units are taken as they are, in another order.
fn is_selection(step: &Step) -> bool {
    let Step::Affine(affine) = step else { return false };
    let zero = Interval::point(0.0);
    affine.bias.iter().all(|bias| *bias == zero)
        && (0..affine.bias.len()).all(|row| {
            let weights = affine.terms.iter().flat_map(|term| term.weights(row));
            let mut taken = weights.filter(|(_, weight)| *weight != zero);
            taken.next().is_some_and(|(_, weight)| weight == Interval::point(1.0))
                && taken.next().is_none()
        })
}

/// A layer's name, or the line of a graph that is none of layers.
fn named(origin: &Origin) -> String {
    match &origin.place {
        Place::Layer(path) => path.clone(),
        _ => origin.to_string(), // not operations: where a node comes from
    }
}

fn reach(z: &Interval) -> Reach {
    Reach { lo: z.lo(), hi: z.hi(), nonpositive: z.hi() <= 0.0, nonnegative: z.lo() >= 0.0 }
}

/// For what states hold: that of all inputs, and that of the domain.
struct Scopes {
    everywhere: Scope,
    here: Scope,
}

impl Scopes {
    fn of(domain: &Domain, free: &Free, data: bool) -> Self {
        let everywhere = if free.is_empty() { Scope::All } else { Scope::AllAndFree };
        let here = if data {
            Scope::DataBox
        } else if domain.is_all() {
            everywhere.clone()
        } else if domain.is_nonnegative() {
            Scope::Nonnegative
        } else {
            Scope::Box
        };
        Scopes { everywhere, here }
    }
}

fn is_open(unit: &Unit) -> bool {
    unit.state == State::Open
}

/// Bounds open units by substituting backwards, and splits for those that stay open.
fn tighten(whole: &prove::Network, domain: &Domain, mut layers: Vec<(usize, &mut Vec<Unit>)>) {
    let places: Vec<usize> = layers.iter().map(|(place, _)| *place).collect();
    let Some(tight) = Tight::new(whole, &places, domain) else { return };
    let mut left = vec![];
    for (layer, units) in layers.iter_mut() {
        for (number, unit) in units.iter_mut().enumerate().filter(|(_, unit)| is_open(unit)) {
            let Some(z) = tight.given(*layer, number) else { continue };
            unit.lo = unit.lo.max(z.lo());
            unit.hi = unit.hi.min(z.hi());
            unit.state = match (unit.hi <= 0.0, unit.lo >= 0.0) {
                (true, true) => State::Kink,
                (true, false) => State::Dead,
                (false, true) => State::Active,
                (false, false) => State::Open,
            };
            let interval = format!("z ∈ [{}, {}]", ends(unit.lo), ends(unit.hi));
            unit.proof = match unit.state {
                State::Dead | State::Kink => {
                    format!("{interval}: never above 0, by substituting backwards")
                }
                State::Active | State::Constant => {
                    format!("{interval}: never below 0, by substituting backwards")
                }
                State::Open => interval,
            };
            if unit.state == State::Open && !unit.both {
                left.push((*layer, number));
            }
        }
    }
    let found = tight.split(&left, false);
    for ((layer, number), sides) in left.into_iter().zip(found) {
        let own = layers.iter_mut().find(|(at, _)| *at == layer);
        let Some(unit) = own.and_then(|(_, units)| units.get_mut(number)) else { continue };
        match sides {
            Sides::Negative(parts, _) => {
                unit.state = State::Dead;
                unit.hi = unit.hi.min(0.0);
                unit.proof = format!("z < 0 {}", in_parts(parts));
            }
            Sides::Positive(parts, _) => {
                unit.state = State::Active;
                unit.lo = unit.lo.max(0.0);
                unit.proof = format!("z > 0 {}", in_parts(parts));
            }
            Sides::Both => unit.both = true,
            Sides::Unknown => {}
        }
    }
}

/// Says of the rows what isn't known of their box.
fn look_up(unit: &mut Unit, rows: usize) {
    let Some(seen) = unit.rows.filter(|_| is_open(unit)) else { return };
    let all = format!("on each of the {rows} rows");
    let interval = format!("z ∈ [{}, {}]", ends(seen.lo), ends(seen.hi));
    let (state, why) = match (seen.positive, seen.zero, seen.negative) {
        (0, _, 0) => (State::Kink, format!("z = 0 {all}")),
        (0, _, _) => (State::Dead, format!("{interval} {all}: never above 0")),
        (_, _, 0) if seen.constant => (State::Constant, format!("{interval} {all}: one value")),
        (_, _, 0) => (State::Active, format!("{interval} {all}: never below 0")),
        // not operations: three counts
        _ => return,
    };
    if seen.undecided == 0 {
        (unit.state, unit.scope, unit.proof) = (state, Scope::Data, why);
        (unit.lo, unit.hi) = (seen.lo, seen.hi);
    }
}

fn state(reach: Reach) -> State {
    match (reach.nonpositive, reach.nonnegative) {
        (true, true) => State::Kink,
        (true, false) => State::Dead,
        (false, true) if reach.lo == reach.hi => State::Constant,
        (false, true) => State::Active,
        (false, false) => State::Open,
    }
}

/// Why the state holds, in the numbers of the last step.
fn proof(chain: &Chain, layer: usize, unit: usize, state: State, reach: Reach) -> String {
    let interval = format!("z ∈ [{}, {}]", ends(reach.lo), ends(reach.hi));
    let before = layer.checked_sub(1).and_then(|before| chain.affine(before));
    let signs = before.map(|affine| {
        let weights = affine.weight[unit].iter().filter(|weight| !weight.is_zero());
        let (mut below, mut above) = (0, 0);
        weights.for_each(|weight| if weight.is_negative() { below += 1 } else { above += 1 });
        match (below, above) {
            (0, 0) => "no weight enters it",
            (_, 0) => "all its weights are negative or 0",
            (0, _) => "all its weights are positive or 0",
            _ => "its weights have both signs", // not operations: two counts
        }
    });
    let signs = signs.map_or(String::new(), |signs| format!("; {signs}"));
    told(state, &interval, &signs)
}

fn told(state: State, interval: &str, signs: &str) -> String {
    match state {
        State::Dead => format!("{interval}: never above 0{signs}"),
        State::Active => format!("{interval}: never below 0{signs}"),
        State::Constant | State::Kink => format!("{interval}: one value{signs}"),
        State::Open => interval.to_owned(),
    }
}

fn ends(value: f64) -> String {
    if value == f64::INFINITY {
        "∞".into()
    } else if value == f64::NEG_INFINITY {
        "−∞".into()
    } else {
        format!("{}", value as f32)
    }
}

/// Finds units that are copies, multiples or combinations of those before them.
fn relate(chain: &Chain, layer: usize, reach: &[Reach], free: &Free, units: &mut [Unit]) {
    let before = layer.checked_sub(1).and_then(|before| chain.affine(before));
    let Some(affine) = before.filter(|_| free.is_empty()) else { return };
    let Some(slopes) = chain.slopes(layer) else { return };
    let near_rows: Vec<Vec<f64>> =
        (0..affine.bias.len()).map(|unit| direction(affine, unit)).collect();
    for drop in 1..near_rows.len() {
        for keep in 0..drop {
            if slopes[keep] != slopes[drop] || !alike(&near_rows[keep], &near_rows[drop], 1e-12) {
                continue;
            }
            if let Some(scale) = proportion(&affine.row(keep), &affine.row(drop)) {
                units[drop].relation = Some(if scale == one() {
                    Relation::Duplicate(keep)
                } else {
                    Relation::Proportional(keep, near(&scale))
                });
                break;
            }
        }
    }
    let active: Vec<usize> = (0..affine.bias.len())
        .filter(|&unit| reach[unit].nonnegative && units[unit].relation.is_none())
        .filter(|&unit| affine.weight[unit].iter().any(|weight| !weight.is_zero()))
        .collect();
    let rows: Vec<&[_]> = active.iter().map(|&unit| &affine.weight[unit][..]).collect();
    let Some((chosen, pivots)) = independent(&rows) else { return };
    for left in (0..active.len()).filter(|at| !chosen.contains(at)) {
        let size = chosen.iter().filter(|at| **at < left).count();
        if size > 40 {
            return;
        }
        let basis: Vec<&[_]> = chosen[..size].iter().map(|&at| rows[at]).collect();
        if let Some(factors) = combination(&basis, &pivots[..size], rows[left]) {
            let terms = chosen[..size].iter().zip(&factors).filter(|(_, factor)| !factor.is_zero());
            units[active[left]].relation = Some(Relation::Dependent(
                terms.map(|(&at, factor)| (active[at], near(factor))).collect(),
            ));
        }
    }
}
