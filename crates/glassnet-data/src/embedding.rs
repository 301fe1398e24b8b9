//! Which columns of categories become codes, and how long the rows of their tables are.

use std::collections::BTreeMap;

use glassnet::nn::{EmbedColumns, Embedding};
use glassnet::{Error, Result};

use crate::preprocessing::{Encoding, Feature, Preprocessing};
use crate::words::{quoted, shell};

/// Columns of more categories than this become codes under [`EmbedRule::Auto`].
pub const EMBED_ABOVE: usize = 50;

/// What becomes of columns of categories that no name decides about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EmbedRule {
    /// A feature per category, up to [`EMBED_ABOVE`] of them; a code above.
    Auto,
    /// A feature per category.
    #[default]
    Never,
    /// A code.
    Always,
}

/// Which columns of categories become codes, for a network that looks them up in tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbedOptions {
    /// What becomes of the columns that are not named.
    pub rule: EmbedRule,
    /// Columns that become codes, perhaps with the length of their tables' rows.
    pub columns: BTreeMap<String, Option<usize>>,
}

impl EmbedOptions {
    /// The options of a command line: at most one of `auto` (the default), `never` and `always`, and columns, each
    /// perhaps with the length of its table's rows: `city=16`.
    ///
    /// ```
    /// use glassnet_data::{EmbedOptions, EmbedRule};
    /// let options = EmbedOptions::parse(["never", "city=16", "store"])?;
    /// assert_eq!(options.rule, EmbedRule::Never);
    /// assert_eq!(options.columns["city"], Some(16));
    /// assert_eq!(options.columns["store"], None);
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// Kind `usage`: two rules, a column that stands twice, a length of 0 or above [`Self::MOST_DIMENSIONS`].
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut rule = None;
        let mut columns = BTreeMap::new();
        for word in words {
            let named = match word {
                "auto" => EmbedRule::Auto,
                "never" => EmbedRule::Never,
                "always" => EmbedRule::Always,
                column => {
                    let (name, length) = length(column)?;
                    if columns.insert(name.to_owned(), length).is_some() {
                        return Err(Error::usage(format!("column {} stands twice", quoted(name)))
                            .help("name it once"));
                    }
                    continue;
                }
            };
            if rule.replace(named).is_some_and(|before| before != named) {
                return Err(Error::usage("auto, never and always exclude each other")
                    .help("give one of them"));
            }
        }
        Ok(EmbedOptions { rule: rule.unwrap_or(EmbedRule::Auto), columns })
    }

    /// The longest rows of a table that may be asked for.
    pub const MOST_DIMENSIONS: usize = 1 << 16;

    /// Whether a column of so many categories becomes a code.
    pub(crate) fn takes(&self, column: &str, categories: usize) -> bool {
        self.columns.contains_key(column)
            || match self.rule {
                EmbedRule::Auto => categories > EMBED_ABOVE,
                EmbedRule::Never => false,
                EmbedRule::Always => true,
            }
    }

    /// The length of the rows of a column's table of `rows` rows: the one that was asked for, or [`embedding_dim`].
    pub fn dimension(&self, column: &str, rows: usize) -> usize {
        self.columns.get(column).copied().flatten().unwrap_or_else(|| embedding_dim(rows))
    }

    /// Refuses names of columns that did not become codes.
    pub(crate) fn refuse_others(&self, features: &[Feature], table: &str) -> Result<()> {
        let is_code = |name: &str| {
            features.iter().any(|f| f.column == name && matches!(f.encoding, Encoding::Code { .. }))
        };
        let Some(name) = self.columns.keys().find(|name| !is_code(name)) else { return Ok(()) };
        let flag = shell(name);
        let (why, help) = match features.iter().find(|feature| feature.column == *name) {
            Some(feature) => (
                format!("holds the type {}, not categories", feature.column_type().name()),
                format!("--column-type {flag}=category takes its cells as names of categories"),
            ),
            None => ("is no feature".to_owned(), "name a column of categories".to_owned()),
        };
        Err(Error::data(format!("column {} is to be embedded, but it {why}", quoted(name)))
            .at(table.to_owned())
            .help(help))
    }
}

/// `city=16` as a column and a length.
fn length(word: &str) -> Result<(&str, Option<usize>)> {
    let parts = word.rsplit_once('=');
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((name, text)) = parts.filter(|(_, text)| digits(text)) else {
        return Ok((word, None));
    };
    match text.parse() {
        Ok(length @ 1..=EmbedOptions::MOST_DIMENSIONS) => Ok((name, Some(length))),
        Ok(_) | Err(_) => Err(Error::usage(format!(
            "a table of {} cannot have rows of {text} numbers",
            quoted(name)
        ))
        .help(format!("give 1 to {}", EmbedOptions::MOST_DIMENSIONS))),
    }
}

/// How long the rows of a table of `rows` rows are unless somebody says so: min(600, round(1.6 · rows^0.56)).
///
/// ```
/// assert_eq!([2, 10, 52, 1_000, 100_000].map(glassnet_data::embedding_dim), [2, 6, 15, 77, 600]);
/// ```
///
/// # Source
/// fastai, `emb_sz_rule`, <https://docs.fast.ai/tabular.model.html>.
pub fn embedding_dim(rows: usize) -> usize {
    let length = (1.6 * (rows as f64).powf(0.56)).round();
    (length as usize).clamp(1, 600)
}

impl Preprocessing {
    /// The layer that looks up this preprocessing's codes, which a network begins with; it has no table where no column is
    /// a code. Row 0 of a table, for what is none of the known categories, is zeros and stays so.
    pub fn embed_columns(&self, options: &EmbedOptions) -> EmbedColumns {
        let mut at = 0;
        let mut tables = vec![];
        for feature in &self.features {
            if let Some(rows) = feature.codes() {
                let width = options.dimension(&feature.column, rows);
                let table = Embedding { padding_idx: Some(0), ..Embedding::new(rows, width) };
                tables.push((at, table));
            }
            at += feature.width();
        }
        EmbedColumns::new(tables)
    }

    /// Checks that a network's first layer looks up this preprocessing's codes: a table for each of them and for nothing
    /// else, with a row for every code.
    ///
    /// # Errors
    /// Kind `usage`: the first column that doesn't fit, with the layer that would.
    pub fn check_embed_columns(&self, layer: &EmbedColumns) -> Result<()> {
        let wanted = self.embed_columns(&EmbedOptions::default());
        let names: Vec<&str> = self
            .features
            .iter()
            .filter(|feature| feature.codes().is_some())
            .map(|feature| feature.column.as_str())
            .collect();
        let refuse = |what: String| {
            let fits = glassnet::nn::Module::EmbedColumns(wanted.clone()).notation();
            Err(Error::usage(what).help(match wanted.tables.is_empty() {
                true => "leave EmbedColumns out, or ask for codes with --embedding".to_owned(),
                false => format!("write {fits}, or leave it out: it is put before the network"),
            }))
        };
        for (name, (column, table)) in names.iter().zip(&wanted.tables) {
            let found = layer.tables.iter().find(|(own, _)| own == column);
            let Some((_, found)) = found else {
                return refuse(format!(
                    "feature {column} (from 0), {}, is a code, and the network doesn't look it up",
                    quoted(name)
                ));
            };
            if found.num_embeddings < table.num_embeddings {
                return refuse(format!(
                    "the table of feature {column} (from 0), {}, has {} rows, {} are needed",
                    quoted(name),
                    found.num_embeddings,
                    table.num_embeddings
                ));
            }
        }
        let other = |(column, _): &&(usize, Embedding)| {
            wanted.tables.iter().all(|(code, _)| code != column)
        };
        match layer.tables.iter().find(other) {
            Some((column, _)) => refuse(format!("feature {column} (from 0) is no code")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_contradict_each_other_or_mean_nothing_are_refused() {
        let refused =
            |words: &[&str]| EmbedOptions::parse(words.iter().copied()).unwrap_err().to_string();
        assert!(refused(&["auto", "never"]).contains("exclude"));
        assert!(refused(&["city", "city=3"]).contains("\"city\" stands twice"));
        assert!(refused(&["city=0"]).contains("rows of 0 numbers"));
        assert!(refused(&["city=99999999999999999999"]).contains("give 1 to 65536"));
    }

    #[test]
    fn a_name_may_have_an_equals_sign() -> Result<()> {
        let options = EmbedOptions::parse(["a=b", "c=d=7", "auto"])?;
        assert_eq!(options.rule, EmbedRule::Auto);
        let columns: Vec<(&str, Option<usize>)> =
            options.columns.iter().map(|(name, &length)| (name.as_str(), length)).collect();
        assert_eq!(columns, [("a=b", None), ("c=d", Some(7))]);
        Ok(())
    }
}
