//! The steps of a certificate, each with the condition under which it changes no output.

use super::bound::{self, Extent, Growth};
use super::certificate::{Row, Step};
use super::chain::{Affine, Chain, Layer};
use super::number::Number;
use super::tighten::tighten;
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

    /// The signs of what the units of a layer are given: by intervals, and more tightly where those don't show what is
    /// `wanted` of `units`.
    fn signs(&self, layer: usize, units: &[usize], wanted: impl Fn(&Sign) -> bool) -> Vec<Sign> {
        let extents = bound::extents(&self.chain, self.domain);
        let Some(own) = extents.get(layer) else { return vec![] };
        let mut signs: Vec<Sign> = own
            .iter()
            .map(|extent| Sign {
                nonpositive: extent.is_nonpositive(),
                nonnegative: extent.is_nonnegative(),
            })
            .collect();
        if !units.iter().all(|&unit| signs.get(unit).is_some_and(&wanted)) {
            let tight = tighten(&self.chain, &extents);
            for (sign, (lo, hi)) in signs.iter_mut().zip(&tight[layer]) {
                sign.nonpositive |= *hi <= 0.0;
                sign.nonnegative |= *lo >= 0.0;
            }
        }
        signs
    }

    fn drop_dead(&mut self, layer: usize, units: &[usize]) -> Result<()> {
        let given = self.signs(layer, units, Sign::is_nonpositive);
        self.require_all(layer, units, "is not dead", |_, slope, _, unit| {
            slope.is_some_and(Number::is_zero) && given.get(unit).is_some_and(Sign::is_nonpositive)
        })?;
        self.remove(layer, units)
    }

    fn fold_constant(&mut self, layer: usize, units: &[usize]) -> Result<()> {
        self.require_all(layer, units, "is not constant", |before, slope, _, unit| {
            slope.is_some() && before.weight[unit].iter().all(Number::is_zero)
        })?;
        let (before, slopes, after) = self.around_kink(layer)?;
        for &unit in units {
            let bias = &before.bias[unit];
            let value = if bias.is_positive() { bias.clone() } else { bias.times(&slopes[unit]) };
            for (sum, row) in after.bias.iter_mut().zip(&after.weight) {
                *sum = sum.plus(&row[unit].times(&value));
            }
        }
        self.remove(layer, units)
    }

    fn merge(&mut self, layer: usize, stays: usize, goes: usize, scale: &Number) -> Result<()> {
        self.exists(layer, stays)?;
        self.exists(layer, goes)?;
        let (before, activation, after) = self.around(layer)?;
        let homogeneous = match activation {
            Layer::Kinked(slopes) => slopes[stays].is(&slopes[goes]),
            Layer::Affine(_) | Layer::Scale(_) | Layer::Function(_) | Layer::Softmax(_) => {
                scale.is(&Number::one())
            }
        };
        if stays == goes || !scale.is_positive() || !homogeneous {
            return no(format!("units {stays} and {goes} cannot be merged"));
        }
        let times = |a: &Number, b: &Number| a.times(scale).is(b);
        let row = before.weight[stays].iter().zip(&before.weight[goes]);
        if !row.into_iter().all(|(a, b)| times(a, b))
            || !times(&before.bias[stays], &before.bias[goes])
        {
            return no(format!(
                "unit {goes} of layer {layer} is not that multiple of unit {stays}"
            ));
        }
        for row in &mut after.weight {
            row[stays] = row[stays].plus(&row[goes].times(scale));
        }
        self.remove(layer, &[goes])
    }

    fn remove_dependent(
        &mut self,
        layer: usize,
        unit: usize,
        terms: &[(usize, String)],
        constant: &Number,
    ) -> Result<()> {
        let mut units: Vec<usize> = terms.iter().map(|(other, _)| *other).collect();
        units.push(unit);
        let given = self.signs(layer, &units, Sign::is_nonnegative);
        self.require_all(layer, &units, "is not always active", |_, slope, _, unit| {
            slope.is_some() && given.get(unit).is_some_and(Sign::is_nonnegative)
        })?;
        let factors: Vec<Number> =
            terms.iter().map(|(_, factor)| Number::parse(factor)).collect::<Result<_>>()?;
        let (before, _, after) = self.around_kink(layer)?;
        let combined = |pick: &dyn Fn(usize) -> Number| {
            let products =
                terms.iter().zip(&factors).map(|((other, _), factor)| pick(*other).times(factor));
            products.fold(Number::zero(), |sum, product| sum.plus(&product))
        };
        let inputs = before.weight[unit].len();
        let rows = (0..inputs).all(|column| {
            combined(&|other| before.weight[other][column].clone()).is(&before.weight[unit][column])
        });
        let biases = combined(&|other| before.bias[other].clone()).plus(constant);
        if !rows || !biases.is(&before.bias[unit]) {
            return no(format!("unit {unit} of layer {layer} is not that combination"));
        }
        for (bias, row) in after.bias.iter_mut().zip(&mut after.weight) {
            let weight = row[unit].clone();
            for ((other, _), factor) in terms.iter().zip(&factors) {
                row[*other] = row[*other].plus(&weight.times(factor));
            }
            *bias = bias.plus(&weight.times(constant));
        }
        self.remove(layer, &[unit])
    }

    fn compose(&mut self, layer: usize) -> Result<()> {
        let places = layer.checked_add(1).and_then(|last| self.chain.layers.get(layer..=last));
        let Some([Layer::Affine(first), Layer::Affine(second)]) = places else {
            return no(format!("layer {layer} is no matrix that a matrix follows"));
        };
        if !first.is_sure() || !second.is_sure() {
            return no(format!("the weights at layer {layer} are known up to a root only"));
        }
        let inputs = first.weight.first().map_or(0, Vec::len);
        let mut weight = vec![vec![Number::zero(); inputs]; second.bias.len()];
        let mut bias = second.bias.clone();
        for (row, (sums, bias)) in weight.iter_mut().zip(&mut bias).enumerate() {
            for (middle, factor) in second.weight[row].iter().enumerate() {
                if factor.is_zero() {
                    continue;
                }
                for (sum, other) in sums.iter_mut().zip(&first.weight[middle]) {
                    *sum = sum.plus(&factor.times(other));
                }
                *bias = bias.plus(&factor.times(&first.bias[middle]));
            }
        }
        self.chain.layers.splice(layer..=layer + 1, [Layer::Affine(Affine::sure(weight, bias))]);
        Ok(())
    }

    fn drop_activation(&mut self, layer: usize) -> Result<()> {
        let Some(Layer::Kinked(slopes)) = self.chain.layers.get(layer) else {
            return no(format!("layer {layer} is no ReLU"));
        };
        let open = (0..slopes.len()).filter(|&unit| !slopes[unit].is(&Number::one()));
        let given = self.signs(layer, &open.collect::<Vec<_>>(), Sign::is_nonnegative);
        let linear =
            |(slope, sign): (&Number, &Sign)| slope.is(&Number::one()) || sign.is_nonnegative();
        if given.len() != slopes.len() || !slopes.iter().zip(&given).all(linear) {
            return no(format!("layer {layer} has units that are not always active"));
        }
        self.chain.layers.remove(layer);
        Ok(())
    }

    fn fold_scale(&mut self, layer: usize) -> Result<()> {
        let Some(Layer::Scale(scale)) = self.chain.layers.get(layer) else {
            return no(format!("layer {layer} is no batch normalisation"));
        };
        let scale = scale.clone();
        let before = layer.checked_sub(1).map(|at| &mut self.chain.layers[at]);
        if let Some(Layer::Affine(affine)) = before {
            for row in 0..affine.bias.len() {
                let factor = &scale.factor[row];
                affine.weight[row].iter_mut().for_each(|weight| *weight = weight.times(factor));
                let product = affine.bias[row].times(factor);
                // What is in doubt: the bias times the factor's share, what was in doubt before, and the shift.
                let reach = factor.abs().plus(&factor.abs().times(&scale.doubt));
                affine.bias_doubt[row] = affine.bias_doubt[row]
                    .times(&reach)
                    .plus(&product.abs().times(&scale.doubt))
                    .plus(&scale.shift_doubt[row]);
                affine.bias[row] = product.plus(&scale.shift[row]);
            }
            affine.doubt = both(&affine.doubt, &scale.doubt);
            self.chain.layers.remove(layer);
            return Ok(());
        }
        let after = layer.checked_add(1).and_then(|at| self.chain.layers.get_mut(at));
        let Some(Layer::Affine(affine)) = after else {
            return no(format!("no matrix stands beside layer {layer}"));
        };
        let own = affine.doubt.clone();
        for row in 0..affine.bias.len() {
            for (column, factor) in scale.factor.iter().enumerate() {
                let weight = affine.weight[row][column].clone();
                affine.bias[row] = affine.bias[row].plus(&weight.times(&scale.shift[column]));
                let reach = weight.abs().plus(&weight.abs().times(&own));
                let shift = scale.shift[column].abs().times(&weight.abs()).times(&own);
                affine.bias_doubt[row] = affine.bias_doubt[row]
                    .plus(&reach.times(&scale.shift_doubt[column]))
                    .plus(&shift);
                affine.weight[row][column] = weight.times(factor);
            }
        }
        affine.doubt = both(&own, &scale.doubt);
        self.chain.layers.remove(layer);
        Ok(())
    }

    fn replace(&mut self, layer: usize, rows: &[Row]) -> Result<()> {
        let before = self.chain.clone();
        let Some(Layer::Affine(affine)) = self.chain.layers.get_mut(layer) else {
            return no(format!("layer {layer} is no matrix"));
        };
        for row in rows {
            let inputs = affine.weight.first().map_or(0, Vec::len);
            if row.unit >= affine.bias.len() || row.weight.len() != inputs {
                return no(format!("layer {layer} has no such row {}", row.unit));
            }
            affine.weight[row.unit] = parse_all(&row.weight)?;
            affine.bias[row.unit] = Number::parse(&row.bias)?;
        }
        if rows.len() == affine.bias.len() && distinct(rows.iter().map(|row| row.unit)) {
            // No weight is left that was in doubt.
            affine.doubt = Number::zero();
            affine.bias_doubt = vec![Number::zero(); affine.bias.len()];
        } else if !affine.is_sure() {
            return no(format!(
                "the weights of layer {layer} are known up to a root only: all must be replaced"
            ));
        }
        let moved = bound::distance(&before, &self.chain, self.domain)?;
        self.moved = Some(match self.moved.take() {
            None => moved,
            Some(earlier) => earlier.iter().zip(&moved).map(|(a, b)| a.plus(b)).collect(),
        });
        Ok(())
    }

    fn factor(
        &mut self,
        layer: usize,
        basis: &[usize],
        coefficients: &[Vec<String>],
    ) -> Result<()> {
        let Some(Layer::Affine(affine)) = self.chain.layers.get(layer) else {
            return no(format!("layer {layer} is no matrix"));
        };
        if !affine.is_sure() || basis.is_empty() || coefficients.len() != affine.bias.len() {
            return no(format!("the matrix of layer {layer} is not factored by that"));
        }
        let Some(first) = basis
            .iter()
            .map(|&row| affine.weight.get(row).cloned())
            .collect::<Option<Vec<Vec<Number>>>>()
        else {
            return no(format!("layer {layer} has no such row"));
        };
        let second: Vec<Vec<Number>> =
            coefficients.iter().map(|row| parse_all(row)).collect::<Result<_>>()?;
        for (row, factors) in affine.weight.iter().zip(&second) {
            if factors.len() != basis.len() {
                return no("each row needs a factor for each row of the basis");
            }
            for (column, weight) in row.iter().enumerate() {
                let sum = factors.iter().zip(&first).fold(Number::zero(), |sum, (factor, row)| {
                    sum.plus(&factor.times(&row[column]))
                });
                if !sum.is(weight) {
                    return no(format!("the matrix of layer {layer} is not that product"));
                }
            }
        }
        let zeros = vec![Number::zero(); basis.len()];
        let pair = [
            Layer::Affine(Affine::sure(first, zeros)),
            Layer::Affine(Affine::sure(second, affine.bias.clone())),
        ];
        self.chain.layers.splice(layer..=layer, pair);
        Ok(())
    }

    fn scale(&mut self, layer: usize, unit: usize, factor: &Number) -> Result<()> {
        self.exists(layer, unit)?;
        let (before, _, after) = self.around_kink(layer)?;
        let Some(inverse) = factor.reciprocal().filter(Number::is_positive) else {
            return no("a unit is scaled by a factor above 0");
        };
        before.weight[unit].iter_mut().for_each(|weight| *weight = weight.times(factor));
        before.bias[unit] = before.bias[unit].times(factor);
        after.weight.iter_mut().for_each(|row| row[unit] = row[unit].times(&inverse));
        Ok(())
    }

    fn permute(&mut self, layer: usize, order: &[usize]) -> Result<()> {
        self.require_all(layer, order, "", |_, _, _, _| true)?;
        let (before, activation, after) = self.around(layer)?;
        if order.len() != before.bias.len() {
            return no("an order names every unit once");
        }
        reorder(&mut before.weight, order);
        reorder(&mut before.bias, order);
        if let Layer::Kinked(slopes) = activation {
            reorder(slopes, order);
        }
        after.weight.iter_mut().for_each(|row| reorder(row, order));
        Ok(())
    }

    fn split(
        &mut self,
        layer: usize,
        unit: usize,
        scale: &Number,
        outgoing: &[Number],
    ) -> Result<()> {
        self.exists(layer, unit)?;
        let (before, activation, after) = self.around(layer)?;
        match activation {
            Layer::Kinked(slopes) => {
                let slope = slopes[unit].clone();
                slopes.push(slope);
            }
            Layer::Function(_) if scale.is(&Number::one()) => {}
            Layer::Affine(_) | Layer::Scale(_) | Layer::Function(_) | Layer::Softmax(_) => {
                return no(format!("units of layer {layer} are split at their own scale"));
            }
        }
        if !scale.is_positive() || outgoing.len() != after.bias.len() {
            return no(format!("unit {unit} of layer {layer} cannot be split so"));
        }
        let row = before.weight[unit].iter().map(|weight| weight.times(scale)).collect();
        before.weight.push(row);
        before.bias.push(before.bias[unit].times(scale));
        before.bias_doubt.push(Number::zero());
        for (row, weight) in after.weight.iter_mut().zip(outgoing) {
            row[unit] = row[unit].minus(&weight.times(scale));
            row.push(weight.clone());
        }
        Ok(())
    }

    fn add_unused(&mut self, layer: usize, weight: Vec<Number>, bias: Number) -> Result<()> {
        let (before, activation, after) = self.around(layer)?;
        if weight.len() != before.weight.first().map_or(0, Vec::len) {
            return no(format!("the new row of layer {layer} has the wrong length"));
        }
        if let Layer::Kinked(slopes) = activation {
            let Some(slope) = slopes.first().cloned() else { return no("the layer is empty") };
            if slopes.iter().any(|other| !other.is(&slope)) {
                return no(format!("the units of layer {layer} have slopes of their own"));
            }
            slopes.push(slope);
        }
        before.weight.push(weight);
        before.bias.push(bias);
        before.bias_doubt.push(Number::zero());
        after.weight.iter_mut().for_each(|row| row.push(Number::zero()));
        Ok(())
    }

    fn insert_identity(&mut self, layer: usize) -> Result<()> {
        let Some(Layer::Kinked(slopes)) = self.chain.layers.get(layer) else {
            return no(format!("layer {layer} is no ReLU"));
        };
        if slopes.iter().any(|slope| !slope.is_zero()) {
            return no(format!("what layer {layer} gives may be negative"));
        }
        let width = slopes.len();
        let row = |at: usize| {
            (0..width)
                .map(|column| if column == at { Number::one() } else { Number::zero() })
                .collect()
        };
        let identity = Affine::sure((0..width).map(row).collect(), vec![Number::zero(); width]);
        let pair = [Layer::Affine(identity), Layer::Kinked(slopes.clone())];
        self.chain.layers.splice(layer + 1..layer + 1, pair);
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
