//! The files of a table: bytes that may be gone through more than once, and what they are.

use std::io::{Cursor, Read, Seek, SeekFrom};

use glassnet::{Error, ErrorKind, Result};

use crate::bytes::read_error;
use crate::content::{Content, HEAD};
use crate::note::{Note, NoteKind};
use crate::unpack::unpacked;
use crate::words::quoted;

/// What can be read again from anywhere: a file, a cursor over bytes.
pub(crate) trait Bytes: Read + Seek {}

impl<B: Read + Seek> Bytes for B {}

/// A file of a table: its bytes, and its name, which stands in messages.
///
/// ```
/// use std::io::Cursor;
/// use glassnet_data::{CsvOptions, Input, read_table};
/// let files = ["a,b\n1,x\n", "a,b\n2,y\n"].map(|text| Input::new("part.csv", Cursor::new(text)));
/// let table = read_table(files.into(), &CsvOptions::default())?;
/// assert_eq!(table.require("a")?.numbers(), Some(&[1.0, 2.0][..]));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub struct Input<'a> {
    pub(crate) name: String,
    bytes: Box<dyn Bytes + 'a>,
    begin: u64,
    /// How the file begins, once that was read.
    head: Option<Vec<u8>>,
    /// Whether the bytes stand behind the head.
    fresh: bool,
    /// A file of labels for the rows, and what their column is called.
    labels: Option<(String, Box<Input<'a>>)>,
}

impl<'a> Input<'a> {
    /// The file of that name with these bytes, from where they stand.
    pub fn new(name: impl Into<String>, bytes: impl Read + Seek + 'a) -> Self {
        let mut bytes: Box<dyn Bytes + 'a> = Box::new(bytes);
        // What cannot say where it stands fails when it is read.
        let begin = bytes.stream_position().unwrap_or(0);
        Input { name: name.into(), bytes, begin, head: None, fresh: true, labels: None }
    }

    /// The same rows with labels that stand in a file of their own, as those of MNIST do: an array of one axis, which becomes the
    /// column `column`.
    #[must_use]
    pub fn with_labels(mut self, column: impl Into<String>, labels: Input<'a>) -> Self {
        self.labels = Some((column.into(), Box::new(labels)));
        self
    }

    /// The column of labels and their file.
    pub(crate) fn labels(&mut self) -> Option<(&str, &mut Input<'a>)> {
        self.labels.as_mut().map(|(column, labels)| (column.as_str(), labels.as_mut()))
    }

    /// Refuses labels beside a table that has columns with names.
    ///
    /// # Errors
    /// Kind `usage`.
    pub(crate) fn refuse_labels_beside(&self, content: Content) -> Result<()> {
        let array = matches!(content, Content::Npy | Content::Zip | Content::Idx);
        if array || self.labels.is_none() {
            return Ok(());
        }
        Err(Error::usage(format!("{} is {content}: its labels are a column", quoted(&self.name)))
            .at("--labels")
            .help(
                "name the column with --target; labels of their own go with arrays (NPY, NPZ, IDX)",
            ))
    }

    /// What the file is, and what is in it if it is compressed.
    ///
    /// # Errors
    /// Kind `io`; kind `data` for compressed bytes that are damaged.
    pub(crate) fn look(&mut self) -> Result<(Content, Content)> {
        let outer = self.content()?;
        if !outer.is_compressed() {
            return Ok((outer, outer));
        }
        let inner = Content::of(&self.unpacked_head()?);
        if inner.is_compressed() {
            return Err(Error::data("the file is compressed twice")
                .at(self.name.clone())
                .help("unpack it once: gunzip, or zstd -d"));
        }
        Ok((outer, inner))
    }

    fn unpacked_head(&mut self) -> Result<Vec<u8>> {
        let name = self.name.clone();
        head_of(&mut self.open()?, &name)
    }

    fn content(&mut self) -> Result<Content> {
        let head = match self.head.take() {
            Some(head) => head,
            None => head_of(&mut self.bytes, &self.name)?,
        };
        let content = Content::of(&head);
        self.head = Some(head);
        Ok(content)
    }

    /// The file's bytes from the beginning, unpacked.
    ///
    /// # Errors
    /// Kind `io`.
    pub(crate) fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        let content = self.content()?;
        let name = self.name.clone();
        let first = std::mem::replace(&mut self.fresh, false);
        let head = self.head.clone().filter(|_| first).unwrap_or_default();
        let rest = if first { self.bytes.as_mut() } else { self.rewound()? };
        let bytes = Cursor::new(head).chain(rest);
        Ok(if content.is_compressed() { unpacked(bytes, content, &name) } else { Box::new(bytes) })
    }

    /// All of the file's bytes, unpacked.
    ///
    /// # Errors
    /// Kind `io`; kind `limit` where they are more than memory should hold.
    pub(crate) fn whole(&mut self) -> Result<Vec<u8>> {
        let name = self.name.clone();
        let mut bytes = vec![];
        let mut reader = self.open()?.take(MOST_WHOLE + 1);
        reader.read_to_end(&mut bytes).map_err(|error| read_error(&name, &error))?;
        if bytes.len() as u64 > MOST_WHOLE {
            return Err(Error::new(ErrorKind::Limit, "the file has more than 16 GB")
                .at(name)
                .help("divide it into several"));
        }
        Ok(bytes)
    }

    /// How long the file is.
    ///
    /// # Errors
    /// Kind `io`.
    pub(crate) fn length(&mut self) -> Result<u64> {
        self.fresh = false;
        let end = self.bytes.seek(SeekFrom::End(0));
        end.map(|end| end.saturating_sub(self.begin))
            .map_err(|error| read_error(&self.name, &error))
    }

    /// Some of the file's bytes, which it must have.
    ///
    /// # Errors
    /// Kind `io`.
    #[cfg(feature = "parquet")]
    pub(crate) fn piece(&mut self, range: std::ops::Range<u64>) -> Result<Vec<u8>> {
        self.fresh = false;
        let mut piece = vec![0; (range.end - range.start) as usize];
        let read = self
            .bytes
            .seek(SeekFrom::Start(self.begin + range.start))
            .and_then(|_| self.bytes.read_exact(&mut piece));
        read.map(|()| piece).map_err(|error| read_error(&self.name, &error))
    }

    /// Takes `bytes` for the file's.
    pub(crate) fn hold(&mut self, bytes: Cursor<Vec<u8>>) {
        (self.bytes, self.begin) = (Box::new(bytes), 0);
        (self.head, self.fresh) = (None, true);
    }

    /// The bytes from where the file begins.
    pub(crate) fn rewound(&mut self) -> Result<&mut (dyn Bytes + 'a)> {
        self.fresh = false;
        self.bytes
            .seek(SeekFrom::Start(self.begin))
            .map_err(|error| read_error(&self.name, &error))?;
        Ok(self.bytes.as_mut())
    }

    /// A note where the file's name says another thing than its content.
    pub(crate) fn note(&self, outer: Content) -> Option<Note> {
        let said = Content::of_name(&self.name)?;
        (said != outer).then(|| {
            let text = format!(
                "{} is {outer}, which its name does not say: read as what it is",
                quoted(&self.name)
            );
            Note::new(NoteKind::Interpreted, text)
        })
    }
}

/// The most bytes of a file that is held whole.
const MOST_WHOLE: u64 = 16 << 30;

fn head_of(reader: &mut dyn Read, name: &str) -> Result<Vec<u8>> {
    let mut head = vec![];
    reader.take(HEAD).read_to_end(&mut head).map_err(|error| read_error(name, &error))?;
    Ok(head)
}
