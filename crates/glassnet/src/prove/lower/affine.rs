//! Rows of weighted units, and the operations that become them: products, sums, extremes.

use std::sync::Arc;

use super::element::{Array, Element, Unit};
use super::{Lowering, Weight, constant};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Arithmetic, Op, Reduction, Source};
use crate::graph::{NodeId, Origin};
use crate::prove::propagate::{U32, gamma};
use crate::prove::{Affine, Interval, Matrix, Step, Term};

/// The greatest number of weights of one layer.
const MOST_WEIGHTS: usize = 1 << 27;

/// A row of an affine layer while it is gathered.
#[derive(Clone, Debug)]
pub(super) struct Row {
    terms: Vec<(Unit, Interval)>,
    bias: Interval,
    /// How many constants were added to the bias, and the sum of their absolute values.
    constants: (usize, f64),
    /// How many terms were added to others of the same unit.
    merged: usize,
}

impl Row {
    pub(super) fn new() -> Self {
        Row { terms: vec![], bias: Interval::point(0.0), constants: (0, 0.0), merged: 0 }
    }

    /// The row with `weight·element` more.
    pub(super) fn weighted(mut self, weight: Interval, element: Element) -> Self {
        self.add(weight, element);
        self
    }

    /// The row with `weight·element` more.
    pub(super) fn scaled(self, weight: f64, element: Element) -> Self {
        self.weighted(Interval::point(weight), element)
    }

    fn add(&mut self, weight: Interval, element: Element) {
        if weight == Interval::point(0.0) {
            return;
        }
        match element {
            Element::Constant(value) => self.add_constant(weight.times(value)),
            Element::Unit(unit) => self.terms.push((unit, weight)),
        }
    }

    fn add_constant(&mut self, value: Interval) {
        if value != Interval::point(0.0) {
            self.bias = self.bias.plus(value);
            self.constants.0 += 1;
            self.constants.1 += value.magnitude();
        }
    }

    /// The bias with room for what an f32 execution makes of a sum of several constants.
    fn rounded_bias(&self) -> Interval {
        let (count, magnitude) = self.constants;
        if count < 2 {
            return self.bias;
        }
        self.bias.widened(2.0 * gamma(self.terms.len() + count + 1, U32) * magnitude)
    }

    /// Terms in order of their units, each unit once, but for weights of opposite signs where an execution `rounds`: it
    /// multiplies by each, and what it loses is no less because they cancel.
    fn gather(&mut self, rounds: bool) {
        if self.terms.is_sorted_by(|a, b| a.0 < b.0) {
            return;
        }
        self.terms.sort_by_key(|(unit, _)| *unit);
        let agree = |a: Interval, b: Interval| {
            (a.lo() >= 0.0 && b.lo() >= 0.0) || (a.hi() <= 0.0 && b.hi() <= 0.0)
        };
        let mut merged: Vec<(Unit, Interval)> = Vec::with_capacity(self.terms.len());
        for &(unit, weight) in &self.terms {
            match merged.last_mut() {
                Some(last) if last.0 == unit && (!rounds || agree(last.1, weight)) => {
                    last.1 = last.1.plus(weight);
                    self.merged += 1;
                }
                Some(_) | None => merged.push((unit, weight)),
            }
        }
        self.terms = merged;
    }
}

impl Lowering<'_, '_> {
    /// A layer of `rows`, or constants where no row has a unit.
    pub(super) fn push_rows(
        &mut self,
        mut rows: Vec<Row>,
        rounds: bool,
        shape: Vec<usize>,
        origin: &Arc<Origin>,
        id: NodeId,
    ) -> Result<Array> {
        for row in &mut rows {
            row.gather(rounds);
        }
        let affine = assemble(
            &rows,
            &self.layers.iter().map(|layer| layer.size).collect::<Vec<_>>(),
            rounds,
        )?;
        self.push(Step::Affine(affine), shape, origin, id)
    }

    /// A stored matrix times all units of one layer, with the matrix taken as it is; `None` where an operand is something else.
    pub(super) fn whole_matrix(
        &mut self,
        id: NodeId,
        origin: &Arc<Origin>,
    ) -> Result<Option<Array>> {
        let graph = self.graph.graph();
        let operands = graph.node(id).operands();
        let (x, weight, bias) = (operands[0], operands[1], operands.get(2).copied());
        let shape = self.graph.shape(id).at(1);
        let size = shape.iter().product::<usize>();
        let Some(value) = &self.values[x.index()] else { return Ok(None) };
        let Some(layer) = value.is_layer(&self.layers) else { return Ok(None) };
        let Op::Source(Source::Parameter { name, .. } | Source::Buffer { name, .. }) =
            graph.node(weight).op()
        else {
            return Ok(None);
        };
        let Weight::Fixed(tensor) = (self.weights)(name)? else { return Ok(None) };
        let columns = self.layers[layer].size;
        let fits = tensor.shape() == self.graph.shape(weight).at(1)
            && tensor.shape() == [size, columns]
            && tensor.data().iter().all(|w| w.is_finite());
        if !fits {
            // What is wrong is told where it is read element by element.
            return Ok(None);
        }
        check_size(tensor.len(), origin)?;
        let bias = match bias {
            None => vec![Interval::point(0.0); size],
            Some(bias) => {
                if graph.node(bias).operands().is_empty() && self.is_weight(bias) {
                    self.take(bias)?.constants().unwrap_or_default()
                } else {
                    return Ok(None);
                }
            }
        };
        if bias.len() != size {
            return Ok(None);
        }
        self.take(x)?;
        self.readers[weight.index()] -= 1;
        let data = tensor.data();
        let stored = data.iter().filter(|w| **w != 0.0).count();
        let matrix = if stored.saturating_mul(4) >= data.len() {
            Matrix::Dense { columns, values: data.iter().map(|&w| f64::from(w)).collect() }
        } else {
            let (mut starts, mut places, mut values) = (vec![0], vec![], vec![]);
            for row in data.chunks(columns.max(1)) {
                for (column, &w) in row.iter().enumerate().filter(|(_, w)| **w != 0.0) {
                    places.push(column);
                    values.push(f64::from(w));
                }
                starts.push(places.len());
            }
            Matrix::Sparse { starts, columns: places, values }
        };
        let terms = vec![Term { layer, matrix, spread: None }];
        let affine = Affine { terms, bias, rounds: true, further_constants: 0 };
        self.push(Step::Affine(affine), shape, origin, id).map(Some)
    }

    pub(super) fn affine(
        &mut self,
        id: NodeId,
        operands: &[Array],
        shape: Vec<usize>,
        origin: &Arc<Origin>,
    ) -> Result<Array> {
        let (x, weight) = (&operands[0], &operands[1]);
        let weights = weight.constants().ok_or_else(|| self.two_unknowns(id))?;
        let bias = match operands.get(2) {
            Some(bias) => Some(bias.constants().ok_or_else(|| self.two_unknowns(id))?),
            None => None,
        };
        let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
        check_size(x.elements.len().saturating_mul(outputs), origin)?;
        let mut rows = Vec::with_capacity(shape.iter().product());
        let leading = x
            .elements
            .len()
            .checked_div(inputs)
            .unwrap_or(shape.iter().product::<usize>() / outputs.max(1));
        for at in 0..leading {
            let x = &x.elements[at * inputs..(at + 1) * inputs];
            for output in 0..outputs {
                let mut row = Row::new();
                for (element, weight) in x.iter().zip(&weights[output * inputs..]) {
                    row.add(*weight, *element);
                }
                if let Some(bias) = &bias {
                    row.add_constant(bias[output]);
                }
                rows.push(row);
            }
        }
        self.push_rows(rows, true, shape, origin, id)
    }

    pub(super) fn matmul(
        &mut self,
        id: NodeId,
        operands: &[Array],
        (transpose_a, transpose_b): (bool, bool),
        shape: Vec<usize>,
        origin: &Arc<Origin>,
    ) -> Result<Array> {
        let (a, b) = (&operands[0], &operands[1]);
        let flat = |array: &Array| {
            let columns = array.shape.last().copied().unwrap_or(1);
            (array.elements.len().checked_div(columns).unwrap_or(0), columns)
        };
        let ((a_rows, a_columns), (b_rows, b_columns)) = (flat(a), flat(b));
        let (m, k) = if transpose_a { (a_columns, a_rows) } else { (a_rows, a_columns) };
        let n = if transpose_b { b_rows } else { b_columns };
        check_size(m.saturating_mul(n).saturating_mul(k), origin)?;
        if let Some(sums) = self.sums_of_products((m, n, k), origin, id, |i, j, l| {
            let left = a.elements[if transpose_a { l * m + i } else { i * k + l }];
            (left, b.elements[if transpose_b { j * k + l } else { l * n + j }])
        })? {
            return Ok(sums.reshaped(shape));
        }
        let mut rows = Vec::with_capacity(m * n);
        for i in 0..m {
            for j in 0..n {
                let mut row = Row::new();
                for l in 0..k {
                    let left = a.elements[if transpose_a { l * m + i } else { i * k + l }];
                    let right = b.elements[if transpose_b { j * k + l } else { l * n + j }];
                    match (left, right) {
                        (Element::Constant(weight), element)
                        | (element, Element::Constant(weight)) => {
                            row.add(weight, element);
                        }
                        (Element::Unit(_), Element::Unit(_)) => return Err(self.two_unknowns(id)),
                    }
                }
                rows.push(row);
            }
        }
        self.push_rows(rows, true, shape, origin, id)
    }

    /// Sums over `l` of the products of `pair(i, j, l)` for all `i < m`, `j < n`, `l < k`; `None` where no pair is of two
    /// units.
    fn sums_of_products(
        &mut self,
        (m, n, k): (usize, usize, usize),
        origin: &Arc<Origin>,
        id: NodeId,
        pair: impl Fn(usize, usize, usize) -> (Element, Element),
    ) -> Result<Option<Array>> {
        /// Each needs two squares.
        const MOST_PRODUCTS: usize = 1 << 16;
        let all = || (0..m * n * k).map(|at| pair(at / k / n, at / k % n, at % k));
        let two = |pair: &(Element, Element)| matches!(pair, (Element::Unit(_), Element::Unit(_)));
        if k == 0 || !all().any(|pair| two(&pair)) {
            return Ok(None);
        }
        if m * n * k > MOST_PRODUCTS {
            return Err(self.unsupported(
                id,
                "it has more than 65536 products of two values that both depend on the input",
            ));
        }
        let pairs: Vec<(Element, Element)> = all().collect();
        let products = self.products(&pairs, origin, id)?;
        let rows = products
            .chunks(k)
            .map(|group| group.iter().fold(Row::new(), |row, &product| row.scaled(1.0, product)));
        let rows = rows.collect();
        self.push_rows(rows, true, vec![m * n], origin, id).map(Some)
    }

    pub(super) fn arithmetic(
        &mut self,
        id: NodeId,
        op: Arithmetic,
        operands: &[Array],
        shape: Vec<usize>,
        origin: &Arc<Origin>,
    ) -> Result<Array> {
        if op == Arithmetic::Select {
            let condition = operands[0].broadcast(&shape);
            let (a, b) = (operands[1].broadcast(&shape), operands[2].broadcast(&shape));
            return self.select(&condition, (&a, &b), origin, id);
        }
        let (a, b) = (operands[0].broadcast(&shape), operands[1].broadcast(&shape));
        if let (Some(a), Some(b)) = (a.constants(), b.constants()) {
            let folded = a.into_iter().zip(b).map(|(a, b)| constant::arithmetic(op, a, b));
            let folded: Option<Vec<_>> = folded.collect();
            let folded = folded
                .ok_or_else(|| self.unsupported(id, "of constants that it isn't known for"))?;
            return Ok(Array::of_constants(folded, shape));
        }
        if matches!(op, Arithmetic::Add | Arithmetic::Sub)
            && let Some(folded) = self.folded_bias(id, op, &a, &b, &shape)
        {
            return Ok(folded);
        }
        if op == Arithmetic::Power {
            let exponents = b.constants().unwrap_or_default();
            if let Some(first) = exponents.first()
                && first.is_point()
                && exponents.iter().all(|it| it == first)
            {
                return self.power(&a, first.lo(), origin, id);
            }
            return Err(self.unsupported(
                id,
                "powers have bounds where the exponent is one number that depends on no input",
            ));
        }
        let is_unit = |element: &Element| matches!(element, Element::Unit(_));
        if matches!(op, Arithmetic::Mul | Arithmetic::Div) && b.elements.iter().any(is_unit) {
            let pairs = a.elements.iter().zip(&b.elements);
            if op == Arithmetic::Div || pairs.clone().any(|(a, b)| is_unit(a) && is_unit(b)) {
                let right = match op {
                    Arithmetic::Div => self.reciprocals(&b.elements, origin, id)?,
                    _ => b.elements.clone(), // not operations: the other of the two
                };
                let pairs: Vec<(Element, Element)> =
                    a.elements.iter().copied().zip(right).collect();
                let elements = self.products(&pairs, origin, id)?;
                return Ok(Array { elements, shape });
            }
        }
        let one = Interval::point(1.0);
        let mut rows = Vec::with_capacity(a.elements.len());
        for (&a, &b) in a.elements.iter().zip(&b.elements) {
            rows.push(match op {
                Arithmetic::Add => Row::new().weighted(one, a).weighted(one, b),
                Arithmetic::Sub => Row::new().weighted(one, a).scaled(-1.0, b),
                Arithmetic::Mul => match (a, b) {
                    (Element::Constant(weight), element) | (element, Element::Constant(weight)) => {
                        Row::new().weighted(weight, element)
                    }
                    (Element::Unit(_), Element::Unit(_)) => return Err(self.two_unknowns(id)),
                },
                Arithmetic::Div => match b {
                    Element::Constant(divisor) => {
                        let Some(weight) = divisor.reciprocal() else {
                            return Err(self.unsupported(id, "by a number that may be 0"));
                        };
                        Row::new().weighted(weight, a)
                    }
                    Element::Unit(_) => return Err(self.two_unknowns(id)),
                },
                // max(a, b) is a + relu(b − a): here the difference, below the rest.
                Arithmetic::Maximum => Row::new().weighted(one, b).scaled(-1.0, a),
                Arithmetic::Minimum => Row::new().weighted(one, a).scaled(-1.0, b),
                Arithmetic::Power | Arithmetic::Select => {
                    return Err(self.unsupported(id, "of a value that isn't constant"));
                }
            });
        }
        match op {
            Arithmetic::Maximum | Arithmetic::Minimum => {
                let difference = self.push_rows(rows, false, shape.clone(), origin, id)?;
                let excess = self.kink(&difference, 0.0, 1.0, origin, id)?;
                let sign = if op == Arithmetic::Maximum { 1.0 } else { -1.0 };
                let rows = a.elements.iter().zip(&excess.elements);
                let rows = rows.map(|(&a, &e)| Row::new().scaled(1.0, a).scaled(sign, e)).collect();
                self.push_rows(rows, false, shape, origin, id)
            }
            Arithmetic::Add
            | Arithmetic::Sub
            | Arithmetic::Mul
            | Arithmetic::Div
            | Arithmetic::Power
            | Arithmetic::Select => self.push_rows(rows, true, shape, origin, id),
        }
    }

    /// `z ± constants` where z is a product without a bias that nothing else reads: the constants become its bias.
    fn folded_bias(
        &mut self,
        id: NodeId,
        op: Arithmetic,
        a: &Array,
        b: &Array,
        shape: &[usize],
    ) -> Option<Array> {
        let node = self.graph.graph().node(id);
        let (z, constants, of) = match (a.constants(), b.constants()) {
            (None, Some(constants)) => (a, constants, node.operands()[0]),
            (Some(constants), None) if op == Arithmetic::Add => (b, constants, node.operands()[1]),
            (Some(_), None) | (Some(_), Some(_)) | (None, None) => return None,
        };
        // The only reader has counted itself off already.
        if self.readers[of.index()] != 0 {
            return None;
        }
        let at = z.is_layer(&self.layers)?;
        if at + 1 != self.layers.len() || self.layers[at].node != of {
            return None;
        }
        let Step::Affine(affine) = &mut self.layers[at].step else { return None };
        if !affine.rounds || affine.bias.iter().any(|bias| *bias != Interval::point(0.0)) {
            return None;
        }
        affine.bias = if op == Arithmetic::Sub {
            constants.into_iter().map(Interval::negated).collect()
        } else {
            constants
        };
        self.layers[at].node = id;
        Some(Array::of_layer(at, shape.to_vec()))
    }

    pub(super) fn reduce(
        &mut self,
        id: NodeId,
        kind: Reduction,
        groups: Vec<Vec<Element>>,
        shape: Vec<usize>,
        origin: &Arc<Origin>,
    ) -> Result<Array> {
        let one = Interval::point(1.0);
        match kind {
            Reduction::Sum | Reduction::Mean => {
                let rows = groups.into_iter().map(|group| {
                    let weight = if kind == Reduction::Mean {
                        let count = Interval::point(group.len().max(1) as f64);
                        // In f32 the factor 1/N is itself rounded.
                        count.reciprocal().map_or(one, |share| {
                            if share.is_point() { share } else { share.widened(share.hi() * 6e-8) }
                        })
                    } else {
                        one
                    };
                    let mut row = Row::new();
                    for element in group {
                        row.add(weight, element);
                    }
                    row
                });
                let rows = rows.collect();
                self.push_rows(rows, true, shape, origin, id)
            }
            Reduction::Max | Reduction::Min => self.extremes(id, kind, groups, shape, origin),
            Reduction::Variance { .. } => {
                Err(self.unsupported(id, "a variance over a row is no piecewise-linear operation"))
            }
        }
    }

    /// The extreme of each group by pairs, as in a tournament.
    fn extremes(
        &mut self,
        id: NodeId,
        kind: Reduction,
        mut groups: Vec<Vec<Element>>,
        shape: Vec<usize>,
        origin: &Arc<Origin>,
    ) -> Result<Array> {
        if groups.iter().any(Vec::is_empty) {
            return Err(self.unsupported(id, "of no elements"));
        }
        let sign = if kind == Reduction::Max { 1.0 } else { -1.0 };
        while groups.iter().any(|group| group.len() > 1) {
            let pairs: Vec<(Element, Element)> = groups
                .iter()
                .flat_map(|group| group.chunks_exact(2).map(|pair| (pair[0], pair[1])))
                .collect();
            let flat = vec![pairs.len()];
            let rows =
                pairs.iter().map(|&(a, b)| Row::new().scaled(sign, b).scaled(-sign, a)).collect();
            let difference = self.push_rows(rows, false, flat.clone(), origin, id)?;
            let excess = self.kink(&difference, 0.0, 1.0, origin, id)?;
            let rows = pairs.iter().zip(&excess.elements);
            let rows =
                rows.map(|(&(a, _), &e)| Row::new().scaled(1.0, a).scaled(sign, e)).collect();
            let mut winners = self.push_rows(rows, false, flat, origin, id)?.elements.into_iter();
            for group in &mut groups {
                let rest = (group.len() % 2 == 1).then(|| group[group.len() - 1]);
                *group = winners.by_ref().take(group.len() / 2).chain(rest).collect();
            }
        }
        Ok(Array { elements: groups.into_iter().map(|group| group[0]).collect(), shape })
    }

    fn two_unknowns(&self, id: NodeId) -> Error {
        self.unsupported(id, "both operands depend on the input")
    }
}

fn check_size(weights: usize, origin: &Origin) -> Result<()> {
    if weights <= MOST_WEIGHTS {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Limit, "a layer has more than 2^27 weights for one row")
        .at(origin.to_string()))
}

/// The layer of `rows`, a matrix for each layer that they read, or several where a row reads a unit more than once.
fn assemble(rows: &[Row], sizes: &[usize], rounds: bool) -> Result<Affine> {
    let mut read: Vec<usize> =
        rows.iter().flat_map(|row| row.terms.iter().map(|(unit, _)| unit.layer)).collect();
    read.sort_unstable();
    read.dedup();
    let mut terms = vec![];
    for layer in read {
        let of_layer = |row: &Row| {
            let terms = row.terms.iter().filter(|(unit, _)| unit.layer == layer);
            terms.map(|&(unit, weight)| (unit.index, weight)).collect::<Vec<_>>()
        };
        let mut left: Vec<Vec<(usize, Interval)>> = rows.iter().map(of_layer).collect();
        while left.iter().any(|row| !row.is_empty()) {
            let mut again: Vec<Vec<(usize, Interval)>> = vec![vec![]; rows.len()];
            for (row, again) in left.iter_mut().zip(&mut again) {
                let mut last = None;
                row.retain(|&(column, weight)| {
                    let is_first = last.replace(column) != Some(column);
                    if !is_first {
                        again.push((column, weight));
                    }
                    is_first
                });
            }
            terms.push(term(layer, sizes[layer], &left));
            left = again;
        }
    }
    let bias = rows.iter().map(|row| if rounds { row.rounded_bias() } else { row.bias }).collect();
    let further = rows.iter().map(|row| row.constants.0.saturating_sub(1) + row.merged);
    Ok(Affine { terms, bias, rounds, further_constants: further.max().unwrap_or(0) })
}

/// The matrix of `rows` over a layer of `columns` units: dense where a quarter of it or more is there.
fn term(layer: usize, columns: usize, rows: &[Vec<(usize, Interval)>]) -> Term {
    let stored: usize = rows.iter().map(Vec::len).sum();
    let dense = stored.saturating_mul(4) >= rows.len().saturating_mul(columns);
    let weights: Vec<Interval> = if dense {
        let mut weights = vec![Interval::point(0.0); rows.len() * columns];
        for (at, row) in rows.iter().enumerate() {
            for &(column, weight) in row {
                weights[at * columns + column] = weight;
            }
        }
        weights
    } else {
        rows.iter().flatten().map(|&(_, weight)| weight).collect()
    };
    let values = weights.iter().map(|weight| weight.middle()).collect();
    let fixed = weights.iter().all(|weight| weight.is_point());
    let matrix = if dense {
        Matrix::Dense { columns, values }
    } else {
        let mut starts = vec![0];
        for row in rows {
            starts.push(starts[starts.len() - 1] + row.len());
        }
        let columns = rows.iter().flatten().map(|&(column, _)| column).collect();
        Matrix::Sparse { starts, columns, values }
    };
    Term { layer, matrix, spread: (!fixed).then_some(weights) }
}
