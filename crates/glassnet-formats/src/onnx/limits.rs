//! What a file may claim: its parts are counted before any of them gets memory.
//!
//! A part of a message takes two bytes in the file and up to a few hundred in memory. So the parts are counted first,
//! along the fields that hold further messages, and a file that has absurdly many is refused.

use glassnet::{Error, ErrorKind, Result};
use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// The most parts (nodes, attributes, names, axes, texts) that a file may have; feed-forward networks have thousands.
const MOST_PARTS: usize = 1_000_000;

/// A message whose parts are counted, and the fields of it that hold further ones.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    ValueType,
    TensorType,
    Shape,
    Leaf,
}

impl Message {
    fn nested(self, field: u32) -> Option<Message> {
        match (self, field) {
            (Message::Model, 7) => Some(Message::Graph),
            (Message::Model, 8 | 14) => Some(Message::Leaf),
            (Message::Graph, 1) => Some(Message::Node),
            (Message::Graph, 5) => Some(Message::Tensor),
            (Message::Graph, 11 | 12) => Some(Message::ValueInfo),
            (Message::Node, 5) => Some(Message::Attribute),
            (Message::Attribute, 5) => Some(Message::Tensor),
            (Message::Tensor, 13) => Some(Message::Leaf),
            (Message::ValueInfo, 2) => Some(Message::ValueType),
            (Message::ValueType, 1) => Some(Message::TensorType),
            (Message::TensorType, 2) => Some(Message::Shape),
            (Message::Shape, 1) => Some(Message::Leaf),
            _ => None, // not operations: fields without messages that are read
        }
    }
}

/// Refuses bytes with more parts than any network has. What is malformed is left to the decoder.
pub(super) fn check_parts(bytes: &[u8]) -> Result<()> {
    let mut parts = 0;
    count(bytes, Message::Model, &mut parts);
    if parts <= MOST_PARTS {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Limit,
        format!("the file has more than {MOST_PARTS} parts (nodes, attributes, names)"),
    )
    .help("no feed-forward network needs so many: look at where the file comes from"))
}

/// Counts until the bytes end, make no sense, or are too many; the depth is that of [`Message::nested`].
fn count(mut bytes: &[u8], message: Message, parts: &mut usize) -> Option<()> {
    while bytes.has_remaining() && *parts <= MOST_PARTS {
        let (field, wire) = decode_key(&mut bytes).ok()?;
        // Numbers in lists that are not packed take as many bytes in the file as in memory, nearly.
        if wire != WireType::LengthDelimited {
            skip_field(wire, field, &mut bytes, DecodeContext::default()).ok()?;
            continue;
        }
        *parts += 1;
        let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
        let (inner, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        if let Some(nested) = message.nested(field) {
            count(inner, nested, parts)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_countless_empty_parts_are_refused_before_they_take_memory() {
        // A graph of nodes without anything: two bytes each.
        let nodes = [0x0a, 0x00].repeat(MOST_PARTS + 1);
        let mut bytes = vec![0x3a];
        prost::encoding::encode_varint(nodes.len() as u64, &mut bytes);
        bytes.extend(&nodes);
        assert_eq!(check_parts(&bytes).unwrap_err().kind(), ErrorKind::Limit);
        assert!(check_parts(&bytes[..bytes.len() - 4]).is_ok());
        let mut few = vec![0x3a];
        prost::encoding::encode_varint(nodes.len() as u64 - 4, &mut few);
        few.extend(&nodes[4..]);
        assert!(check_parts(&few).is_ok());
    }
}
