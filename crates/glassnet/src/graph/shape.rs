//! Shapes with one symbolic dimension, the batch; element types.

use std::fmt;

/// The type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 64-bit integer: indices.
    I64,
    /// Truth value.
    Bool,
}

impl DType {
    /// The name in the text form.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::I64 => "i64",
            DType::Bool => "bool",
        }
    }

    /// The type called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        [DType::F32, DType::F64, DType::I64, DType::Bool].into_iter().find(|d| d.name() == name)
    }

    /// Whether elements are floats.
    pub fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }
}

/// The length of one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dim {
    /// The batch: known when the graph is executed.
    Batch,
    /// A fixed length.
    Fixed(usize),
}

impl Dim {
    /// The length for a batch of `batch` rows.
    pub fn at(self, batch: usize) -> usize {
        match self {
            Dim::Batch => batch,
            Dim::Fixed(length) => length,
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Batch => f.write_str("B"),
            Dim::Fixed(length) => write!(f, "{length}"),
        }
    }
}

/// The lengths of an array's axes, outermost first; a scalar has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shape(Vec<Dim>);

impl Shape {
    /// A scalar's shape.
    pub fn scalar() -> Self {
        Shape(vec![])
    }

    /// `[B, features…]`.
    pub fn batch(features: impl IntoIterator<Item = usize>) -> Self {
        Shape([Dim::Batch].into_iter().chain(features.into_iter().map(Dim::Fixed)).collect())
    }

    /// The axes.
    pub fn dims(&self) -> &[Dim] {
        &self.0
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The last axis, or `None` for a scalar.
    pub fn last(&self) -> Option<Dim> {
        self.0.last().copied()
    }

    /// The lengths for a batch of `batch` rows.
    pub fn at(&self, batch: usize) -> Vec<usize> {
        self.0.iter().map(|dim| dim.at(batch)).collect()
    }

    /// The number of elements for a batch of `batch` rows; `None` when it does not fit a `usize`.
    pub fn elements(&self, batch: usize) -> Option<usize> {
        self.0.iter().try_fold(1_usize, |product, dim| product.checked_mul(dim.at(batch)))
    }

    /// The common shape of `self` and `other` by NumPy's broadcasting rules, or `None`.
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.rank().max(other.rank());
        let padded = |shape: &Shape, axis: usize| {
            (axis + shape.rank()).checked_sub(rank).map_or(Dim::Fixed(1), |at| shape.0[at])
        };
        (0..rank)
            .map(|axis| match (padded(self, axis), padded(other, axis)) {
                (a, b) if a == b => Some(a),
                (Dim::Fixed(1), b) => Some(b),
                (a, Dim::Fixed(1)) => Some(a),
                (Dim::Batch | Dim::Fixed(_), _) => None,
            })
            .collect::<Option<Vec<Dim>>>()
            .map(Shape)
    }
}

impl From<Vec<Dim>> for Shape {
    fn from(dims: Vec<Dim>) -> Self {
        Shape(dims)
    }
}

impl<const N: usize> From<[Dim; N]> for Shape {
    fn from(dims: [Dim; N]) -> Self {
        Shape(dims.to_vec())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(lengths: [usize; N]) -> Self {
        Shape(lengths.into_iter().map(Dim::Fixed).collect())
    }
}

impl From<&[usize]> for Shape {
    fn from(lengths: &[usize]) -> Self {
        Shape(lengths.iter().copied().map(Dim::Fixed).collect())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (axis, dim) in self.0.iter().enumerate() {
            if axis > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{dim}")?;
        }
        f.write_str("]")
    }
}

/// Element type and shape of a node's value. Displays as `f32[B, 10]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// The elements' type.
    pub dtype: DType,
    /// The axes.
    pub shape: Shape,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype.name(), self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let cases: [(Shape, Shape, Option<Shape>); 6] = [
            (Shape::batch([3]), Shape::from([3]), Some(Shape::batch([3]))),
            (Shape::batch([3]), Shape::scalar(), Some(Shape::batch([3]))),
            (Shape::from([4, 1]), Shape::from([5]), Some(Shape::from([4, 5]))),
            (Shape::batch([1]), Shape::from([7]), Some(Shape::batch([7]))),
            (Shape::batch([3]), Shape::from([4]), None),
            (Shape::batch([]), Shape::from([4]), None),
        ];
        for (a, b, expected) in cases {
            assert_eq!(a.broadcast(&b), expected, "{a} with {b}");
            assert_eq!(b.broadcast(&a), expected, "{b} with {a}");
        }
    }
}
