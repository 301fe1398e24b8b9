//! Enclosures of real numbers by big integers: a midpoint and a radius in units of 2^−320.
//!
//! Every operation gives a ball that contains the true result for all values of the balls it was applied to, so
//! two balls that do not meet are a proof that the numbers differ. Nothing is rounded to zero silently.

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::cmp::Ordering;
use std::sync::LazyLock;

/// Bits behind the point.
pub(super) const BITS: u64 = 320;
/// Series are summed with so many bits more.
const GUARD: u64 = 64;
/// Values beyond 2^MAX_SIZE are given up.
const MAX_SIZE: u64 = 2048;

/// All reals from `middle − radius` to `middle + radius`, in units of 2^−[`BITS`].
#[derive(Clone, Debug)]
pub(super) struct Ball {
    pub(super) middle: BigInt,
    pub(super) radius: BigInt,
}

/// π and ln 2 with BITS + GUARD bits, each less than 8 units of the last bit off.
static PI: LazyLock<BigInt> = LazyLock::new(|| {
    // Machin: π = 16 atan(1/5) − 4 atan(1/239)
    let atan = |n: u32| {
        let mut power: BigInt = (BigInt::one() << (BITS + 2 * GUARD)) / n;
        let mut sum = power.clone();
        let mut k = 1u32;
        while !power.is_zero() {
            power /= n * n;
            let term = &power / (2 * k + 1);
            if k % 2 == 1 {
                sum -= term
            } else {
                sum += term
            }
            k += 1;
        }
        sum
    };
    (atan(5) * 16 - atan(239) * 4) >> GUARD
});

static LN_2: LazyLock<BigInt> = LazyLock::new(|| {
    // ln 2 = 2 atanh(1/3)
    let mut power: BigInt = (BigInt::one() << (BITS + 2 * GUARD + 1)) / 3;
    let mut sum = power.clone();
    let mut k = 1u32;
    while !power.is_zero() {
        power /= 9;
        sum += &power / (2 * k + 1);
        k += 1;
    }
    sum >> GUARD
});

fn unit() -> BigInt {
    BigInt::one() << BITS
}

/// `value / 2^bits`, rounded to the nearest.
fn shifted(value: &BigInt, bits: u64) -> BigInt {
    (value + (BigInt::one() << (bits - 1))) >> bits
}

impl Ball {
    pub(super) fn integer(value: i64) -> Ball {
        Ball { middle: BigInt::from(value) << BITS, radius: BigInt::zero() }
    }

    pub(super) fn rational(value: &BigRational) -> Ball {
        let (middle, rest) = (value.numer() << BITS).div_mod_floor(value.denom());
        Ball { middle, radius: BigInt::from(u8::from(!rest.is_zero())) }
    }

    pub(super) fn pi() -> Ball {
        Ball { middle: shifted(&PI, GUARD), radius: BigInt::one() }
    }

    /// The order of the numbers, if all pairs from the balls have the same.
    pub(super) fn order(&self, other: &Ball) -> Option<Ordering> {
        let distance = &self.middle - &other.middle;
        let reach = &self.radius + &other.radius;
        if reach.is_zero() || distance.abs() > reach {
            return Some(distance.cmp(&BigInt::zero()));
        }
        None
    }

    /// The sign, if all numbers of the ball have the same.
    pub(super) fn sign(&self) -> Option<Ordering> {
        self.order(&Ball::integer(0))
    }

    /// The middle as f64.
    pub(super) fn to_f64(&self) -> f64 {
        to_f64(&self.middle)
    }

    /// True if the ball is small beside its numbers, or beside 1.
    pub(super) fn is_precise(&self) -> bool {
        let size = self.middle.abs().max(unit());
        self.radius.clone() << 120u32 <= size
    }

    fn checked(self) -> Option<Ball> {
        let small = |value: &BigInt| value.bits() <= BITS + MAX_SIZE;
        (small(&self.middle) && small(&self.radius)).then_some(self)
    }

    pub(super) fn negative(&self) -> Ball {
        Ball { middle: -&self.middle, radius: self.radius.clone() }
    }

    pub(super) fn plus(&self, other: &Ball) -> Ball {
        Ball { middle: &self.middle + &other.middle, radius: &self.radius + &other.radius }
    }

    pub(super) fn minus(&self, other: &Ball) -> Ball {
        self.plus(&other.negative())
    }

    pub(super) fn times(&self, other: &Ball) -> Option<Ball> {
        let product = &self.middle * &other.middle;
        let middle = &product >> BITS;
        let exact = (&middle << BITS) == product;
        let spread = self.middle.abs() * &other.radius
            + other.middle.abs() * &self.radius
            + &self.radius * &other.radius;
        let mut radius = spread >> BITS;
        if !exact || !self.radius.is_zero() || !other.radius.is_zero() {
            radius += 2;
        }
        Ball { middle, radius }.checked()
    }

    /// The quotient; `None` if the divisor may be zero.
    pub(super) fn over(&self, other: &Ball) -> Option<Ball> {
        other.sign().filter(|sign| sign.is_ne())?;
        let (middle, rest) = (&self.middle << BITS).div_mod_floor(&other.middle);
        let spread = (&self.radius << BITS) + (middle.abs() + 1) * &other.radius;
        let mut radius = spread / (other.middle.abs() - &other.radius);
        if !rest.is_zero() || !self.radius.is_zero() || !other.radius.is_zero() {
            radius += 2;
        }
        Ball { middle, radius }.checked()
    }

    /// The whole number that the ball is, if it is exactly one.
    pub(super) fn whole(&self) -> Option<i64> {
        let (whole, rest) = self.middle.div_mod_floor(&unit());
        (self.radius.is_zero() && rest.is_zero()).then(|| whole.to_i64()).flatten()
    }

    pub(super) fn power(&self, exponent: i64) -> Option<Ball> {
        let mut count = exponent.unsigned_abs();
        if count > 1 << 20 {
            return None;
        }
        let mut result = Ball::integer(1);
        let mut square = self.clone();
        while count > 0 {
            if count % 2 == 1 {
                result = result.times(&square)?;
            }
            count /= 2;
            if count > 0 {
                square = square.times(&square)?;
            }
        }
        if exponent < 0 { Ball::integer(1).over(&result) } else { Some(result) }
    }

    /// The square root; `None` if the number may be negative.
    pub(super) fn sqrt(&self) -> Option<Ball> {
        match self.sign() {
            Some(Ordering::Equal) => return Some(self.clone()),
            Some(Ordering::Greater) => {}
            Some(Ordering::Less) | None => return None,
        }
        let middle = (&self.middle << BITS).sqrt();
        // |√a − √b| ≤ |a − b|/√b for b the smaller
        let least = ((&self.middle - &self.radius) << BITS).sqrt() + 1;
        let radius = (&self.radius << BITS) / least + 2;
        Some(Ball { middle, radius })
    }

    pub(super) fn exp(&self) -> Option<Ball> {
        if self.middle.bits() > BITS + 11 || self.radius.bits() > BITS {
            return None;
        }
        if self.middle.is_zero() && self.radius.is_zero() {
            return Some(Ball::integer(1));
        }
        let wide: BigInt = &self.middle << GUARD;
        let half: BigInt = &*LN_2 >> 1;
        let times = (&wide + half).div_floor(&LN_2);
        // |r| ≤ ln 2 / 2, then halved 8 times for the series.
        let r: BigInt = (wide - &times * &*LN_2) >> 8;
        let bits = BITS + GUARD;
        let mut term = BigInt::one() << bits;
        let mut sum = term.clone();
        let mut k = 1u32;
        while !term.is_zero() && k < 200 {
            term = ((term * &r) >> bits) / k;
            if term.sign() == Sign::Minus && term == -BigInt::one() {
                break;
            }
            sum += &term;
            k += 1;
        }
        for _ in 0..8 {
            sum = (&sum * &sum) >> bits;
        }
        let times = times.to_i64()?;
        // The relative error is below 2^−(BITS + 32).
        let (middle, own) = if times >= 0 {
            let middle = (sum << times) >> GUARD;
            let own: BigInt = (&middle >> (BITS + 32)) + 2;
            (middle, own)
        } else {
            (sum >> (GUARD + times.unsigned_abs()), BigInt::from(2))
        };
        // e^x (e^r − 1) ≤ 2 e^x r for r ≤ 1
        let radius = (((&middle + &own) * &self.radius) >> (BITS - 1)) + own + 1;
        Ball { middle, radius }.checked()
    }

    /// The natural logarithm; `None` if the number may not be positive.
    pub(super) fn ln(&self) -> Option<Ball> {
        self.sign().filter(|sign| sign.is_gt())?;
        if *self == Ball::integer(1) {
            return Some(Ball::integer(0));
        }
        let shift = self.middle.bits() as i64 - BITS as i64;
        let scaled = if shift >= 0 { &self.middle >> shift } else { &self.middle << -shift };
        // scaled ∈ [1/2, 1): y ← y + 2(x − e^y)/(x + e^y) triples the right digits
        let x = Ball { middle: scaled.clone(), radius: BigInt::zero() };
        let mut y = Ball { middle: from_f64(libm::log(to_f64(&scaled))), radius: BigInt::zero() };
        for _ in 0..3 {
            let e = Ball { radius: BigInt::zero(), ..y.exp()? };
            let step = x.minus(&e).over(&x.plus(&e))?;
            y = Ball { middle: y.middle + step.middle * 2, radius: BigInt::zero() };
        }
        let middle = y.middle + shifted(&(&*LN_2 * shift), GUARD);
        // Shifting down lost up to one unit of 2^−BITS of a number of at least 1/2.
        let own = BigInt::from(16);
        let radius = (&self.radius << BITS) / (&self.middle - &self.radius) + own;
        Ball { middle, radius }.checked()
    }

    /// (sine, cosine)
    pub(super) fn sin_cos(&self) -> Option<(Ball, Ball)> {
        if self.middle.bits() > BITS + 40 || self.radius.bits() > BITS {
            return None;
        }
        if self.middle.is_zero() && self.radius.is_zero() {
            return Some((Ball::integer(0), Ball::integer(1)));
        }
        let bits = BITS + GUARD;
        let quarter: BigInt = &*PI >> 1;
        let wide: BigInt = &self.middle << GUARD;
        let half: BigInt = &quarter >> 1;
        let turns = (&wide + half).div_floor(&quarter);
        // π/2 is off by 2^−(bits − 3) at most, times 2^40: still below 2^−(BITS + 16).
        let r: BigInt = wide - &turns * &*PI / 2;
        let square: BigInt = (&r * &r) >> bits;
        let series = |mut term: BigInt, mut k: u32| {
            let mut sum = term.clone();
            while term.abs() > BigInt::one() {
                let next: BigInt = (term * &square) >> bits;
                term = -(next / (k * (k + 1)));
                sum += &term;
                k += 2;
            }
            sum >> GUARD
        };
        let (sin, cos) = (series(r.clone(), 2), series(BigInt::one() << bits, 1));
        let ball = |middle: BigInt| Ball { middle, radius: &self.radius + 4 };
        let (sin, cos) = (ball(sin), ball(cos));
        Some(match turns.mod_floor(&BigInt::from(4)).to_u8()? {
            0 => (sin, cos),
            1 => (cos, sin.negative()),
            2 => (sin.negative(), cos.negative()),
            _ => (cos.negative(), sin),
        })
    }

    pub(super) fn atan(&self) -> Option<Ball> {
        if self.middle.is_zero() && self.radius.is_zero() {
            return Some(self.clone());
        }
        let x = Ball { middle: self.middle.clone(), radius: BigInt::zero() };
        let mut y =
            Ball { middle: from_f64(libm::atan(to_f64(&x.middle))), radius: BigInt::zero() };
        for _ in 0..4 {
            // tan(atan x − y) = (x cos y − sin y)/(cos y + x sin y), and tan δ ≈ δ
            let (sin, cos) = y.sin_cos()?;
            let step = x.times(&cos)?.minus(&sin).over(&cos.plus(&x.times(&sin)?))?;
            y = Ball { middle: y.middle + step.middle, radius: BigInt::zero() };
        }
        Some(Ball { middle: y.middle, radius: &self.radius + 16 })
    }

    pub(super) fn erf(&self) -> Option<Ball> {
        if self.middle.is_zero() && self.radius.is_zero() {
            return Some(self.clone());
        }
        // erf's slope is at most 2/√π < 2
        let radius = &self.radius * 2 + 16;
        if self.middle.abs() > BigInt::from(16) << BITS {
            // 1 − erf(16) < 2^−370
            let middle = unit() * self.middle.signum();
            return Some(Ball { middle, radius });
        }
        // erf x = 2/√π e^{−x²} Σ 2ⁿ x^{2n+1}/(1·3·…·(2n+1)): all terms of one sign
        let bits = BITS + GUARD;
        let x: BigInt = &self.middle << GUARD;
        let double: BigInt = (&x * &x) >> (bits - 1);
        let mut term = x;
        let mut sum = term.clone();
        let mut k = 1u32;
        while term.abs() > BigInt::one() {
            term = ((term * &double) >> bits) / (2 * k + 1);
            sum += &term;
            k += 1;
        }
        // The sum is up to e^{x²}, by which it is divided; the square was cut by one unit.
        let square = Ball { middle: (&self.middle * &self.middle) >> BITS, radius: BigInt::one() };
        let sum = Ball { middle: sum >> GUARD, radius: BigInt::from(2 * k + 2) };
        let scale = square.exp()?.times(&Ball::pi().sqrt()?)?;
        let value = sum.times(&Ball::integer(2))?.over(&scale)?;
        Some(Ball { middle: value.middle, radius: radius + value.radius })
    }
}

impl PartialEq for Ball {
    fn eq(&self, other: &Ball) -> bool {
        self.middle == other.middle && self.radius == other.radius
    }
}

fn from_f64(value: f64) -> BigInt {
    let scaled = BigRational::from_float(value).unwrap_or_else(BigRational::zero);
    (scaled.numer() << BITS).div_floor(scaled.denom())
}

fn to_f64(value: &BigInt) -> f64 {
    // 80 leading bits are more than f64 keeps.
    let excess = value.bits().saturating_sub(80);
    let top = (value >> excess).to_f64().unwrap_or(f64::NAN);
    libm::scalbn(top, i32::try_from(excess as i64 - BITS as i64).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: f64) -> Ball {
        Ball { middle: from_f64(value), radius: BigInt::zero() }
    }

    fn near(ball: Option<Ball>, expected: f64) {
        let ball = ball.unwrap();
        assert!(ball.is_precise());
        let found = ball.to_f64();
        assert!(
            (found - expected).abs() <= 4e-16 * expected.abs().max(1e-300),
            "{found} {expected}"
        );
    }

    #[test]
    fn functions_agree_with_f64() {
        for z in [-9.5, -3.25, -1.0, -0.015625, 0.5, 0.75, 2.0, 7.125, 11.0] {
            near(at(z).exp(), libm::exp(z));
            near(at(z).atan(), libm::atan(z));
            near(at(z).erf(), libm::erf(z));
            near(at(z).sin_cos().map(|(sin, _)| sin), libm::sin(z));
            near(at(z).sin_cos().map(|(_, cos)| cos), libm::cos(z));
            if z > 0.0 {
                near(at(z).ln(), libm::log(z));
                near(at(z).sqrt(), libm::sqrt(z));
            }
        }
        near(at(1e-20).ln(), libm::log(1e-20));
        near(at(3.0).power(-2), 1.0 / 9.0);
    }

    #[test]
    fn identities_hold_to_ninety_digits() {
        let close = |left: Ball, right: Ball| {
            assert!(left.is_precise() && right.is_precise());
            assert_eq!(left.order(&right), None);
        };
        for z in [-6.5, -0.75, 0.3125, 1.5, 8.0] {
            let (sin, cos) = at(z).sin_cos().unwrap();
            close(sin.times(&sin).unwrap().plus(&cos.times(&cos).unwrap()), Ball::integer(1));
            close(at(z).exp().unwrap().times(&at(-z).exp().unwrap()).unwrap(), Ball::integer(1));
            close(at(z).exp().unwrap().ln().unwrap(), at(z));
            let tangent = sin.over(&cos).unwrap().atan().unwrap();
            if z.abs() < 1.5 {
                close(tangent, at(z));
            }
            // erf(x + 2^−24) − erf(x) = slope at the middle × step, up to its third order
            let step = 1.0 / 16_777_216.0;
            let rise = at(z + step).erf().unwrap().minus(&at(z - step).erf().unwrap());
            let slope = libm::exp(-z * z) * 2.0 / std::f64::consts::PI.sqrt();
            let found = rise.to_f64() / (2.0 * step);
            assert!((found / slope - 1.0).abs() < 1e-12, "{z}: {found} {slope}");
        }
    }
}
