//! Products of two values that both depend on the input, and what is made of them: softmax, standardisation, variance.
//!
//! The product of a unit with itself is its square. A quotient is the product with a reciprocal, which has a margin of its own.

use std::sync::Arc;

use super::affine::Row;
use super::element::{Array, Element};
use super::{Lowering, constant};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Activation, Reduction};
use crate::graph::{NodeId, Origin};
use crate::prove::softmax::{MOST_SCORES, further_roundings};
use crate::prove::{Interval, Step};

/// The greatest number of elements that are standardised together: for more the f32 margins below aren't worked out.
const MOST_TOGETHER: usize = 4096;

impl Lowering<'_, '_> {
    fn function(
        &mut self,
        function: Activation,
        z: &Array,
        origin: &Arc<Origin>,
        id: NodeId,
    ) -> Result<Array> {
        let of = self.whole_layer(z, Arc::clone(origin), id)?;
        self.push(Step::Smooth { of, function }, z.shape.clone(), origin, id)
    }

    /// A layer of rows, whose f32 execution has so many roundings more than its own sum.
    fn rounded_rows(
        &mut self,
        rows: Vec<Row>,
        further: usize,
        shape: Vec<usize>,
        origin: &Arc<Origin>,
        id: NodeId,
    ) -> Result<Array> {
        let array = self.push_rows(rows, true, shape, origin, id)?;
        if let Some(layer) = self.layers.last_mut()
            && let Step::Affine(affine) = &mut layer.step
        {
            affine.further_constants += further;
        }
        Ok(array)
    }

    /// The products of elements, pair by pair; where one is constant it is a weight.
    pub(super) fn products(
        &mut self,
        pairs: &[(Element, Element)],
        origin: &Arc<Origin>,
        id: NodeId,
    ) -> Result<Vec<Element>> {
        let is_unit = |element: &Element| matches!(element, Element::Unit(_));
        let both = |(a, b): &(Element, Element)| is_unit(a) && is_unit(b);
        let square = |pair: &(Element, Element)| both(pair) && pair.0 == pair.1;
        let chosen = |wanted: &dyn Fn(&(Element, Element)) -> bool| -> Vec<(Element, Element)> {
            pairs.iter().copied().filter(|pair| wanted(pair)).collect()
        };
        let flat = |elements: Vec<Element>| Array { shape: vec![elements.len()], elements };
        let (squared, open) = (chosen(&square), chosen(&|pair| both(pair) && !square(pair)));
        let plain = chosen(&|pair| !both(pair));
        let mut squares = vec![];
        if !squared.is_empty() {
            let roots = flat(squared.into_iter().map(|(root, _)| root).collect());
            squares = self.function(Activation::Square, &roots, origin, id)?.elements;
        }
        let mut products = vec![];
        if !open.is_empty() {
            let (left, right) = open.into_iter().unzip();
            let (left, right) = (flat(left), flat(right));
            let shape = left.shape.clone();
            let left = self.whole_layer(&left, Arc::clone(origin), id)?;
            let right = self.whole_layer(&right, Arc::clone(origin), id)?;
            products = self.push(Step::Product { left, right }, shape, origin, id)?.elements;
        }
        let mut weighted = vec![];
        if !plain.is_empty() {
            let rows = plain.iter().map(|&pair| match pair {
                (Element::Constant(weight), element) | (element, Element::Constant(weight)) => {
                    Row::new().weighted(weight, element)
                }
                (Element::Unit(_), Element::Unit(_)) => Row::new(),
            });
            let rows: Vec<Row> = rows.collect();
            let count = rows.len();
            weighted = self.push_rows(rows, true, vec![count], origin, id)?.elements;
        }
        let mut squares = squares.into_iter();
        let (mut products, mut weighted) = (products.into_iter(), weighted.into_iter());
        let zero = Element::Constant(Interval::point(0.0));
        let next = |pair: &(Element, Element)| match (both(pair), square(pair)) {
            (true, true) => squares.next(),
            (true, false) => products.next(),
            (false, _) => weighted.next(),
        };
        Ok(pairs.iter().map(next).map(|found| found.unwrap_or(zero)).collect())
    }

    /// The reciprocals of elements.
    pub(super) fn reciprocals(
        &mut self,
        elements: &[Element],
        origin: &Arc<Origin>,
        id: NodeId,
    ) -> Result<Vec<Element>> {
        let array = Array { elements: elements.to_vec(), shape: vec![elements.len()] };
        if let Some(constants) = array.constants() {
            let folded =
                constants.into_iter().map(|x| constant::activation(Activation::Reciprocal, x));
            let folded: Option<Vec<Interval>> = folded.collect();
            let folded = folded.ok_or_else(|| self.unsupported(id, "by a number that may be 0"))?;
            return Ok(folded.into_iter().map(Element::Constant).collect());
        }
        Ok(self.function(Activation::Reciprocal, &array, origin, id)?.elements)
    }

    /// Softmax along one axis, or its logarithm: see [`softmax`](crate::prove::softmax) for the form and its roundings.
    pub(super) fn softmax(
        &mut self,
        id: NodeId,
        axis: usize,
        logarithm: bool,
        z: &Array,
        origin: &Arc<Origin>,
    ) -> Result<Array> {
        let shape = z.shape.clone();
        let length = shape.get(axis).copied().unwrap_or(1);
        if length > MOST_SCORES {
            return Err(Error::new(
                ErrorKind::Limit,
                format!(
                    "a softmax of {length} scores is more than the {MOST_SCORES} that are bounded"
                ),
            )
            .at(origin.to_string()));
        }
        let inner: usize = shape[(axis + 1).min(shape.len())..].iter().product();
        let element = |at: usize, other: usize| {
            let own = at / inner % length.max(1);
            z.elements[at + other * inner - own * inner]
        };
        let (count, others) = (z.elements.len(), length.saturating_sub(1));
        let mut rows = Vec::with_capacity(count * others);
        for at in 0..count {
            let own = at / inner % length.max(1);
            for other in (0..length).filter(|&other| other != own) {
                rows.push(Row::new().scaled(1.0, element(at, other)).scaled(-1.0, z.elements[at]));
            }
        }
        let one = Element::Constant(Interval::point(1.0));
        if rows.is_empty() {
            let value = if logarithm { 0.0 } else { 1.0 };
            return Ok(Array::full(shape, Element::Constant(Interval::point(value))));
        }
        let flat = vec![rows.len()];
        let differences = self.push_rows(rows, false, flat, origin, id)?;
        let exponentials = self.function(Activation::Exp, &differences, origin, id)?;
        let rows = exponentials.elements.chunks(others).map(|group| {
            group.iter().fold(Row::new().scaled(1.0, one), |row, &e| row.scaled(1.0, e))
        });
        let rows = rows.collect();
        let sums = self.rounded_rows(rows, further_roundings(length), shape.clone(), origin, id)?;
        if !logarithm {
            return self.function(Activation::Reciprocal, &sums, origin, id);
        }
        let logarithms = self.function(Activation::Log, &sums, origin, id)?;
        let rows = logarithms.elements.iter().map(|&l| Row::new().scaled(-1.0, l)).collect();
        self.push_rows(rows, false, shape, origin, id)
    }

    /// The elements minus the mean of their group; `place` tells which group each is of.
    fn centred(
        &mut self,
        id: NodeId,
        x: &Array,
        axes: &[usize],
        groups: &[Vec<Element>],
        origin: &Arc<Origin>,
    ) -> Result<(Array, Vec<usize>)> {
        let count = vec![groups.len()];
        let means = self.reduce(id, Reduction::Mean, groups.to_vec(), count, origin)?;
        let numbers: Vec<Element> =
            (0..x.elements.len()).map(|at| Element::Constant(Interval::point(at as f64))).collect();
        let numbered = Array { elements: numbers, shape: x.shape.clone() };
        let kept = x.left_by(axes);
        let mut place = vec![0; x.elements.len()];
        for (group, members) in numbered.groups(axes, &kept).iter().enumerate() {
            for member in members {
                if let Element::Constant(at) = member {
                    place[at.lo() as usize] = group;
                }
            }
        }
        let rows = x.elements.iter().zip(&place);
        let rows = rows
            .map(|(&x, &group)| Row::new().scaled(1.0, x).scaled(-1.0, means.elements[group]))
            .collect();
        Ok((self.push_rows(rows, true, x.shape.clone(), origin, id)?, place))
    }

    /// The variance of each group, with `divisor` of the sum of squares.
    pub(super) fn variances(
        &mut self,
        id: NodeId,
        x: &Array,
        axes: &[usize],
        (divisor, shape): (f64, Vec<usize>),
        origin: &Arc<Origin>,
    ) -> Result<Array> {
        let kept = x.left_by(axes);
        let groups = x.groups(axes, &kept);
        let (centred, _) = self.centred(id, x, axes, &groups, origin)?;
        let squares = self.function(Activation::Square, &centred, origin, id)?;
        let rows = self.shares(id, squares.groups(axes, &kept), divisor, None)?;
        self.rounded_rows(rows, 8, shape, origin, id)
    }

    /// For each group a row of its sum over `divisor`, with a constant added.
    fn shares(
        &self,
        id: NodeId,
        groups: Vec<Vec<Element>>,
        divisor: f64,
        constant: Option<f64>,
    ) -> Result<Vec<Row>> {
        let share = Interval::new(divisor, divisor)?.reciprocal();
        let share = share.ok_or_else(|| self.unsupported(id, "of too few elements"))?;
        // In f32 the factor is itself rounded.
        let share = if share.is_point() { share } else { share.widened(share.hi() * 6e-8) };
        let rows = groups.into_iter().map(|group| {
            let start = constant.map_or(Row::new(), |constant| {
                Row::new().scaled(1.0, Element::Constant(Interval::point(constant)))
            });
            group.into_iter().fold(start, |row, element| row.weighted(share, element))
        });
        Ok(rows.collect())
    }

    /// `(x − mean)/√(variance + eps)` over `axes`.
    ///
    /// No result is greater than √n in absolute value, n being how many are standardised together, in f32 but for
    /// (n + 10)·2⁻²⁴ of it, whatever the mean was rounded to: cutting it there changes nothing and helps the bounds.
    pub(super) fn normalize(
        &mut self,
        id: NodeId,
        x: &Array,
        axes: &[usize],
        eps: f64,
        origin: &Arc<Origin>,
    ) -> Result<Array> {
        let kept = x.left_by(axes);
        let groups = x.groups(axes, &kept);
        let together = groups.first().map_or(0, Vec::len);
        let eps = f64::from(eps as f32);
        let known = (1..=MOST_TOGETHER).contains(&together) && eps > 0.0 && eps.is_finite();
        if !known {
            return Err(self.unsupported(
                id,
                "its bounds are known for 1 to 4096 elements and a positive eps",
            ));
        }
        let (centred, place) = self.centred(id, x, axes, &groups, origin)?;
        let squares = self.function(Activation::Square, &centred, origin, id)?;
        let groups = squares.groups(axes, &kept);
        let rows = self.shares(id, groups, together as f64, Some(eps))?;
        let count = vec![rows.len()];
        let variances = self.rounded_rows(rows, 8, count, origin, id)?;
        let deviations = self.function(Activation::Sqrt, &variances, origin, id)?;
        let inverses = self.function(Activation::Reciprocal, &deviations, origin, id)?;
        let pairs: Vec<(Element, Element)> = centred
            .elements
            .iter()
            .zip(&place)
            .map(|(&x, &group)| (x, inverses.elements[group]))
            .collect();
        let elements = self.products(&pairs, origin, id)?;
        let product = Array { elements, shape: x.shape.clone() };
        let most = (together as f64).sqrt() * 1.001;
        self.clip(&product, -most, most, origin, id)
    }
}

impl Lowering<'_, '_> {
    /// 1 where an element is above 0, else 0.
    fn is_positive(&mut self, z: &Array, origin: &Arc<Origin>, id: NodeId) -> Result<Array> {
        let above = self.kink(z, 0.0, 1.0, origin, id)?;
        self.function(Activation::Sign, &above, origin, id)
    }

    /// The first where the condition is above 0, else the second: `b + [condition > 0]·(a − b)`.
    ///
    /// What f32 makes of it is one of the two, without a rounding.
    pub(super) fn select(
        &mut self,
        condition: &Array,
        (a, b): (&Array, &Array),
        origin: &Arc<Origin>,
        id: NodeId,
    ) -> Result<Array> {
        let known = |element: &Element| match element {
            Element::Constant(value) if value.lo() > 0.0 => Some(true),
            Element::Constant(value) if value.hi() <= 0.0 => Some(false),
            Element::Constant(_) | Element::Unit(_) => None,
        };
        let places: Vec<usize> = (0..condition.elements.len())
            .filter(|&at| {
                known(&condition.elements[at]).is_none() && a.elements[at] != b.elements[at]
            })
            .collect();
        let flat = |elements: Vec<Element>| Array { shape: vec![elements.len()], elements };
        let mut open = vec![].into_iter();
        if !places.is_empty() {
            let conditions = flat(places.iter().map(|&at| condition.elements[at]).collect());
            let truths = self.is_positive(&conditions, origin, id)?;
            let rows = places
                .iter()
                .map(|&at| Row::new().scaled(1.0, a.elements[at]).scaled(-1.0, b.elements[at]));
            let rows = rows.collect();
            let differences = self.push_rows(rows, false, vec![places.len()], origin, id)?;
            let pairs: Vec<(Element, Element)> = places
                .iter()
                .zip(&truths.elements)
                .zip(&differences.elements)
                .map(|((&at, &truth), &difference)| match (a.elements[at], b.elements[at]) {
                    (Element::Constant(a), Element::Constant(b)) => {
                        (truth, Element::Constant(a.minus(b)))
                    }
                    (Element::Unit(_), _) | (_, Element::Unit(_)) => (truth, difference),
                })
                .collect();
            let products = self.products(&pairs, origin, id)?;
            let rows = places
                .iter()
                .zip(&products)
                .map(|(&at, &product)| Row::new().scaled(1.0, b.elements[at]).scaled(1.0, product));
            let rows = rows.collect();
            let count = vec![places.len()];
            open = self.push_rows(rows, false, count, origin, id)?.elements.into_iter();
        }
        let elements =
            (0..condition.elements.len()).map(|at| match known(&condition.elements[at]) {
                Some(true) => a.elements[at],
                Some(false) => b.elements[at],
                None if a.elements[at] == b.elements[at] => b.elements[at],
                None => open.next().unwrap_or(b.elements[at]),
            });
        Ok(Array { elements: elements.collect(), shape: condition.shape.clone() })
    }

    /// `a` to the power of a constant: whole powers as products, a root as one, else `e^(p·ln a)`, which has bounds where a is
    /// positive.
    ///
    /// # Numerics
    /// The engine's power is off by 2 ulp at most; the last function or product here is taken to be off by as much or more.
    pub(super) fn power(
        &mut self,
        a: &Array,
        exponent: f64,
        origin: &Arc<Origin>,
        id: NodeId,
    ) -> Result<Array> {
        const MOST: f64 = 16.0;
        if exponent == 0.0 {
            return Ok(Array::full(a.shape.clone(), Element::Constant(Interval::point(1.0))));
        }
        if exponent < 0.0 {
            let positive = self.power(a, -exponent, origin, id)?;
            return self.function(Activation::Reciprocal, &positive, origin, id);
        }
        if exponent == 0.5 {
            return self.function(Activation::Sqrt, a, origin, id);
        }
        if exponent.fract() == 0.0 && exponent <= MOST {
            let mut rest = exponent as u32;
            let (mut base, mut result) = (a.clone(), None::<Array>);
            while rest > 0 {
                if rest % 2 == 1 {
                    result = Some(match result {
                        None => base.clone(),
                        Some(so_far) => {
                            let pairs: Vec<(Element, Element)> = so_far
                                .elements
                                .iter()
                                .copied()
                                .zip(base.elements.iter().copied())
                                .collect();
                            let elements = self.products(&pairs, origin, id)?;
                            Array { elements, shape: a.shape.clone() }
                        }
                    });
                }
                rest /= 2;
                if rest > 0 {
                    base = self.function(Activation::Square, &base, origin, id)?;
                }
            }
            return Ok(result.unwrap_or(base));
        }
        let logarithms = self.function(Activation::Log, a, origin, id)?;
        let rows = logarithms.elements.iter().map(|&l| Row::new().scaled(exponent, l)).collect();
        let scaled = self.push_rows(rows, true, a.shape.clone(), origin, id)?;
        self.function(Activation::Exp, &scaled, origin, id)
    }
}
