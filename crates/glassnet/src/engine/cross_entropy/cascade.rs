//! A sum over rows in the order of PyTorch's `nll_loss`, whose last digits are printed in lessons.

use super::{LANES, Row};

/// How many partial sums there are.
const LEVELS: usize = 8;

/// Sixteen rows (or more, of very many) make a partial sum, sixteen of these one of the next level, and so on; the levels
/// are added from the lowest up. Row 0 alone goes straight to the highest level.
pub(super) struct Cascade {
    levels: [f32; LEVELS],
    /// The partial sum of a level has 2 to the power of `bits` of the level below.
    bits: usize,
    /// The levels that hold something, besides the highest.
    used: usize,
    row: usize,
}

impl Cascade {
    #[inline(always)]
    pub(super) fn new(rows: usize) -> Self {
        let highest = rows.saturating_sub(1).checked_ilog2().unwrap_or(0) as usize;
        let bits = (rows.next_power_of_two().ilog2() as usize / LEVELS).max(4);
        Cascade { levels: [0.0; LEVELS], bits, used: (1 + highest / bits).min(LEVELS - 1), row: 0 }
    }

    /// Adds `count` rows; all but the last call add [`LANES`] of them.
    ///
    /// Since a partial sum ends after a row whose number is a multiple of 16, only the first one here can end it.
    #[inline(always)]
    pub(super) fn add(&mut self, losses: &Row, count: usize) {
        self.levels[0] += losses[0];
        self.carry();
        let mut partial = self.levels[0];
        if count == LANES {
            for loss in &losses[1..] {
                partial += loss;
            }
        } else {
            for loss in &losses[1..count] {
                partial += loss;
            }
        }
        self.levels[0] = partial;
        self.row += count;
    }

    #[inline(always)]
    fn carry(&mut self) {
        if self.row == 0 {
            self.levels[LEVELS - 1] += std::mem::take(&mut self.levels[0]);
            return;
        }
        for level in 0..LEVELS - 1 {
            let mask = ((1 << self.bits) - 1) << (level * self.bits);
            if self.row & mask != 0 {
                break;
            }
            self.levels[level + 1] += std::mem::take(&mut self.levels[level]);
        }
    }

    #[inline(always)]
    pub(super) fn total(&self) -> f32 {
        // No level is −0, so the first addition and those of empty levels would change nothing.
        let mut total = self.levels[0];
        for level in &self.levels[1..self.used] {
            total += level;
        }
        total + self.levels[LEVELS - 1]
    }
}
