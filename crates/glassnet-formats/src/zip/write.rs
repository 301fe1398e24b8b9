//! Members to an archive's bytes, as they are: the same members give the same bytes.

use glassnet::{Error, Result};

/// The lengths that 32 bits can say; beyond them readers look elsewhere.
const MOST: usize = u32::MAX as usize - 1;

/// The names are UTF-8.
const UTF_8: u16 = 1 << 11;

/// 1 January 1980, the first day that a zip can name, which NumPy writes, too.
const DATE: u16 = 0x21;

/// An archive under way.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    table: Vec<u8>,
    count: u16,
}

impl Writer {
    /// Adds a member. Its content begins at a multiple of 64 bytes, so that readers may map it into memory.
    ///
    /// # Errors
    /// When there are too many members or too many bytes for a zip without its 64-bit extension.
    pub(crate) fn add(&mut self, name: &str, content: &[u8]) -> Result<()> {
        let too_large = || {
            Error::model("the archive would be larger than 4 GB or have more than 65534 members")
                .help("write .safetensors instead")
        };
        let length = u16::try_from(name.len()).map_err(|_| {
            Error::model("a name of more than 65535 bytes").help("give the tensor a shorter name")
        })?;
        if self.bytes.len() + self.table.len() + content.len() + 2 * name.len() + 1024 > MOST
            || self.count >= u16::MAX - 1
        {
            return Err(too_large());
        }
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let offset = self.bytes.len() as u32;
        let after = self.bytes.len() + 30 + name.len();
        // An extra field that no program knows: 4 bytes of its own, the rest zeros.
        let padding = (after + 4).next_multiple_of(64) - after;
        let shared = |extra: u16| {
            let mut head = vec![];
            head.extend(20_u16.to_le_bytes());
            head.extend(UTF_8.to_le_bytes());
            head.extend(super::STORED.to_le_bytes());
            head.extend(0_u16.to_le_bytes());
            head.extend(DATE.to_le_bytes());
            head.extend(crc.sum().to_le_bytes());
            head.extend((content.len() as u32).to_le_bytes());
            head.extend((content.len() as u32).to_le_bytes());
            head.extend(length.to_le_bytes());
            head.extend(extra.to_le_bytes());
            head
        };
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(shared(padding as u16));
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(b"gn");
        self.bytes.extend((padding as u16 - 4).to_le_bytes());
        self.bytes.resize(self.bytes.len() + padding - 4, 0);
        self.bytes.extend(content);

        self.table.extend(b"PK\x01\x02");
        self.table.extend(20_u16.to_le_bytes());
        self.table.extend(shared(0));
        // No comment, the first disk, no attributes.
        self.table.extend([0; 10]);
        self.table.extend(offset.to_le_bytes());
        self.table.extend(name.as_bytes());
        self.count += 1;
        Ok(())
    }

    /// The archive's bytes.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let start = self.bytes.len() as u32;
        let length = self.table.len() as u32;
        self.bytes.append(&mut self.table);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(start.to_le_bytes());
        self.bytes.extend([0; 2]);
        self.bytes
    }
}
