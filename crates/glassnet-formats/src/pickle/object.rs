//! The values that a pickle can build here.

use std::borrow::Cow;
use std::cell::Cell;

use super::globals::Global;
use super::machine::{Step, damaged};
use crate::elements::ElementType;

/// A value's place in [`Objects`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id(pub(super) u32);

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Object<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// An integer of more than 64 bits, which nothing here needs.
    BigInt,
    /// A float; its value is nothing that a state dict needs.
    Float,
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    Tuple(Box<[Id]>),
    List(Vec<Id>),
    /// A dict, an `OrderedDict` or a `Counter`, in its order; a later entry of an equal key counts.
    Dict(Vec<(Id, Id)>),
    Set(Vec<Id>),
    /// A name that stands for data or for something that makes data.
    Global(Global),
    Storage(Box<Storage<'a>>),
    Tensor(Box<TensorRecord>),
    /// A NumPy number type, its byte order told apart later.
    NumpyType(Box<NumpyType>),
    /// An object of settings, which is passed over with all that it is given.
    Inert,
    /// A `torch.device`, a NumPy scalar of a type that is no number, and the like: data that no state dict needs.
    Other,
}

/// The numbers that a file holds under one name, as `torch.save` refers to them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Storage<'a> {
    /// The member's name behind `data/`.
    pub(crate) key: Cow<'a, str>,
    /// Its numbers' type; of a storage without a type the tensors say it.
    pub(crate) element: Element,
    /// How many numbers (bytes, without a type) it claims to have.
    pub(crate) length: usize,
}

/// A type of numbers that a pickle names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// One that can be read.
    Known(ElementType),
    /// One that cannot, by its name.
    Other(&'static str),
    /// Bytes, which a tensor gives a type.
    Untyped,
}

/// A tensor: which numbers of a storage, in which order.
#[derive(Clone, Debug)]
pub(crate) struct TensorRecord {
    pub(crate) source: Source,
    pub(crate) element: Element,
    /// The first number's place in the storage, counted in numbers.
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    /// How far the next number along each axis lies.
    pub(crate) strides: Vec<usize>,
}

/// Where a tensor's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In a storage.
    Storage(Id),
    /// In the pickle itself, as NumPy writes arrays; `true` if its numbers' bytes are swapped (big endian).
    Bytes(Id, bool),
    /// Nowhere yet: an array under construction.
    Empty,
}

/// A NumPy `dtype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NumpyType {
    pub(crate) element: Element,
    pub(crate) big: bool,
}

/// All values of a pickle.
#[derive(Default)]
pub(crate) struct Objects<'a> {
    list: Vec<Object<'a>>,
    /// How much was copied from one value to another.
    copied: Cell<usize>,
    /// The classes of what was passed over, each once.
    inert: Vec<&'static str>,
}

/// The most that may be copied, in items and characters: a long list costs its opcodes once, its copies each time.
const MOST_COPIED: usize = 16_000_000;

impl<'a> Objects<'a> {
    pub(crate) fn get(&self, id: Id) -> &Object<'a> {
        &self.list[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut Object<'a> {
        &mut self.list[id.0 as usize]
    }

    /// Adds a value.
    pub(super) fn add(&mut self, object: Object<'a>) -> Id {
        let id = Id(self.list.len() as u32);
        self.list.push(object);
        id
    }

    /// Accounts for so many items that are copied.
    pub(super) fn spend(&self, items: usize) -> Step<()> {
        self.copied.set(self.copied.get().saturating_add(items));
        if self.copied.get() > MOST_COPIED {
            return damaged("it copies its lists more often than any state dict does");
        }
        Ok(())
    }

    /// Notes that an object of this class was passed over.
    pub(super) fn pass_over(&mut self, class: &'static str) {
        if !self.inert.contains(&class) {
            self.inert.push(class);
        }
    }

    /// The classes of what was passed over.
    pub(crate) fn inert(&self) -> &[&'static str] {
        &self.inert
    }

    /// The text at `id`.
    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Object::Text(text) => Some(text),
            _ => None, // not operations: a pickle's values
        }
    }

    /// The integer at `id`.
    pub(crate) fn int(&self, id: Id) -> Option<i64> {
        match self.get(id) {
            Object::Int(number) => Some(*number),
            Object::Bool(truth) => Some((*truth).into()),
            _ => None, // not operations: a pickle's values
        }
    }

    /// The items at `id`, if it is a tuple or a list.
    pub(crate) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Object::Tuple(items) => Some(items),
            Object::List(items) => Some(items),
            _ => None, // not operations: a pickle's values
        }
    }

    /// The entries at `id`, if it is a dict.
    pub(crate) fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.get(id) {
            Object::Dict(entries) => Some(entries),
            _ => None, // not operations: a pickle's values
        }
    }
}
