//! Archives and pickles made by hand, right or wrong.

/// A member of an archive, and what its two headers say of it.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) packed: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) length: u32,
    pub(crate) flags: u16,
    /// What the member's own header says otherwise.
    pub(crate) own_name: Option<String>,
    pub(crate) own_length: Option<u32>,
    pub(crate) own_crc: Option<u32>,
    pub(crate) own_method: Option<u16>,
    /// Where the table says that it is, if not where it is.
    pub(crate) offset: Option<u32>,
}

pub(crate) fn crc(content: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    crc.sum()
}

pub(crate) fn stored(name: &str, content: &[u8]) -> Member {
    Member {
        name: name.to_owned(),
        packed: content.to_vec(),
        method: 0,
        crc: crc(content),
        length: content.len() as u32,
        flags: 0,
        own_name: None,
        own_length: None,
        own_crc: None,
        own_method: None,
        offset: None,
    }
}

pub(crate) fn deflated(name: &str, content: &[u8]) -> Member {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(1));
    encoder.write_all(content).unwrap();
    Member { packed: encoder.finish().unwrap(), method: 8, ..stored(name, content) }
}

/// An archive of these members.
pub(crate) fn zip(members: &[Member]) -> Vec<u8> {
    let (mut bytes, mut table) = (vec![], vec![]);
    for member in members {
        let offset = member.offset.unwrap_or(bytes.len() as u32);
        let head = |name: &str, method: u16, crc: u32, length: u32| {
            let mut head = vec![];
            for number in [20, member.flags, method, 0, 0x21] {
                head.extend(number.to_le_bytes());
            }
            for number in [crc, member.packed.len() as u32, length] {
                head.extend(number.to_le_bytes());
            }
            head.extend((name.len() as u16).to_le_bytes());
            head.extend(0_u16.to_le_bytes());
            head
        };
        let own = member.own_name.as_ref().unwrap_or(&member.name);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(head(
            own,
            member.own_method.unwrap_or(member.method),
            member.own_crc.unwrap_or(member.crc),
            member.own_length.unwrap_or(member.length),
        ));
        bytes.extend(own.as_bytes());
        bytes.extend(&member.packed);
        table.extend(b"PK\x01\x02\x14\0");
        table.extend(head(&member.name, member.method, member.crc, member.length));
        table.extend([0; 10]);
        table.extend(offset.to_le_bytes());
        table.extend(member.name.as_bytes());
    }
    let (start, count) = (bytes.len() as u32, members.len() as u16);
    bytes.extend(&table);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend((table.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

/// A `.pt` file with this pickle and 16 bytes of numbers as storage 0.
pub(crate) fn torch_file(pickle: &[u8]) -> Vec<u8> {
    let numbers: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    zip(&[stored("a/data.pkl", pickle), stored("a/data/0", &numbers), stored("a/version", b"3\n")])
}

/// An integer as an opcode.
pub(crate) fn int(number: u64) -> Vec<u8> {
    [&[0x8a, 9][..], &number.to_le_bytes(), &[0]].concat()
}

fn tuple(numbers: &[u64]) -> Vec<u8> {
    let items = numbers.iter().flat_map(|&number| small(number)).collect::<Vec<u8>>();
    [&b"("[..], &items, b"t"].concat()
}

/// An integer that fits 64 bits with its sign.
fn small(number: u64) -> Vec<u8> {
    [&[0x8a, 8][..], &number.to_le_bytes()].concat()
}

/// The pickle of `{"w": tensor}` over storage 0.
pub(crate) fn tensor_pickle(length: u64, offset: u64, shape: &[u64], strides: &[u64]) -> Vec<u8> {
    [
        &b"\x80\x02}X\x01\0\0\0w"[..],
        b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu",
        &small(length),
        b"tQ",
        &small(offset),
        &tuple(shape),
        &tuple(strides),
        b"\x89}tRs.",
    ]
    .concat()
}

/// The members of an archive that torch.save wrote: without compression, their lengths in the table at its end.
pub(crate) fn unzip(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let number = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]) as usize;
    let wide = |at: usize| number(at) | number(at + 2) << 16;
    let end = bytes.len() - 22;
    let mut at = wide(end + 16);
    let mut members = vec![];
    for _ in 0..number(end + 10) {
        let (length, name, own) = (wide(at + 24), number(at + 28), wide(at + 42));
        let start = own + 30 + number(own + 26) + number(own + 28);
        members.push((
            String::from_utf8(bytes[at + 46..at + 46 + name].to_vec()).unwrap(),
            bytes[start..start + length].to_vec(),
        ));
        at += 46 + name + number(at + 30) + number(at + 32);
    }
    members
}
