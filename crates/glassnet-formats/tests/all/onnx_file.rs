//! ONNX files made by hand, right or wrong, field by field.

/// A message with one field of bytes.
pub(crate) fn field(number: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = varint(number << 3 | 2);
    bytes.extend(varint(content.len() as u64));
    bytes.extend(content);
    bytes
}

/// A field that is a whole number.
pub(crate) fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = vec![];
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A file of opset 17 around the parts of a graph.
pub(crate) fn file(parts: &[Vec<u8>]) -> Vec<u8> {
    let opset = field(8, &number(2, 17));
    [number(1, 8), field(7, &parts.concat()), opset].concat()
}

pub(crate) fn node(
    kind: &str,
    inputs: &[&str],
    outputs: &[&str],
    attributes: &[Vec<u8>],
) -> Vec<u8> {
    let mut node = vec![];
    for input in inputs {
        node.extend(field(1, input.as_bytes()));
    }
    for output in outputs {
        node.extend(field(2, output.as_bytes()));
    }
    node.extend(field(3, format!("the {kind}").as_bytes()));
    node.extend(field(4, kind.as_bytes()));
    for attribute in attributes {
        node.extend(field(5, attribute));
    }
    field(1, &node)
}

pub(crate) fn int(name: &str, value: u64) -> Vec<u8> {
    [field(1, name.as_bytes()), number(3, value), number(20, 2)].concat()
}

fn named(part: u64, name: &str, shape: &[u64]) -> Vec<u8> {
    let dims: Vec<u8> = shape.iter().flat_map(|&length| field(1, &number(1, length))).collect();
    let array = [number(1, 1), field(2, &dims)].concat();
    field(part, &[field(1, name.as_bytes()), field(2, &field(1, &array))].concat())
}

pub(crate) fn input(name: &str, shape: &[u64]) -> Vec<u8> {
    named(11, name, shape)
}

/// An input whose axes are named, or open without a name.
pub(crate) fn open_input(name: &str, symbols: &[&str]) -> Vec<u8> {
    let dim = |symbol: &&str| match symbol.parse() {
        Ok(length) => field(1, &number(1, length)),
        Err(_) if symbol.is_empty() => field(1, &[]),
        Err(_) => field(1, &field(2, symbol.as_bytes())),
    };
    let dims: Vec<u8> = symbols.iter().flat_map(dim).collect();
    let array = [number(1, 1), field(2, &dims)].concat();
    field(11, &[field(1, name.as_bytes()), field(2, &field(1, &array))].concat())
}

pub(crate) fn output(name: &str) -> Vec<u8> {
    named(12, name, &[])
}

pub(crate) fn array(name: &str, dims: &[u64], kind: u64, rest: Vec<u8>) -> Vec<u8> {
    let mut tensor: Vec<u8> = dims.iter().flat_map(|&length| number(1, length)).collect();
    tensor.extend(number(2, kind));
    tensor.extend(field(8, name.as_bytes()));
    tensor.extend(rest);
    field(5, &tensor)
}

pub(crate) fn floats(name: &str, dims: &[u64], data: &[f32]) -> Vec<u8> {
    let raw: Vec<u8> = data.iter().flat_map(|number| number.to_le_bytes()).collect();
    array(name, dims, 1, field(9, &raw))
}

pub(crate) fn wholes(name: &str, data: &[i64]) -> Vec<u8> {
    let raw: Vec<u8> = data.iter().flat_map(|number| number.to_le_bytes()).collect();
    array(name, &[data.len() as u64], 7, field(9, &raw))
}
