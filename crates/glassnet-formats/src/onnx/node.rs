//! A node of a file: its attributes with their defaults, its name in messages.

use glassnet::{Error, Result};

use super::constant::Constant;
use super::{proto, tensor};
use crate::message::{quoted, short};

/// A node under the version of the operators that the file asks for.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) proto: &'a proto::Node,
    /// The version of ONNX's own operators.
    pub(super) opset: i64,
}

impl<'a> Node<'a> {
    /// The operator's name.
    pub(super) fn kind(&self) -> &'a str {
        self.proto.op_type.as_deref().unwrap_or("")
    }

    /// The operator's domain; ONNX's own is the empty one.
    pub(super) fn domain(&self) -> &'a str {
        match self.proto.domain.as_deref().unwrap_or("") {
            "ai.onnx" => "",
            domain => domain,
        }
    }

    /// The node's name; exporters that give none name the result.
    pub(super) fn name(&self) -> &'a str {
        let own = self.proto.name.as_deref().filter(|name| !name.is_empty());
        own.or_else(|| self.proto.output.first().map(String::as_str)).unwrap_or("")
    }

    /// What messages call it.
    pub(super) fn place(&self) -> String {
        format!("node {} ({})", quoted(self.name()), short(self.kind()))
    }

    /// An error that this node is not supported.
    pub(super) fn unsupported(&self, why: &str) -> Error {
        Error::unsupported(&short(self.kind()), "the ONNX reader", why)
    }

    fn attribute(&self, name: &str) -> Result<Option<&'a proto::Attribute>> {
        let found = self.proto.attribute.iter().find(|own| own.name.as_deref() == Some(name));
        match found {
            Some(own) if own.ref_attr_name.as_deref().is_some_and(|name| !name.is_empty()) => {
                Err(Error::model(format!("attribute {name} refers to a function's, outside one")))
            }
            found => Ok(found),
        }
    }

    /// A whole number.
    pub(super) fn optional_int(&self, name: &str) -> Result<Option<i64>> {
        let Some(own) = self.attribute(name)? else { return Ok(None) };
        own.i.map(Some).ok_or_else(|| wrong(name, "a whole number"))
    }

    /// A whole number, or what it is where it is not given.
    pub(super) fn int(&self, name: &str, default: i64) -> Result<i64> {
        Ok(self.optional_int(name)?.unwrap_or(default))
    }

    /// 0 or 1.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool> {
        match self.int(name, i64::from(default))? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Error::model(format!("attribute {name} is {other}, it is 0 or 1"))
                .help("export the model again")),
        }
    }

    /// A float, if it is given; as f32 says it.
    pub(super) fn optional_float(&self, name: &str) -> Result<Option<f64>> {
        let Some(own) = self.attribute(name)? else { return Ok(None) };
        own.f.map(|number| Some(written(number))).ok_or_else(|| wrong(name, "a float"))
    }

    /// A float, or what it is where it is not given.
    pub(super) fn float(&self, name: &str, default: f64) -> Result<f64> {
        Ok(self.optional_float(name)?.unwrap_or(default))
    }

    /// A list of whole numbers, if it is given.
    pub(super) fn ints(&self, name: &str) -> Result<Option<&'a [i64]>> {
        Ok(self.attribute(name)?.map(|own| own.ints.as_slice()))
    }

    /// A list of floats, if it is given.
    pub(super) fn floats(&self, name: &str) -> Result<Option<&'a [f32]>> {
        Ok(self.attribute(name)?.map(|own| own.floats.as_slice()))
    }

    /// A word, or what it is where it is not given.
    pub(super) fn word(&self, name: &str, default: &'a str) -> Result<&'a str> {
        let Some(own) = self.attribute(name)? else { return Ok(default) };
        let bytes = own.s.as_ref().ok_or_else(|| wrong(name, "a text"))?;
        std::str::from_utf8(bytes).map_err(|_| wrong(name, "a text in UTF-8"))
    }

    /// An array, if it is given.
    pub(super) fn tensor(&self, name: &str) -> Result<Option<Constant>> {
        let Some(own) = self.attribute(name)? else { return Ok(None) };
        let array = own.t.as_ref().ok_or_else(|| wrong(name, "an array"))?;
        tensor::read(array).map(Some)
    }
}

fn wrong(name: &str, wanted: &str) -> Error {
    Error::model(format!("attribute {name} is not {wanted}")).help("export the model again")
}

/// The number that an exporter wrote in single precision: 0.01, not 0.009999999776. The nearest f32 of both is the same.
pub(super) fn written(number: f32) -> f64 {
    format!("{number:e}").parse().unwrap_or(f64::from(number))
}
