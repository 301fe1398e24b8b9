//! What allowed names make of their arguments. Nothing is called: each is a rule from data to data.

use std::borrow::Cow;

use super::globals::Global;
use super::machine::{Step, damaged};
use super::object::{Element, Id, NumpyType, Object, Objects, Source, Storage, TensorRecord};
use crate::elements::ElementType;

/// What a call gives.
pub(super) enum Made<'a> {
    New(Object<'a>),
    Known(Id),
}

/// The value of `callee(*arguments)`.
pub(super) fn call<'a>(objects: &mut Objects<'a>, callee: Id, arguments: Id) -> Step<Made<'a>> {
    let Object::Global(global) = *objects.get(callee) else {
        return damaged("it calls something that is no name");
    };
    let items = few(objects, arguments)?;
    apply(objects, global, &items)
}

/// The most arguments that any rule looks at, and more than any writer gives.
const MOST_ARGUMENTS: usize = 16;

/// The most axes, as in safetensors' header.
const MOST_AXES: usize = 64;

/// The longest key of a storage, which is a number.
const MOST_KEY: usize = 100;

/// A call's arguments.
fn few(objects: &Objects<'_>, arguments: Id) -> Step<Vec<Id>> {
    match objects.items(arguments) {
        Some(items) if items.len() <= MOST_ARGUMENTS => Ok(items.to_vec()),
        Some(items) => damaged(format!("a call with {} arguments", items.len())),
        None => damaged("a call without a tuple of arguments"),
    }
}

/// The lengths of a tensor's axes, or its strides.
fn axes(objects: &Objects<'_>, id: Id) -> Step<Vec<usize>> {
    let Some(items) = objects.items(id) else { return damaged("a shape that is no tuple") };
    if items.len() > MOST_AXES {
        return damaged(format!("a tensor of more than {MOST_AXES} axes"));
    }
    let lengths = items.iter().map(|&item| usize::try_from(objects.int(item)?).ok());
    lengths
        .collect::<Option<_>>()
        .map_or_else(|| damaged("a tensor whose shape or strides are no whole numbers from 0"), Ok)
}

fn apply<'a>(objects: &mut Objects<'a>, global: Global, items: &[Id]) -> Step<Made<'a>> {
    let object = match global {
        Global::Dict => Object::Dict(dict(objects, items)?),
        Global::DefaultDict => Object::Dict(vec![]),
        Global::Inert(name) => {
            objects.pass_over(name);
            Object::Inert
        }
        Global::Set => Object::Set(first_items(objects, items)?),
        Global::List => Object::List(first_items(objects, items)?),
        Global::Size => Object::Tuple(first_items(objects, items)?.into()),
        Global::Device => Object::Other,
        Global::Encode => encode(objects, items)?,
        Global::RebuildTensor => tensor(objects, items, None)?,
        Global::RebuildTyped => {
            let element = items.get(6).map(|&id| objects.get(id));
            let Some(Object::Global(Global::Type(element))) = element else {
                return damaged("a tensor without a number type");
            };
            tensor(objects, items, Some(*element))?
        }
        Global::RebuildParameter => match items.first() {
            Some(&id) if matches!(objects.get(id), Object::Tensor(_)) => {
                return Ok(Made::Known(id));
            }
            Some(_) | None => return damaged("a parameter of what is no tensor"),
        },
        Global::RebuildFromType => return from_type(objects, items),
        Global::NumpyType => numpy_type(objects, items),
        Global::NumpyScalar => scalar(objects, items)?,
        Global::NumpyReconstruct => match items.first().map(|&id| objects.get(id)) {
            Some(Object::Global(Global::NumpyArray)) => Object::Tensor(Box::new(TensorRecord {
                source: Source::Empty,
                element: Element::Untyped,
                offset: 0,
                shape: vec![0],
                strides: vec![1],
            })),
            Some(_) | None => return damaged("an array of a class that is not numpy.ndarray"),
        },
        Global::TensorClass | Global::Storage(_) | Global::Type(_) | Global::NumpyArray => {
            return damaged("it calls a name that stands for a type alone");
        }
    };
    Ok(Made::New(object))
}

/// No entries, those of a dict, or pairs in a list.
fn dict(objects: &Objects<'_>, items: &[Id]) -> Step<Vec<(Id, Id)>> {
    let Some(&first) = items.first() else { return Ok(vec![]) };
    if let Some(entries) = objects.entries(first) {
        objects.spend(entries.len())?;
        return Ok(entries.to_vec());
    }
    let pair = |&id: &Id| match objects.items(id) {
        Some(&[key, value]) => Some((key, value)),
        Some(_) | None => None,
    };
    let Some(pairs) = objects.items(first) else { return damaged("a dict of what is no dict") };
    objects.spend(pairs.len())?;
    let entries = pairs.iter().map(pair).collect::<Option<_>>();
    entries.map_or_else(|| damaged("a dict of what are no pairs"), Ok)
}

/// No items, or those of a list, tuple or set.
fn first_items(objects: &Objects<'_>, items: &[Id]) -> Step<Vec<Id>> {
    let Some(&first) = items.first() else { return Ok(vec![]) };
    let items = match objects.get(first) {
        Object::Set(items) => items,
        _ => match objects.items(first) {
            // not operations: values
            Some(items) => items,
            None => return damaged("a list of what is no list"),
        },
    };
    objects.spend(items.len())?;
    Ok(items.to_vec())
}

/// Bytes from the characters that stand for them.
fn encode<'a>(objects: &Objects<'a>, items: &[Id]) -> Step<Object<'a>> {
    let text = items.first().and_then(|&id| objects.text(id));
    let coding = items.get(1).and_then(|&id| objects.text(id));
    let (Some(text), Some("latin1" | "latin-1" | "iso-8859-1")) = (text, coding) else {
        return damaged("bytes in another coding than latin1");
    };
    objects.spend(text.len())?;
    let bytes = text.chars().map(|character| u8::try_from(u32::from(character)).ok());
    match bytes.collect::<Option<Vec<u8>>>() {
        Some(bytes) => Ok(Object::Bytes(Cow::Owned(bytes))),
        None => damaged("bytes beyond latin1"),
    }
}

/// `(storage, offset, shape, strides, …)`.
fn tensor<'a>(objects: &Objects<'a>, items: &[Id], typed: Option<Element>) -> Step<Object<'a>> {
    let [source, offset, shape, strides, ..] = *items else {
        return damaged("a tensor with too few arguments");
    };
    let Object::Storage(storage) = objects.get(source) else {
        return damaged("a tensor without a storage");
    };
    let Some(offset) = objects.int(offset).and_then(|offset| usize::try_from(offset).ok()) else {
        return damaged("a tensor whose offset is no whole number from 0");
    };
    let (shape, strides) = (axes(objects, shape)?, axes(objects, strides)?);
    if shape.len() != strides.len() {
        return damaged("a tensor with another number of strides than axes");
    }
    let element = typed.unwrap_or(storage.element);
    let source = Source::Storage(source);
    Ok(Object::Tensor(Box::new(TensorRecord { source, element, offset, shape, strides })))
}

/// `(rebuilder, class, arguments, state)`: a tensor with attributes, which are left out.
fn from_type<'a>(objects: &mut Objects<'a>, items: &[Id]) -> Step<Made<'a>> {
    let [rebuild, class, arguments, ..] = *items else {
        return damaged("a tensor with too few arguments");
    };
    let Object::Global(Global::TensorClass) = objects.get(class) else {
        return damaged("a tensor of a class that is not torch.Tensor");
    };
    let rebuild = match objects.get(rebuild) {
        Object::Global(
            global @ (Global::RebuildTensor | Global::RebuildTyped | Global::RebuildParameter),
        ) => *global,
        _ => return damaged("a tensor that is rebuilt by none of the rebuilders"), // not operations: values
    };
    let arguments = few(objects, arguments)?;
    apply(objects, rebuild, &arguments)
}

/// `('storage', class, key, device, length)`.
pub(super) fn storage<'a>(objects: &Objects<'a>, id: Id) -> Step<Object<'a>> {
    let Some(&[kind, class, key, _, length]) = objects.items(id) else {
        return damaged("a storage is not named by five things");
    };
    let (Some("storage"), Object::Global(Global::Storage(element)), Object::Text(key)) =
        (objects.text(kind), objects.get(class), objects.get(key))
    else {
        return damaged("a storage is not named by its class and key");
    };
    if key.len() > MOST_KEY {
        return damaged(format!("a storage's key has {} bytes", key.len()));
    }
    let Some(length) = objects.int(length).and_then(|length| usize::try_from(length).ok()) else {
        return damaged("a storage's length is no whole number from 0");
    };
    Ok(Object::Storage(Box::new(Storage { key: key.clone(), element: *element, length })))
}

/// `('f8', False, True)`.
fn numpy_type<'a>(objects: &Objects<'_>, items: &[Id]) -> Object<'a> {
    let code = items.first().and_then(|&id| objects.text(id)).unwrap_or_default();
    let Some(element) = ElementType::of_numpy(code) else {
        // Texts, objects, records: they may lie beside the weights, and no number comes of them.
        let element = Element::Other("a NumPy type that is no number");
        return Object::NumpyType(Box::new(NumpyType { element, big: false }));
    };
    Object::NumpyType(Box::new(NumpyType { element: Element::Known(element), big: false }))
}

/// `(type, bytes)`: a number.
fn scalar<'a>(objects: &Objects<'_>, items: &[Id]) -> Step<Object<'a>> {
    let kind = items.first().map(|&id| objects.get(id));
    let content = items.get(1).map(|&id| objects.get(id));
    let (Some(Object::NumpyType(kind)), Some(content)) = (kind, content) else {
        return damaged("a NumPy scalar without a type");
    };
    let (Element::Known(element), Object::Bytes(bytes)) = (kind.element, content) else {
        return Ok(Object::Other);
    };
    if bytes.len() != element.size() {
        return damaged("a NumPy scalar of the wrong length");
    }
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    if kind.big {
        wide[..bytes.len()].reverse();
    }
    let number = u64::from_le_bytes(wide);
    let bits = 64 - 8 * element.size() as u32;
    Ok(match element {
        ElementType::F64 | ElementType::F32 | ElementType::F16 | ElementType::BF16 => Object::Float,
        ElementType::Bool => Object::Bool(number != 0),
        ElementType::I64 | ElementType::I32 | ElementType::I16 | ElementType::I8 => {
            // The sign is that of the number's own highest bit.
            Object::Int((number << bits).cast_signed() >> bits)
        }
        ElementType::U64 | ElementType::U32 | ElementType::U16 | ElementType::U8 => {
            i64::try_from(number).map_or(Object::BigInt, Object::Int)
        }
    })
}

/// `object.__setstate__(state)`: attributes of dicts and tensors are left out, NumPy's values take theirs.
pub(super) fn set_state(objects: &mut Objects<'_>, object: Id, state: Id) -> Step<()> {
    match objects.get(object) {
        Object::Dict(_) | Object::List(_) | Object::Inert => Ok(()),
        Object::NumpyType(_) => {
            // (version, byte order, …)
            let order = objects.items(state).and_then(|items| items.get(1).copied());
            let big = order.and_then(|id| objects.text(id)) == Some(">");
            if let Object::NumpyType(kind) = objects.get_mut(object) {
                kind.big = big;
            }
            Ok(())
        }
        Object::Tensor(record) if record.source == Source::Empty => {
            let made = array(objects, state)?;
            *objects.get_mut(object) = made;
            Ok(())
        }
        Object::Tensor(_) => Ok(()),
        _ => damaged("a state for what has none"), // not operations: values
    }
}

/// `(version, shape, type, by columns, bytes)`: a NumPy array.
fn array<'a>(objects: &Objects<'a>, state: Id) -> Step<Object<'a>> {
    let Some(&[_, shape, kind, by_columns, bytes]) = objects.items(state) else {
        return damaged("a NumPy array that is not described by five things");
    };
    let (Object::NumpyType(kind), Some(by_columns)) = (objects.get(kind), objects.int(by_columns))
    else {
        return damaged("a NumPy array without a type");
    };
    let shape = axes(objects, shape)?;
    let Object::Bytes(_) = objects.get(bytes) else {
        return Ok(Object::Other);
    };
    let mut strides = vec![0; shape.len()];
    let mut step = 1_usize;
    let all = 0..shape.len();
    let order: Vec<usize> = if by_columns == 0 { all.rev().collect() } else { all.collect() };
    for axis in order {
        strides[axis] = step;
        step = step.saturating_mul(shape[axis].max(1));
    }
    let source = Source::Bytes(bytes, kind.big);
    let element = kind.element;
    Ok(Object::Tensor(Box::new(TensorRecord { source, element, offset: 0, shape, strides })))
}
