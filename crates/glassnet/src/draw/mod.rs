//! Plots drawn: as SVG for a page, as TikZ for LaTeX, as characters for a terminal.
//!
//! What is drawn is decided once, in [`Scene`]: the axes' ends and round ticks, and the curves cut to the axes. The
//! three writers only place it.

mod axis;
mod chart;
mod scene;
mod svg;
mod tikz;

#[cfg(test)]
mod tests;

pub use axis::{Extent, Tick};
pub use chart::chart;
pub use scene::{Curve, Place, Point, Scene};
pub use svg::svg;
pub use tikz::tikz;
