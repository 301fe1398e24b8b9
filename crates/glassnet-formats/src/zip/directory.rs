//! The table at an archive's end, compared with what stands before each member.

use std::collections::HashSet;

use glassnet::{Error, Result};

use super::{DEFLATED, Member, STORED};
use crate::message::quoted;

/// What ends the table.
const END: &[u8; 4] = b"PK\x05\x06";
const END_LENGTH: usize = 22;

/// The same in 64 bits, and where that lies.
const END_64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR_64: &[u8; 4] = b"PK\x06\x07";
const LOCATOR_LENGTH: usize = 20;

/// What begins an entry of the table, and what begins a member.
const ENTRY: &[u8; 4] = b"PK\x01\x02";
const ENTRY_LENGTH: usize = 46;
const LOCAL: &[u8; 4] = b"PK\x03\x04";
const LOCAL_LENGTH: usize = 30;

/// The extra field in which 64-bit lengths stand.
const EXTRA_64: u16 = 1;

/// A length that stands in 64 bits elsewhere.
const ELSEWHERE: u32 = u32::MAX;

/// Flags of a member.
const ENCRYPTED: u16 = 1;
const LENGTHS_FOLLOW: u16 = 1 << 3;

pub(super) fn read(bytes: &[u8], name: &str) -> Result<Vec<Member>> {
    let table = find(bytes, name)?;
    let damaged = |what: String| damaged(what, name);
    // Each entry takes a place in the table and in the file; no count beyond that is believed.
    let mut members = vec![];
    let mut seen = HashSet::new();
    let mut spans = vec![];
    let mut at = table.start;
    for _ in 0..table.count {
        let entry = Entry::read(bytes, at, table.end)
            .ok_or_else(|| damaged(format!("the zip's table is damaged at byte {at}")))?;
        at = entry.end;
        let member = std::str::from_utf8(entry.name)
            .map_err(|_| damaged(format!("a member's name at byte {at} is not UTF-8")))?;
        let of = |what: String| {
            Error::model(what)
                .at(format!("{name}, member {}", quoted(member)))
                .help("save the file again, or copy or download it again")
        };
        if !seen.insert(entry.name) {
            return Err(of("two members of the zip have one name".to_owned()));
        }
        if entry.flags & ENCRYPTED != 0 {
            return Err(of("the member is encrypted".to_owned()));
        }
        if entry.method != STORED && entry.method != DEFLATED {
            let method = entry.method;
            return Err(of(format!("it is compressed by method {method}, which is not Deflate")));
        }
        let start = local(bytes, &entry).map_err(of)?;
        let end = start.checked_add(entry.packed).filter(|&end| end <= table.start);
        let Some(end) = end else {
            return Err(of(format!(
                "its {} bytes reach beyond the members' end at byte {}",
                entry.packed, table.start
            )));
        };
        if entry.method == STORED && entry.packed != entry.length {
            return Err(of(format!(
                "it is not compressed, yet claims {} bytes in {}",
                entry.length, entry.packed
            )));
        }
        spans.push((entry.offset, end));
        members.push(Member {
            name: member.to_owned(),
            method: entry.method,
            crc: entry.crc,
            packed: entry.packed,
            length: entry.length,
            start,
        });
    }
    if at != table.end {
        let what = format!("the zip's table ends at byte {at}, it should at {}", table.end);
        return Err(damaged(what));
    }
    spans.sort_unstable();
    if let Some(pair) = spans.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        return Err(damaged(format!(
            "two members of the zip share bytes, from byte {}",
            pair[1].0
        )));
    }
    Ok(members)
}

fn damaged(what: String, name: &str) -> Error {
    Error::model(what).at(name.to_owned()).help("copy or download it again")
}

/// Where the entries lie, and how many there are.
struct Table {
    start: usize,
    end: usize,
    count: u64,
}

fn find(bytes: &[u8], name: &str) -> Result<Table> {
    let cut = || {
        damaged("the file is cut short: the table at the end of the zip is missing".into(), name)
    };
    // A comment of up to 64 KB may follow; it must reach the end of the file exactly.
    let from = bytes.len().saturating_sub(END_LENGTH + usize::from(u16::MAX));
    let end = (from..=bytes.len().checked_sub(END_LENGTH).ok_or_else(cut)?)
        .rev()
        .find(|&at| {
            bytes[at..].starts_with(END)
                && u16_at(bytes, at + 20).map(usize::from) == Some(bytes.len() - at - END_LENGTH)
        })
        .ok_or_else(cut)?;
    let wrong = || damaged("the end of the zip's table is damaged".into(), name);
    let field = |at| u16_at(bytes, end + at).ok_or_else(wrong);
    let wide = |at| u32_at(bytes, end + at).ok_or_else(wrong);
    let (disk, of_disk, count) = (field(4)?, field(8)?, field(10)?);
    let (length, start) = (wide(12)?, wide(16)?);
    let in_64 = count == u16::MAX || length == ELSEWHERE || start == ELSEWHERE;
    let locator = end.checked_sub(LOCATOR_LENGTH).filter(|&at| bytes[at..].starts_with(LOCATOR_64));
    let (count, length, start, limit) = match locator {
        Some(locator) if in_64 => {
            let at = usize_at(bytes, locator + 8).ok_or_else(wrong)?;
            if bytes.get(at..).is_none_or(|rest| !rest.starts_with(END_64)) {
                return Err(wrong());
            }
            let read = |offset: usize| {
                at.checked_add(offset).and_then(|at| usize_at(bytes, at)).ok_or_else(wrong)
            };
            (read(32)? as u64, read(40)?, read(48)?, at)
        }
        Some(_) | None => (u64::from(count), length as usize, start as usize, end),
    };
    if disk != 0 || of_disk != field(10)? {
        return Err(damaged("the zip is one of several parts".into(), name));
    }
    let end = start.checked_add(length).filter(|&end| end <= limit).ok_or_else(wrong)?;
    Ok(Table { start, end, count })
}

/// An entry of the table.
struct Entry<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    crc: u32,
    packed: usize,
    length: usize,
    /// Where the member's own header begins.
    offset: usize,
    /// Where the next entry begins.
    end: usize,
}

impl<'a> Entry<'a> {
    fn read(bytes: &'a [u8], at: usize, limit: usize) -> Option<Self> {
        let table = bytes.get(..limit)?;
        let head = table.get(at..at.checked_add(ENTRY_LENGTH)?)?;
        if !head.starts_with(ENTRY) {
            return None;
        }
        let [name, extra, comment] = [28, 30, 32].map(|at| u16_at(head, at).map_or(0, usize::from));
        let begin = at + ENTRY_LENGTH;
        let (name_end, extra_end) = (begin + name, begin + name + extra);
        let end = extra_end + comment;
        table.get(..end)?;
        let extra = extra_64(&table[name_end..extra_end]);
        let mut wide = extra.as_slice().iter().copied();
        // Those that stand elsewhere stand there in this order.
        let mut length_of = |at: usize| match u32_at(head, at)? {
            ELSEWHERE => wide.next(),
            length => Some(length as usize),
        };
        let length = length_of(24)?;
        let packed = length_of(20)?;
        let offset = length_of(42)?;
        Some(Entry {
            name: &table[begin..name_end],
            flags: u16_at(head, 8)?,
            method: u16_at(head, 10)?,
            crc: u32_at(head, 16)?,
            packed,
            length,
            offset,
            end,
        })
    }
}

/// Compares a member's own header with its entry; where its bytes begin.
fn local(bytes: &[u8], entry: &Entry<'_>) -> std::result::Result<usize, String> {
    let missing = || format!("no member begins at byte {}, where the table says", entry.offset);
    let head = entry.offset.checked_add(LOCAL_LENGTH).and_then(|end| bytes.get(entry.offset..end));
    let head = head.filter(|head| head.starts_with(LOCAL)).ok_or_else(missing)?;
    let [name, extra] = [26, 28].map(|at| u16_at(head, at).map_or(0, usize::from));
    let begin = entry.offset + LOCAL_LENGTH;
    let start = begin + name + extra;
    if bytes.get(..start).is_none() {
        return Err(missing());
    }
    let differ = |what: &str| Err(format!("its {what} in the table differs from the member's own"));
    if &bytes[begin..begin + name] != entry.name {
        return differ("name");
    }
    let flags = u16_at(head, 6).unwrap_or(0);
    if flags & (ENCRYPTED | LENGTHS_FOLLOW) != entry.flags & (ENCRYPTED | LENGTHS_FOLLOW) {
        return differ("flags");
    }
    if u16_at(head, 8) != Some(entry.method) {
        return differ("compression");
    }
    let wide = extra_64(&bytes[begin + name..start]);
    let mut wide = wide.as_slice().iter().copied();
    let mut length_of = |at| match u32_at(head, at) {
        Some(ELSEWHERE) => wide.next(),
        length => length.map(|length| length as usize),
    };
    let (length, packed) = (length_of(22), length_of(18));
    let crc = u32_at(head, 14);
    // A writer that doesn't know them beforehand leaves zeros, and puts them behind the member.
    let follow = flags & LENGTHS_FOLLOW != 0;
    let same = |own: Option<usize>, entry: usize| own == Some(entry) || follow && own == Some(0);
    if !same(length, entry.length) || !same(packed, entry.packed) {
        return differ("length");
    }
    if crc != Some(entry.crc) && !(follow && crc == Some(0)) {
        return differ("checksum");
    }
    Ok(start)
}

/// The 64-bit lengths of an extra field.
fn extra_64(mut extra: &[u8]) -> Vec<usize> {
    while let (Some(kind), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let end = 4 + usize::from(length);
        let Some(field) = extra.get(4..end) else { break };
        if kind == EXTRA_64 {
            let (fields, _) = field.as_chunks::<8>();
            let read = |&bytes: &[u8; 8]| usize::try_from(u64::from_le_bytes(bytes)).ok();
            return fields.iter().map_while(read).collect();
        }
        extra = &extra[end..];
    }
    vec![]
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|&bytes| u16::from_le_bytes(bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|&bytes| u32::from_le_bytes(bytes))
}

fn usize_at(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u64::from_le_bytes(*bytes)).ok()
}
