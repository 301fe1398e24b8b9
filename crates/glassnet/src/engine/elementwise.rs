//! Activations and their derivatives over slices: one scalar body each.

use super::kernels::Level;
use crate::graph::op::Activation;
use crate::graph::op::{SELU_ALPHA, SELU_SCALE};
use crate::math::elementary as m;

/// What a body is applied to: a slice into another, or a slice in place.
trait Target {
    fn apply(self, f: impl Fn(f32) -> f32);
}

struct Into2<'a>(Level, &'a [f32], &'a mut [f32]);

impl Target for Into2<'_> {
    #[inline(always)]
    fn apply(self, f: impl Fn(f32) -> f32) {
        self.0.run(
            #[inline(always)]
            || self.2.iter_mut().zip(self.1).for_each(|(y, &z)| *y = f(z)),
        );
    }
}

struct InPlace<'a>(Level, &'a mut [f32]);

impl Target for InPlace<'_> {
    #[inline(always)]
    fn apply(self, f: impl Fn(f32) -> f32) {
        self.0.run(
            #[inline(always)]
            || self.1.iter_mut().for_each(|y| *y = f(*y)),
        );
    }
}

/// `y = f(z)`.
pub(super) fn map(level: Level, activation: Activation, z: &[f32], y: &mut [f32]) {
    apply(activation, Into2(level, z, y));
}

/// `y = f(y)`.
pub(super) fn map_in_place(level: Level, activation: Activation, y: &mut [f32]) {
    apply(activation, InPlace(level, y));
}

/// In f64 and rounded once: for functions that no network needs in its inner loop.
#[inline(always)]
fn in_f64(f: impl Fn(f64) -> f64) -> impl Fn(f32) -> f32 {
    move |z| f(f64::from(z)) as f32
}

/// z cut to `[low, high]`; NaN stays.
#[inline(always)]
fn clamp(z: f32, low: f32, high: f32) -> f32 {
    let z = if z < low { low } else { z };
    if z > high { high } else { z }
}

fn apply(activation: Activation, target: impl Target) {
    match activation {
        Activation::Relu => target.apply(
            #[inline(always)]
            |z| if z <= 0.0 { 0.0 } else { z },
        ),
        Activation::LeakyRelu { negative_slope } => {
            let slope = negative_slope as f32;
            target.apply(
                #[inline(always)]
                |z| if z > 0.0 { z } else { z * slope },
            );
        }
        Activation::Elu { alpha } => {
            let alpha = alpha as f32;
            target.apply(
                #[inline(always)]
                |z| if z > 0.0 { z } else { alpha * m::expm1(z) },
            );
        }
        Activation::Celu { alpha } => {
            let (alpha, inverse) = (alpha as f32, (1.0 / alpha) as f32);
            target.apply(
                #[inline(always)]
                |z| if z > 0.0 { z } else { alpha * m::expm1(z * inverse) },
            );
        }
        Activation::Selu => {
            let (scale, below) = (SELU_SCALE as f32, (SELU_SCALE * SELU_ALPHA) as f32);
            target.apply(
                #[inline(always)]
                |z| if z > 0.0 { scale * z } else { below * m::expm1(z) },
            );
        }
        Activation::Gelu => target.apply(m::gelu),
        Activation::GeluTanh => target.apply(m::gelu_tanh),
        Activation::Silu => target.apply(m::silu),
        Activation::Mish => target.apply(m::mish),
        Activation::Softplus { beta, threshold } => {
            let (beta, threshold) = (beta as f32, threshold as f32);
            target.apply(
                #[inline(always)]
                |z| if z * beta > threshold { z } else { m::softplus(z * beta) / beta },
            );
        }
        Activation::Softsign => target.apply(
            #[inline(always)]
            |z| z / (1.0 + z.abs()),
        ),
        Activation::Sigmoid => target.apply(m::sigmoid),
        Activation::LogSigmoid => target.apply(m::logsigmoid),
        Activation::Tanh => target.apply(m::tanh),
        Activation::Hardtanh { min, max } => {
            let (min, max) = (min as f32, max as f32);
            target.apply(
                #[inline(always)]
                |z| clamp(z, min, max),
            );
        }
        Activation::Relu6 => target.apply(
            #[inline(always)]
            |z| clamp(z, 0.0, 6.0),
        ),
        Activation::Hardsigmoid => target.apply(
            #[inline(always)]
            |z| clamp(z + 3.0, 0.0, 6.0) / 6.0,
        ),
        Activation::Hardswish => target.apply(
            #[inline(always)]
            |z| z * clamp(z + 3.0, 0.0, 6.0) / 6.0,
        ),
        Activation::NegativePart => target.apply(
            #[inline(always)]
            |z| if z >= 0.0 { 0.0 } else { z },
        ),
        Activation::Negate => target.apply(
            #[inline(always)]
            |z| -z,
        ),
        Activation::Abs => target.apply(f32::abs),
        Activation::Sign => target.apply(sign),
        Activation::Square => target.apply(
            #[inline(always)]
            |z| z * z,
        ),
        Activation::Sqrt => target.apply(f32::sqrt),
        Activation::Reciprocal => target.apply(
            #[inline(always)]
            |z| 1.0 / z,
        ),
        Activation::Exp => target.apply(m::exp),
        Activation::Expm1 => target.apply(m::expm1),
        Activation::Log => target.apply(m::log),
        Activation::Log1p => target.apply(m::log1p),
        Activation::Sin => target.apply(m::sin),
        Activation::Cos => target.apply(m::cos),
        Activation::Tan => target.apply(in_f64(libm::tan)),
        Activation::Asin => target.apply(in_f64(libm::asin)),
        Activation::Acos => target.apply(in_f64(libm::acos)),
        Activation::Atan => target.apply(in_f64(libm::atan)),
        Activation::Sinh => target.apply(in_f64(libm::sinh)),
        Activation::Cosh => target.apply(in_f64(libm::cosh)),
        Activation::Erf => target.apply(m::erf),
    }
}

/// −1, 0 or 1; 0 for NaN, as in PyTorch.
#[inline(always)]
pub(super) fn sign(z: f32) -> f32 {
    if z > 0.0 {
        1.0
    } else if z < 0.0 {
        -1.0
    } else {
        0.0
    }
}

/// `dz = dy · f'`, computed from z or y as [`Activation::derivative_form`] says.
pub(super) fn map_grad(
    level: Level,
    activation: Activation,
    dy: &[f32],
    from: &[f32],
    dz: &mut [f32],
) {
    let run = Grad { level, dy, from, dz };
    match activation {
        Activation::Relu => run.stop(
            #[inline(always)]
            |y| y <= 0.0,
        ),
        Activation::LeakyRelu { negative_slope } => {
            let slope = negative_slope as f32;
            run.times(
                #[inline(always)]
                |v| if v > 0.0 { 1.0 } else { slope },
            );
        }
        Activation::Elu { alpha } => {
            let alpha = alpha as f32;
            run.times(
                #[inline(always)]
                |z| if z > 0.0 { 1.0 } else { alpha * m::exp(z) },
            );
        }
        Activation::Celu { alpha } => {
            let inverse = (1.0 / alpha) as f32;
            run.times(
                #[inline(always)]
                |z| if z > 0.0 { 1.0 } else { m::exp(z * inverse) },
            );
        }
        Activation::Selu => {
            let (scale, below) = (SELU_SCALE as f32, (SELU_SCALE * SELU_ALPHA) as f32);
            run.times(
                #[inline(always)]
                |z| if z > 0.0 { scale } else { below * m::exp(z) },
            );
        }
        Activation::Gelu => run.times(m::gelu_derivative),
        Activation::GeluTanh => run.times(m::gelu_tanh_derivative),
        Activation::Silu => run.times(m::silu_derivative),
        Activation::Mish => run.times(m::mish_derivative),
        Activation::Softplus { beta, threshold } => {
            let (beta, threshold) = (beta as f32, threshold as f32);
            run.times(
                #[inline(always)]
                |z| if z * beta > threshold { 1.0 } else { m::sigmoid(z * beta) },
            );
        }
        Activation::Softsign => run.times(
            #[inline(always)]
            |z| {
                let denominator = 1.0 + z.abs();
                1.0 / (denominator * denominator)
            },
        ),
        Activation::Sigmoid => run.times(
            #[inline(always)]
            |y| (1.0 - y) * y,
        ),
        Activation::LogSigmoid => run.times(
            #[inline(always)]
            |z| m::sigmoid(-z),
        ),
        Activation::Tanh => run.times(
            #[inline(always)]
            |y| (-y).mul_add(y, 1.0),
        ),
        Activation::Hardtanh { min, max } => {
            let (min, max) = (min as f32, max as f32);
            run.stop(
                #[inline(always)]
                |y| y <= min || y >= max,
            );
        }
        Activation::Relu6 => run.stop(
            #[inline(always)]
            |y| y <= 0.0 || y >= 6.0,
        ),
        Activation::Hardsigmoid => run.times(
            #[inline(always)]
            |z| if z > -3.0 && z < 3.0 { 1.0 / 6.0 } else { 0.0 },
        ),
        Activation::Hardswish => run.times(
            #[inline(always)]
            |z| {
                if z <= -3.0 {
                    0.0
                } else if z < 3.0 {
                    z / 3.0 + 0.5
                } else {
                    1.0
                }
            },
        ),
        Activation::NegativePart => run.stop(
            #[inline(always)]
            |z| z > 0.0,
        ),
        Activation::Negate => run.times(
            #[inline(always)]
            |_| -1.0,
        ),
        Activation::Abs => run.times(sign),
        Activation::Sign => run.stop(
            #[inline(always)]
            |_| true,
        ),
        Activation::Square => run.times(
            #[inline(always)]
            |z| 2.0 * z,
        ),
        Activation::Sqrt => run.times(
            #[inline(always)]
            |y| 0.5 / y,
        ),
        Activation::Reciprocal => run.times(
            #[inline(always)]
            |y| -y * y,
        ),
        Activation::Exp => run.times(
            #[inline(always)]
            |y| y,
        ),
        Activation::Expm1 => run.times(m::exp),
        Activation::Log => run.times(
            #[inline(always)]
            |z| 1.0 / z,
        ),
        Activation::Log1p => run.times(
            #[inline(always)]
            |z| 1.0 / (1.0 + z),
        ),
        Activation::Sin => run.times(m::cos),
        Activation::Cos => run.times(
            #[inline(always)]
            |z| -m::sin(z),
        ),
        Activation::Tan => run.times(in_f64(|z| 1.0 + libm::tan(z) * libm::tan(z))),
        Activation::Asin => run.times(in_f64(|z| 1.0 / libm::sqrt((1.0 - z) * (1.0 + z)))),
        Activation::Acos => run.times(in_f64(|z| -1.0 / libm::sqrt((1.0 - z) * (1.0 + z)))),
        Activation::Atan => run.times(in_f64(|z| 1.0 / (1.0 + z * z))),
        Activation::Sinh => run.times(in_f64(libm::cosh)),
        Activation::Cosh => run.times(in_f64(libm::sinh)),
        Activation::Erf => run.times(
            #[inline(always)]
            |z| std::f32::consts::FRAC_2_SQRT_PI * m::exp(-z * z),
        ),
    }
}

/// `dz = dz · f'`: as [`map_grad`], where what comes from above stands already.
pub(super) fn map_grad_in_place(
    level: Level,
    activation: Activation,
    from: &[f32],
    dz: &mut [f32],
) {
    let mut dy = [0.0; 256];
    for (dz, from) in dz.chunks_mut(256).zip(from.chunks(256)) {
        let dy = &mut dy[..dz.len()];
        dy.copy_from_slice(dz);
        map_grad(level, activation, dy, from, dz);
    }
}

struct Grad<'a> {
    level: Level,
    dy: &'a [f32],
    from: &'a [f32],
    dz: &'a mut [f32],
}

impl Grad<'_> {
    /// `dz = dy · slope(from)`.
    #[inline(always)]
    fn times(self, slope: impl Fn(f32) -> f32) {
        self.level.run(
            #[inline(always)]
            || {
                for ((dz, &dy), &from) in self.dz.iter_mut().zip(self.dy).zip(self.from) {
                    *dz = dy * slope(from);
                }
            },
        );
    }

    /// `dz = 0` where the slope is 0, else `dy`: no product, so that an infinite `dy` does not become NaN.
    #[inline(always)]
    fn stop(self, zero: impl Fn(f32) -> bool) {
        self.level.run(
            #[inline(always)]
            || {
                for ((dz, &dy), &from) in self.dz.iter_mut().zip(self.dy).zip(self.from) {
                    *dz = if zero(from) { 0.0 } else { dy };
                }
            },
        );
    }
}
