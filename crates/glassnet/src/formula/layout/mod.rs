//! Mathematics set over several lines of a terminal: stacked fractions, tall brackets, sums with their limits, in
//! Unicode characters; what is as readable in one line stays in one line.

mod breaking;
mod opening;
mod panel;
mod pieces;

#[cfg(test)]
mod tests;

use breaking::broken;
pub(crate) use breaking::{rows, wrapped};
pub(crate) use panel::{Panel, columns, padded};

use super::math::Math;

impl Math {
    /// The piece as lines of text, none wider than `width` columns.
    ///
    /// Fractions are stacked, brackets grow, sums have their limits above and below. A piece that is too wide is
    /// broken before relations, then before signs, then between factors; what still doesn't fit is written in the
    /// one-line form and wrapped.
    ///
    /// ```
    /// let formula = glassnet::formula::parse("1/(1 + exp(-z))")?;
    /// assert_eq!(formula.math().lines(80), ["   1", "───────", "1 + e⁻ᶻ"]);
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn lines(&self, width: usize) -> Vec<String> {
        self.panel(width).trimmed()
    }

    /// How many columns the piece takes if it is not broken.
    pub(crate) fn columns(&self) -> usize {
        pieces::set(self).width()
    }

    /// As [`Math::lines`], with the line that stands level with what is beside it.
    pub(crate) fn panel(&self, width: usize) -> Panel {
        Panel::below_each_other(&broken(self, width.max(1)))
    }
}
