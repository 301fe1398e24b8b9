//! Zip archives: what `torch.save` and `numpy.savez` put their arrays into.
//!
//! A zip archive says everything twice, before each member and in a table at its end, and programs differ about which
//! of the two counts. Here both must say the same. Members must not share bytes, no name may stand twice, and what a
//! member claims to hold is checked against its bytes before anything is allocated.
//!
//! # Source
//! APPNOTE.TXT, ZIP File Format Specification 6.3.10, PKWARE.

mod directory;
mod write;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::io::Read;

use glassnet::{Error, Result};

pub(crate) use write::Writer;

use crate::message::quoted;

/// How much may be inflated beyond what the file's own size allows.
const FREE: usize = 64 << 20;

/// How many times its own size all that is inflated of a file may have, beside [`FREE`]. Weights hardly shrink.
const RATIO: usize = 10;

/// An archive's members by name.
pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    name: &'a str,
    members: Vec<Member>,
    places: HashMap<String, usize>,
    /// How many bytes may still be inflated.
    left: Cell<usize>,
}

/// What the table says of a member, once it was compared with the member itself.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    method: u16,
    crc: u32,
    packed: usize,
    /// The length of its content.
    pub(crate) length: usize,
    /// Where its bytes begin in the file.
    start: usize,
}

/// Members as they are, without compression.
const STORED: u16 = 0;

/// Members compressed by Deflate.
const DEFLATED: u16 = 8;

impl<'a> Archive<'a> {
    /// The table of an archive's members; `name` stands in messages.
    ///
    /// # Errors
    /// When the table is missing or damaged, or contradicts the members.
    pub(crate) fn read(bytes: &'a [u8], name: &'a str) -> Result<Self> {
        let members = directory::read(bytes, name)?;
        let places = members.iter().enumerate().map(|(at, member)| (member.name.clone(), at));
        let places: HashMap<String, usize> = places.collect();
        let left = Cell::new(FREE.saturating_add(RATIO.saturating_mul(bytes.len())));
        Ok(Archive { bytes, name, members, places, left })
    }

    /// The members in the table's order.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member called `name`.
    pub(crate) fn find(&self, name: &str) -> Option<&Member> {
        self.places.get(name).map(|&at| &self.members[at])
    }

    /// Where a member is, for messages.
    pub(crate) fn place(&self, member: &Member) -> String {
        format!("{}, member {}", self.name, quoted(&member.name))
    }

    /// A member's content, its checksum compared.
    pub(crate) fn content(&self, member: &Member) -> Result<Cow<'a, [u8]>> {
        let packed = &self.bytes[member.start..member.start + member.packed];
        let content = match member.method {
            STORED => Cow::Borrowed(packed),
            _ => Cow::Owned(self.inflate(packed, member)?),
        };
        let mut crc = flate2::Crc::new();
        crc.update(&content);
        if crc.sum() != member.crc {
            return Err(Error::model(format!(
                "its content is damaged: the checksum is {:08x}, the archive says {:08x}",
                crc.sum(),
                member.crc
            ))
            .at(self.place(member))
            .help("copy or download the file again"));
        }
        Ok(content)
    }

    fn inflate(&self, packed: &[u8], member: &Member) -> Result<Vec<u8>> {
        let Some(left) = self.left.get().checked_sub(member.length) else {
            return Err(Error::model(format!(
                "it claims to become {} bytes from {}: more than {RATIO} times the file and {} MB",
                member.length,
                member.packed,
                FREE >> 20
            ))
            .at(self.place(member))
            .help("save the file again without compression"));
        };
        self.left.set(left);
        let damaged = |what: String| {
            Error::model(what).at(self.place(member)).help("copy or download the file again")
        };
        // Grows with what there is: a claim alone takes no memory.
        let mut content = Vec::with_capacity(member.length.min(packed.len().saturating_mul(8)));
        let mut inflated = flate2::read::DeflateDecoder::new(packed).take(member.length as u64 + 1);
        inflated
            .read_to_end(&mut content)
            .map_err(|error| damaged(format!("its compressed content is damaged: {error}")))?;
        if content.len() != member.length {
            let more = if content.len() > member.length { "more" } else { "fewer" };
            let claimed = member.length;
            return Err(damaged(format!(
                "it holds {more} than the {claimed} bytes that it claims"
            )));
        }
        Ok(content)
    }
}
