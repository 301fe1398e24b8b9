//! The steps of a certificate, each with the condition under which it changes no output.

mod matrices;
mod units;

use super::bound::{Extent, Growth};
use super::certificate::Step;
use super::chain::{Affine, Chain, Layer};
use super::number::Number;
use crate::error::{Error, Result};

/// The chain after all steps, and how far the outputs have moved (`None`: not at all).
pub(super) fn replay(
    chain: Chain,
    steps: &[Step],
    domain: &[Extent],
) -> Result<(Chain, Option<Vec<Growth>>)> {
    let mut replay = Replay { chain, domain, moved: None };
    for (number, step) in steps.iter().enumerate() {
        replay.step(step).map_err(|error| error.at(format!("step {}", number + 1)))?;
    }
    Ok((replay.chain, replay.moved))
}

struct Replay<'a> {
    chain: Chain,
    domain: &'a [Extent],
    moved: Option<Vec<Growth>>,
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
            Step::AddUnused { layer, weight, bias } => {
                self.add_unused(*layer, parse_all(weight)?, Number::parse(bias)?)
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
                if before.is_sure() && after.is_sure() {
                    Ok((before, activation, after))
                } else {
                    no(format!("the weights around layer {layer} are known up to a root only"))
                }
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
            (_, Layer::Affine(_) | Layer::Scale(_) | Layer::Function(_) | Layer::Softmax(_), _) => {
                no(format!("layer {layer} is no ReLU"))
            }
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
                Layer::Affine(_) | Layer::Scale(_) | Layer::Function(_) | Layer::Softmax(_) => None,
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
            let constant = Affine::sure(zeros, std::mem::take(&mut after.bias));
            self.chain.layers.splice(layer - 1..=layer + 1, [Layer::Affine(constant)]);
            return Ok(());
        }
        keep(&mut before.weight, &stays);
        keep(&mut before.bias, &stays);
        keep(&mut before.bias_doubt, &stays);
        if let Layer::Kinked(slopes) = activation {
            keep(slopes, &stays);
        }
        after.weight.iter_mut().for_each(|row| keep(row, &stays));
        Ok(())
    }
}

/// The relative error of a product of factors with relative errors a and b: `a + b + a·b`.
fn both(a: &Number, b: &Number) -> Number {
    a.plus(b).plus(&a.times(b))
}

fn keep<T>(items: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    items.retain(|_| stays.next().copied().unwrap_or(true));
}

fn reorder<T: Clone>(items: &mut Vec<T>, order: &[usize]) {
    *items = order.iter().map(|&old| items[old].clone()).collect();
}

fn distinct(units: impl Iterator<Item = usize>) -> bool {
    let mut units: Vec<usize> = units.collect();
    units.sort_unstable();
    units.windows(2).all(|pair| pair[0] != pair[1])
}
