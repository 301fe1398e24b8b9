//! Thrift's compact protocol, as far as a page's header needs it: every length is checked before it is believed.
//!
//! # Source
//! Apache Thrift, 'Thrift Compact protocol encoding'.

use parquet::errors::{ParquetError, Result};

/// How deep structs may stand in each other.
const DEEPEST: usize = 16;

/// A reader of bytes in the compact protocol.
pub(super) struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A field of a struct that has not been read yet.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) id: i16,
    kind: u8,
}

const TRUE: u8 = 1;
const FALSE: u8 = 2;

impl<'a> Compact<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Compact { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next field of a struct whose field before has the number `last`; `None` at its end.
    pub(super) fn field(&mut self, last: i16) -> Result<Option<Field>> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let id = match head >> 4 {
            0 => i16::try_from(self.signed()?).map_err(|_| bad("a field's number"))?,
            step => last.checked_add(i16::from(step)).ok_or_else(|| bad("a field's number"))?, // not operations: a distance
        };
        Ok(Some(Field { id, kind: head & 15 }))
    }

    /// An integer that is neither negative nor above 2^31.
    pub(super) fn size(&mut self, field: Field) -> Result<usize> {
        if !matches!(field.kind, 3..=6) {
            return Err(bad("a field that should be an integer"));
        }
        let value = self.signed()?;
        usize::try_from(value).ok().filter(|&size| size < 1 << 31).ok_or_else(|| {
            ParquetError::General(format!("a page's header holds the length {value}"))
        })
    }

    pub(super) fn truth(&mut self, field: Field) -> Result<bool> {
        match field.kind {
            TRUE => Ok(true),
            FALSE => Ok(false),
            _ => Err(bad("a field that should be a truth value")), // not operations: kinds of fields
        }
    }

    pub(super) fn is_struct(&self, field: Field) -> bool {
        field.kind == 12
    }

    /// Visits each struct of a list of structs.
    pub(super) fn structs(
        &mut self,
        field: Field,
        mut visit: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        if field.kind != 9 {
            return Err(bad("a field that should be a list"));
        }
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.unsigned()?,
            short => u64::from(short), // not operations: a length
        };
        self.elements(count)?;
        if head & 15 != 12 {
            return Err(bad("a list that should be of structs"));
        }
        (0..count).try_for_each(|_| visit(self))
    }

    /// Passes over a field.
    pub(super) fn skip(&mut self, field: Field) -> Result<()> {
        self.skip_kind(field.kind, false, DEEPEST)
    }

    fn skip_kind(&mut self, kind: u8, element: bool, depth: usize) -> Result<()> {
        let depth = depth.checked_sub(1).ok_or_else(|| bad("structs within structs"))?;
        match kind {
            TRUE | FALSE if !element => Ok(()),
            TRUE | FALSE | 3 => self.byte().map(drop),
            4..=6 => self.unsigned().map(drop),
            7 => self.forward(8),
            8 => {
                let length = self.unsigned()?;
                self.forward(length)
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.unsigned()?,
                    short => u64::from(short), // not operations: a length
                };
                self.elements(count)?;
                (0..count).try_for_each(|_| self.skip_kind(head & 15, true, depth))
            }
            11 => {
                let count = self.unsigned()?;
                self.elements(count)?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                (0..count).try_for_each(|_| {
                    self.skip_kind(kinds >> 4, true, depth)?;
                    self.skip_kind(kinds & 15, true, depth)
                })
            }
            12 => {
                let mut last = 0;
                while let Some(field) = self.field(last)? {
                    self.skip_kind(field.kind, false, depth)?;
                    last = field.id;
                }
                Ok(())
            }
            13 => self.forward(16),
            _ => Err(bad("a field of an unknown kind")), // not operations: kinds of fields
        }
    }

    /// Refuses more elements than bytes are left: each takes one at least.
    fn elements(&self, count: u64) -> Result<()> {
        match count <= (self.bytes.len() - self.at) as u64 {
            true => Ok(()),
            false => Err(bad("a list that is longer than the file")),
        }
    }

    fn forward(&mut self, length: u64) -> Result<()> {
        let left = (self.bytes.len() - self.at) as u64;
        if length > left {
            return Err(bad("a text that is longer than the file"));
        }
        self.at += length as usize;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8> {
        let byte = self.bytes.get(self.at).ok_or_else(|| bad("an end too early"))?;
        self.at += 1;
        Ok(*byte)
    }

    fn unsigned(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for place in 0..10 {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << (7 * place);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(bad("a number of more than 64 bits"))
    }

    fn signed(&mut self) -> Result<i64> {
        let value = self.unsigned()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}

fn bad(what: &str) -> ParquetError {
    ParquetError::General(format!("a header holds {what}"))
}
