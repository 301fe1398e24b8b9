//! The elements of a graph's value: constants, and units of layers. Layouts move them and compute nothing.

use crate::prove::{Interval, Layer};

/// The greatest number of elements of one value.
pub(super) const MOST_ELEMENTS: usize = 1 << 24;

/// A unit of the network that is being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unit {
    pub(super) layer: usize,
    pub(super) index: usize,
}

/// One element of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Element {
    Constant(Interval),
    Unit(Unit),
}

/// The elements of a value in row-major order, for one row of the batch.
#[derive(Clone, Debug, Default)]
pub(super) struct Array {
    pub(super) elements: Vec<Element>,
    pub(super) shape: Vec<usize>,
}

impl Array {
    pub(super) fn full(shape: Vec<usize>, element: Element) -> Self {
        Array { elements: vec![element; shape.iter().product()], shape }
    }

    pub(super) fn of_layer(layer: usize, shape: Vec<usize>) -> Self {
        Array::of_units(layer, 0, shape)
    }

    /// The units of a layer from `first` on.
    pub(super) fn of_units(layer: usize, first: usize, shape: Vec<usize>) -> Self {
        let size: usize = shape.iter().product();
        let units = (first..first + size).map(|index| Unit { layer, index });
        Array { elements: units.map(Element::Unit).collect(), shape }
    }

    pub(super) fn of_constants(constants: Vec<Interval>, shape: Vec<usize>) -> Self {
        Array { elements: constants.into_iter().map(Element::Constant).collect(), shape }
    }

    /// The elements, if all are constants.
    pub(super) fn constants(&self) -> Option<Vec<Interval>> {
        let constant = |element: &Element| match element {
            Element::Constant(value) => Some(*value),
            Element::Unit(_) => None,
        };
        self.elements.iter().map(constant).collect()
    }

    /// The layer whose units these are, all and in order.
    pub(super) fn is_layer(&self, layers: &[Layer]) -> Option<usize> {
        let Some(Element::Unit(Unit { layer, .. })) = self.elements.first() else { return None };
        let in_order = |(at, element): (usize, &Element)| {
            *element == Element::Unit(Unit { layer: *layer, index: at })
        };
        let whole = self.elements.len() == layers[*layer].size
            && self.elements.iter().enumerate().all(in_order);
        whole.then_some(*layer)
    }

    pub(super) fn reshaped(self, shape: Vec<usize>) -> Self {
        Array { shape, ..self }
    }

    /// The value whose element at an index is the one at `from(index)`.
    fn gathered(&self, shape: Vec<usize>, from: impl Fn(&[usize]) -> Option<Element>) -> Self {
        let size: usize = shape.iter().product();
        let mut index = vec![0; shape.len()];
        let mut elements = Vec::with_capacity(size);
        for _ in 0..size {
            elements.push(from(&index).unwrap_or(Element::Constant(Interval::point(0.0))));
            for axis in (0..shape.len()).rev() {
                index[axis] += 1;
                if index[axis] < shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        Array { elements, shape }
    }

    fn at(&self, index: impl Iterator<Item = usize>) -> Option<Element> {
        let place = index.zip(&self.shape).fold(0, |place, (at, length)| place * length + at);
        self.elements.get(place).copied()
    }

    pub(super) fn permuted(&self, axes: &[usize], shape: Vec<usize>) -> Self {
        self.gathered(shape, |index| {
            let mut source = vec![0; axes.len()];
            for (to, &from) in axes.iter().enumerate() {
                source[from] = index[to];
            }
            self.at(source.into_iter())
        })
    }

    pub(super) fn concatenated(parts: &[Array], axis: usize, shape: Vec<usize>) -> Self {
        let empty = Array { elements: vec![], shape: vec![] };
        empty.gathered(shape, |index| {
            let mut along = index[axis];
            let part = parts.iter().find(|part| {
                let inside = along < part.shape[axis];
                if !inside {
                    along -= part.shape[axis];
                }
                inside
            })?;
            part.at(index.iter().enumerate().map(|(at, &i)| if at == axis { along } else { i }))
        })
    }

    pub(super) fn cut(&self, axis: usize, start: usize, shape: Vec<usize>) -> Self {
        self.gathered(shape, |index| {
            self.at(index.iter().enumerate().map(|(at, &i)| if at == axis { i + start } else { i }))
        })
    }

    pub(super) fn padded(&self, axis: usize, before: usize, shape: Vec<usize>) -> Self {
        self.gathered(shape, |index| {
            let along = index[axis].checked_sub(before).filter(|&at| at < self.shape[axis])?;
            self.at(index.iter().enumerate().map(|(at, &i)| if at == axis { along } else { i }))
        })
    }

    pub(super) fn broadcast(&self, shape: &[usize]) -> Self {
        if self.shape == shape {
            return self.clone();
        }
        let skipped = shape.len().saturating_sub(self.shape.len());
        self.gathered(shape.to_vec(), |index| {
            let own = index[skipped..].iter().zip(&self.shape);
            self.at(own.map(|(&i, &length)| if length == 1 { 0 } else { i }))
        })
    }

    /// The lengths of the axes that a reduction over `axes` leaves.
    pub(super) fn left_by(&self, axes: &[usize]) -> Vec<usize> {
        let left = (0..self.shape.len()).filter(|axis| !axes.contains(axis));
        left.map(|axis| self.shape[axis]).collect()
    }

    /// For each element of a reduction over `axes` to `shape`, the elements that it is made of.
    pub(super) fn groups(&self, axes: &[usize], shape: &[usize]) -> Vec<Vec<Element>> {
        let mut groups = vec![vec![]; shape.iter().product()];
        let mut index = vec![0; self.shape.len()];
        for &element in &self.elements {
            let place = (0..self.shape.len())
                .filter(|axis| !axes.contains(axis))
                .fold(0, |place, axis| place * self.shape[axis] + index[axis]);
            if let Some(group) = groups.get_mut(place) {
                group.push(element);
            }
            for axis in (0..self.shape.len()).rev() {
                index[axis] += 1;
                if index[axis] < self.shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        groups
    }
}
