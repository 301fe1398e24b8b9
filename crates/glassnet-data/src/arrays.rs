//! The columns of files that know their cells' types, gathered from one file or several.

use glassnet::{Error, Result};

#[cfg(feature = "parquet")]
use crate::bytes::read_error;
use crate::columns::{Context, Typed};
use crate::fingerprint::Fingerprint;
use crate::header::order_of;
#[cfg(feature = "parquet")]
use crate::input::Input;
use crate::lines::Lines;
use crate::long::{Blocks, Spill};
use crate::options::{ColumnType, CsvOptions};
use crate::packed::Block;
#[cfg(feature = "parquet")]
use crate::packed::Staged;
use crate::read::{Gone, block_rows};
use crate::table::{Described, Table, unknown_column};
use crate::typed::{Cell, TypedColumn};
use crate::words::quoted;

/// A table under construction.
pub(crate) struct Columns {
    header: Vec<String>,
    /// The columns that are kept, each with its place in the header.
    columns: Vec<(usize, TypedColumn)>,
    blocks: Blocks,
    block_rows: usize,
    staged: usize,
    rows: usize,
    lines: Lines,
    first_file: String,
    fingerprint: Fingerprint,
}

impl Columns {
    /// Columns of these names, of which those of `natural` are kept: a place in the header and the type that the file gives.
    ///
    /// # Errors
    /// Kind `data` for flags that name columns which the file does not have.
    pub(crate) fn new(
        header: Vec<String>,
        natural: &[(usize, ColumnType)],
        context: &Context<'_>,
    ) -> Result<Self> {
        let options = context.options;
        let declared = options.keep.is_none().then(|| options.column_types.keys());
        let mut named = options.drop.iter().chain(declared.into_iter().flatten());
        if let Some(unknown) = named.find(|name| !header.contains(name)) {
            return Err(unknown_column(unknown, context.file, &header));
        }
        let mut fingerprint = Fingerprint::new();
        header.iter().for_each(|name| fingerprint.push(name.as_bytes()));
        let column = |&(at, natural): &(usize, ColumnType)| {
            let declared = options.column_types.get(&header[at]).copied();
            (at, TypedColumn::new(&header[at], natural, declared, context))
        };
        Ok(Columns {
            columns: natural.iter().map(column).collect(),
            block_rows: block_rows(header.len()),
            header,
            blocks: Blocks::default(),
            staged: 0,
            rows: 0,
            lines: Lines::of_rows(),
            first_file: context.file.to_owned(),
            fingerprint,
        })
    }

    /// Begins a file with these columns, and says which of the gathered ones each of its kept ones is.
    ///
    /// # Errors
    /// Kind `data` for other columns than those of the first file.
    pub(crate) fn begin(
        &mut self,
        header: &[String],
        natural: &[(usize, ColumnType)],
        file: &str,
    ) -> Result<Vec<usize>> {
        self.lines.begin(self.rows, file);
        let named = |header: &[String]| -> Vec<(String, bool)> {
            header.iter().map(|name| (name.clone(), false)).collect()
        };
        order_of(&named(&self.header), &named(header), (&self.first_file, file))?;
        let place = |&(at, natural): &(usize, ColumnType)| {
            let name = &header[at];
            let to = self.columns.iter().position(|(at, _)| self.header[*at] == *name);
            let to = to.ok_or_else(|| unknown_column(name, file, &self.header))?;
            let first = self.columns[to].1.natural;
            if first != natural {
                return Err(Error::data(format!(
                    "column {} holds {}, in {} it holds {}",
                    quoted(name),
                    plural(natural),
                    quoted(&self.first_file),
                    plural(first)
                ))
                .at(file)
                .help("write both files with the same types"));
            }
            Ok(to)
        };
        natural.iter().map(place).collect()
    }

    /// How many rows fit the block that is being filled.
    pub(crate) fn room(&self) -> usize {
        self.block_rows - self.staged
    }

    /// How many rows are done.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Takes the cell of row `row` in column `column`.
    ///
    /// # Errors
    /// As [`TypedColumn::push`].
    pub(crate) fn push(
        &mut self,
        column: usize,
        cell: Cell<'_>,
        row: usize,
        context: &Context<'_>,
    ) -> Result<()> {
        self.columns[column].1.push(cell, row, context)
    }

    /// Says that every column has so many rows more.
    ///
    /// # Errors
    /// Kind `io` when they can't be spilled.
    pub(crate) fn rows_done(&mut self, count: usize, spill: Option<&mut Spill>) -> Result<()> {
        self.rows += count;
        self.staged += count;
        if self.staged == self.block_rows { self.pack(spill) } else { Ok(()) }
    }

    /// Whether the table, with `rows` more, is one whose cells leave memory.
    #[cfg(feature = "parquet")]
    pub(crate) fn is_long(&self, rows: usize, spill: Option<&Spill>) -> bool {
        spill
            .is_some_and(|spill| self.blocks.exceeds(spill, self.staged + rows, self.columns.len()))
    }

    /// Takes `rows` rows column by column, which go to a scratch: `fill` pushes all cells of the column of that number.
    ///
    /// # Errors
    /// Those of `fill`; kind `io` when they can't be written.
    #[cfg(feature = "parquet")]
    pub(crate) fn tall(
        &mut self,
        rows: usize,
        spill: &mut Spill,
        mut fill: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<()> {
        if self.staged > 0 {
            self.pack(Some(spill))?;
        }
        let columns = self.columns.len();
        let mut tall = self.blocks.spill(columns, spill)?.begin(rows);
        for column in 0..columns {
            fill(self, column)?;
            let staged = self.columns[column].1.staged();
            let block = Block::pack(std::iter::once(&mut *staged), rows);
            // The other columns need the memory that so many cells have taken.
            *staged = Staged::default();
            self.blocks.spill(columns, spill)?.put(&mut tall, &block)?;
        }
        self.rows += rows;
        self.blocks.spill(columns, spill)?.end(&tall)
    }

    fn pack(&mut self, spill: Option<&mut Spill>) -> Result<()> {
        let staged = self.columns.iter_mut().map(|(_, column)| column.staged());
        let block = Block::pack(staged, self.staged);
        self.staged = 0;
        self.blocks.push(block, spill)
    }

    /// Adds bytes to the fingerprint.
    pub(crate) fn fingerprint_bytes(&mut self, bytes: &[u8]) {
        self.fingerprint.extend(bytes);
    }

    /// Adds all bytes of a file to the fingerprint.
    ///
    /// # Errors
    /// Kind `io`.
    #[cfg(feature = "parquet")]
    pub(crate) fn fingerprint_file(&mut self, input: &mut Input<'_>) -> Result<()> {
        let name = input.name.clone();
        let bytes = input.rewound()?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match bytes.read(&mut buffer).map_err(|error| read_error(&name, &error))? {
                0 => return Ok(()),
                count => self.fingerprint.extend(&buffer[..count]), // not operations: a count
            }
        }
    }

    /// The table, once all rows were read.
    ///
    /// # Errors
    /// Kind `data` for no rows, and as [`TypedColumn::finish`].
    pub(crate) fn finish(
        mut self,
        title: String,
        options: &CsvOptions,
        spill: Option<&mut Spill>,
    ) -> Result<Gone> {
        if self.rows == 0 {
            return Err(Error::data("the table has no rows").at(title).help("add rows"));
        }
        if self.staged > 0 {
            self.pack(spill)?;
        }
        let context = Context::new(&title, options);
        let (mut notes, mut described) = (vec![], vec![]);
        for (at, column) in self.columns {
            let name = self.header[at].clone();
            let Typed::Column(kind, told) = column.finish(&name, &context, &self.lines)? else {
                return Err(Error::data(format!("column {} has no texts", quoted(&name))).at(title));
            };
            notes.extend(told);
            let declared = options.column_types.contains_key(&name);
            described.push(Described { name, kind, declared, unnamed: false });
        }
        let (blocks, spilled) = self.blocks.finish();
        let table = Table {
            name: title,
            header: self.header,
            columns: described,
            blocks,
            rows: self.rows,
            missing: options.missing.clone(),
            lines: self.lines,
            fingerprint: self.fingerprint.finish(),
            notes,
        };
        Ok((table, spilled))
    }
}

fn plural(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Number => "numbers",
        ColumnType::Boolean => "truth values",
        ColumnType::Category => "texts",
        ColumnType::Date => "dates",
    }
}
