//! A case's tree, followed from its root.

use std::sync::Arc;

use super::{Case, Node, Sum};
use crate::checker::float::{
    Bounds, Choice, Form, LARGE, Network, Range, Side, U64, UNDERFLOW, share,
};
use crate::error::{Error, ErrorKind, Result};

/// The most bytes that the parts on the way to a leaf may take.
const MOST_BYTES: usize = 1 << 30;

/// How often a leaf is halved that is short of being free.
const HALVINGS: usize = 3;

/// What a part of the box is known to be: what is left of it, the kinks' sides, and the bounds that its parent had.
struct Part {
    domain: Vec<Range>,
    sides: Vec<Side>,
    known: Option<Arc<Vec<Vec<Range>>>>,
}

/// Whether the tree shows that the case has no solution, where no unit is outside what is `known`; if not, why.
pub(in crate::checker) fn is_shown(
    network: &Network,
    case: &Case,
    nodes: &[Node],
    known: Option<Vec<Vec<Range>>>,
    in_f32: bool,
) -> Result<Option<String>> {
    let end = |end: &Option<f64>| end.filter(|end| end.abs() <= LARGE);
    let ends = |(lo, hi): &(Option<f64>, Option<f64>)| Some((end(lo)?, end(hi)?));
    let Some(ends) = case.domain.iter().map(ends).collect::<Option<Vec<_>>>() else {
        return Ok(Some("trees are about boxes with finite ends".into()));
    };
    if ends.iter().any(|(lo, hi)| lo > hi) {
        // A box without inputs has no solution.
        return Ok(None);
    }
    let domain: Vec<Range> = ends.into_iter().map(|(lo, hi)| Range { lo, hi }).collect();
    let checker = Checker { network, case, in_f32, kinks: network.kinks() };
    let most = MOST_BYTES / checker.bytes_of_a_part();
    let mut open = vec![Part { domain, sides: vec![], known: known.map(Arc::new) }];
    for (at, node) in nodes.iter().enumerate() {
        let Some(part) = open.pop() else { return Ok(Some("nodes follow after the last".into())) };
        if open.len() + part.sides.len() / 64 > most {
            let what = format!("the tree is more than {most} nodes deep");
            return Err(Error::new(ErrorKind::Limit, what).at("the proof"));
        }
        match checker.node(part, node) {
            Ok(halves) => open.extend(halves.into_iter().flatten()),
            Err(why) => return Ok(Some(format!("node {at} {why}"))),
        }
    }
    Ok((!open.is_empty()).then(|| format!("{} parts have no node", open.len())))
}

struct Checker<'a> {
    network: &'a Network,
    case: &'a Case,
    in_f32: bool,
    kinks: Vec<usize>,
}

impl Checker<'_> {
    fn bytes_of_a_part(&self) -> usize {
        let units: usize = self.network.layers.iter().map(|layer| layer.size()).sum();
        (units + 2 * self.network.inputs) * size_of::<Range>() + 256
    }

    /// The two halves that are to be shown next, the first one last; none where the node shows all of `part`.
    fn node(&self, mut part: Part, node: &Node) -> std::result::Result<Option<[Part; 2]>, String> {
        let (Node::Free(rounds, _) | Node::Input(_, _, rounds) | Node::Kink(_, _, rounds)) = node;
        let mut known = part.known.take();
        for round in rounds {
            let bounds = self.bounds(&part, known.as_deref().map(Vec::as_slice));
            let Some(bounds) = bounds else { return Ok(None) };
            if self.cut(&bounds, &mut part, round)?.is_none() {
                return Ok(None);
            }
            known = Some(Arc::new(bounds.ranges));
        }
        if rounds.is_empty() && !matches!(node, Node::Free(..)) {
            // Nothing is cut, but the halves inherit the part's bounds.
            let bounds = self.bounds(&part, known.as_deref().map(Vec::as_slice));
            let Some(bounds) = bounds else { return Ok(None) };
            known = Some(Arc::new(bounds.ranges));
        }
        match node {
            Node::Free(_, last) => self.free(part, known, last, HALVINGS).map(|()| None),
            Node::Input(input, at, _) => {
                let Some(range) = part.domain.get(*input).copied().filter(|_| at.is_finite())
                else {
                    return Err(format!("cuts input {input}, which there isn't"));
                };
                let half = |side: Range| {
                    // A half without inputs is kept as the point nearest to it, so that its node is read all the same.
                    let side = range.meet(side).unwrap_or(Range { lo: range.lo, hi: range.lo });
                    let mut domain = part.domain.clone();
                    domain[*input] = side;
                    Part { domain, sides: part.sides.clone(), known: known.clone() }
                };
                let low = half(Range { lo: f64::NEG_INFINITY, hi: *at });
                let high = half(Range { lo: *at, hi: f64::INFINITY });
                Ok(Some([high, low]))
            }
            Node::Kink(kink, unit, _) => {
                let layer = self.kinks.get(*kink).copied();
                let Some(layer) = layer.filter(|&at| *unit < self.network.layers[at].size()) else {
                    return Err(format!("holds unit {unit} of kink {kink}, which there isn't"));
                };
                let half = |positive| {
                    let side = Side { layer, unit: *unit, positive };
                    let sides = part.sides.iter().copied().chain([side]).collect();
                    Part { domain: part.domain.clone(), sides, known: known.clone() }
                };
                Ok(Some([half(false), half(true)]))
            }
        }
    }

    /// Checks that the sum shows the part to be free of solutions. What a prover found by a rounding's breadth is cut and
    /// halved a few times, as its proof could have said.
    fn free(
        &self,
        mut part: Part,
        known: Option<Arc<Vec<Vec<Range>>>>,
        sum: &Sum,
        halvings: usize,
    ) -> std::result::Result<(), String> {
        let bounds = self.bounds(&part, known.as_deref().map(Vec::as_slice));
        let Some(bounds) = bounds else { return Ok(()) };
        let least = self.sum(&bounds, &part, sum)?.least(&part.domain);
        if least > 0.0 || self.cut(&bounds, &mut part, sum)?.is_none() {
            return Ok(());
        }
        if halvings == 0 {
            return Err(format!("is not free: its sum may be {least:e}"));
        }
        let known = Some(Arc::new(bounds.ranges));
        let width = |at: usize| part.domain[at].hi - part.domain[at].lo;
        let widest = (0..part.domain.len()).max_by(|&a, &b| width(a).total_cmp(&width(b)));
        let Some(input) = widest else { return Err("has no input to halve".into()) };
        let whole = part.domain[input];
        let middle = whole.lo / 2.0 + whole.hi / 2.0;
        for side in [Range { hi: middle, ..whole }, Range { lo: middle, ..whole }] {
            let mut domain = part.domain.clone();
            domain[input] = side;
            let half = Part { domain, sides: part.sides.clone(), known: None };
            self.free(half, known.clone(), sum, halvings - 1)?;
        }
        Ok(())
    }

    fn bounds(&self, part: &Part, known: Option<&[Vec<Range>]>) -> Option<Bounds<'_>> {
        Bounds::new(self.network, &part.domain, &part.sides, known, self.in_f32)
    }

    /// Cuts off what each form, and their sum, shows to be no solution; `None` when nothing is left.
    fn cut(
        &self,
        bounds: &Bounds<'_>,
        part: &mut Part,
        round: &Sum,
    ) -> std::result::Result<Option<()>, String> {
        let sum = self.sum(bounds, part, round)?;
        let count = 3 * self.case.constraints.len() + part.sides.len();
        let forms: Vec<Form> = (0..count)
            .map(|at| self.form(bounds, part, at))
            .collect::<std::result::Result<_, _>>()?;
        for form in forms.iter().chain([&sum]) {
            if contract(form, &mut part.domain).is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    /// The form with number `at`: at every solution in the part it is at most 0.
    fn form(
        &self,
        bounds: &Bounds<'_>,
        part: &Part,
        at: usize,
    ) -> std::result::Result<Form, String> {
        let rows = self.case.constraints.len();
        if let Some(side) = at.checked_sub(3 * rows) {
            let Some(side) = part.sides.get(side) else {
                return Err(format!("names form {at}, which there isn't"));
            };
            let mut row = vec![0.0; bounds.ranges[side.layer].len()];
            row[side.unit] = if side.positive { -1.0 } else { 1.0 };
            return Ok(first(bounds.forms(side.layer, row, vec![0.0], Choice::Longer)));
        }
        let constraint = &self.case.constraints[at % rows];
        let choice = [Choice::Longer, Choice::Chord, Choice::Shorter][at / rows];
        let mut row = vec![0.0; self.network.outputs()];
        for &(output, factor) in &constraint.outputs {
            row[output] = factor;
        }
        let last = self.network.layers.len();
        let mut form = first(bounds.forms(last, row, vec![constraint.constant], choice));
        for &(input, factor) in &constraint.inputs {
            let sum = form.coefficients[input] + factor;
            form.coefficients[input] = sum;
            let lost = 2.0 * U64 * sum.abs() * part.domain[input].largest() + UNDERFLOW;
            form.constant = (form.constant - lost).next_down();
        }
        Ok(form)
    }

    /// The sum of forms with multipliers ≥ 0, which is at most 0 at every solution in the part.
    fn sum(
        &self,
        bounds: &Bounds<'_>,
        part: &Part,
        terms: &Sum,
    ) -> std::result::Result<Form, String> {
        let inputs = self.network.inputs;
        let mut sum = Form { coefficients: vec![0.0; inputs], constant: 0.0 };
        let mut sizes = vec![0.0; inputs];
        let mut size = 0.0;
        for &(at, weight) in terms {
            if !(0.0..=LARGE).contains(&weight) {
                return Err(format!("has the multiplier {weight}"));
            }
            let form = self.form(bounds, part, at)?;
            let totals = sum.coefficients.iter_mut().zip(&mut sizes);
            for ((sum, size), a) in totals.zip(&form.coefficients) {
                let product = weight * a;
                *sum += product;
                *size += product.abs();
            }
            let product = weight * form.constant;
            sum.constant += product;
            size += product.abs();
        }
        // What the coefficients' rounding costs, at the largest inputs, and the constant's own.
        for (a, x) in sizes.iter().zip(&part.domain) {
            size += a * x.largest();
        }
        let lost = share(terms.len() + inputs + 8) * size * 1.01 + UNDERFLOW;
        sum.constant = (sum.constant - lost).next_down();
        if !sum.constant.is_finite() || sum.coefficients.iter().any(|a| !a.is_finite()) {
            sum = Form { coefficients: vec![0.0; inputs], constant: f64::NEG_INFINITY };
        }
        Ok(sum)
    }
}

/// The only form of one row.
fn first(forms: Vec<Form>) -> Form {
    let none = Form { coefficients: vec![], constant: f64::NEG_INFINITY };
    forms.into_iter().next().unwrap_or(none)
}

/// Cuts the box to where `form ≤ 0` can hold; `None` when that is nowhere.
///
/// With m the form's least value over the box, `a·x ≤ a·x* − m` for each input, where `a·x*` is the input's own part of m.
fn contract(form: &Form, domain: &mut [Range]) -> Option<()> {
    let least = form.least(domain);
    if least > 0.0 {
        return None;
    }
    if least < -LARGE {
        return Some(());
    }
    for (&a, x) in form.coefficients.iter().zip(domain.iter_mut()) {
        let own = (a * x.lo).min(a * x.hi);
        let room = own - least;
        let room = room + 4.0 * U64 * (own.abs() + least.abs()) + UNDERFLOW;
        let end = room / a;
        if a.abs() < 1.0 / LARGE || !end.is_finite() {
            continue;
        }
        let slack = 2.0 * U64 * end.abs() + UNDERFLOW;
        let half = if a > 0.0 {
            Range { lo: f64::NEG_INFINITY, hi: (end + slack).next_up() }
        } else {
            Range { lo: (end - slack).next_down(), hi: f64::INFINITY }
        };
        *x = x.meet(half)?;
    }
    Some(())
}
