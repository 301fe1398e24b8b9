//! Bounds of a formula's values over a whole interval, and what they prove of a part of the line.
//!
//! Every operation is done on both ends in f64 and widened outwards, so that no value lies outside of the bounds.
//! The bounds may be much too wide: what they exclude is excluded, what they allow is not therefore taken.

use crate::formula::{Constant, Expression, Function, Sign};
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// A lowest and a highest value; infinite where there is no bound.
pub(super) type Bounds = (f64, f64);

fn wider(low: f64, high: f64) -> Option<Bounds> {
    if low.is_nan() || high.is_nan() {
        return None;
    }
    let low = low - low.abs() * 1e-14 - f64::from_bits(1);
    let high = high + high.abs() * 1e-14 + f64::from_bits(1);
    // An infinite end says that the value has no bound, never that it is infinite.
    let low = if low.is_nan() || low == f64::INFINITY { f64::MAX } else { low };
    let high = if high.is_nan() || high == f64::NEG_INFINITY { f64::MIN } else { high };
    Some((low, high))
}

fn times(a: Bounds, b: Bounds) -> Option<Bounds> {
    if a == (0.0, 0.0) || b == (0.0, 0.0) {
        return Some((0.0, 0.0));
    }
    // A bound of 0 times one that is infinite is 0: the values themselves are finite.
    let product = |x: f64, y: f64| if x == 0.0 || y == 0.0 { 0.0 } else { x * y };
    let all = [product(a.0, b.0), product(a.0, b.1), product(a.1, b.0), product(a.1, b.1)];
    wider(
        all.into_iter().fold(f64::INFINITY, f64::min),
        all.into_iter().fold(f64::NEG_INFINITY, f64::max),
    )
}

fn over(a: Bounds, b: Bounds) -> Option<Bounds> {
    if b.0 <= 0.0 && b.1 >= 0.0 {
        return None;
    }
    times(a, wider(1.0 / b.1, 1.0 / b.0)?)
}

fn union(a: Option<Bounds>, b: Bounds) -> Bounds {
    a.map_or(b, |a| (a.0.min(b.0), a.1.max(b.1)))
}

/// Bounds of the formula over `z`; `None` where it may have no value, or none are found.
pub(super) fn enclose(tree: &Expression, variable: &str, z: Bounds) -> Option<Bounds> {
    let at = |tree: &Expression| enclose(tree, variable, z);
    match tree {
        Expression::Number(number) => {
            let value = number.to_f64();
            let whole = value.fract() == 0.0 && value.abs() < 1e15;
            if whole { Some((value, value)) } else { wider(value, value) }
        }
        Expression::Constant(constant) => wider(constant.to_f64(), constant.to_f64()),
        Expression::Variable(name) => (name == variable).then_some(z),
        Expression::Negative(value) => at(value).map(|(low, high)| (-high, -low)),
        Expression::Sum(terms) => {
            if let [one, other] = terms.as_slice()
                && one.sign == Sign::Plus
                && other.sign == Sign::Minus
                && one.value.rational().is_some_and(|own| own.to_f64() == 1.0)
                && let Some(found) = rest_of_one(&other.value, variable, z)
            {
                return found;
            }
            let (mut low, mut high, mut size) = (0.0f64, 0.0f64, 0.0f64);
            for term in terms {
                let (a, b) = at(&term.value)?;
                let (a, b) = if term.sign == Sign::Plus { (a, b) } else { (-b, -a) };
                low += a;
                high += b;
                let finite = |x: f64| if x.is_finite() { x.abs() } else { 0.0 };
                size = size.max(finite(a)).max(finite(b));
            }
            if low.is_nan() || high.is_nan() {
                return None;
            }
            let slack = size * 1e-15 * terms.len() as f64;
            let (low, high) = (low - slack, high + slack);
            Some((low.min(f64::MAX), high.max(f64::MIN)))
        }
        Expression::Product(parts) => {
            parts.iter().try_fold((1.0, 1.0), |product, part| times(product, at(part)?))
        }
        Expression::Quotient(left, right) => over(at(left)?, at(right)?),
        Expression::Power(base, exponent) if **base == Expression::Constant(Constant::E) => {
            call(Function::Exp, at(exponent)?)
        }
        Expression::Power(base, exponent) => power(at(base)?, exponent, at(exponent)?),
        Expression::Call(function, argument) => call(*function, at(argument)?),
        Expression::Max(parts) | Expression::Min(parts) => {
            let greatest = matches!(tree, Expression::Max(_));
            let mut best: Option<Bounds> = None;
            for part in parts {
                let own = at(part)?;
                best = Some(match best {
                    None => own,
                    Some(best) if greatest => (best.0.max(own.0), best.1.max(own.1)),
                    Some(best) => (best.0.min(own.0), best.1.min(own.1)),
                });
            }
            best
        }
        Expression::Piecewise(cases, otherwise) => {
            let mut all: Option<Bounds> = None;
            for case in cases {
                let (left, right) = (at(&case.condition.left)?, at(&case.condition.right)?);
                let holds = |a: f64, b: f64| case.condition.relation.holds(a, b);
                let answers = [holds(left.0, right.1), holds(left.1, right.0)];
                let apart = left.1 < right.0 || left.0 > right.1;
                match (apart, answers) {
                    (true, [true, true]) => return Some(union(all, at(&case.value)?)),
                    (true, [false, false]) => {}
                    _ => all = Some(union(all, at(&case.value)?)),
                }
            }
            Some(union(all, at(otherwise)?))
        }
    }
}

/// Bounds of 1 − σ = σ(−z) and 1 − tanh² = 1/cosh², which far out lose all digits as differences.
fn rest_of_one(tree: &Expression, variable: &str, z: Bounds) -> Option<Option<Bounds>> {
    let at = |tree: &Expression| enclose(tree, variable, z);
    match tree {
        Expression::Call(Function::Sigmoid, value) => {
            Some(at(value).and_then(|(low, high)| call(Function::Sigmoid, (-high, -low))))
        }
        Expression::Power(base, exponent) if **exponent == Expression::integer(2) => {
            let Expression::Call(Function::Tanh, value) = base.as_ref() else { return None };
            Some(at(value).and_then(|own| {
                let (low, high) = call(Function::Cosh, own)?;
                let inverse = over((1.0, 1.0), (low, high))?;
                times(inverse, inverse).map(|(low, high)| (low.max(0.0), high.min(1.0)))
            }))
        }
        _ => None,
    }
}

fn power(base: Bounds, exponent: &Expression, bounds: Bounds) -> Option<Bounds> {
    let whole = exponent.rational().filter(|own| own.denominator() == 1);
    if let Some(whole) = whole {
        let count = whole.to_f64();
        if count < 0.0 {
            let positive = Expression::from_rational(whole.negative());
            return over((1.0, 1.0), power(base, &positive, (-count, -count))?);
        }
        let (a, b) = (libm::pow(base.0, count), libm::pow(base.1, count));
        let even = count % 2.0 == 0.0;
        if even && base.0 < 0.0 && base.1 > 0.0 {
            return wider(0.0, a.max(b)).map(|(_, high)| (0.0, high));
        }
        let (low, high) = wider(a.min(b), a.max(b))?;
        return Some((if even { low.max(0.0) } else { low }, high));
    }
    if base.0 < 0.0 || base.0 == 0.0 && bounds.0 <= 0.0 {
        return None;
    }
    let corners = [
        libm::pow(base.0, bounds.0),
        libm::pow(base.0, bounds.1),
        libm::pow(base.1, bounds.0),
        libm::pow(base.1, bounds.1),
    ];
    if corners.iter().any(|corner| corner.is_nan()) {
        return None;
    }
    let (low, high) = wider(
        corners.into_iter().fold(f64::INFINITY, f64::min),
        corners.into_iter().fold(f64::NEG_INFINITY, f64::max),
    )?;
    Some((low.max(0.0), high))
}

/// A value that may be asked for at an infinite end.
fn value(function: Function, z: f64) -> f64 {
    let own = function.evaluate(z);
    if own.is_nan() { function.evaluate(z.clamp(f64::MIN, f64::MAX)) } else { own }
}

/// Bounds of a function that falls to its least value at `turn` and rises from there.
fn valley(function: Function, turn: f64, z: Bounds) -> Option<Bounds> {
    let (a, b) = (value(function, z.0), value(function, z.1));
    let least = if z.0 <= turn && turn <= z.1 { value(function, turn) } else { a.min(b) };
    // The turn itself is known to some digits only: the function is flat there.
    wider(least.min(a).min(b) - 1e-14, a.max(b))
}

fn call(function: Function, z: Bounds) -> Option<Bounds> {
    let rising = || wider(value(function, z.0), value(function, z.1));
    let clipped =
        |low: f64, high: f64| rising().map(|own| (own.0.clamp(low, high), own.1.clamp(low, high)));
    match function {
        Function::Exp | Function::Sigmoid | Function::Softplus => {
            rising().map(|(low, high)| (low.max(0.0), high))
        }
        Function::Expm1 | Function::Sinh => rising(),
        Function::Tanh | Function::Erf | Function::Softsign => clipped(-1.0, 1.0),
        Function::LogSigmoid => rising().map(|(low, high)| (low, high.min(0.0))),
        Function::Atan => rising(),
        Function::Log | Function::Log2 | Function::Log10 => (z.0 > 0.0).then(rising)?,
        Function::Log1p => (z.0 > -1.0).then(rising)?,
        Function::Sqrt => (z.0 >= 0.0).then(rising)?.map(|(low, high)| (low.max(0.0), high)),
        Function::Asin => (z.0 >= -1.0 && z.1 <= 1.0).then(rising)?,
        Function::Acos => (z.0 >= -1.0 && z.1 <= 1.0)
            .then(|| wider(value(function, z.1), value(function, z.0)))?,
        Function::Relu => Some((z.0.max(0.0), z.1.max(0.0))),
        Function::Abs => Some(match (z.0 >= 0.0, z.1 <= 0.0) {
            (true, _) => z,
            (_, true) => (-z.1, -z.0),
            _ => (0.0, z.1.max(-z.0)),
        }),
        Function::Sign => {
            let of = |x: f64| {
                if x > 0.0 {
                    1.0
                } else if x < 0.0 {
                    -1.0
                } else {
                    0.0
                }
            };
            Some((of(z.0), of(z.1)))
        }
        Function::Cosh => {
            let (low, high) = call(Function::Abs, z)?;
            wider(value(function, low), value(function, high)).map(|own| (own.0.max(1.0), own.1))
        }
        Function::Sin => wave(z, FRAC_PI_2),
        Function::Cos => wave(z, 0.0),
        Function::Tan => {
            let far = z.0.abs().max(z.1.abs()) > 1e8;
            let branch = |x: f64| ((x - FRAC_PI_2) / PI).floor();
            let apart = [z.0 - 1e-7, z.1 + 1e-7].map(branch);
            (!far && apart[0] == apart[1]).then(rising)?
        }
        Function::Silu => valley(function, -1.278_464_542_761_073_8, z),
        Function::Gelu => valley(function, -0.751_791_524_693_564_5, z),
        Function::Mish => valley(function, -1.192_412_122_014_476, z),
    }
}

/// sin or cos, whose first peak lies at `peak`.
fn wave(z: Bounds, peak: f64) -> Option<Bounds> {
    if z.1 - z.0 >= TAU || z.0.abs().max(z.1.abs()) > 1e8 {
        return Some((-1.0, 1.0));
    }
    let at = |x: f64| libm::cos(x - peak);
    // Ends within 1e-7 of a peak count as on it.
    let holds =
        |place: f64| ((z.1 + 1e-7 - place) / TAU).floor() >= ((z.0 - 1e-7 - place) / TAU).ceil();
    let (a, b) = (at(z.0), at(z.1));
    let low = if holds(peak + PI) { -1.0 } else { a.min(b) - 1e-7 };
    let high = if holds(peak) { 1.0 } else { a.max(b) + 1e-7 };
    Some((low.max(-1.0), high.min(1.0)))
}

const FARTHEST: f64 = 1e150;

/// The parts of a half-line from `from` outwards, ever longer, as far as f64 reaches.
pub(super) fn outwards(from: f64, upper: bool) -> Vec<Bounds> {
    let mut cells = vec![];
    let mut near = if upper { from } else { -from };
    if near < 1.0 {
        cells.push((near, 1.0));
        near = 1.0;
    }
    // Beyond, products of what is great and what is small leave f64.
    while near < FARTHEST {
        let next = if near < 1024.0 { near * 2.0 } else { near * near };
        let next = next.min(FARTHEST);
        cells.push((near, next));
        near = next;
    }
    if upper { cells } else { cells.into_iter().map(|(a, b)| (-b, -a)).collect() }
}

/// True if bounds over the cells, or over ever smaller parts of them, show that `holds`; false if they do not, or
/// if that takes more than `budget` looks.
pub(super) fn shown(
    tree: &Expression,
    variable: &str,
    mut cells: Vec<Bounds>,
    budget: usize,
    holds: impl Fn(Bounds) -> bool,
) -> bool {
    let mut looks = 0;
    while let Some(cell) = cells.pop() {
        looks += 1;
        if enclose(tree, variable, cell).is_some_and(&holds) {
            continue;
        }
        let size = cell.1 - cell.0;
        let middle = if cell.0 > 0.0 && cell.1 / 4.0 > cell.0 {
            libm::sqrt(cell.0) * libm::sqrt(cell.1)
        } else if cell.1 < 0.0 && cell.0 / 4.0 < cell.1 {
            -libm::sqrt(-cell.0) * libm::sqrt(-cell.1)
        } else {
            cell.0 / 2.0 + cell.1 / 2.0
        };
        let fine = size < 1e-4 * (1.0 + cell.0.abs()) || middle <= cell.0 || middle >= cell.1;
        if looks >= budget || fine {
            return false;
        }
        cells.extend([(cell.0, middle), (middle, cell.1)]);
    }
    true
}

/// How many looks a formula of this size is worth.
pub(super) fn budget(tree: &Expression) -> usize {
    60_000 / (20 + tree.nodes())
}

/// True if a sine, cosine or tangent of the variable is in the formula: it may turn without end.
pub(super) fn oscillates(tree: &Expression) -> bool {
    let own = matches!(tree, Expression::Call(Function::Sin | Function::Cos | Function::Tan, argument)
        if !argument.variables().is_empty());
    own || tree.children().into_iter().any(oscillates)
}
