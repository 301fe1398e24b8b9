//! Steps about the units of one activation: removing, merging, scaling, reordering and adding them.

use super::{Replay, Sign, no, reorder};
use crate::checker::chain::Layer;
use crate::checker::number::Number;
use crate::error::Result;

impl Replay<'_> {
    pub(super) fn drop_dead(&mut self, layer: usize, units: &[usize]) -> Result<()> {
        let given = self.signs(layer, units, Sign::is_nonpositive);
        self.require_all(layer, units, "is not dead", |_, slope, _, unit| {
            slope.is_some_and(Number::is_zero) && given.get(unit).is_some_and(Sign::is_nonpositive)
        })?;
        self.remove(layer, units)
    }

    pub(super) fn fold_constant(&mut self, layer: usize, units: &[usize]) -> Result<()> {
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

    pub(super) fn merge(
        &mut self,
        layer: usize,
        stays: usize,
        goes: usize,
        scale: &Number,
    ) -> Result<()> {
        self.exists(layer, stays)?;
        self.exists(layer, goes)?;
        let (before, activation, after) = self.around(layer)?;
        let homogeneous = match activation {
            Layer::Kinked(slopes) => slopes[stays].is(&slopes[goes]),
            _ => scale.is(&Number::one()), // not operations: layers of a chain
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

    pub(super) fn remove_dependent(
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

    pub(super) fn scale(&mut self, layer: usize, unit: usize, factor: &Number) -> Result<()> {
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

    pub(super) fn permute(&mut self, layer: usize, order: &[usize]) -> Result<()> {
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

    pub(super) fn split(
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
            _ => return no(format!("units of layer {layer} are split at their own scale")), // not operations: layers of a chain
        }
        if !scale.is_positive() || outgoing.len() != after.bias.len() {
            return no(format!("unit {unit} of layer {layer} cannot be split so"));
        }
        let row = before.weight[unit].iter().map(|weight| weight.times(scale)).collect();
        before.weight.push(row);
        before.bias.push(before.bias[unit].times(scale));
        for (row, weight) in after.weight.iter_mut().zip(outgoing) {
            row[unit] = row[unit].minus(&weight.times(scale));
            row.push(weight.clone());
        }
        Ok(())
    }
}
