//! The opcodes of protocols 2 to 5, one after the other.

use std::borrow::Cow;
use std::collections::HashMap;

use glassnet::{Error, Result};

use super::build;
use super::globals::{Global, mend};
use super::object::{Id, Object, Objects};
use crate::message::quoted;

/// The most opcodes: a state dict needs about thirty for each tensor.
const MOST_STEPS: usize = 4_000_000;

/// The highest protocol that Python has.
const NEWEST: u8 = 5;

/// Runs the pickle `bytes` of the file `file`; the value that it ends with, among all that it made.
///
/// # Errors
/// When it names something that is not in the table of data, or is damaged, or has more than four million opcodes.
pub(crate) fn read<'a>(bytes: &'a [u8], file: &str) -> Result<(Objects<'a>, Id)> {
    let mut machine = Machine {
        bytes,
        at: 0,
        objects: Objects::default(),
        stack: vec![],
        marks: vec![],
        memo: HashMap::new(),
    };
    for _ in 0..MOST_STEPS {
        let at = machine.at;
        match machine.step() {
            Ok(None) => {}
            Ok(Some(id)) => return Ok((machine.objects, id)),
            Err(fault) => return Err(fault.error(file, at)),
        }
    }
    Err(Fault::Damaged(format!("it has more than {MOST_STEPS} opcodes")).error(file, machine.at))
}

/// Why a step cannot be done.
pub(super) enum Fault {
    /// The pickle is not well-formed, or builds something that its parts do not allow.
    Damaged(String),
    /// It names something that is no data.
    Refused { module: String, name: String },
}

impl Fault {
    fn error(self, file: &str, at: usize) -> Error {
        let place = format!("{file}, data.pkl, byte {at}");
        match self {
            Fault::Damaged(what) => {
                Error::model(format!("the pickle cannot be used: {what}")).at(place).help(
                    "copy or download the file again, or save its state dict again with torch.save",
                )
            }
            Fault::Refused { module, name } => {
                let whole = quoted(&format!("{module}.{name}"));
                Error::model(format!("the file calls for {whole}, which is no part of a state dict"))
                    .at(place)
                    .help(mend(&module, file))
                    .detail("nothing that a file says is executed: only tensors, numbers, texts, lists and dicts are read")
            }
        }
    }
}

pub(super) fn damaged<T>(what: impl Into<String>) -> Step<T> {
    Err(Fault::Damaged(what.into()))
}

/// What a part of a step gives.
pub(super) type Step<T> = std::result::Result<T, Fault>;

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    objects: Objects<'a>,
    stack: Vec<Id>,
    /// Where in the stack the open marks are.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// Does what the next opcode says; the result, if it was the last.
    fn step(&mut self) -> Step<Option<Id>> {
        match self.byte()? {
            b'.' => return self.pop().map(Some),
            0x80 => {
                let protocol = self.byte()?;
                if !(2..=NEWEST).contains(&protocol) {
                    return damaged(format!(
                        "its protocol is {protocol}, PyTorch writes 2 to {NEWEST}"
                    ));
                }
            }
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'N' => self.push(Object::None)?,
            0x88 => self.push(Object::Bool(true))?,
            0x89 => self.push(Object::Bool(false))?,
            b'K' => {
                let number = self.byte()?;
                self.push(Object::Int(number.into()))?;
            }
            b'M' => {
                let number = u16::from_le_bytes(self.array()?);
                self.push(Object::Int(number.into()))?;
            }
            b'J' => {
                let number = i32::from_le_bytes(self.array()?);
                self.push(Object::Int(number.into()))?;
            }
            0x8a => {
                let length = self.byte()?.into();
                self.long(length)?;
            }
            0x8b => {
                let length = self.length_4()?;
                self.long(length)?;
            }
            b'G' => {
                self.take(8)?;
                self.push(Object::Float)?;
            }
            0x8c => {
                let length = self.byte()?.into();
                self.text(length)?;
            }
            b'X' => {
                let length = self.length_4()?;
                self.text(length)?;
            }
            0x8d => {
                let length = self.length_8()?;
                self.text(length)?;
            }
            b'U' => {
                let length = self.byte()?.into();
                self.text_or_bytes(length)?;
            }
            b'T' => {
                let length = self.length_4()?;
                self.text_or_bytes(length)?;
            }
            b'C' => {
                let length = self.byte()?.into();
                self.raw(length)?;
            }
            b'B' => {
                let length = self.length_4()?;
                self.raw(length)?;
            }
            0x8e | 0x96 => {
                let length = self.length_8()?;
                self.raw(length)?;
            }
            b')' => self.push(Object::Tuple(Box::default()))?,
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b't' => {
                let items = self.pop_mark()?;
                self.push(Object::Tuple(items.into()))?;
            }
            b']' => self.push(Object::List(vec![]))?,
            b'l' => {
                let items = self.pop_mark()?;
                self.push(Object::List(items))?;
            }
            b'}' => self.push(Object::Dict(vec![]))?,
            b'd' => {
                let items = self.pop_mark()?;
                let entries = pairs(&items)?;
                self.push(Object::Dict(entries))?;
            }
            0x8f => self.push(Object::Set(vec![]))?,
            0x91 => {
                let items = self.pop_mark()?;
                self.push(Object::Set(items))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_mark()?;
                self.append(items)?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set_items(vec![(key, value)])?;
            }
            b'u' => {
                let items = self.pop_mark()?;
                let entries = pairs(&items)?;
                self.set_items(entries)?;
            }
            b'q' => {
                let place = self.byte()?.into();
                self.remember(place)?;
            }
            b'r' => {
                let place = u32::from_le_bytes(self.array()?);
                self.remember(place)?;
            }
            0x94 => {
                let place = self.memo.len() as u32;
                self.remember(place)?;
            }
            b'h' => {
                let place = self.byte()?.into();
                self.recall(place)?;
            }
            b'j' => {
                let place = u32::from_le_bytes(self.array()?);
                self.recall(place)?;
            }
            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                self.global(module, name)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Some(module), Some(name)) =
                    (self.objects.text(module), self.objects.text(name))
                else {
                    return damaged("a name that is no text");
                };
                let (module, name) = (module.to_owned(), name.to_owned());
                self.global(&module, &name)?;
            }
            b'R' | 0x81 => {
                let arguments = self.pop()?;
                let callee = self.pop()?;
                let made = build::call(&mut self.objects, callee, arguments)?;
                self.push_made(made)?;
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?;
                build::set_state(&mut self.objects, object, state)?;
            }
            b'Q' => {
                let id = self.pop()?;
                let storage = build::storage(&self.objects, id)?;
                self.push(storage)?;
            }
            opcode => {
                let shown = opcode.escape_ascii();
                return damaged(format!("opcode '{shown}' is none that torch.save writes"));
            }
        }
        Ok(None)
    }

    fn take(&mut self, length: usize) -> Step<&'a [u8]> {
        let end = self.at.checked_add(length);
        let Some(taken) = end.and_then(|end| self.bytes.get(self.at..end)) else {
            return damaged("it ends in the middle");
        };
        self.at += length;
        Ok(taken)
    }

    fn byte(&mut self) -> Step<u8> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        match self.take(N)?.first_chunk() {
            Some(bytes) => Ok(*bytes),
            None => damaged("it ends in the middle"),
        }
    }

    fn length_4(&mut self) -> Step<usize> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn length_8(&mut self) -> Step<usize> {
        match usize::try_from(u64::from_le_bytes(self.array()?)) {
            Ok(length) => Ok(length),
            Err(_) => damaged("it ends in the middle"),
        }
    }

    /// A line of text, without its end.
    fn line(&mut self) -> Step<&'a str> {
        let rest = &self.bytes[self.at..];
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return damaged("it ends in the middle");
        };
        self.at += length + 1;
        match std::str::from_utf8(&rest[..length]) {
            Ok(line) => Ok(line),
            Err(_) => damaged("a name is not UTF-8"),
        }
    }

    fn push(&mut self, object: Object<'a>) -> Step<()> {
        let id = self.objects.add(object);
        self.stack.push(id);
        Ok(())
    }

    fn push_made(&mut self, made: build::Made<'a>) -> Step<()> {
        match made {
            build::Made::New(object) => self.push(object),
            build::Made::Known(id) => {
                self.stack.push(id);
                Ok(())
            }
        }
    }

    /// The value on top, above the last mark.
    fn top(&self) -> Step<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack[floor..].last() {
            Some(id) => Ok(*id),
            None => damaged("a value is missing"),
        }
    }

    fn pop(&mut self) -> Step<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// All above the last mark, and the mark.
    fn pop_mark(&mut self) -> Step<Vec<Id>> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => damaged("a mark is missing"),
        }
    }

    fn tuple(&mut self, length: usize) -> Step<()> {
        let mut items = vec![];
        for _ in 0..length {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Object::Tuple(items.into()))
    }

    /// An integer of so many bytes, in two's complement.
    fn long(&mut self, length: usize) -> Step<()> {
        let bytes = self.take(length)?;
        let object = if bytes.len() <= 8 {
            let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
            let mut wide = [if negative { 0xff } else { 0 }; 8];
            wide[..bytes.len()].copy_from_slice(bytes);
            Object::Int(i64::from_le_bytes(wide))
        } else {
            Object::BigInt
        };
        self.push(object)
    }

    fn text(&mut self, length: usize) -> Step<()> {
        match std::str::from_utf8(self.take(length)?) {
            Ok(text) => self.push(Object::Text(Cow::Borrowed(text))),
            Err(_) => damaged("a text is not UTF-8"),
        }
    }

    /// A text of Python 2, which had one type for texts and bytes.
    fn text_or_bytes(&mut self, length: usize) -> Step<()> {
        let bytes = self.take(length)?;
        self.push(match std::str::from_utf8(bytes) {
            Ok(text) => Object::Text(Cow::Borrowed(text)),
            Err(_) => Object::Bytes(Cow::Borrowed(bytes)),
        })
    }

    fn raw(&mut self, length: usize) -> Step<()> {
        let bytes = self.take(length)?;
        self.push(Object::Bytes(Cow::Borrowed(bytes)))
    }

    fn append(&mut self, items: Vec<Id>) -> Step<()> {
        let list = self.top()?;
        match self.objects.get_mut(list) {
            Object::List(list) | Object::Set(list) => {
                list.extend(items);
                Ok(())
            }
            Object::Inert => Ok(()),
            _ => damaged("something is appended to what is no list"), // not operations: values
        }
    }

    fn set_items(&mut self, items: Vec<(Id, Id)>) -> Step<()> {
        let dict = self.top()?;
        match self.objects.get_mut(dict) {
            Object::Dict(entries) => {
                entries.extend(items);
                Ok(())
            }
            Object::Inert => Ok(()),
            _ => damaged("an entry is set in what is no dict"), // not operations: values
        }
    }

    fn remember(&mut self, place: u32) -> Step<()> {
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Step<()> {
        match self.memo.get(&place) {
            Some(&id) => {
                self.stack.push(id);
                Ok(())
            }
            None => damaged(format!("it refers to value {place}, which it never made")),
        }
    }

    fn global(&mut self, module: &str, name: &str) -> Step<()> {
        match Global::find(module, name) {
            Some(global) => self.push(Object::Global(global)),
            None => Err(Fault::Refused { module: module.to_owned(), name: name.to_owned() }),
        }
    }
}

fn pairs(items: &[Id]) -> Step<Vec<(Id, Id)>> {
    let (pairs, rest) = items.as_chunks::<2>();
    if !rest.is_empty() {
        return damaged("a key without a value");
    }
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}
