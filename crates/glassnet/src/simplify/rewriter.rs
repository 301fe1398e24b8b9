//! The rewrites, each applied to the chain and noted as a step of the certificate.

use num_traits::{Signed, Zero};

use super::chain::{Affine, Chain, Layer, Part};
use super::exact::{Ratio, exact, near, one, text, texts, zero};
use super::rewrite::Removal;
use crate::checker::Step;
use crate::checker::certificate::Row;
use crate::checker::proof::Node;
use crate::error::{Error, Result};

/// A chain under change, with what was done to it.
#[derive(Clone, Debug)]
pub(super) struct Rewriter {
    pub(super) chain: Chain,
    pub(super) steps: Vec<Step>,
    pub(super) removals: Vec<Removal>,
    /// Whether signs are looked for by substituting backwards, where intervals don't show them.
    pub(super) tight: bool,
}

impl Rewriter {
    pub(super) fn new(chain: Chain) -> Self {
        Rewriter { chain, steps: vec![], removals: vec![], tight: false }
    }

    fn note(&mut self, kind: &'static str, layer: usize, unit: Option<usize>, why: String) {
        let name = self.chain.layers[layer].name.clone();
        let unit =
            unit.map(|unit| self.chain.affine(layer).map_or(unit, |affine| affine.units[unit]));
        self.removals.push(Removal { kind, layer: name, unit, why });
    }

    fn around(&mut self, layer: usize) -> Result<(&mut Affine, &mut Affine)> {
        let places =
            layer.checked_sub(1).and_then(|first| self.chain.layers.get_mut(first..=layer + 1));
        match places {
            Some(
                [
                    Layer { part: Part::Affine(before), .. },
                    Layer { part: Part::Activation { .. }, .. },
                    Layer { part: Part::Affine(after), .. },
                ],
            ) => Ok((before, after)),
            Some(_) | None => {
                Err(Error::usage(format!("layer {layer} is not between two matrices")))
            }
        }
    }

    /// Takes units away whose part of the output is elsewhere already.
    fn remove(&mut self, layer: usize, units: &[usize]) -> Result<()> {
        let (before, after) = self.around(layer)?;
        let stays: Vec<bool> = (0..before.bias.len()).map(|unit| !units.contains(&unit)).collect();
        if !stays.contains(&true) {
            let inputs = before.inputs();
            after.weight = vec![vec![zero(); inputs]; after.bias.len()];
            self.chain.layers.drain(layer - 1..=layer);
            return Ok(());
        }
        keep(&mut before.weight, &stays);
        keep(&mut before.bias, &stays);
        keep(&mut before.units, &stays);
        after.weight.iter_mut().for_each(|row| keep(row, &stays));
        if let Part::Activation { slopes: Some(slopes), .. } = &mut self.chain.layers[layer].part {
            keep(slopes, &stays);
        }
        Ok(())
    }

    /// Notes for the next step how the sign of what a unit is given is shown.
    pub(super) fn show_sign(&mut self, layer: usize, unit: usize, positive: bool, tree: Vec<Node>) {
        self.steps.push(Step::ShowSign { layer, unit, positive, tree });
    }

    pub(super) fn drop_dead(
        &mut self,
        layer: usize,
        units: Vec<usize>,
        why: impl Fn(usize) -> String,
    ) -> Result<()> {
        for &unit in &units {
            self.note("dead", layer - 1, Some(unit), why(unit));
        }
        self.remove(layer, &units)?;
        self.steps.push(Step::DropDead { layer, units });
        Ok(())
    }

    pub(super) fn drop_unused(&mut self, layer: usize, units: Vec<usize>) -> Result<()> {
        for &unit in &units {
            self.note("unused", layer - 1, Some(unit), "all its outgoing weights are 0".into());
        }
        self.remove(layer, &units)?;
        self.steps.push(Step::DropUnused { layer, units });
        Ok(())
    }

    pub(super) fn fold_constant(&mut self, layer: usize, units: Vec<usize>) -> Result<()> {
        let slopes = self.chain.slopes(layer).cloned().unwrap_or_default();
        let (before, after) = self.around(layer)?;
        let mut whys = vec![];
        for &unit in &units {
            let bias = before.bias[unit].clone();
            let value = if bias.is_positive() { bias } else { bias * &slopes[unit] };
            for (sum, row) in after.bias.iter_mut().zip(&after.weight) {
                *sum += &row[unit] * &value;
            }
            let added = if value.is_zero() { "" } else { ", which the next bias takes over" };
            whys.push(format!(
                "all its incoming weights are 0: it is always {}{added}",
                near(&value)
            ));
        }
        for (&unit, why) in units.iter().zip(whys) {
            self.note("constant", layer - 1, Some(unit), why);
        }
        self.remove(layer, &units)?;
        self.steps.push(Step::FoldConstant { layer, units });
        Ok(())
    }

    pub(super) fn merge(
        &mut self,
        layer: usize,
        keep: usize,
        drop: usize,
        scale: Ratio,
    ) -> Result<()> {
        let (before, after) = self.around(layer)?;
        for row in &mut after.weight {
            let more = &row[drop] * &scale;
            row[keep] += more;
        }
        let other = before.units[keep];
        let (kind, why) = if scale == one() {
            ("duplicate", format!("the same as unit {other}"))
        } else {
            ("proportional", format!("{} times unit {other}", near(&scale)))
        };
        self.note(kind, layer - 1, Some(drop), why);
        self.remove(layer, &[drop])?;
        self.steps.push(Step::Merge { layer, keep, drop, scale: text(&scale) });
        Ok(())
    }

    /// `terms`: the other units, each with its factor.
    pub(super) fn remove_dependent(
        &mut self,
        layer: usize,
        unit: usize,
        terms: Vec<(usize, Ratio)>,
    ) -> Result<()> {
        let (before, after) = self.around(layer)?;
        let combined: Ratio =
            terms.iter().map(|(other, factor)| factor * &before.bias[*other]).sum();
        let constant = &before.bias[unit] - combined;
        for (bias, row) in after.bias.iter_mut().zip(&mut after.weight) {
            let weight = row[unit].clone();
            for (other, factor) in &terms {
                row[*other] += &weight * factor;
            }
            *bias += &weight * &constant;
        }
        let others: Vec<String> =
            terms.iter().map(|(other, _)| before.units[*other].to_string()).collect();
        let why = if others.is_empty() {
            "always active and constant".to_owned()
        } else {
            format!("always active, and a combination of units {} that are", others.join(", "))
        };
        self.note("dependent", layer - 1, Some(unit), why);
        self.remove(layer, &[unit])?;
        let terms = terms.iter().map(|(other, factor)| (*other, text(factor))).collect();
        self.steps.push(Step::RemoveDependent { layer, unit, terms, constant: text(&constant) });
        Ok(())
    }

    pub(super) fn drop_activation(&mut self, layer: usize, why: &str) {
        self.note("linear", layer, None, why.to_owned());
        self.chain.layers.remove(layer);
        self.steps.push(Step::DropActivation { layer });
    }

    /// One matrix for two that follow each other.
    pub(super) fn composed(&self, layer: usize) -> Option<Affine> {
        let (first, second) = (self.chain.affine(layer)?, self.chain.affine(layer + 1)?);
        let mut weight = vec![vec![zero(); first.inputs()]; second.bias.len()];
        let mut bias = second.bias.clone();
        for (row, (sums, bias)) in weight.iter_mut().zip(&mut bias).enumerate() {
            for (factor, (others, other)) in
                second.weight[row].iter().zip(first.weight.iter().zip(&first.bias))
            {
                if factor.is_zero() {
                    continue;
                }
                for (sum, other) in sums.iter_mut().zip(others) {
                    if !other.is_zero() {
                        *sum += factor * other;
                    }
                }
                *bias += factor * other;
            }
        }
        let has_bias = second.has_bias || first.has_bias;
        Some(Affine { weight, bias, units: second.units.clone(), has_bias })
    }

    pub(super) fn compose(&mut self, layer: usize, affine: Affine) {
        let other = &self.chain.layers[layer + 1].name;
        let why =
            format!("linear layers {:?} and {other:?} are one", self.chain.layers[layer].name);
        self.note("composed", layer, None, why);
        self.chain.layers[layer + 1].part = Part::Affine(affine);
        self.chain.layers.remove(layer);
        self.steps.push(Step::Compose { layer });
    }

    /// Multiplies a normalisation into the matrix beside it, rounded to f32.
    pub(super) fn fold_norm(&mut self, layer: usize) -> Result<bool> {
        let Part::Norm(norm) = &self.chain.layers[layer].part else { return Ok(false) };
        let norm = norm.clone();
        let factors: Vec<f64> = (0..norm.mean.len())
            .map(|at| near(&norm.weight[at]) / near(&(&norm.variance[at] + &norm.eps)).sqrt())
            .collect();
        let round = |value: f64| exact(f64::from(value as f32));
        let before = layer.checked_sub(1).filter(|at| self.chain.affine(*at).is_some());
        let place = if let Some(place) = before {
            if let Some(affine) = self.chain.affine_mut(place) {
                for (row, factor) in factors.iter().enumerate() {
                    for weight in &mut affine.weight[row] {
                        *weight = round(near(weight) * factor)?;
                    }
                    let centred = near(&affine.bias[row]) - near(&norm.mean[row]);
                    affine.bias[row] = round(centred * factor + near(&norm.bias[row]))?;
                }
                affine.has_bias = true;
            }
            place
        } else {
            let Some(affine) = self.chain.affine_mut(layer + 1) else { return Ok(false) };
            for row in 0..affine.bias.len() {
                let mut bias = near(&affine.bias[row]);
                for (column, factor) in factors.iter().enumerate() {
                    let weight = near(&affine.weight[row][column]);
                    bias += weight * (near(&norm.bias[column]) - near(&norm.mean[column]) * factor);
                    affine.weight[row][column] = round(weight * factor)?;
                }
                affine.bias[row] = round(bias)?;
            }
            affine.has_bias = true;
            layer
        };
        self.note("batch_norm", layer, None, "multiplied into the linear layer beside it".into());
        self.chain.layers.remove(layer);
        self.steps.push(Step::FoldBatchNorm { layer });
        let rows = self.chain.affine(place).map(all_rows).unwrap_or_default();
        self.steps.push(Step::Replace { layer: place, rows });
        Ok(true)
    }

    pub(super) fn replace_row(&mut self, layer: usize, unit: usize, row: Vec<Ratio>) {
        let Some(affine) = self.chain.affine_mut(layer) else { return };
        let (bias, weight) = match row.split_last() {
            Some((bias, weight)) => (bias.clone(), weight.to_vec()),
            None => return,
        };
        self.steps.push(Step::Replace {
            layer,
            rows: vec![Row { unit, weight: texts(&weight), bias: text(&bias) }],
        });
        affine.weight[unit] = weight;
        affine.bias[unit] = bias;
    }

    /// Writes a matrix as coefficients times some of its rows.
    pub(super) fn factor(
        &mut self,
        layer: usize,
        basis: Vec<usize>,
        coefficients: Vec<Vec<Ratio>>,
    ) {
        let Some(affine) = self.chain.affine(layer).cloned() else { return };
        let why = format!("its matrix has rank {}: a product of two smaller ones", basis.len());
        self.note("factored", layer, None, why);
        let first = Affine {
            weight: basis.iter().map(|&row| affine.weight[row].clone()).collect(),
            bias: vec![zero(); basis.len()],
            units: basis.iter().map(|&row| affine.units[row]).collect(),
            has_bias: false,
        };
        let texts = coefficients.iter().map(|row| texts(row)).collect();
        let second = Affine { weight: coefficients, ..affine };
        let name = self.chain.layers[layer].name.clone();
        self.chain.layers[layer].part = Part::Affine(second);
        self.chain.layers.insert(layer, Layer { name, part: Part::Affine(first) });
        self.steps.push(Step::Factor { layer, basis, coefficients: texts });
    }

    pub(super) fn scale(&mut self, layer: usize, unit: usize, factor: &Ratio) -> Result<()> {
        let (before, after) = self.around(layer)?;
        before.weight[unit].iter_mut().for_each(|weight| *weight *= factor);
        before.bias[unit] *= factor;
        after.weight.iter_mut().for_each(|row| row[unit] /= factor);
        self.steps.push(Step::Scale { layer, unit, factor: text(factor) });
        Ok(())
    }

    pub(super) fn permute(&mut self, layer: usize, order: Vec<usize>) -> Result<()> {
        let (before, after) = self.around(layer)?;
        reorder(&mut before.weight, &order);
        reorder(&mut before.bias, &order);
        reorder(&mut before.units, &order);
        after.weight.iter_mut().for_each(|row| reorder(row, &order));
        if let Part::Activation { slopes: Some(slopes), .. } = &mut self.chain.layers[layer].part {
            reorder(slopes, &order);
        }
        self.steps.push(Step::Permute { layer, order });
        Ok(())
    }

    pub(super) fn split(
        &mut self,
        layer: usize,
        unit: usize,
        scale: &Ratio,
        outgoing: Vec<Ratio>,
    ) -> Result<()> {
        let (before, after) = self.around(layer)?;
        before.weight.push(before.weight[unit].iter().map(|weight| weight * scale).collect());
        before.bias.push(&before.bias[unit] * scale);
        before.units.push(before.units.len());
        for (row, weight) in after.weight.iter_mut().zip(&outgoing) {
            row[unit] -= weight * scale;
            row.push(weight.clone());
        }
        if let Part::Activation { slopes: Some(slopes), .. } = &mut self.chain.layers[layer].part {
            slopes.push(slopes[unit].clone());
        }
        self.steps.push(Step::Split {
            layer,
            unit,
            scale: text(scale),
            outgoing: texts(&outgoing),
        });
        Ok(())
    }

    pub(super) fn insert_identity(&mut self, layer: usize) {
        let width = self.chain.slopes(layer).map_or(0, Vec::len);
        let row = |at: usize| {
            (0..width).map(|column| if column == at { one() } else { zero() }).collect()
        };
        let identity = Affine {
            weight: (0..width).map(row).collect(),
            bias: vec![zero(); width],
            units: (0..width).collect(),
            has_bias: true,
        };
        let activation = self.chain.layers[layer].clone();
        let name = activation.name.clone();
        self.chain.layers.insert(layer + 1, activation);
        self.chain.layers.insert(layer + 1, Layer { name, part: Part::Affine(identity) });
        self.steps.push(Step::InsertIdentity { layer });
    }
}

fn all_rows(affine: &Affine) -> Vec<Row> {
    let row = |unit: usize| Row {
        unit,
        weight: texts(&affine.weight[unit]),
        bias: text(&affine.bias[unit]),
    };
    (0..affine.bias.len()).map(row).collect()
}

fn keep<T>(items: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    items.retain(|_| stays.next().copied().unwrap_or(true));
}

fn reorder<T: Clone>(items: &mut Vec<T>, order: &[usize]) {
    *items = order.iter().map(|&old| items[old].clone()).collect();
}
