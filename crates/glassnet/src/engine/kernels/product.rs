//! TEMP
#![allow(missing_docs)]
use super::Level;
#[derive(Clone, Copy)]
pub struct Shape {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub transpose_a: bool,
    pub transpose_b: bool,
}
pub fn scratch_len(_m: usize, _n: usize, _k: usize) -> usize {
    0
}
pub fn product(
    level: Level,
    s: Shape,
    a: &[f32],
    b: &[f32],
    bias: Option<&[f32]>,
    out: &mut [f32],
    _scratch: &mut [f32],
) {
    level.run(
        #[inline(always)]
        || {
            for i in 0..s.m {
                for j in 0..s.n {
                    let mut total = 0.0f32;
                    let mut start = 0;
                    while start < s.k {
                        let end = (start + 256).min(s.k);
                        let mut acc = 0.0f32;
                        for p in start..end {
                            let x = if s.transpose_a { a[p * s.m + i] } else { a[i * s.k + p] };
                            let y = if s.transpose_b { b[j * s.k + p] } else { b[p * s.n + j] };
                            acc = x.mul_add(y, acc);
                        }
                        total = if start == 0 { acc } else { total + acc };
                        start = end;
                    }
                    out[i * s.n + j] = total + bias.map_or(0.0, |b| b[j]);
                }
            }
        },
    );
}
