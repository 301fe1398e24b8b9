//! Arrays that are known when a file is read: weights, shapes, axes, and whatever is computed from these alone.

use glassnet::reference::Array;
use glassnet::{Error, Result, Tensor, Value};

use super::element::{Class, Element};
use super::fold;

/// A known array.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Constant {
    pub(super) element: Element,
    pub(super) shape: Vec<usize>,
    pub(super) data: Data,
}

/// The elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    Floats(Vec<f64>),
    Wholes(Vec<Whole>),
    Truths(Vec<bool>),
}

/// A whole number, or a multiple of the number of rows, which is not known when a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Number(i64),
    Batches(i64),
}

impl Whole {
    /// The number, if it does not depend on the batch.
    pub(super) fn known(self) -> Option<i64> {
        match self {
            Whole::Number(number) => Some(number),
            Whole::Batches(_) => None,
        }
    }
}

impl Constant {
    /// An array of floats.
    pub(super) fn floats(shape: Vec<usize>, data: Vec<f64>) -> Self {
        Constant { element: Element::F32, shape, data: Data::Floats(data) }
    }

    /// A list of whole numbers.
    pub(super) fn list(numbers: impl IntoIterator<Item = Whole>) -> Self {
        let data: Vec<Whole> = numbers.into_iter().collect();
        Constant { element: Element::I64, shape: vec![data.len()], data: Data::Wholes(data) }
    }

    /// The number of elements.
    pub(super) fn len(&self) -> usize {
        match &self.data {
            Data::Floats(data) => data.len(),
            Data::Wholes(data) => data.len(),
            Data::Truths(data) => data.len(),
        }
    }

    /// The whole numbers.
    ///
    /// # Errors
    /// When the elements are floats or truth values.
    pub(super) fn wholes(&self) -> Result<&[Whole]> {
        match &self.data {
            Data::Wholes(data) => Ok(data),
            Data::Floats(_) | Data::Truths(_) => {
                Err(Error::model(format!("whole numbers are wanted, found {}", self.element)))
            }
        }
    }

    /// The whole numbers, none of which depends on the batch.
    pub(super) fn numbers(&self) -> Result<Vec<i64>> {
        let known = self.wholes()?.iter().map(|whole| whole.known()).collect::<Option<Vec<i64>>>();
        known.ok_or_else(|| {
            Error::unsupported(
                "a number that depends on the batch",
                "the ONNX reader",
                "it is known only when rows are given",
            )
        })
    }

    /// The elements as floats, if none depends on the batch.
    pub(super) fn to_floats(&self) -> Result<Vec<f64>> {
        Ok(match &self.data {
            Data::Floats(data) => data.clone(),
            Data::Truths(data) => data.iter().map(|&truth| f64::from(u8::from(truth))).collect(),
            Data::Wholes(_) => self.numbers()?.into_iter().map(|number| number as f64).collect(),
        })
    }

    /// The array for the reference evaluator.
    pub(super) fn to_array(&self) -> Result<Array> {
        Ok(Array::Float(Tensor::new(self.shape.clone(), self.to_floats()?)?))
    }

    /// The same elements under another shape of as many.
    pub(super) fn reshaped(&self, shape: Vec<usize>) -> Result<Self> {
        if fold::elements(&shape)? != self.len() {
            return Err(Error::model(format!(
                "{} elements do not have the shape {shape:?}",
                self.len()
            )));
        }
        Ok(Constant { shape, ..self.clone() })
    }

    /// An array of `shape` whose element `i` is this one's element `places[i]`.
    pub(super) fn taken(&self, shape: Vec<usize>, places: &[usize]) -> Self {
        let data = match &self.data {
            Data::Floats(data) => Data::Floats(places.iter().map(|&at| data[at]).collect()),
            Data::Wholes(data) => Data::Wholes(places.iter().map(|&at| data[at]).collect()),
            Data::Truths(data) => Data::Truths(places.iter().map(|&at| data[at]).collect()),
        };
        Constant { element: self.element, shape, data }
    }

    /// What a caller gives for an input whose elements the file declares to be `element`.
    pub(super) fn given(value: &Value, element: Element) -> Result<Self> {
        let shape = value.shape().to_vec();
        let data = match (value, element.class()) {
            (Value::F32(array), Class::Float) => {
                Data::Floats(array.data().iter().map(|&number| f64::from(number)).collect())
            }
            (Value::I64(array), Class::Float) => {
                Data::Floats(array.data().iter().map(|&number| number as f64).collect())
            }
            (Value::I64(array), Class::Whole) => {
                Data::Wholes(array.data().iter().map(|&number| Whole::Number(number)).collect())
            }
            (Value::I64(array), Class::Truth) => {
                Data::Truths(array.data().iter().map(|&number| number != 0).collect())
            }
            (Value::F32(_), Class::Whole | Class::Truth) => {
                return Err(Error::data(format!("floats are given, the file declares {element}")));
            }
        };
        Ok(Constant { element, shape, data })
    }
}
