//! Drawings as data: curves over axes. How they are drawn is the renderer's affair.

use super::Text;

/// A drawing with its caption.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What the figure shows, below it.
    pub caption: Text,
    /// The same in a sentence for those who cannot see it: what is plotted and what there is to notice.
    pub alternative: String,
    /// What is drawn.
    pub plot: Plot,
}

/// Curves, points and marks over two axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The curves, drawn in order.
    pub series: Vec<Series>,
    /// Single places with a word beside them.
    pub marks: Vec<Mark>,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures.
    pub label: Text,
    /// The values at its ends, or `None` to fit the data.
    pub range: Option<(f64, f64)>,
    /// How values are spaced.
    pub scale: Scale,
}

/// How values are spaced along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// By powers of ten; values that are not positive are not drawn.
    Logarithmic,
}

/// Points that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: Text,
    /// The points (x, y); one that is not finite parts the line.
    pub points: Vec<(f64, f64)>,
    /// How the points are shown.
    pub style: Style,
}

/// How points are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Joined by a line.
    Line,
    /// Joined by a dashed line.
    Dashed,
    /// Each by itself.
    Points,
}

/// A place with a word beside it: a kink, a minimum, where a weight stands now.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where it is.
    pub at: (f64, f64),
    /// What it is.
    pub label: Text,
}

impl Axis {
    /// A linear axis that fits the data.
    pub fn new(label: impl Into<Text>) -> Axis {
        Axis { label: label.into(), range: None, scale: Scale::Linear }
    }
}

impl Series {
    /// Points joined by a line.
    pub fn line(name: impl Into<Text>, points: Vec<(f64, f64)>) -> Series {
        Series { name: name.into(), points, style: Style::Line }
    }
}
