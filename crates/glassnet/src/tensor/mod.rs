//! Dense row-major arrays: a shape and its elements, nothing else.

mod elements;
mod print;

use std::sync::Arc;

use crate::error::{Error, Result};
use elements::Elements;

/// A dense array in row-major (C) order.
///
/// # Shapes
/// `shape` lists the axes from the outermost in; a scalar has the empty shape and one element.
///
/// ```
/// use glassnet::Tensor;
/// let x = Tensor::new([2, 2], vec![1.0_f32, 2.0, 3.0, 4.0])?;
/// assert_eq!(x.row(1), [3.0, 4.0]);
/// assert_eq!(x.to_string(), "[[1. 2.]\n [3. 4.]]");
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<T = f32> {
    shape: Vec<usize>,
    data: Elements<T>,
}

impl<T: Copy> Tensor<T> {
    /// An array of `shape` over `data` in row-major order.
    ///
    /// # Errors
    /// When the number of elements is not the product of the shape.
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<T>) -> Result<Self> {
        Tensor::over(shape.into(), Elements::own(data))
    }

    /// An array of `shape` over memory that belongs to somebody else, which is read where it lies: rows of another
    /// language's array, a mapped file. What it gives must not change while the array lives. Whoever changes the array
    /// ([`Tensor::data_mut`]) changes a copy of its own.
    ///
    /// # Errors
    /// When the number of elements is not the product of the shape.
    ///
    /// ```
    /// use glassnet::Tensor;
    /// use std::sync::Arc;
    /// let rows: Arc<Vec<f32>> = Arc::new(vec![1.0, 2.0, 3.0, 4.0]);
    /// let mut x = Tensor::shared([2, 2], Arc::clone(&rows) as _)?;
    /// assert!(std::ptr::eq(x.data(), rows.as_slice()));
    /// x.data_mut()[0] = 5.0;
    /// assert_eq!((x.row(0), rows[0]), ([5.0, 2.0].as_slice(), 1.0));
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn shared(
        shape: impl Into<Vec<usize>>,
        memory: Arc<dyn AsRef<[T]> + Send + Sync>,
    ) -> Result<Self> {
        Tensor::over(shape.into(), Elements::shared(memory))
    }

    fn over(shape: Vec<usize>, data: Elements<T>) -> Result<Self> {
        let wanted = shape.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim));
        let found = data.as_slice().len();
        if wanted != Some(found) {
            return Err(Error::network(format!(
                "an array of shape {shape:?} cannot hold {found} elements"
            )));
        }
        Ok(Tensor { shape, data })
    }

    /// An array of `shape` with every element equal to `value`.
    pub fn full(shape: impl Into<Vec<usize>>, value: T) -> Self {
        let shape = shape.into();
        let len = shape.iter().product();
        Tensor { shape, data: Elements::own(vec![value; len]) }
    }

    /// A scalar: rank 0, one element.
    pub fn scalar(value: T) -> Self {
        Tensor { shape: vec![], data: Elements::own(vec![value]) }
    }

    /// An array from rows of equal length.
    ///
    /// # Errors
    /// When the rows differ in length.
    pub fn from_rows<R: AsRef<[T]>>(rows: &[R]) -> Result<Self> {
        let width = rows.first().map_or(0, |row| row.as_ref().len());
        let mut data = Vec::with_capacity(rows.len() * width);
        for (index, row) in rows.iter().enumerate() {
            let row = row.as_ref();
            if row.len() != width {
                return Err(Error::data(format!(
                    "row {index} has {} values, the first row has {width}",
                    row.len()
                )));
            }
            data.extend_from_slice(row);
        }
        Ok(Tensor { shape: vec![rows.len(), width], data: Elements::own(data) })
    }

    /// The axes' lengths, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements in row-major order.
    pub fn data(&self) -> &[T] {
        self.data.as_slice()
    }

    /// The elements in row-major order, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [T] {
        self.data.own_mut()
    }

    /// The elements, without the shape.
    pub fn into_data(mut self) -> Vec<T> {
        std::mem::take(self.data.own_mut())
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.data().len()
    }

    /// Whether there is no element (an axis of length 0).
    pub fn is_empty(&self) -> bool {
        self.data().is_empty()
    }

    /// Row `index` of the array seen as `shape[0]` rows; a scalar is its own row 0.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, index: usize) -> &[T] {
        let width: usize = self.shape.iter().skip(1).product();
        &self.data()[index * width..(index + 1) * width]
    }

    /// The same elements under another shape.
    ///
    /// # Errors
    /// When the number of elements differs.
    pub fn reshape(self, shape: impl Into<Vec<usize>>) -> Result<Self> {
        Tensor::over(shape.into(), self.data)
    }

    /// The array with `f` applied to every element.
    pub fn map<U: Copy>(&self, f: impl FnMut(T) -> U) -> Tensor<U> {
        let data = self.data().iter().copied().map(f).collect();
        Tensor { shape: self.shape.clone(), data: Elements::own(data) }
    }

    /// A view of the elements as an `ndarray` array.
    pub fn view(&self) -> ndarray::ArrayViewD<'_, T> {
        ndarray::ArrayViewD::from_shape(self.shape.clone(), self.data())
            .expect("the shape's product is the number of elements, by construction")
    }
}

impl<T: Copy> From<ndarray::ArrayViewD<'_, T>> for Tensor<T> {
    /// Copies the elements in row-major order, whatever the view's strides.
    fn from(view: ndarray::ArrayViewD<'_, T>) -> Self {
        let data = view.iter().copied().collect();
        Tensor { shape: view.shape().to_vec(), data: Elements::own(data) }
    }
}

/// An array whose element type is known at run time only: what a state dict holds and a model file stores.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// 32-bit floats: weights, features.
    F32(Tensor<f32>),
    /// 64-bit integers: class indices, counters.
    I64(Tensor<i64>),
}

impl Value {
    /// The axes' lengths, outermost first.
    pub fn shape(&self) -> &[usize] {
        match self {
            Value::F32(tensor) => tensor.shape(),
            Value::I64(tensor) => tensor.shape(),
        }
    }

    /// The floats, or `None` for another element type.
    pub fn as_f32(&self) -> Option<&Tensor<f32>> {
        match self {
            Value::F32(tensor) => Some(tensor),
            Value::I64(_) => None,
        }
    }

    /// The integers, or `None` for another element type.
    pub fn as_i64(&self) -> Option<&Tensor<i64>> {
        match self {
            Value::I64(tensor) => Some(tensor),
            Value::F32(_) => None,
        }
    }
}

impl From<Tensor<f32>> for Value {
    fn from(tensor: Tensor<f32>) -> Self {
        Value::F32(tensor)
    }
}

impl From<Tensor<i64>> for Value {
    fn from(tensor: Tensor<i64>) -> Self {
        Value::I64(tensor)
    }
}
