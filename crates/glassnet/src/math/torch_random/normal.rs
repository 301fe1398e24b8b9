//! Normal deviates as PyTorch's CPU kernels make them: pair by pair below 16 elements, in blocks from 16 on.

use super::TorchGenerator;
use crate::error::{Error, Result};

/// Elements that PyTorch's vectorised kernel transforms at once: 8 radii and 8 angles.
const BLOCK: usize = 16;

impl TorchGenerator {
    /// Fills `out` with normal deviates: `tensor.normal_(mean, std)` of a contiguous f32 tensor.
    ///
    /// Both paths are Box and Muller's `√(−2 ln u₁)·(cos 2πu₂, sin 2πu₂)`. Below 16 elements each pair is made in
    /// f64 and its second half waits for the next such call. From 16 elements on, `out` first receives uniform
    /// deviates in f32, of which each block of 16 becomes 8 cosines and 8 sines; a ragged end makes PyTorch draw
    /// the last 16 elements anew.
    ///
    /// # Numerics
    /// The same draws as PyTorch; below 16 elements the same values to about 1 ulp, else within about 1e-6 of the
    /// standard deviation (PyTorch approximates `ln`, `cos`, `sin` in f32 there, differently on each instruction set).
    ///
    /// # Errors
    /// When `std` is negative or not a number; `out` is unchanged then.
    ///
    /// # Source
    /// <https://pytorch.org/docs/stable/generated/torch.Tensor.normal_.html>; G. E. P. Box and M. E. Muller, *A note
    /// on the generation of random normal deviates*, Ann. Math. Statist. 29 (1958).
    pub fn normal_(&mut self, out: &mut [f32], mean: f64, std: f64) -> Result<()> {
        if std.is_nan() || std < 0.0 {
            return Err(Error::usage(format!("normal expects std >= 0.0, but found std {std}"))
                .help("give the standard deviation as a number from 0 up"));
        }
        if out.len() < BLOCK {
            for value in out {
                *value = (self.next_normal_f64() * std + mean) as f32;
            }
        } else {
            self.normal_in_blocks(out, mean as f32, std as f32);
        }
        Ok(())
    }

    fn next_normal_f64(&mut self) -> f64 {
        if let Some(waiting) = self.next_normal.take() {
            return waiting;
        }
        let turn = self.unit_f64();
        let height = self.unit_f64();
        let radius = (-2.0 * libm::log1p(-height)).sqrt();
        let angle = std::f64::consts::TAU * turn;
        self.next_normal = Some(radius * libm::sin(angle));
        radius * libm::cos(angle)
    }

    fn normal_in_blocks(&mut self, out: &mut [f32], mean: f32, std: f32) {
        self.fill_unit(out);
        let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
        for block in blocks {
            box_muller(block, mean, std);
        }
        if !rest.is_empty()
            && let Some(last) = out.last_chunk_mut::<BLOCK>()
        {
            self.fill_unit(last);
            box_muller(last, mean, std);
        }
    }

    fn fill_unit(&mut self, out: &mut [f32]) {
        for value in out {
            *value = self.unit_f32();
        }
    }
}

/// Turns 8 + 8 uniform deviates into 16 normal ones. The angle is rounded to f32 as in PyTorch, since its rounding
/// shows in the result; the functions themselves are evaluated in f64.
fn box_muller(block: &mut [f32; BLOCK], mean: f32, std: f32) {
    for pair in 0..BLOCK / 2 {
        // In (0, 1], so that the logarithm is finite.
        let height = 1.0 - block[pair];
        let angle = f64::from(std::f32::consts::TAU * block[pair + BLOCK / 2]);
        let radius = (-2.0 * libm::log(f64::from(height))).sqrt();
        block[pair] = ((radius * libm::cos(angle)) as f32).mul_add(std, mean);
        block[pair + BLOCK / 2] = ((radius * libm::sin(angle)) as f32).mul_add(std, mean);
    }
}
