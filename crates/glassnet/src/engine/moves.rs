//! Strided copies.

use super::instruction::Path;

/// Copies the elements that `path` walks over.
pub(super) fn strided(x: &[f32], path: &Path, out: &mut [f32]) {
    if path.clear {
        out.fill(0.0);
    }
    if path.dims.contains(&0) {
        return;
    }
    let Some((&length, outer)) = path.dims.split_last() else {
        out[path.to_start] = x[path.from_start];
        return;
    };
    let (from_step, to_step) = (path.from[outer.len()], path.to[outer.len()]);
    let mut counters = Counters::new(outer);
    loop {
        let from = path.from_start + counters.offset(&path.from);
        let to = path.to_start + counters.offset(&path.to);
        match (from_step, to_step) {
            (1, 1) => out[to..to + length].copy_from_slice(&x[from..from + length]),
            (0, 1) => out[to..to + length].fill(x[from]),
            (from_step, to_step) => {
                for i in 0..length {
                    out[to + i * to_step] = x[from + i * from_step];
                }
            }
        }
        if !counters.next() {
            return;
        }
    }
}

/// Counts through all positions of some axes, the last fastest. At most eight axes: arrays of higher rank are merged
/// or refused at compilation.
pub(super) struct Counters<'a> {
    dims: &'a [usize],
    at: [usize; MAX_RANK],
}

/// The highest rank of a strided walk.
pub(super) const MAX_RANK: usize = 8;

impl<'a> Counters<'a> {
    pub(super) fn new(dims: &'a [usize]) -> Self {
        Counters { dims, at: [0; MAX_RANK] }
    }

    /// The present position as an offset under `strides`.
    pub(super) fn offset(&self, strides: &[usize]) -> usize {
        self.at.iter().zip(self.dims).zip(strides).map(|((at, _), stride)| at * stride).sum()
    }

    /// Goes on; false behind the last position.
    pub(super) fn next(&mut self) -> bool {
        for axis in (0..self.dims.len()).rev() {
            self.at[axis] += 1;
            if self.at[axis] < self.dims[axis] {
                return true;
            }
            self.at[axis] = 0;
        }
        false
    }
}
