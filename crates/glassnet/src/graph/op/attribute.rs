//! The attributes of an operation in the text form.

use std::fmt;

use crate::error::{Error, Result};
use crate::graph::{DType, Shape};

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// `axis=1`.
    Integer(i64),
    /// `eps=1e-5`: always written so that it reads back to the same f64.
    Number(f64),
    /// `keep=true`.
    Flag(bool),
    /// `name="0.weight"`.
    Text(String),
    /// A bare word: `dtype=f32`.
    Word(String),
    /// `shape=[B, 3]`; also lists of axes.
    Shape(Shape),
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attribute::Integer(value) => write!(f, "{value}"),
            Attribute::Number(value) => write!(f, "{value:?}"),
            Attribute::Flag(value) => write!(f, "{value}"),
            Attribute::Text(value) => write!(f, "{value:?}"),
            Attribute::Word(value) => f.write_str(value),
            Attribute::Shape(value) => write!(f, "{value}"),
        }
    }
}

/// Named attributes in order; operations take what they know, and the rest is refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<(String, Attribute)>);

impl Attributes {
    /// The attributes with one more.
    pub fn with(mut self, name: &str, value: Attribute) -> Self {
        self.0.push((name.into(), value));
        self
    }

    /// The attributes with `axes=[…]`.
    pub fn with_axes(self, axes: &[usize]) -> Self {
        self.with("axes", Attribute::Shape(Shape::from(axes)))
    }

    /// The attributes in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn take(&mut self, name: &str) -> Option<Attribute> {
        let at = self.0.iter().position(|(attribute, _)| attribute == name)?;
        Some(self.0.remove(at).1)
    }

    fn take_as<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(Attribute) -> Option<T>,
    ) -> Result<T> {
        self.take(name)
            .ok_or_else(|| Error::usage(format!("the attribute {name} is missing")))
            .and_then(|value| {
                let shown = value.to_string();
                read(value).ok_or_else(|| {
                    Error::usage(format!("the attribute {name} is {shown}, expected {wanted}"))
                })
            })
    }

    /// Takes a whole number.
    pub(super) fn integer(&mut self, name: &str) -> Result<i64> {
        self.take_as(name, "a whole number", |value| match value {
            Attribute::Integer(value) => Some(value),
            _ => None, // not operations: any other attribute type is refused
        })
    }

    /// Takes a whole number that may be absent.
    pub(super) fn optional_integer(&mut self, name: &str) -> Result<Option<i64>> {
        if self.0.iter().any(|(attribute, _)| attribute == name) {
            self.integer(name).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Takes a whole number that is not negative.
    pub(super) fn length(&mut self, name: &str) -> Result<usize> {
        let value = self.integer(name)?;
        usize::try_from(value).map_err(|_| {
            Error::usage(format!("the attribute {name} is {value}, expected 0 or more"))
        })
    }

    /// Takes a float.
    pub(super) fn number(&mut self, name: &str) -> Result<f64> {
        self.take_as(name, "a number", |value| match value {
            Attribute::Number(value) => Some(value),
            Attribute::Integer(value) => Some(value as f64),
            _ => None, // not operations: any other attribute type is refused
        })
    }

    /// Takes a truth value.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool> {
        self.take_as(name, "true or false", |value| match value {
            Attribute::Flag(value) => Some(value),
            _ => None, // not operations: any other attribute type is refused
        })
    }

    /// Takes a quoted text.
    pub(super) fn text(&mut self, name: &str) -> Result<String> {
        self.take_as(name, "a quoted text", |value| match value {
            Attribute::Text(value) => Some(value),
            _ => None, // not operations: any other attribute type is refused
        })
    }

    /// Takes a bare word.
    pub(super) fn word(&mut self, name: &str) -> Result<String> {
        self.take_as(name, "a word", |value| match value {
            Attribute::Word(value) => Some(value),
            _ => None, // not operations: any other attribute type is refused
        })
    }

    /// Takes an element type.
    pub(super) fn dtype(&mut self, name: &str) -> Result<DType> {
        let word = self.word(name)?;
        DType::parse(&word)
            .ok_or_else(|| Error::usage(format!("there is no element type {word:?}")))
    }

    /// Takes a shape.
    pub(super) fn shape(&mut self, name: &str) -> Result<Shape> {
        self.take_as(name, "a shape such as [B, 3]", |value| match value {
            Attribute::Shape(value) => Some(value),
            _ => None, // not operations: any other attribute type is refused
        })
    }

    /// Takes a list of axes.
    pub(super) fn axes(&mut self) -> Result<Vec<usize>> {
        self.take_as("axes", "a list of axes such as [0, 1]", |value| match value {
            Attribute::Shape(shape) => {
                let fixed = |dim: &crate::graph::Dim| match dim {
                    crate::graph::Dim::Fixed(axis) => Some(*axis),
                    crate::graph::Dim::Batch => None,
                };
                shape.dims().iter().map(fixed).collect()
            }
            _ => None, // not operations: any other attribute type is refused
        })
    }

    /// Refuses attributes that nobody took.
    pub(super) fn finish(self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Error::usage(format!("there is no attribute {name:?} here"))),
        }
    }
}
