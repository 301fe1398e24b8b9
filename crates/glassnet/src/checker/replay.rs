//! The steps of a certificate, each with the condition under which it changes no output.

mod matrices;
mod units;

use super::bound::{self, Extent, Growth};
use super::certificate::Step;
use super::chain::{Affine, Chain, Layer};
use super::float::{Bounds, LARGE, Network, Range};
use super::number::Number;
use super::proof::{Case, Constraint, Node, is_shown};
use crate::error::{Error, Result};

/// The chain after all steps, and how far the outputs have moved (`None`: not at all).
pub(super) fn replay(
    chain: Chain,
    steps: &[Step],
    domain: &[Extent],
    ends: Option<&[(Option<f64>, Option<f64>)]>,
) -> Result<(Chain, Option<Vec<Growth>>)> {
    let mut replay = Replay { chain, domain, ends, moved: None, shown: vec![] };
    for (number, step) in steps.iter().enumerate() {
        replay.step(step).map_err(|error| error.at(format!("step {}", number + 1)))?;
        if !matches!(step, Step::ShowSign { .. }) {
            replay.shown.clear();
        }
    }
    Ok((replay.chain, replay.moved))
}

struct Replay<'a> {
    chain: Chain,
    domain: &'a [Extent],
    /// The same as it is written.
    ends: Option<&'a [(Option<f64>, Option<f64>)]>,
    moved: Option<Vec<Growth>>,
    /// What was shown of the chain as it is: layer, unit, whether what it is given is above 0 and not below.
    shown: Vec<(usize, usize, bool)>,
}

/// What is known of the sign of what a unit is given.
struct Sign {
    nonpositive: bool,
    nonnegative: bool,
}

impl Sign {
    fn is_nonpositive(&self) -> bool {
        self.nonpositive
    }

    fn is_nonnegative(&self) -> bool {
        self.nonnegative
    }
}

fn no<T>(why: impl Into<String>) -> Result<T> {
    Err(Error::model(why.into()))
}

fn parse_all(texts: &[String]) -> Result<Vec<Number>> {
    texts.iter().map(|text| Number::parse(text)).collect()
}

impl Replay<'_> {
    fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::ShowSign { layer, unit, positive, tree } => {
                self.show(*layer, *unit, *positive, tree)
            }
            Step::DropDead { layer, units } => self.drop_dead(*layer, units),
            Step::FoldConstant { layer, units } => self.fold_constant(*layer, units),
            Step::DropUnused { layer, units } => {
                self.require_all(*layer, units, "is used", |_, _, after, unit| {
                    after.weight.iter().all(|row| row[unit].is_zero())
                })?;
                self.remove(*layer, units)
            }
            Step::Merge { layer, keep, drop, scale } => {
                self.merge(*layer, *keep, *drop, &Number::parse(scale)?)
            }
            Step::RemoveDependent { layer, unit, terms, constant } => {
                self.remove_dependent(*layer, *unit, terms, &Number::parse(constant)?)
            }
            Step::Compose { layer } => self.compose(*layer),
            Step::DropActivation { layer } => self.drop_activation(*layer),
            Step::FoldBatchNorm { layer } => self.fold_scale(*layer),
            Step::Replace { layer, rows } => self.replace(*layer, rows),
            Step::Factor { layer, basis, coefficients } => self.factor(*layer, basis, coefficients),
            Step::Scale { layer, unit, factor } => {
                self.scale(*layer, *unit, &Number::parse(factor)?)
            }
            Step::Permute { layer, order } => self.permute(*layer, order),
            Step::Split { layer, unit, scale, outgoing } => {
                self.split(*layer, *unit, &Number::parse(scale)?, &parse_all(outgoing)?)
            }
            Step::InsertIdentity { layer } => self.insert_identity(*layer),
        }
    }

    /// The matrix before the activation at `layer`, the activation, and the matrix behind it.
    fn around(&mut self, layer: usize) -> Result<(&mut Affine, &mut Layer, &mut Affine)> {
        let places = layer.checked_sub(1).and_then(|first| {
            let last = layer.checked_add(1)?;
            self.chain.layers.get_mut(first..=last)
        });
        match places {
            Some([Layer::Affine(before), activation, Layer::Affine(after)])
                if matches!(activation, Layer::Kinked(_) | Layer::Function(_)) =>
            {
                Ok((before, activation, after))
            }
            Some(_) | None => no(format!("layer {layer} is no activation between two matrices")),
        }
    }

    /// As [`Replay::around`], for activations with one kink, and their slopes.
    fn around_kink(
        &mut self,
        layer: usize,
    ) -> Result<(&mut Affine, &mut Vec<Number>, &mut Affine)> {
        match self.around(layer)? {
            (before, Layer::Kinked(slopes), after) => Ok((before, slopes, after)),
            _ => no(format!("layer {layer} is no ReLU")), // not operations: layers of a chain
        }
    }

    /// Checks that units exist, each named once, and that `holds` for each.
    fn require_all(
        &mut self,
        layer: usize,
        units: &[usize],
        otherwise: &str,
        holds: impl Fn(&Affine, Option<&Number>, &Affine, usize) -> bool,
    ) -> Result<()> {
        let (before, activation, after) = self.around(layer)?;
        let width = before.bias.len();
        let mut seen = vec![false; width];
        for &unit in units {
            match seen.get_mut(unit) {
                Some(seen) if !*seen => *seen = true,
                Some(_) => return no(format!("unit {unit} is named twice")),
                None => return no(format!("layer {layer} has no unit {unit}")),
            }
            let slope = match activation {
                Layer::Kinked(slopes) => Some(&slopes[unit]),
                _ => None, // not operations: layers of a chain
            };
            if !holds(before, slope, after, unit) {
                return no(format!("unit {unit} of layer {layer} {otherwise}"));
            }
        }
        Ok(())
    }

    fn exists(&mut self, layer: usize, unit: usize) -> Result<()> {
        self.require_all(layer, &[unit], "", |_, _, _, _| true)
    }

    /// Takes units away whose part of the output is elsewhere already.
    fn remove(&mut self, layer: usize, units: &[usize]) -> Result<()> {
        let (before, activation, after) = self.around(layer)?;
        let width = before.bias.len();
        let mut stays = vec![true; width];
        units.iter().for_each(|&unit| stays[unit] = false);
        if !stays.contains(&true) {
            // Nothing depends on the input any more: one matrix of zeros is left.
            let inputs = before.weight.first().map_or(0, Vec::len);
            let zeros = vec![vec![Number::zero(); inputs]; after.bias.len()];
            let constant = Affine { weight: zeros, bias: std::mem::take(&mut after.bias) };
            self.chain.layers.splice(layer - 1..=layer + 1, [Layer::Affine(constant)]);
            return Ok(());
        }
        keep(&mut before.weight, &stays);
        keep(&mut before.bias, &stays);
        if let Layer::Kinked(slopes) = activation {
            keep(slopes, &stays);
        }
        after.weight.iter_mut().for_each(|row| keep(row, &stays));
        Ok(())
    }

    /// The signs of what the units of a layer are given: by what was shown of them and by intervals, and by substituting
    /// backwards where those don't say what is `wanted` of `units`.
    fn signs(&self, layer: usize, units: &[usize], wanted: impl Fn(&Sign) -> bool) -> Vec<Sign> {
        let extents = bound::extents(&self.chain, self.domain);
        let Some(own) = extents.get(layer) else { return vec![] };
        let shown = |unit, positive| self.shown.contains(&(layer, unit, positive));
        let sign = |(unit, extent): (usize, &Extent)| Sign {
            nonpositive: extent.is_nonpositive() || shown(unit, false),
            nonnegative: extent.is_nonnegative() || shown(unit, true),
        };
        let mut signs: Vec<Sign> = own.iter().enumerate().map(sign).collect();
        if !units.iter().all(|&unit| signs.get(unit).is_some_and(&wanted)) {
            let ranges = self.ranges(layer, &extents);
            for (sign, range) in signs.iter_mut().zip(ranges.iter().flatten()) {
                sign.nonpositive |= range.hi <= 0.0;
                sign.nonnegative |= range.lo >= 0.0;
            }
        }
        signs
    }

    /// The first `count` layers in floats, and what `extents` says of them.
    fn first(&self, count: usize, extents: &[Vec<Extent>]) -> Result<(Network, Vec<Vec<Range>>)> {
        let layers = self.chain.layers.iter().take(count).cloned().collect();
        let chain = Chain { inputs: self.chain.inputs, layers, has_roots: false };
        let network = Network::of(&chain)?;
        let known = extents.iter().take(count + 1);
        Ok((network, known.map(|units| units.iter().map(Range::around).collect()).collect()))
    }

    /// What the units of a layer are given on a bounded domain, by substituting backwards.
    fn ranges(&self, layer: usize, extents: &[Vec<Extent>]) -> Option<Vec<Range>> {
        let (network, known) = self.first(layer + 1, extents).ok()?;
        let bounded = known[0].iter().all(|range| range.largest() <= LARGE);
        let bounds =
            Bounds::new(&network, &known[0], &[], Some(&known), false).filter(|_| bounded)?;
        bounds.ranges.into_iter().nth(layer)
    }

    /// Checks that no input gives a unit what contradicts a sign.
    fn show(&mut self, layer: usize, unit: usize, positive: bool, tree: &[Node]) -> Result<()> {
        self.exists(layer, unit)?;
        let Some(domain) = self.ends else { return no("trees are about boxes with finite ends") };
        let extents = bound::extents(&self.chain, self.domain);
        let (network, known) = self.first(layer, &extents)?;
        let outputs = vec![(unit, if positive { 1.0 } else { -1.0 })];
        let constraint = Constraint { inputs: vec![], outputs, constant: 0.0 };
        let case = Case { domain: domain.to_vec(), constraints: vec![constraint] };
        match is_shown(&network, &case, tree, Some(known), false)? {
            None => self.shown.push((layer, unit, positive)),
            Some(why) => return no(format!("unit {unit} of layer {layer}: {why}")),
        }
        Ok(())
    }
}

fn keep<T>(items: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    items.retain(|_| stays.next().copied().unwrap_or(true));
}

fn reorder<T: Clone>(items: &mut Vec<T>, order: &[usize]) {
    *items = order.iter().map(|&old| items[old].clone()).collect();
}
