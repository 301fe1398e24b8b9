//! The pages of a column chunk, whose headers are held against the file before anything is unpacked or decoded.
//!
//! The `parquet` crate has a reader of pages of its own; it takes the memory that a header claims. This one gives the same
//! pages.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

use super::plain::{Width, check, plain};
use super::thrift::{Compact, Field};
use super::unpack::unpack;

/// A column chunk's pages, one after the other.
pub(super) struct Pages {
    chunk: Bytes,
    at: usize,
    codec: Compression,
    /// How many values are still to come.
    left: usize,
    width: Width,
    /// Whether values may be missing, so that levels stand before them.
    optional: bool,
}

impl Pages {
    /// The pages in `chunk`, which have `values` values of that `width`; some may be missing in a column that is
    /// `optional`.
    pub(super) fn new(
        chunk: Bytes,
        codec: Compression,
        values: usize,
        (width, optional): (Width, bool),
    ) -> Self {
        Pages { chunk, at: 0, codec, left: values, width, optional }
    }

    fn next_page(&mut self) -> Result<Option<Page>> {
        while self.left > 0 {
            let rest = self.chunk.slice(self.at..);
            let (header, length) = Header::read(&rest)?;
            if header.packed > rest.len() - length {
                return Err(general(format!(
                    "a page of {} bytes stands where {} are left",
                    header.packed,
                    rest.len() - length
                )));
            }
            let body = rest.slice(length..length + header.packed);
            self.at += length + header.packed;
            if let Some(page) = self.page(&header, &body)? {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }

    fn page(&mut self, header: &Header, body: &Bytes) -> Result<Option<Page>> {
        let whole = |body: &[u8]| unpack(self.codec, body, header.unpacked).map(Bytes::from);
        let num_values = header.values as u32;
        let encoding = header.encoding;
        match header.kind {
            Kind::Dictionary => {
                let least = match self.width {
                    Width::Fixed(width) => width.max(1),
                    Width::Told => 4,
                };
                if header.values.saturating_mul(least) > header.unpacked {
                    return Err(general(format!(
                        "a dictionary claims {} values in {} bytes",
                        header.values, header.unpacked
                    )));
                }
                let buf = whole(body)?;
                if let Width::Told = self.width {
                    check(&buf)?;
                }
                let page = Page::DictionaryPage {
                    buf,
                    num_values,
                    encoding: encoding.unwrap_or(Encoding::PLAIN),
                    is_sorted: false,
                };
                Ok(Some(page))
            }
            Kind::Data => {
                let mut encoding = encoding.ok_or_else(no_encoding)?;
                let mut buf = whole(body)?;
                let levels = self.level_bytes(&buf, header)?;
                if let Some(rewritten) = plain(encoding, &buf, levels, self.width)? {
                    (buf, encoding) = (Bytes::from(rewritten), Encoding::PLAIN);
                }
                let page = Page::DataPage {
                    buf,
                    num_values,
                    encoding,
                    def_level_encoding: header.def_levels.unwrap_or(Encoding::RLE),
                    rep_level_encoding: header.rep_levels.unwrap_or(Encoding::RLE),
                    statistics: None,
                };
                self.take(header.values)?;
                Ok(Some(page))
            }
            Kind::DataV2 => {
                let levels = header.def_bytes + header.rep_bytes;
                if levels > body.len() || levels > header.unpacked {
                    return Err(general("a page's levels are longer than the page".to_owned()));
                }
                let (before, values) = body.split_at(levels);
                let length = header.unpacked - levels;
                let values = match header.packed_values && length > 0 {
                    true => unpack(self.codec, values, length)?,
                    false if values.len() == length => values.to_vec(),
                    false => return Err(general("a page is not as long as it says".to_owned())),
                };
                let mut encoding = encoding.ok_or_else(no_encoding)?;
                let mut buf = Bytes::from([before, &values].concat());
                if let Some(rewritten) = plain(encoding, &buf, levels, self.width)? {
                    (buf, encoding) = (Bytes::from(rewritten), Encoding::PLAIN);
                }
                let page = Page::DataPageV2 {
                    buf,
                    num_values,
                    encoding,
                    num_nulls: header.nulls as u32,
                    num_rows: header.rows as u32,
                    def_levels_byte_len: header.def_bytes as u32,
                    rep_levels_byte_len: header.rep_bytes as u32,
                    is_compressed: false,
                    statistics: None,
                };
                self.take(header.values)?;
                Ok(Some(page))
            }
            Kind::Other => Ok(None),
        }
    }

    /// How many bytes of a data page of version 1 are levels.
    fn level_bytes(&self, page: &[u8], header: &Header) -> Result<usize> {
        if !self.optional {
            return Ok(0);
        }
        let short = || general("a page is shorter than its levels".to_owned());
        let length = match (header.def_levels, page.first_chunk::<4>()) {
            #[allow(deprecated)]
            (Some(Encoding::BIT_PACKED), _) => header.values.div_ceil(8),
            (_, Some(length)) => (u32::from_le_bytes(*length) as usize).saturating_add(4),
            (_, None) => return Err(short()),
        };
        if length > page.len() { Err(short()) } else { Ok(length) }
    }

    fn take(&mut self, values: usize) -> Result<()> {
        self.left = self.left.checked_sub(values).ok_or_else(|| {
            general(format!("a page has {values} values where {} are left", self.left))
        })?;
        Ok(())
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.next_page()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(general("pages are read in order".to_owned()))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.next_page().map(drop)
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        // No column that is read has repeated values.
        Ok(true)
    }
}

/// What a page is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Kind {
    Data,
    DataV2,
    Dictionary,
    /// An index, which is passed over.
    #[default]
    Other,
}

/// What a page says of itself; 0 or none where it says nothing.
#[derive(Debug, Default)]
struct Header {
    kind: Kind,
    unpacked: usize,
    packed: usize,
    values: usize,
    nulls: usize,
    rows: usize,
    encoding: Option<Encoding>,
    def_levels: Option<Encoding>,
    rep_levels: Option<Encoding>,
    def_bytes: usize,
    rep_bytes: usize,
    packed_values: bool,
}

impl Header {
    /// The header at the beginning of `bytes`, and how long it is.
    fn read(bytes: &[u8]) -> Result<(Header, usize)> {
        let mut header = Header { packed_values: true, ..Header::default() };
        let mut compact = Compact::new(bytes);
        let mut last = 0;
        while let Some(field) = compact.field(last)? {
            match field.id {
                1 => {
                    header.kind = match compact.size(field)? {
                        0 => Kind::Data,
                        2 => Kind::Dictionary,
                        3 => Kind::DataV2,
                        _ => Kind::Other, // not operations: page types
                    }
                }
                2 => header.unpacked = compact.size(field)?,
                3 => header.packed = compact.size(field)?,
                5 | 7 | 8 if compact.is_struct(field) => header.details(field, &mut compact)?,
                _ => compact.skip(field)?, // not operations: fields of a header
            }
            last = field.id;
        }
        Ok((header, compact.at()))
    }

    /// What stands of a data page (5), a dictionary (7), or a data page of version 2 (8).
    fn details(&mut self, of: Field, compact: &mut Compact<'_>) -> Result<()> {
        let mut last = 0;
        while let Some(field) = compact.field(last)? {
            match (of.id, field.id) {
                (_, 1) => self.values = compact.size(field)?,
                (5 | 7, 2) | (8, 4) => self.encoding = Some(encoding(compact.size(field)?)?),
                (5, 3) => self.def_levels = Some(encoding(compact.size(field)?)?),
                (5, 4) => self.rep_levels = Some(encoding(compact.size(field)?)?),
                (8, 2) => self.nulls = compact.size(field)?,
                (8, 3) => self.rows = compact.size(field)?,
                (8, 5) => self.def_bytes = compact.size(field)?,
                (8, 6) => self.rep_bytes = compact.size(field)?,
                (8, 7) => self.packed_values = compact.truth(field)?,
                (_, _) => compact.skip(field)?,
            }
            last = field.id;
        }
        Ok(())
    }
}

fn encoding(number: usize) -> Result<Encoding> {
    Ok(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        #[allow(deprecated)]
        4 => Encoding::BIT_PACKED,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return Err(general(format!("a page has the unknown encoding {number}"))), // not operations: encodings
    })
}

fn no_encoding() -> ParquetError {
    general("a page does not say how it is encoded".to_owned())
}

fn general(what: String) -> ParquetError {
    ParquetError::General(what)
}
