//! Where a formula is 0: all places by algebra where that decides, else those that a search finds.

use super::How;
use super::domain::sign_of;
use super::enclosure::{budget, enclose, outwards, shown};
use super::ratio::{Shape, ratio};
use super::survey::{REACH, STEP, bisected};
use super::univariate::{Root, Univariate, integer};
use crate::formula::{Expression, Function, Sign, Term};
use num_rational::BigRational;
use num_traits::{FromPrimitive, One, ToPrimitive, Zero};

/// A place, and whether it is exactly that number rather than one near it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spot {
    pub(super) at: BigRational,
    pub(super) exact: bool,
}

/// The places where a formula is 0, in order, and how it is known that there are no others.
#[derive(Clone, Debug)]
pub(super) struct Zeros {
    pub(super) places: Vec<Spot>,
    pub(super) how: How,
}

impl Zeros {
    fn none() -> Zeros {
        Zeros { places: vec![], how: How::Exact }
    }

    pub(super) fn and(mut self, other: Zeros) -> Zeros {
        for spot in other.places {
            let near =
                |own: &&mut Spot| (&own.at - &spot.at).to_f64().is_some_and(|d| d.abs() < 1e-12);
            match self.places.iter_mut().find(near) {
                Some(own) if !own.exact && spot.exact => *own = spot,
                Some(own) if !spot.exact || own.at == spot.at => {}
                _ => self.places.push(spot),
            }
        }
        self.places.sort_by(|a, b| a.at.cmp(&b.at));
        self.how = self.how.max(other.how);
        self
    }
}

pub(super) fn minus(left: &Expression, right: Expression) -> Expression {
    Expression::Sum(vec![
        Term { sign: Sign::Plus, value: left.clone() },
        Term { sign: Sign::Minus, value: right },
    ])
}

/// The zeros of `tree`.
pub(super) fn zeros(tree: &Expression, variable: &str) -> Zeros {
    if !tree.contains(variable) || sign_of(tree, variable).is_some() {
        return Zeros::none();
    }
    if let Some(found) = by_algebra(tree, variable) {
        return found;
    }
    let all = |parts: &[Expression]| {
        parts.iter().fold(Zeros::none(), |all, part| all.and(zeros(part, variable)))
    };
    match tree {
        Expression::Negative(value) => zeros(value, variable),
        Expression::Product(parts) => all(parts),
        Expression::Quotient(left, _) => zeros(left, variable),
        Expression::Power(base, exponent)
            if exponent.rational().is_some_and(|own| own.numerator() > 0) =>
        {
            zeros(base, variable)
        }
        Expression::Call(
            Function::Abs
            | Function::Sign
            | Function::Sqrt
            | Function::Tanh
            | Function::Sinh
            | Function::Atan
            | Function::Asin
            | Function::Erf
            | Function::Softsign
            | Function::Expm1
            | Function::Log1p
            | Function::Silu
            | Function::Gelu
            | Function::Mish,
            value,
        ) => zeros(value, variable),
        Expression::Call(Function::Log | Function::Log2 | Function::Log10, value) => {
            zeros(&minus(value, Expression::integer(1)), variable)
        }
        Expression::Number(_)
        | Expression::Constant(_)
        | Expression::Variable(_)
        | Expression::Sum(_)
        | Expression::Power(..)
        | Expression::Call(..)
        | Expression::Max(_)
        | Expression::Min(_)
        | Expression::Piecewise(..) => searched(tree, variable),
    }
}

/// All zeros of a fraction of polynomials in z or in e^{κz}.
fn by_algebra(tree: &Expression, variable: &str) -> Option<Zeros> {
    let ratio = ratio(tree, variable)?;
    let (top, in_u): (Univariate, bool) = match ratio.shape() {
        Shape::Constant(_) => return None,
        Shape::InZ(top, _) => (top, false),
        Shape::InU(top, _) => (top, true),
        Shape::Mixed => return None,
    };
    let kappa = ratio.kappa.to_f64()?;
    let roots = top.roots(&in_u.then(|| integer(0)), &None)?;
    let places = roots.iter().map(|root| match (root, in_u) {
        (Root::Exact(root), false) => Some(Spot { at: root.clone(), exact: true }),
        (Root::Exact(root), true) if root.is_one() => {
            Some(Spot { at: BigRational::zero(), exact: true })
        }
        (Root::Exact(root), true) => near(libm::log(root.to_f64()?) / kappa),
        (Root::Near(root), true) => near(libm::log(*root) / kappa),
        (Root::Near(root), false) => near(*root),
    });
    Some(Zeros { places: places.collect::<Option<Vec<Spot>>>()?, how: How::Exact })
}

fn near(place: f64) -> Option<Spot> {
    Some(Spot { at: BigRational::from_f64(place)?, exact: false })
}

/// Zeros that a search finds, where the sign changes or the size is least; bounds tell whether there may be others.
fn searched(tree: &Expression, variable: &str) -> Zeros {
    let at = |z: f64| tree.evaluate(&[(variable, z)]).unwrap_or(f64::NAN);
    let count = (2.0 * REACH / STEP) as usize;
    let samples: Vec<(f64, f64)> = (0..count)
        .map(|i| -REACH + STEP * (i as f64 + 0.5))
        .map(|z| (z, at(z)))
        .filter(|(_, value)| !value.is_nan())
        .collect();
    let scale = samples
        .iter()
        .map(|own| own.1.abs())
        .fold(0.0, |a: f64, b| if b.is_finite() { a.max(b) } else { a });
    let mut found: Vec<f64> = vec![];
    let mut before: Option<(f64, f64)> = None;
    for &(z, value) in &samples {
        if let Some((last, own)) = before
            && own * value < 0.0
        {
            found.push(bisected(&at, last, z, if own > 0.0 { 1 } else { -1 }));
        }
        if value != 0.0 {
            before = Some((z, value));
        }
    }
    for three in samples.windows(3) {
        let [(low, a), (_, b), (high, c)] = three else { continue };
        let dips =
            b.abs() <= a.abs() && b.abs() <= c.abs() && a * c > 0.0 && b * c >= 0.0 && a != c;
        if !dips {
            continue;
        }
        let (mut low, mut high) = (*low, *high);
        for _ in 0..80 {
            let (left, right) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
            if at(left).abs() <= at(right).abs() { high = right } else { low = left }
        }
        let place = low + (high - low) / 2.0;
        if at(place).abs() <= 1e-12 * a.abs().max(c.abs()).max(1e-3 * scale.min(1.0)) {
            found.push(place);
        }
    }
    let places: Vec<Spot> = found
        .into_iter()
        .filter_map(|place| {
            let short = (place * 1e6).round() / 1e6 + 0.0;
            let is_short = (short - place).abs() < 1e-7 && at(short) == 0.0;
            let exact = is_short && short.fract() == 0.0 && {
                let bounds = enclose(tree, variable, (short, short));
                bounds.is_some_and(|(low, high)| low >= -1e-300 && high <= 1e-300)
            };
            let mut spot = near(if is_short { short } else { place })?;
            spot.exact = exact;
            Some(spot)
        })
        .collect();
    let nonzero = |(low, high): (f64, f64)| low > 0.0 || high < 0.0;
    let mut cells = vec![];
    let mut start = -REACH;
    let mut stops: Vec<f64> = places.iter().filter_map(|spot| spot.at.to_f64()).collect();
    stops.sort_by(f64::total_cmp);
    for stop in stops {
        if stop - 0.02 > start {
            cells.push((start, stop - 0.02));
        }
        start = stop + 0.02;
    }
    cells.push((start, REACH.max(start + 0.01)));
    cells.extend(outwards(REACH, true));
    cells.extend(outwards(-REACH, false));
    let complete = shown(tree, variable, cells, budget(tree), nonzero);
    let how = match (complete, places.is_empty()) {
        (true, true) => How::Exact,
        (true, false) => How::Numeric,
        (false, _) => How::Looked,
    };
    Zeros::none().and(Zeros { places, how })
}
