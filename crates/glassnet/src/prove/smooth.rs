//! Functions that aren't piecewise linear: their range and lines over an interval.
//!
//! # Numerics
//! Values come from correctly rounded functions, each widened by one float on both sides, and interval arithmetic. The
//! slope of a line may be any number near the derivative; its intercept is then worked out so that the line is right.
//!
//! - Where the function is convex, the chord lies above it and a tangent below; where it is concave, the other way.
//! - Where an S shape passes its middle, its derivative is least at an end; lines of that slope through the ends are right.
//! - Else `f(z) = f(m) + s·(z − m) ± r·|z − m|` with `s ± r` all derivatives on the interval, by intervals.
//!
//! # Source
//! Singh et al., An Abstract Domain for Certifying Neural Networks, POPL 2019, section 4.4 (S shapes); Sibidanov,
//! Zimmermann & Glondu, The CORE-MATH Project, ARITH 2022 (correctly rounded functions).

use super::Interval;
use super::propagate::{Semantics, TINY32, U32, U64};
use super::relax::Lines;
use crate::graph::op::Activation;

/// What is known of a function's form.
enum Form {
    /// Its second derivative is nowhere negative.
    Convex,
    /// Its second derivative is nowhere positive.
    Concave,
    /// It rises; convex below 0, concave above.
    S,
    /// The absolute value of its second derivative is at most this.
    Bent(f64),
    /// Nothing but its derivative.
    Any,
}

fn form(function: Activation, z: Interval) -> Option<Form> {
    Some(match function {
        Activation::Sigmoid
        | Activation::Tanh
        | Activation::Softsign
        | Activation::Erf
        | Activation::Atan => Form::S,
        Activation::Exp
        | Activation::Expm1
        | Activation::Square
        | Activation::Cosh
        | Activation::Softplus { .. } => Form::Convex,
        Activation::LogSigmoid | Activation::Sqrt | Activation::Log | Activation::Log1p => {
            Form::Concave
        }
        // Where it has a value on all of z, it has one sign there.
        Activation::Reciprocal if z.lo() > 0.0 => Form::Convex,
        Activation::Reciprocal => Form::Concave,
        Activation::Sin | Activation::Cos => Form::Bent(1.0),
        // σ'(z)·(2 − z·tanh(z/2)), of which σ' ≤ ¼ and z·tanh(z/2)·σ' < ½.
        Activation::Silu => Form::Bent(0.5),
        // φ(z)·(2 − z²), of which φ ≤ 0.3990 and z²·φ < 0.3.
        Activation::Gelu => Form::Bent(0.799),
        Activation::GeluTanh
        | Activation::Mish
        | Activation::Elu { .. }
        | Activation::Celu { .. }
        | Activation::Selu
        | Activation::Hardswish
        | Activation::Sign
        | Activation::Tan
        | Activation::Asin
        | Activation::Acos
        | Activation::Sinh => Form::Any,
        Activation::Relu
        | Activation::LeakyRelu { .. }
        | Activation::Hardtanh { .. }
        | Activation::Relu6
        | Activation::Hardsigmoid
        | Activation::NegativePart
        | Activation::Negate
        | Activation::Abs => return None,
    })
}

/// The range of `function` over `z`, and lines below and above it there. In f32 the engine may be off by as much as
/// [`engine_error`] says.
pub(super) fn bound(function: Activation, z: Interval, semantics: Semantics) -> (Interval, Lines) {
    let range = range(function, z);
    if function == Activation::Sign {
        // Exact in f32, too.
        return (range, sign_lines(z, range));
    }
    let mut lines = match form(function, z) {
        Some(form) if z.is_finite() && range.is_finite() => lines(function, form, z, range),
        Some(_) | None => Lines::constant(range),
    };
    if semantics == Semantics::Real {
        return (range, lines);
    }
    let error = engine_error(function, z);
    let margin = error * U32 * range.magnitude() * (1.0 + 8.0 * U64) + 4.0 * TINY32;
    lines.margin = margin;
    let wide = range.widened(margin);
    // What is rounded keeps its sign.
    let keeps = matches!(
        function,
        Activation::Square | Activation::Sqrt | Activation::Exp | Activation::Sigmoid
    );
    let wide =
        if keeps { Interval::of(wide.lo().max(range.lo().min(0.0)), wide.hi()) } else { wide };
    // Where the value leaves f32, or a product on the way to it does, an execution has an infinity.
    let most = f64::from(f32::MAX);
    let leaves = function == Activation::Hardswish && z.hi() * 6.0 * (1.0 + 4.0 * U32) > most;
    let lo = if wide.lo() < -most { f64::NEG_INFINITY } else { wide.lo() };
    let hi = if wide.hi() > most || leaves { f64::INFINITY } else { wide.hi() };
    let wide = Interval::of(lo, hi);
    if z.is_finite() && !wide.is_finite() {
        lines = Lines::constant(wide);
    }
    (wide, lines)
}

/// How many times 2⁻²⁴ of its value the engine's f32 may be off: twice the ulps of the functions without parameters, which
/// are 1.82 at most (`math/elementary/ULP.md`). Of the others every rounded constant, product and quotient adds one.
fn engine_error(function: Activation, z: Interval) -> f64 {
    // Beyond it e^−t is less than any f32.
    const VANISHES: f64 = 110.0;
    if let Activation::Softplus { beta, .. } = function
        && beta != 1.0
    {
        // A rounded t = beta·z moves log(1 + e^t) by up to |t| times as much of its value.
        return 7.0 + (z.magnitude() * beta.abs()).min(VANISHES);
    }
    // alpha, its inverse, the argument, expm1 and the last product.
    if let Activation::Celu { .. } = function { 6.0 } else { 4.0 }
}

/// The values of `function` over `z`, over the reals.
pub(super) fn range(function: Activation, z: Interval) -> Interval {
    let ends = value(function, Interval::of(z.lo(), z.lo()))
        .hull(value(function, Interval::of(z.hi(), z.hi())));
    // Where a function falls and then rises, its least value may lie between the ends.
    let (turn, least) = match function {
        Activation::Silu => (Interval::of(-1.2785, -1.2784), -0.278_464_543),
        Activation::Gelu => (Interval::of(-0.7518, -0.7517), -0.169_972),
        Activation::GeluTanh => (Interval::of(-0.7530, -0.7515), -0.170_05),
        Activation::Mish => (Interval::of(-1.1930, -1.1920), -0.308_85),
        Activation::Square => (Interval::point(0.0), 0.0),
        Activation::Cosh => (Interval::point(0.0), 1.0),
        Activation::Hardswish => (Interval::point(-1.5), -0.375),
        Activation::Elu { .. } | Activation::Celu { .. } | Activation::Selu => {
            // With a negative alpha the part below 0 falls.
            (Interval::point(0.0), ends.lo().min(0.0))
        }
        Activation::Sigmoid
        | Activation::Tanh
        | Activation::Softsign
        | Activation::Exp
        | Activation::Softplus { .. }
        | Activation::Expm1
        | Activation::Erf
        | Activation::Sign
        | Activation::Atan
        | Activation::Sinh
        | Activation::LogSigmoid => return ends,
        Activation::Asin | Activation::Acos | Activation::Tan => return value(function, z),
        Activation::Sqrt | Activation::Log | Activation::Log1p => {
            // Without a value there, nothing can be said.
            let least = if function == Activation::Log1p { -1.0 } else { 0.0 };
            let open = function != Activation::Sqrt && z.lo() == least;
            return if z.lo() < least || open { Interval::ALL } else { ends };
        }
        Activation::Reciprocal => return z.reciprocal().unwrap_or(Interval::ALL),
        Activation::Sin | Activation::Cos => {
            if !z.is_finite() {
                return Interval::of(-1.0, 1.0);
            }
            // No steeper than 1.
            let far = reach(z);
            let reach = Interval::of(-far, far);
            let around = value(function, Interval::point(z.middle())).plus(reach);
            return around.meet(Interval::of(-1.0, 1.0)).unwrap_or(Interval::of(-1.0, 1.0));
        }
        Activation::Relu
        | Activation::LeakyRelu { .. }
        | Activation::Hardtanh { .. }
        | Activation::Relu6
        | Activation::Hardsigmoid
        | Activation::NegativePart
        | Activation::Negate
        | Activation::Abs => return Interval::ALL,
    };
    let ends = if ends.lo() == f64::NEG_INFINITY && z.lo() == f64::NEG_INFINITY && least < 0.0 {
        // Towards −∞ these vanish from below.
        Interval::of(least, ends.hi().max(0.0))
    } else {
        ends
    };
    match z.meet(turn) {
        Some(_) => Interval::of(ends.lo().min(least - 1e-9 * (turn.hi() - turn.lo())), ends.hi()),
        None => ends,
    }
}

/// The function's value, roughly: for guesses only.
pub(super) fn roughly(function: Activation, z: f64) -> f64 {
    value(function, Interval::point(z)).middle()
}

/// An interval that has `function(x)` for every x of `z`; sharp where `z` is a point.
fn value(function: Activation, z: Interval) -> Interval {
    let one = Interval::point(1.0);
    let half = Interval::point(0.5);
    match function {
        Activation::Sigmoid => sigmoid(z),
        Activation::Tanh => rising(core_math::tanh, z, -1.0, 1.0),
        Activation::Exp => exp(z),
        Activation::Expm1 => rising(core_math::expm1, z, -1.0, f64::INFINITY),
        Activation::Erf => rising(core_math::erf, z, -1.0, 1.0),
        Activation::Log if z.lo() > 0.0 => {
            rising(core_math::log, z, f64::NEG_INFINITY, f64::INFINITY)
        }
        Activation::Log1p if z.lo() > -1.0 => {
            rising(core_math::log1p, z, f64::NEG_INFINITY, f64::INFINITY)
        }
        Activation::Sqrt if z.lo() >= 0.0 => rising(f64::sqrt, z, 0.0, f64::INFINITY),
        Activation::Log | Activation::Log1p | Activation::Sqrt => Interval::ALL,
        Activation::Reciprocal => z.reciprocal().unwrap_or(Interval::ALL),
        Activation::Atan => rising(core_math::atan, z, -1.6, 1.6),
        Activation::Sinh => rising(core_math::sinh, z, f64::NEG_INFINITY, f64::INFINITY),
        Activation::Cosh => {
            let nearest = if z.contains(0.0) { 0.0 } else { z.lo().abs().min(z.hi().abs()) };
            rising(core_math::cosh, Interval::of(nearest, z.magnitude()), 1.0, f64::INFINITY)
        }
        // Where it has a value and no pole lies between the ends.
        Activation::Tan if z.magnitude() < 1.57 => {
            rising(core_math::tan, z, f64::NEG_INFINITY, f64::INFINITY)
        }
        Activation::Asin if z.magnitude() <= 1.0 => rising(core_math::asin, z, -1.6, 1.6),
        Activation::Acos if z.magnitude() <= 1.0 => Interval::of(
            core_math::acos(z.hi()).next_down().max(0.0),
            core_math::acos(z.lo()).next_up(),
        ),
        Activation::Tan | Activation::Asin | Activation::Acos => Interval::ALL,
        Activation::Sign => {
            let at = |x: f64| {
                if x > 0.0 {
                    1.0
                } else if x < 0.0 {
                    -1.0
                } else {
                    0.0
                }
            };
            Interval::of(at(z.lo()), at(z.hi()))
        }
        Activation::Hardswish => {
            let six = Interval::of(0.0, 6.0);
            let lifted = z.plus(Interval::point(3.0));
            let cut = Interval::of(lifted.lo().clamp(0.0, 6.0), lifted.hi().clamp(0.0, 6.0));
            let sixth = Interval::point(6.0).reciprocal().unwrap_or(six);
            z.times(cut).times(sixth)
        }
        Activation::Sin if z.is_point() => at_point(core_math::sin(z.lo())),
        Activation::Cos if z.is_point() => at_point(core_math::cos(z.lo())),
        Activation::Sin | Activation::Cos => range(function, z),
        Activation::Square => {
            let square = z.times(z);
            if z.contains(0.0) { Interval::of(0.0, square.hi()) } else { square }
        }
        Activation::Softsign => {
            let at = |x: f64| {
                if x.is_infinite() {
                    return Interval::point(x.signum());
                }
                let inverse = one.plus(Interval::point(x.abs())).reciprocal();
                Interval::point(x).times(inverse.unwrap_or(one))
            };
            at(z.lo()).hull(at(z.hi()))
        }
        Activation::Softplus { beta, threshold } => {
            let (beta, threshold) = (f64::from(beta as f32), f64::from(threshold as f32));
            if !(beta > 0.0 && beta.is_finite() && threshold >= 0.0) {
                return Interval::ALL;
            }
            let scale = Interval::point(beta).reciprocal().unwrap_or(Interval::ALL);
            let smooth = softplus(z.times(Interval::point(beta))).times(scale);
            // Beyond the threshold it is the identity, below the smooth function by e^−threshold/beta at most.
            let jump = exp(Interval::point(-threshold)).times(scale);
            // In f32 beta·z is rounded before it is compared.
            if z.hi() >= threshold / beta * (1.0 - 1e-6) {
                Interval::of(smooth.minus(jump).lo(), smooth.hi())
            } else {
                smooth
            }
        }
        Activation::LogSigmoid => softplus(z.negated()).negated(),
        Activation::Silu => zero_times(z, sigmoid(z)),
        Activation::Gelu => zero_times(z, normal(z)),
        Activation::GeluTanh => {
            let t = rising(core_math::tanh, gelu_argument(z), -1.0, 1.0);
            zero_times(z, one.plus(t).times(half))
        }
        Activation::Mish => zero_times(
            z,
            rising(core_math::tanh, softplus(z), -1.0, 1.0)
                .meet(Interval::of(0.0, 1.0))
                .unwrap_or(one),
        ),
        Activation::Elu { alpha } => elu(z, alpha, 1.0, 1.0),
        Activation::Celu { alpha } => elu(z, alpha, alpha, 1.0),
        Activation::Selu => elu(z, crate::graph::op::SELU_ALPHA, 1.0, crate::graph::op::SELU_SCALE),
        Activation::Relu
        | Activation::LeakyRelu { .. }
        | Activation::Hardtanh { .. }
        | Activation::Relu6
        | Activation::Hardsigmoid
        | Activation::NegativePart
        | Activation::Negate
        | Activation::Abs => Interval::ALL,
    }
}

/// An interval that has the derivative at every x of `z`.
pub(super) fn derivative(function: Activation, z: Interval) -> Interval {
    let one = Interval::point(1.0);
    let half = Interval::point(0.5);
    match function {
        Activation::Sigmoid => bump(sigmoid(z)),
        Activation::Tanh => {
            let t = rising(core_math::tanh, z, -1.0, 1.0);
            one.minus(value(Activation::Square, t))
        }
        Activation::Exp | Activation::Expm1 => exp(z),
        Activation::Erf => density(z.times(near(std::f64::consts::SQRT_2)))
            .times(near(2.0 * std::f64::consts::SQRT_2)),
        Activation::Log if z.lo() > 0.0 => z.reciprocal().unwrap_or(Interval::ALL),
        Activation::Log1p if z.lo() > -1.0 => one.plus(z).reciprocal().unwrap_or(Interval::ALL),
        Activation::Sqrt if z.lo() > 0.0 => value(Activation::Sqrt, z)
            .reciprocal()
            .map_or(Interval::ALL, |inverse| inverse.times(half)),
        Activation::Log | Activation::Log1p | Activation::Sqrt => Interval::ALL,
        Activation::Reciprocal => z
            .reciprocal()
            .map_or(Interval::ALL, |inverse| value(Activation::Square, inverse).negated()),
        Activation::Sin => range(Activation::Cos, z),
        Activation::Atan => one.plus(value(Activation::Square, z)).reciprocal().unwrap_or(one),
        Activation::Sinh => value(Activation::Cosh, z),
        Activation::Cosh => value(Activation::Sinh, z),
        Activation::Tan => one.plus(value(Activation::Square, value(Activation::Tan, z))),
        Activation::Asin | Activation::Acos => {
            let under = one.minus(value(Activation::Square, z));
            let root = value(Activation::Sqrt, under).reciprocal().unwrap_or(Interval::ALL);
            if function == Activation::Asin { root } else { root.negated() }
        }
        Activation::Sign if z.contains(0.0) => Interval::ALL,
        Activation::Sign => Interval::point(0.0),
        Activation::Hardswish => {
            let mut found: Option<Interval> = None;
            let mut also =
                |more: Interval| found = Some(found.map_or(more, |found| found.hull(more)));
            if z.lo() <= -3.0 {
                also(Interval::point(0.0));
            }
            if let Some(middle) = z.meet(Interval::of(-3.0, 3.0)) {
                let third = Interval::point(3.0).reciprocal().unwrap_or(one);
                also(middle.times(third).plus(half));
            }
            if z.hi() >= 3.0 {
                also(one);
            }
            found.unwrap_or(Interval::ALL)
        }
        Activation::Cos => range(Activation::Sin, z).negated(),
        Activation::Square => z.plus(z),
        Activation::Softsign => {
            let magnitude = Interval::of(
                if z.contains(0.0) { 0.0 } else { z.lo().abs().min(z.hi().abs()) },
                z.magnitude(),
            );
            let inverse = one.plus(magnitude).reciprocal().unwrap_or(one);
            inverse.times(inverse)
        }
        Activation::Softplus { beta, .. } => {
            sigmoid(z.times(Interval::point(f64::from(beta as f32))))
        }
        Activation::LogSigmoid => sigmoid(z.negated()),
        Activation::Silu => {
            let s = sigmoid(z);
            let found = s.plus(z.times(bump(s)));
            found.meet(Interval::of(-0.1, 1.1)).unwrap_or(found)
        }
        Activation::Gelu => {
            let found = normal(z).plus(z.times(density(z)));
            found.meet(Interval::of(-0.13, 1.13)).unwrap_or(found)
        }
        Activation::GeluTanh => {
            let t = rising(core_math::tanh, gelu_argument(z), -1.0, 1.0);
            let bend = one.minus(value(Activation::Square, t));
            // √(2/π)·(1 + 0.134145·z²)
            let inner = one.plus(value(Activation::Square, z).times(near(0.134_145)));
            let slope = inner.times(near(0.797_884_560_802_865_4));
            one.plus(t).times(half).plus(z.times(half).times(bend).times(slope))
        }
        Activation::Mish => {
            let t = rising(core_math::tanh, softplus(z), -1.0, 1.0);
            let bend = one.minus(value(Activation::Square, t));
            t.plus(z.times(bend).times(sigmoid(z)))
        }
        Activation::Elu { alpha } => elu_slope(z, alpha, 1.0, 1.0),
        Activation::Celu { alpha } => elu_slope(z, alpha, alpha, 1.0),
        Activation::Selu => {
            elu_slope(z, crate::graph::op::SELU_ALPHA, 1.0, crate::graph::op::SELU_SCALE)
        }
        Activation::Relu
        | Activation::LeakyRelu { .. }
        | Activation::Hardtanh { .. }
        | Activation::Relu6
        | Activation::Hardsigmoid
        | Activation::NegativePart
        | Activation::Negate
        | Activation::Abs => Interval::ALL,
    }
}

/// Lines below and above the sign: through its step where the side beyond is the shorter one, else constant.
fn sign_lines(z: Interval, range: Interval) -> Lines {
    let (l, u) = (z.lo(), z.hi());
    let mut lines = Lines::constant(range);
    if range.is_point() || !z.is_finite() {
        return lines;
    }
    // Below it is 0 or −1 at the step itself, and at the upper end at most 1.
    let step = range.lo().max(-1.0);
    if u > -l && u > 0.0 {
        let slope = ((1.0 - step) / u) * (1.0 - 8.0 * U64);
        if slope.is_finite() {
            lines.lower = (slope, step);
        }
    }
    let step = range.hi().min(1.0);
    if -l > u && l < 0.0 {
        let slope = ((step + 1.0) / -l) * (1.0 - 8.0 * U64);
        if slope.is_finite() {
            lines.upper = (slope, step);
        }
    }
    lines
}

/// The two lines of `function` over a finite `z`.
fn lines(function: Activation, form: Form, z: Interval, range: Interval) -> Lines {
    let at = |x: f64| value(function, Interval::point(x));
    let middle = z.middle();
    let convex = |sign: f64| {
        let signed = |x: f64| if sign > 0.0 { at(x) } else { at(x).negated() };
        let slope = derivative(function, Interval::point(middle));
        let slope = if sign > 0.0 { slope } else { slope.negated() };
        let s = slope.middle();
        let doubt = (slope.hi() - slope.lo()) * (z.hi() - z.lo()) * 1.01;
        let below = down(signed(middle).lo(), s, middle) - doubt;
        let (l, u) = (signed(z.lo()), signed(z.hi()));
        let chord = if z.is_point() { 0.0 } else { (u.middle() - l.middle()) / (z.hi() - z.lo()) };
        let chord = if chord.is_finite() { chord } else { 0.0 };
        let above = up(l.hi(), chord, z.lo()).max(up(u.hi(), chord, z.hi()));
        ((s, below), (chord, above))
    };
    let (lower, upper) = match form {
        // The jump at a softplus's threshold lies within its value there.
        Form::Convex => {
            let (mut lower, upper) = convex(1.0);
            lower.1 -= jump(function, z);
            (lower, upper)
        }
        Form::Concave => negated(convex(-1.0)),
        Form::S if z.hi() <= 0.0 => convex(1.0),
        Form::S if z.lo() >= 0.0 => negated(convex(-1.0)),
        Form::S => {
            let slope = |x: f64| derivative(function, Interval::point(x)).lo();
            let s = slope(z.lo()).min(slope(z.hi())).max(0.0);
            ((s, down(at(z.lo()).lo(), s, z.lo())), (s, up(at(z.hi()).hi(), s, z.hi())))
        }
        Form::Bent(_) | Form::Any => {
            let mut slopes = derivative(function, z);
            let half = reach(z);
            if let Form::Bent(most) = form {
                let near =
                    derivative(function, Interval::point(middle)).widened(most * half * 1.001);
                slopes = slopes.meet(near).unwrap_or(slopes);
            }
            if !slopes.is_finite() {
                return Lines::constant(range);
            }
            let s = slopes.middle();
            let doubt = (slopes.hi() - s).max(s - slopes.lo()) * half * 1.001;
            let value = at(middle);
            ((s, down(value.lo(), s, middle) - doubt), (s, up(value.hi(), s, middle) + doubt))
        }
    };
    let fine = |line: (f64, f64)| line.0.is_finite() && line.1.is_finite();
    if !(fine(lower) && fine(upper)) {
        return Lines::constant(range);
    }
    Lines {
        lower: (lower.0, lower.1.next_down()),
        upper: (upper.0, upper.1.next_up()),
        margin: 0.0,
    }
}

/// By how much `function` falls at most where it jumps within `z`: a softplus becomes the identity at its threshold, and is
/// at most that much below the smooth function from there on. Infinite where nothing is known.
pub(super) fn jump(function: Activation, z: Interval) -> f64 {
    let Activation::Softplus { beta, threshold } = function else { return 0.0 };
    let (beta, threshold) = (f64::from(beta as f32), f64::from(threshold as f32));
    if !(beta > 0.0 && beta.is_finite() && threshold >= 0.0) {
        return f64::INFINITY;
    }
    // In f32 beta·z is rounded before it is compared.
    if z.hi() < threshold / beta * (1.0 - 1e-6) {
        return 0.0;
    }
    exp(Interval::point(-threshold)).hi() / beta * 1.01
}

/// How far the ends of a finite `z` are from its middle, at most: the middle is rounded, to an end of a narrow `z`.
fn reach(z: Interval) -> f64 {
    let middle = z.middle();
    (z.hi() - middle).max(middle - z.lo()).next_up()
}

type Pair = ((f64, f64), (f64, f64));

/// The lines of −f as those of f.
fn negated((lower, upper): Pair) -> Pair {
    ((-upper.0, -upper.1), (-lower.0, -lower.1))
}

/// At most `value − slope·z`.
fn down(value: f64, slope: f64, z: f64) -> f64 {
    let product = slope * z;
    (value - product) - 4.0 * U64 * (value.abs() + product.abs()) - 1e-300
}

/// At least `value − slope·z`.
fn up(value: f64, slope: f64, z: f64) -> f64 {
    -down(-value, -slope, z)
}

/// A value in [−1, 1] that is correctly rounded.
fn at_point(value: f64) -> Interval {
    Interval::of(value.next_down().max(-1.0), value.next_up().min(1.0))
}

/// A rising function that is correctly rounded, within its limits.
fn rising(f: fn(f64) -> f64, z: Interval, least: f64, most: f64) -> Interval {
    let lo = if z.lo() == f64::NEG_INFINITY { least } else { f(z.lo()).next_down().max(least) };
    let hi = if z.hi() == f64::INFINITY { most } else { f(z.hi()).next_up().min(most) };
    Interval::of(lo.min(hi), hi.max(lo))
}

fn exp(z: Interval) -> Interval {
    let end = |x: f64| if x == f64::NEG_INFINITY { 0.0 } else { core_math::exp(x) };
    Interval::of(end(z.lo()).next_down().clamp(0.0, f64::MAX), end(z.hi()).next_up().max(0.0))
}

fn sigmoid(z: Interval) -> Interval {
    let one = Interval::point(1.0);
    let at = |x: f64| {
        // Of e^−|x|, so that neither end overflows.
        let e = exp(Interval::of(-x.abs(), -x.abs()));
        let inverse = one.plus(e).reciprocal().unwrap_or(one);
        if x >= 0.0 { inverse } else { e.times(inverse) }
    };
    let (a, b) = (at(z.lo()), at(z.hi()));
    Interval::of(a.lo().max(0.0), b.hi().min(1.0))
}

/// `s·(1 − s)` for s in [0, 1].
fn bump(s: Interval) -> Interval {
    let at = |s: f64| Interval::point(s).times(Interval::point(1.0).minus(Interval::point(s)));
    let ends = at(s.lo()).hull(at(s.hi()));
    let hi = if s.contains(0.5) { 0.25 } else { ends.hi().min(0.25) };
    Interval::of(ends.lo().max(0.0).min(hi), hi)
}

/// `ln(1 + e^z)`.
fn softplus(z: Interval) -> Interval {
    let at = |x: f64| {
        if x == f64::INFINITY {
            return Interval::of(0.0, f64::INFINITY);
        }
        let e = exp(Interval::of(-x.abs(), -x.abs()));
        let log = rising(core_math::log1p, e, 0.0, 1.0);
        if x > 0.0 { Interval::point(x).plus(log) } else { log }
    };
    let lo = if z.lo() == f64::INFINITY { 0.0 } else { at(z.lo()).lo().max(0.0) };
    let hi = if z.hi() == f64::INFINITY { f64::INFINITY } else { at(z.hi()).hi() };
    Interval::of(lo, hi)
}

/// The normal distribution function.
fn normal(z: Interval) -> Interval {
    let root = near(std::f64::consts::FRAC_1_SQRT_2);
    let erf = rising(core_math::erf, z.times(root), -1.0, 1.0);
    let found = Interval::point(1.0).plus(erf).times(Interval::point(0.5));
    Interval::of(found.lo().max(0.0), found.hi().min(1.0))
}

/// The normal density.
fn density(z: Interval) -> Interval {
    let square = value(Activation::Square, z);
    exp(square.times(Interval::point(-0.5))).times(near(0.398_942_280_401_432_7))
}

/// `√(2/π)·(z + 0.044715·z³)`, which rises.
fn gelu_argument(z: Interval) -> Interval {
    let at = |x: f64| {
        let x = Interval::of(x, x);
        x.plus(x.times(x).times(x).times(near(0.044_715))).times(near(0.797_884_560_802_865_4))
    };
    let (a, b) = (at(z.lo()), at(z.hi()));
    Interval::of(a.lo(), b.hi())
}

/// A constant of a formula: the reals and the floats, f32 too, near `value`.
fn near(value: f64) -> Interval {
    Interval::point(value).widened(value.abs() * 4.0 * U64)
}

/// `z·weight` with a weight in [0, 1] that vanishes where z goes to −∞.
fn zero_times(z: Interval, weight: Interval) -> Interval {
    z.times(weight)
}

/// `scale·z` above 0, `scale·alpha·(e^(z/width) − 1)` below.
fn elu(z: Interval, alpha: f64, width: f64, scale: f64) -> Interval {
    if !(width > 0.0 && alpha.is_finite() && width.is_finite()) {
        return Interval::ALL;
    }
    let at = |x: f64| {
        let x = Interval::of(x, x);
        if x.lo() >= 0.0 {
            return x.times(near(scale));
        }
        let inverse = near(width).reciprocal().unwrap_or(Interval::ALL);
        let bent = rising(core_math::expm1, x.times(inverse), -1.0, 0.0);
        bent.times(near(alpha)).times(near(scale))
    };
    at(z.lo()).hull(at(z.hi()))
}

fn elu_slope(z: Interval, alpha: f64, width: f64, scale: f64) -> Interval {
    let mut found: Option<Interval> = None;
    if z.hi() >= 0.0 {
        found = Some(near(scale));
    }
    if z.lo() < 0.0 {
        let inverse = near(width).reciprocal().unwrap_or(Interval::ALL);
        let part = Interval::of(z.lo(), z.hi().min(0.0)).times(inverse);
        let part = Interval::of(part.lo(), part.hi().min(0.0));
        let bent = exp(part).times(near(alpha)).times(inverse).times(near(scale));
        found = Some(found.map_or(bent, |found| found.hull(bent)));
    }
    found.unwrap_or(Interval::ALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Activation; 31] = [
        Activation::Cosh,
        Activation::Hardswish,
        Activation::Sign,
        Activation::Tan,
        Activation::Asin,
        Activation::Acos,
        Activation::Atan,
        Activation::Sinh,
        Activation::Sqrt,
        Activation::Reciprocal,
        Activation::Log,
        Activation::Log1p,
        Activation::Expm1,
        Activation::Erf,
        Activation::Sin,
        Activation::Cos,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Softsign,
        Activation::Exp,
        Activation::Square,
        Activation::Softplus { beta: 1.0, threshold: 20.0 },
        Activation::Softplus { beta: 2.0, threshold: 1.0 },
        Activation::LogSigmoid,
        Activation::Silu,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Mish,
        Activation::Elu { alpha: 0.7 },
        Activation::Celu { alpha: 1.5 },
        Activation::Selu,
    ];

    #[test]
    fn values_lie_within_range_and_lines() {
        for function in KNOWN {
            assert!(form(function, Interval::ALL).is_some());
            for (l, u) in [
                (-1.0, 2.0),
                (-6.0, 0.3),
                (0.4, 0.5),
                (-2.0, -0.5),
                (-1e-3, 1e-3),
                (-30.0, 25.0),
                (18.0, 22.0),
                (-0.76, -0.74),
                (-1.3, -1.1),
                (0.25, 0.25),
                (2.9, 3.4),
            ] {
                // Where it has no value there are no bounds.
                let without = match function {
                    Activation::Sqrt | Activation::Log => l < 0.0,
                    Activation::Log1p => l <= -1.0,
                    Activation::Reciprocal => l <= 0.0 && u >= 0.0,
                    Activation::Asin | Activation::Acos => l < -1.0 || u > 1.0,
                    Activation::Tan => l <= -1.57 || u >= 1.57,
                    _ => false, // not operations: defined everywhere
                };
                if without {
                    let z = Interval::new(l, u).unwrap();
                    assert_eq!(range(function, z), Interval::ALL, "{function:?} over {z}");
                    continue;
                }
                let z = Interval::new(l, u).unwrap();
                let (range, lines) = bound(function, z, Semantics::Real);
                for step in 0..=200 {
                    let x = l + (u - l) * f64::from(step) / 200.0;
                    let y = torch(function, x);
                    let slack = 1e-12 * (1.0 + y.abs() + x.abs() * lines.upper.0.abs());
                    assert!(
                        range.lo() <= y + slack && y <= range.hi() + slack,
                        "{function:?} {z} {x} {y} {range}"
                    );
                    let (low, high) =
                        (lines.lower.0 * x + lines.lower.1, lines.upper.0 * x + lines.upper.1);
                    assert!(low <= y + slack, "{function:?} over {z} at {x}: {low} above {y}");
                    assert!(high >= y - slack, "{function:?} over {z} at {x}: {high} below {y}");
                }
            }
        }
    }

    #[test]
    fn lines_close_in_on_narrow_intervals() {
        let jumps = Activation::Softplus { beta: 2.0, threshold: 1.0 };
        let smooth = |function: &Activation| *function != jumps && *function != Activation::Sign;
        for function in KNOWN.into_iter().filter(smooth) {
            let gap = |half: f64| {
                let z = Interval::new(0.7 - half, 0.7 + half).unwrap();
                let lines = bound(function, z, Semantics::Real).1;
                let at = |line: (f64, f64), x: f64| line.0 * x + line.1;
                at(lines.upper, 0.7) - at(lines.lower, 0.7)
            };
            // Quadratic, or exactly linear there.
            assert!(
                gap(0.01) <= gap(0.1) / 20.0 + 1e-12,
                "{function:?}: {} {}",
                gap(0.01),
                gap(0.1)
            );
        }
    }

    #[test]
    fn intervals_of_a_few_floats_far_from_0_hold_their_ends() {
        for start in [1e6, 3e7, 1e9, 7.5e12] {
            for floats in 1..6 {
                let end = (0..floats).fold(start, |x: f64, _| x.next_up());
                let z = Interval::new(start, end).unwrap();
                for function in [Activation::Sin, Activation::Cos] {
                    let found = range(function, z);
                    for x in [start, end] {
                        let value = value(function, Interval::point(x));
                        assert!(found.meet(value).is_some(), "{function:?} {z} {found} {value}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_leaves_f32_is_unbounded_in_f32_alone() {
        for (function, end) in [
            (Activation::Hardswish, 1e38),
            (Activation::Exp, 100.0),
            (Activation::Square, 1e20),
            (Activation::Cosh, 100.0),
        ] {
            let z = Interval::new(0.0, end).unwrap();
            assert!(bound(function, z, Semantics::Real).0.is_finite(), "{function:?}");
            let (range, lines) = bound(function, z, Semantics::F32AnyOrder);
            assert_eq!((range.hi(), lines.upper.1), (f64::INFINITY, f64::INFINITY), "{function:?}");
            assert!(range.lo().is_finite(), "{function:?} {range}");
        }
    }

    #[test]
    fn unbounded_inputs_have_the_function_s_range() {
        let all = |function| range(function, Interval::ALL);
        assert_eq!(all(Activation::Sigmoid), Interval::new(0.0, 1.0).unwrap());
        assert_eq!(all(Activation::Tanh), Interval::new(-1.0, 1.0).unwrap());
        assert!(
            all(Activation::Silu).lo() > -0.2786 || all(Activation::Silu).lo() == f64::NEG_INFINITY
        );
    }

    /// The functions as PyTorch defines them, in plain f64.
    fn torch(function: Activation, x: f64) -> f64 {
        let softplus = |x: f64| if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() };
        match function {
            Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Activation::Tanh => x.tanh(),
            Activation::Softsign => x / (1.0 + x.abs()),
            Activation::Exp => x.exp(),
            Activation::Expm1 => x.exp_m1(),
            Activation::Log => x.ln(),
            Activation::Log1p => x.ln_1p(),
            Activation::Sqrt => x.sqrt(),
            Activation::Reciprocal => 1.0 / x,
            Activation::Sin => x.sin(),
            Activation::Cos => x.cos(),
            Activation::Tan => x.tan(),
            Activation::Asin => x.asin(),
            Activation::Acos => x.acos(),
            Activation::Atan => x.atan(),
            Activation::Sinh => x.sinh(),
            Activation::Cosh => x.cosh(),
            Activation::Sign if x == 0.0 => 0.0,
            Activation::Sign => x.signum(),
            Activation::Hardswish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Activation::Erf => libm::erf(x),
            Activation::Square => x * x,
            Activation::Softplus { beta, threshold } => {
                if beta * x > threshold {
                    x
                } else {
                    softplus(beta * x) / beta
                }
            }
            Activation::LogSigmoid => -softplus(-x),
            Activation::Silu => x / (1.0 + (-x).exp()),
            Activation::Gelu => x * 0.5 * (1.0 + libm::erf(x / 2.0_f64.sqrt())),
            Activation::GeluTanh => {
                let root = (2.0 / std::f64::consts::PI).sqrt();
                0.5 * x * (1.0 + (root * (x + 0.044715 * x * x * x)).tanh())
            }
            Activation::Mish => x * softplus(x).tanh(),
            Activation::Elu { alpha } => {
                if x > 0.0 {
                    x
                } else {
                    alpha * x.exp_m1()
                }
            }
            Activation::Celu { alpha } => {
                if x > 0.0 {
                    x
                } else {
                    alpha * (x / alpha).exp_m1()
                }
            }
            Activation::Selu => {
                1.050_700_987_355_480_5
                    * if x > 0.0 { x } else { 1.673_263_242_354_377_2 * x.exp_m1() }
            }
            other => panic!("{other:?} is not in the list"),
        }
    }
}
