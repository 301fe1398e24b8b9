//! Gradient clipping, by norm and by value.

use std::fmt;
use std::ops::Range;

use super::call::{self, Fault, Signature};
use crate::error::Result;

/// How gradients are bounded before the optimiser's step.
///
/// ```
/// use glassnet::train::clip::Clip;
/// let clip = Clip::parse("clip_grad_norm_(max_norm=1.0)")?;
/// let mut gradients = [3.0, 0.0, 4.0];
/// assert_eq!(clip.apply(&mut gradients, &[0..2, 2..3]), Some(5.0));
/// assert!((gradients[2] - 0.8).abs() < 1e-6);
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// [`clip_grad_norm_`].
    Norm {
        /// The largest total norm that stays as it is.
        max_norm: f64,
        /// The order p of the norm: 2 for the Euclidean one, infinity for the largest size.
        norm_type: f64,
    },
    /// [`clip_grad_value_`].
    Value {
        /// The largest size of a gradient's element.
        clip_value: f64,
    },
}

const NORM: Signature =
    Signature { name: "clip_grad_norm_", parameters: &["max_norm", "norm_type"], positional: 2 };
const VALUE: Signature =
    Signature { name: "clip_grad_value_", parameters: &["clip_value"], positional: 1 };

impl Clip {
    /// Reads `clip_grad_norm_(max_norm=1.0, norm_type=2.0)` or `clip_grad_value_(clip_value=0.5)`.
    ///
    /// # Errors
    /// With a caret below what is wrong: another name or argument, a negative or infinite bound, a norm's order that
    /// isn't a number.
    pub fn parse(text: &str) -> Result<Clip> {
        let call = call::parse(text)?;
        let (clip, arguments) = if call.name == NORM.name {
            let arguments = call.bind(text, NORM)?;
            let max_norm = arguments.require("max_norm")?;
            (Clip::Norm { max_norm, norm_type: arguments.get("norm_type", 2.0)? }, arguments)
        } else if call.name == VALUE.name {
            let arguments = call.bind(text, VALUE)?;
            (Clip::Value { clip_value: arguments.require("clip_value")? }, arguments)
        } else {
            let what = format!("unknown clipping '{}'", call.name);
            let help = "known: clip_grad_norm_, clip_grad_value_";
            return Err(call::complain(text, call.span, what).help(help));
        };
        clip.fault().map_or(Ok(clip), |fault| Err(arguments.error(fault)))
    }

    /// Whether the numbers can be used.
    ///
    /// # Errors
    /// When a bound is negative, infinite or not a number, or the order isn't a number.
    pub fn validate(&self) -> Result<()> {
        self.fault().map_or(Ok(()), |fault| Err(fault.into_error("clipping")))
    }

    fn fault(&self) -> Option<Fault> {
        let bound = |option, value: f64| {
            let usable = value >= 0.0 && (value as f32).is_finite();
            let help = format!("{option} must be finite and at least 0");
            (!usable).then(|| Fault::new(option, format!("Invalid {option}: {value:?}"), help))
        };
        match *self {
            Clip::Norm { norm_type, .. } if norm_type.is_nan() => Some(Fault::new(
                "norm_type",
                "Invalid norm_type: nan",
                "norm_type must be a number, such as 2.0 or inf",
            )),
            Clip::Norm { max_norm, .. } => bound("max_norm", max_norm),
            Clip::Value { clip_value } => bound("clip_value", clip_value),
        }
    }

    /// Clips in place; the total norm before clipping where it was computed.
    ///
    /// `tensors` are the ranges of the single parameters within the block `gradients`.
    pub fn apply(&self, gradients: &mut [f32], tensors: &[Range<usize>]) -> Option<f32> {
        match *self {
            Clip::Norm { max_norm, norm_type } => {
                Some(clip_grad_norm_(gradients, tensors, max_norm, norm_type))
            }
            Clip::Value { clip_value } => {
                clip_grad_value_(gradients, clip_value);
                None
            }
        }
    }
}

impl fmt::Display for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clip::Norm { max_norm, norm_type } => {
                write!(f, "clip_grad_norm_(max_norm={max_norm:?}, norm_type={norm_type:?})")
            }
            Clip::Value { clip_value } => write!(f, "clip_grad_value_(clip_value={clip_value:?})"),
        }
    }
}

/// Scales `gradients` so that their total norm is at most `max_norm`; returns the total norm before.
///
/// The total norm is the norm of the norms of the single tensors (their ranges within the block). The factor is
/// `min(1, max_norm / (total_norm + 1e-6))`.
///
/// # Numerics
/// Sums run in f64 in an order that depends on the lengths only, so the bits are the same for every instruction set.
/// An infinite norm gives the factor 0, and a norm that is not a number makes all gradients so, as in PyTorch: the
/// training loop stops there.
///
/// # Panics
/// When a range lies outside the block.
///
/// # Source
/// PyTorch, `torch.nn.utils.clip_grad_norm_`:
/// <https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html>.
pub fn clip_grad_norm_(
    gradients: &mut [f32],
    tensors: &[Range<usize>],
    max_norm: f64,
    norm_type: f64,
) -> f32 {
    let total = total_norm(gradients, tensors, norm_type);
    let factor = 1.0 / (total + 1e-6) * max_norm as f32;
    // A factor of 1 or more changes nothing; one that is not a number does.
    if factor >= 1.0 {
        return total;
    }
    for tensor in tensors {
        for gradient in &mut gradients[tensor.clone()] {
            *gradient *= factor;
        }
    }
    total
}

/// Clamps every gradient to `[-clip_value, clip_value]`; one that is not a number stays so.
///
/// # Source
/// PyTorch, `torch.nn.utils.clip_grad_value_`:
/// <https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_value_.html>.
pub fn clip_grad_value_(gradients: &mut [f32], clip_value: f64) {
    let bound = (clip_value as f32).abs();
    for gradient in gradients {
        *gradient = gradient.clamp(-bound, bound);
    }
}

/// The norm of the norms of the single tensors, as [`clip_grad_norm_`] measures it.
///
/// # Panics
/// When a range lies outside the block.
pub fn total_norm(gradients: &[f32], tensors: &[Range<usize>], norm_type: f64) -> f32 {
    let norms = tensors.iter().map(|tensor| norm(&gradients[tensor.clone()], norm_type));
    if norm_type == 2.0 {
        // The general rule without a detour over the roots.
        return norms.map(|norm| norm * norm).sum::<f64>().sqrt() as f32;
    }
    let mut total = Norm::new(norm_type);
    for norm in norms {
        total.add(norm);
    }
    total.finish() as f32
}

/// The norm of order `norm_type` of one tensor.
fn norm(values: &[f32], norm_type: f64) -> f64 {
    if norm_type == 2.0 {
        return sum_of_squares(values).sqrt();
    }
    let mut norm = Norm::new(norm_type);
    for &value in values {
        norm.add(f64::from(value));
    }
    norm.finish()
}

/// Eight partial sums in turn, then their sum in order: fast, and the same on every machine, since the square of an
/// f32 is exact in f64.
fn sum_of_squares(values: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            let value = f64::from(value);
            *lane += value * value;
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        let value = f64::from(value);
        *lane += value * value;
    }
    lanes.iter().sum()
}

/// A norm of any order, gathered element by element: `torch.linalg.vector_norm`.
struct Norm {
    order: f64,
    gathered: f64,
}

impl Norm {
    fn new(order: f64) -> Self {
        Norm { order, gathered: if order == f64::NEG_INFINITY { f64::INFINITY } else { 0.0 } }
    }

    fn add(&mut self, value: f64) {
        let size = value.abs();
        if size.is_nan() || self.gathered.is_nan() {
            self.gathered = f64::NAN;
            return;
        }
        if self.order == f64::INFINITY {
            self.gathered = self.gathered.max(size);
        } else if self.order == f64::NEG_INFINITY {
            self.gathered = self.gathered.min(size);
        } else if self.order == 0.0 {
            self.gathered += f64::from(u8::from(size != 0.0));
        } else if self.order == 1.0 {
            self.gathered += size;
        } else {
            self.gathered += libm::pow(size, self.order);
        }
    }

    fn finish(self) -> f64 {
        if self.order.is_infinite() || self.order == 0.0 || self.order == 1.0 {
            self.gathered
        } else {
            libm::pow(self.gathered, 1.0 / self.order)
        }
    }
}

#[cfg(test)]
// A network with a single tensor has a single range.
#[allow(clippy::single_range_in_vec_init)]
mod tests {
    use super::*;

    #[test]
    fn norms_of_every_order() {
        let gradients = [3.0, -4.0, 0.0, 12.0];
        let tensors = [0..3, 3..4];
        let norm = |order| total_norm(&gradients, &tensors, order);
        assert_eq!(norm(2.0), 13.0);
        assert_eq!(norm(1.0), 19.0);
        assert_eq!(norm(f64::INFINITY), 12.0);
        assert_eq!(norm(f64::NEG_INFINITY), 0.0);
        // The count of tensors that aren't all zero, since the norm of norms counts norms.
        assert_eq!(norm(0.0), 2.0);
        assert!((norm(3.0) - (27.0_f32 + 64.0 + 1728.0).cbrt()).abs() < 1e-5);
        assert_eq!(total_norm(&[], &[], 2.0), 0.0);
    }

    #[test]
    fn a_long_sum_keeps_every_element() {
        let gradients: Vec<f32> = (1..=1003).map(|i| i as f32).collect();
        let exact = (1..=1003_u64).map(|i| i * i).sum::<u64>() as f64;
        assert_eq!(total_norm(&gradients, &[0..1003], 2.0), exact.sqrt() as f32);
    }

    #[test]
    fn small_norms_stay_and_large_ones_shrink() {
        let mut gradients = [0.3, 0.4];
        assert_eq!(clip_grad_norm_(&mut gradients, &[0..2], 1.0, 2.0), 0.5);
        assert_eq!(gradients, [0.3, 0.4]);
        clip_grad_norm_(&mut gradients, &[0..2], 0.1, 2.0);
        assert!((total_norm(&gradients, &[0..2], 2.0) - 0.1).abs() < 1e-6);
    }

    #[test]
    fn numbers_that_are_none_stay_visible() {
        let mut gradients = [1.0, f32::NAN];
        assert!(clip_grad_norm_(&mut gradients, &[0..2], 1.0, 2.0).is_nan());
        assert!(gradients[0].is_nan());
        let mut gradients = [1.0, f32::INFINITY];
        assert_eq!(clip_grad_norm_(&mut gradients, &[0..2], 1.0, f64::INFINITY), f32::INFINITY);
        assert_eq!(gradients[0], 0.0);
        let mut gradients = [f32::NAN, 7.0, -7.0];
        clip_grad_value_(&mut gradients, 0.5);
        assert!(gradients[0].is_nan());
        assert_eq!(gradients[1..], [0.5, -0.5]);
    }

    #[test]
    fn text_reads_back_and_faults_are_named() -> Result<()> {
        for clip in [
            Clip::Norm { max_norm: 0.1, norm_type: f64::INFINITY },
            Clip::Norm { max_norm: 1e30, norm_type: 3.0 },
            Clip::Value { clip_value: 0.05 },
        ] {
            assert_eq!(Clip::parse(&clip.to_string())?, clip);
        }
        let error =
            |text| Clip::parse(text).map_or_else(|error| error.to_string(), |_| String::new());
        assert!(error("clip_grad_norm_(-1)").starts_with("Invalid max_norm: -1.0; max_norm must"));
        assert!(error("clip_grad_norm_(1, nan)").starts_with("Invalid norm_type"));
        assert!(error("clip_grad_value_()").contains("missing 1 required argument: 'clip_value'"));
        assert!(error("clip_grad_value_(1e400)").starts_with("Invalid clip_value: inf"));
        assert!(error("clip(1)").starts_with("unknown clipping 'clip'"));
        assert!(Clip::Value { clip_value: f64::NAN }.validate().is_err());
        Ok(())
    }
}
