//! What a name of a file stands for while it is read.

use std::rc::Rc;

use glassnet::graph::NodeId;
use glassnet::{Error, Result};

use super::constant::Constant;
use super::element::{Class, Element};
use super::tensor::class_name;

/// A value of the file: known already, or computed from the inputs.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Known(Known),
    /// A node of the graph. Truth values are the floats 0 and 1 there, and whole numbers are floats, unless the node
    /// is an input of indices.
    Node {
        id: NodeId,
        element: Element,
    },
}

/// A known array with the name under which it enters the state dict.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) constant: Rc<Constant>,
    pub(super) key: Rc<str>,
    /// Whether a weight of the file is in it.
    pub(super) trained: bool,
}

impl Value {
    pub(super) fn element(&self) -> Element {
        match self {
            Value::Known(known) => known.constant.element,
            Value::Node { element, .. } => *element,
        }
    }

    pub(super) fn class(&self) -> Class {
        self.element().class()
    }

    /// The array, if it is known.
    pub(super) fn known(&self) -> Option<&Constant> {
        match self {
            Value::Known(known) => Some(&known.constant),
            Value::Node { .. } => None,
        }
    }

    /// The same value under another element type of the same representation.
    pub(super) fn with_element(self, element: Element) -> Self {
        match self {
            Value::Node { id, .. } => Value::Node { id, element },
            Value::Known(known) => {
                let constant = Constant { element, ..(*known.constant).clone() };
                Value::Known(Known { constant: Rc::new(constant), ..known })
            }
        }
    }
}

/// The operands of a node; those that a file leaves out are `None`.
pub(super) struct Operands<'a>(pub(super) &'a [Option<Value>]);

impl Operands<'_> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The operand, if it is given.
    pub(super) fn get(&self, index: usize) -> Option<&Value> {
        self.0.get(index).and_then(Option::as_ref)
    }

    /// The operand.
    ///
    /// # Errors
    /// When it is not given.
    pub(super) fn need(&self, index: usize) -> Result<&Value> {
        self.get(index).ok_or_else(|| {
            Error::model(format!("operand {index} is missing")).help("export the model again")
        })
    }

    /// The operand, whose elements must be floats.
    pub(super) fn float(&self, index: usize) -> Result<&Value> {
        let value = self.need(index)?;
        of_class(value, Class::Float, index)?;
        Ok(value)
    }

    /// All operands in order.
    pub(super) fn all(&self) -> Result<Vec<&Value>> {
        (0..self.len()).map(|index| self.need(index)).collect()
    }

    /// An operand that must be known when the file is read: a shape, axes, indices.
    pub(super) fn known(&self, index: usize, what: &str) -> Result<&Constant> {
        let value = self.need(index)?;
        value.known().ok_or_else(|| unknown(what))
    }

    /// Like [`Operands::known`], for an operand that may be left out.
    pub(super) fn optional_known(&self, index: usize, what: &str) -> Result<Option<&Constant>> {
        self.get(index).map(|value| value.known().ok_or_else(|| unknown(what))).transpose()
    }
}

fn unknown(what: &str) -> Error {
    Error::unsupported(
        &format!("{what} that the inputs decide"),
        "the ONNX reader",
        "they must be known when the file is read",
    )
}

/// Refuses elements of another kind.
pub(super) fn of_class(value: &Value, class: Class, index: usize) -> Result<()> {
    if value.class() == class {
        return Ok(());
    }
    let found = value.element();
    let what = format!("operand {index} of {found}");
    let why = format!("{} are wanted there", class_name(class));
    Err(Error::unsupported(&what, "the ONNX reader", &why))
}
