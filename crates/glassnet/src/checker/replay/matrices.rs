//! Steps about whole layers: joining matrices, writing one as a product, giving it other weights, taking activations out.

use super::{Replay, Sign, no, parse_all};
use crate::checker::bound;
use crate::checker::certificate::Row;
use crate::checker::chain::{Affine, Layer};
use crate::checker::number::Number;
use crate::error::Result;

impl Replay<'_> {
    pub(super) fn compose(&mut self, layer: usize) -> Result<()> {
        let places = layer.checked_add(1).and_then(|last| self.chain.layers.get(layer..=last));
        let Some([Layer::Affine(first), Layer::Affine(second)]) = places else {
            return no(format!("layer {layer} is no matrix that a matrix follows"));
        };
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
        self.chain.layers.splice(layer..=layer + 1, [Layer::Affine(Affine { weight, bias })]);
        Ok(())
    }

    pub(super) fn drop_activation(&mut self, layer: usize) -> Result<()> {
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

    pub(super) fn fold_scale(&mut self, layer: usize) -> Result<()> {
        let Some(Layer::Scale(scale)) = self.chain.layers.get(layer).cloned() else {
            return no(format!("layer {layer} is no batch normalisation"));
        };
        let before = layer.checked_sub(1).map(|at| &mut self.chain.layers[at]);
        if let Some(Layer::Affine(affine)) = before {
            for (row, factor) in scale.factor.iter().enumerate() {
                affine.weight[row].iter_mut().for_each(|weight| *weight = weight.times(factor));
                affine.bias[row] = affine.bias[row].times(factor).plus(&scale.shift[row]);
            }
        } else if let Some(Layer::Affine(affine)) = self.chain.layers.get_mut(layer + 1) {
            for (row, bias) in affine.weight.iter_mut().zip(&mut affine.bias) {
                for (weight, (factor, shift)) in
                    row.iter_mut().zip(scale.factor.iter().zip(&scale.shift))
                {
                    *bias = bias.plus(&weight.times(shift));
                    *weight = weight.times(factor);
                }
            }
        } else {
            return no(format!("no matrix stands beside layer {layer}"));
        }
        self.chain.layers.remove(layer);
        Ok(())
    }

    pub(super) fn replace(&mut self, layer: usize, rows: &[Row]) -> Result<()> {
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
        let moved = bound::distance(&before, &self.chain, self.domain)?;
        self.moved = Some(match self.moved.take() {
            None => moved,
            Some(earlier) => earlier.iter().zip(&moved).map(|(a, b)| a.plus(b)).collect(),
        });
        Ok(())
    }

    pub(super) fn factor(
        &mut self,
        layer: usize,
        basis: &[usize],
        coefficients: &[Vec<String>],
    ) -> Result<()> {
        let Some(Layer::Affine(affine)) = self.chain.layers.get(layer) else {
            return no(format!("layer {layer} is no matrix"));
        };
        if basis.is_empty() || coefficients.len() != affine.bias.len() {
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
            Layer::Affine(Affine { weight: first, bias: zeros }),
            Layer::Affine(Affine { weight: second, bias: affine.bias.clone() }),
        ];
        self.chain.layers.splice(layer..=layer, pair);
        Ok(())
    }

    pub(super) fn insert_identity(&mut self, layer: usize) -> Result<()> {
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
        let identity =
            Affine { weight: (0..width).map(row).collect(), bias: vec![Number::zero(); width] };
        let pair = [Layer::Affine(identity), Layer::Kinked(slopes.clone())];
        self.chain.layers.splice(layer + 1..layer + 1, pair);
        Ok(())
    }
}
