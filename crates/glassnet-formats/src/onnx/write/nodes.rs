//! Nodes and arrays of a file, with names that are unique.

use std::collections::HashSet;

use prost::bytes::Bytes;

use crate::onnx::element::Element;
use crate::onnx::proto::{self, attribute_kind};

/// What a file's graph is made of.
pub(super) struct Nodes {
    pub(super) nodes: Vec<proto::Node>,
    pub(super) arrays: Vec<proto::Tensor>,
    taken: HashSet<String>,
}

impl Nodes {
    /// Nothing yet but the inputs' names.
    pub(super) fn new<'a>(inputs: impl IntoIterator<Item = &'a str>) -> Self {
        let taken = inputs.into_iter().map(str::to_owned).collect();
        Nodes { nodes: vec![], arrays: vec![], taken }
    }

    /// A name that nothing has, beginning with `wanted`.
    pub(super) fn free(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        name
    }

    /// Appends a node of the layer at `path` and returns the name of its result.
    pub(super) fn push(
        &mut self,
        path: &str,
        kind: &str,
        inputs: &[&str],
        attributes: Vec<proto::Attribute>,
    ) -> String {
        let output = self.free(&format!("/{path}/{kind}_output"));
        self.push_named(path, kind, "", (inputs, &output), attributes);
        output
    }

    /// Appends a node of an operator of `domain` whose result is called `output`.
    pub(super) fn push_named(
        &mut self,
        path: &str,
        kind: &str,
        domain: &str,
        (inputs, output): (&[&str], &str),
        attributes: Vec<proto::Attribute>,
    ) {
        let name = self.free(&format!("/{path}/{kind}"));
        self.nodes.push(proto::Node {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: Some(name),
            op_type: Some(kind.to_owned()),
            attribute: attributes,
            domain: (!domain.is_empty()).then(|| domain.to_owned()),
        });
    }

    /// Adds an array of floats under `name`, once.
    pub(super) fn array(&mut self, name: &str, shape: &[usize], data: &[f32]) {
        let raw: Vec<u8> = data.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensor(name, Element::F32, shape, raw);
    }

    /// Adds an array of floats under a name of its own, which begins with `wanted`.
    pub(super) fn own(&mut self, wanted: &str, shape: &[usize], data: &[f32]) -> String {
        let name = self.free(wanted);
        let raw: Vec<u8> = data.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.store(&name, Element::F32, shape, raw);
        name
    }

    /// Adds a row of float64 numbers under a name of its own, which begins with `wanted`.
    pub(super) fn wide(&mut self, wanted: &str, data: &[f64]) -> String {
        let raw: Vec<u8> = data.iter().flat_map(|number| number.to_le_bytes()).collect();
        let name = self.free(wanted);
        self.store(&name, Element::F64, &[1, data.len()], raw);
        name
    }

    fn tensor(&mut self, name: &str, element: Element, shape: &[usize], raw: Vec<u8>) {
        if self.taken.insert(name.to_owned()) {
            self.store(name, element, shape, raw);
        }
    }

    fn store(&mut self, name: &str, element: Element, shape: &[usize], raw: Vec<u8>) {
        self.arrays.push(proto::Tensor {
            dims: shape.iter().map(|&length| length as i64).collect(),
            data_type: Some(element.code()),
            name: Some(name.to_owned()),
            raw_data: Some(Bytes::from(raw)),
            ..proto::Tensor::default()
        });
    }

    /// A number as a node of its own, so that readers don't take it for a weight.
    pub(super) fn number(&mut self, path: &str, number: f64) -> String {
        self.constant(path, Element::F32, &[], (number as f32).to_le_bytes().to_vec())
    }

    /// A list of whole numbers as a node of its own.
    pub(super) fn list(&mut self, path: &str, numbers: &[i64]) -> String {
        let raw = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.constant(path, Element::I64, &[numbers.len()], raw)
    }

    /// A whole number as a node of its own.
    pub(super) fn whole(&mut self, path: &str, number: i64) -> String {
        self.constant(path, Element::I64, &[], number.to_le_bytes().to_vec())
    }

    fn constant(&mut self, path: &str, element: Element, shape: &[usize], raw: Vec<u8>) -> String {
        let array = proto::Tensor {
            dims: shape.iter().map(|&length| length as i64).collect(),
            data_type: Some(element.code()),
            raw_data: Some(Bytes::from(raw)),
            ..proto::Tensor::default()
        };
        let value = proto::Attribute {
            name: Some("value".to_owned()),
            t: Some(array),
            kind: Some(attribute_kind::TENSOR),
            ..proto::Attribute::default()
        };
        self.push(path, "Constant", &[], vec![value])
    }

    /// The value called `last` becomes the output.
    pub(super) fn finish(&mut self, last: String, input: &str, output: &str) {
        let last = if last == input { self.push("", "Identity", &[&last], vec![]) } else { last };
        for node in &mut self.nodes {
            for name in node.output.iter_mut().chain(&mut node.input) {
                if *name == last {
                    output.clone_into(name);
                } else if name == output {
                    // Whoever had the output's name by chance gets another.
                    *name = format!("{name}_own");
                }
            }
        }
        for array in &mut self.arrays {
            if array.name.as_deref() == Some(output) {
                array.name = Some(format!("{output}_own"));
            }
        }
    }
}

/// An attribute that is a whole number.
pub(super) fn int(name: &str, value: i64) -> proto::Attribute {
    proto::Attribute {
        name: Some(name.to_owned()),
        i: Some(value),
        kind: Some(attribute_kind::INT),
        ..proto::Attribute::default()
    }
}

/// An attribute that is a float.
pub(super) fn float(name: &str, value: f64) -> proto::Attribute {
    proto::Attribute {
        name: Some(name.to_owned()),
        f: Some(value as f32),
        kind: Some(attribute_kind::FLOAT),
        ..proto::Attribute::default()
    }
}

/// An attribute that is a list of whole numbers.
pub(super) fn ints(name: &str, values: &[i64]) -> proto::Attribute {
    proto::Attribute {
        name: Some(name.to_owned()),
        ints: values.to_vec(),
        kind: Some(attribute_kind::INTS),
        ..proto::Attribute::default()
    }
}

/// An attribute that is a list of texts.
pub(super) fn strings<S: AsRef<str>>(name: &str, values: &[S]) -> proto::Attribute {
    let text = |value: &S| Bytes::copy_from_slice(value.as_ref().as_bytes());
    proto::Attribute {
        name: Some(name.to_owned()),
        strings: values.iter().map(text).collect(),
        kind: Some(attribute_kind::STRINGS),
        ..proto::Attribute::default()
    }
}

/// An attribute that is a list of floats.
pub(super) fn floats(name: &str, values: &[f32]) -> proto::Attribute {
    proto::Attribute {
        name: Some(name.to_owned()),
        floats: values.to_vec(),
        kind: Some(attribute_kind::FLOATS),
        ..proto::Attribute::default()
    }
}
