//! What was learned from the training rows: how each column becomes features, and how outputs become answers.

use std::collections::BTreeSet;

use glassnet::{Error, ErrorKind, Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::dates::DateParts;
use crate::encode::standardised;
use crate::options::{ColumnType, CsvOptions};
use crate::words::quoted;

/// The newest version of the JSON form that this crate reads. It writes the oldest one that has all it needs: dates and several targets
/// came with version 2, codes with version 3.
pub const FORMAT_VERSION: u32 = 3;

/// How a column becomes features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Encoding {
    /// `(x − mean) / std`; a gap becomes the median.
    Number {
        /// The mean of the training rows.
        mean: f64,
        /// Their population standard deviation, 1 for a constant column.
        std: f64,
        /// Their median.
        median: f64,
        /// Whether training rows had gaps: then a further feature is 1 where the cell is missing, else 0.
        gaps: bool,
    },
    /// 0 for false, 1 for true; a gap becomes the more frequent one.
    Boolean {
        /// The more frequent value of the training rows (false if both are as frequent).
        most: bool,
        /// Whether training rows had gaps: then a further feature is 1 where the cell is missing, else 0.
        gaps: bool,
    },
    /// The parts of a date; a gap becomes zeros: the mean year, and the middle of the circles.
    Date {
        /// Which parts.
        #[serde(flatten)]
        parts: DateParts,
        /// Whether training rows had gaps: then a further feature is 1 where the cell is missing, else 0.
        gaps: bool,
    },
    /// One feature per category: 1 where the cell is that category, else 0.
    Category {
        /// The categories of the training rows, sorted.
        levels: Vec<String>,
        /// Whether training rows had gaps: then a further feature is 1 where the cell is missing, else 0.
        gaps: bool,
    },
    /// A whole number per category, for a network that looks it up in a table
    /// ([`EmbedColumns`](glassnet::nn::EmbedColumns)): 0 for none of them, else 1, 2, … in their order.
    Code {
        /// The categories of the training rows, sorted.
        levels: Vec<String>,
        /// Whether training rows had gaps: then a missing cell has the code behind those of the categories.
        gaps: bool,
    },
}

/// A column and how it becomes features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The column's name.
    pub column: String,
    /// How its cells become features.
    #[serde(flatten)]
    pub encoding: Encoding,
}

impl Feature {
    /// How many features the column becomes.
    pub fn width(&self) -> usize {
        match &self.encoding {
            Encoding::Number { gaps, .. } | Encoding::Boolean { gaps, .. } => {
                1 + usize::from(*gaps)
            }
            Encoding::Date { parts, gaps } => parts.width() + usize::from(*gaps),
            Encoding::Category { levels, gaps } => levels.len() + usize::from(*gaps),
            Encoding::Code { .. } => 1,
        }
    }

    /// How many codes there are, for a column that becomes a code: the rows of its table.
    pub fn codes(&self) -> Option<usize> {
        match &self.encoding {
            Encoding::Code { levels, gaps } => Some(1 + levels.len() + usize::from(*gaps)),
            Encoding::Number { .. }
            | Encoding::Boolean { .. }
            | Encoding::Date { .. }
            | Encoding::Category { .. } => None,
        }
    }

    /// What a number of a number column becomes: `(x − mean) / std` in f64, then rounded to f32, so that a greater number never
    /// becomes a smaller feature; infinities stay. `None` for other columns, and for numbers that leave f32.
    ///
    /// ```
    /// use glassnet_data::{Encoding, Feature};
    /// let encoding = Encoding::Number { mean: 10.0, std: 4.0, median: 9.0, gaps: false };
    /// let wind = Feature { column: "wind".into(), encoding };
    /// assert_eq!(wind.encode_number(12.0), Some(0.5));
    /// ```
    pub fn encode_number(&self, value: f64) -> Option<f32> {
        match &self.encoding {
            Encoding::Number { .. } if value.is_infinite() => Some(value as f32),
            Encoding::Number { mean, std, .. } => standardised(value, *mean, *std),
            Encoding::Boolean { .. }
            | Encoding::Date { .. }
            | Encoding::Category { .. }
            | Encoding::Code { .. } => None,
        }
    }

    /// The features' names: `wind`, `weather=rain`, `body_mass_g missing`.
    pub fn names(&self) -> Vec<String> {
        let (mut names, gaps) = match &self.encoding {
            Encoding::Number { gaps, .. } | Encoding::Boolean { gaps, .. } => {
                (vec![self.column.clone()], *gaps)
            }
            Encoding::Date { parts, gaps } => {
                let names = parts.names().into_iter();
                (names.map(|part| format!("{} {part}", self.column)).collect(), *gaps)
            }
            Encoding::Category { levels, gaps } => {
                (levels.iter().map(|level| format!("{}={level}", self.column)).collect(), *gaps)
            }
            Encoding::Code { .. } => (vec![self.column.clone()], false),
        };
        if gaps {
            names.push(format!("{} missing", self.column));
        }
        names
    }

    /// The type that the column must have.
    pub fn column_type(&self) -> ColumnType {
        match &self.encoding {
            Encoding::Number { .. } => ColumnType::Number,
            Encoding::Boolean { .. } => ColumnType::Boolean,
            Encoding::Date { .. } => ColumnType::Date,
            Encoding::Category { .. } | Encoding::Code { .. } => ColumnType::Category,
        }
    }
}

/// How the target becomes what a network learns, and its outputs become answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TargetEncoding {
    /// The index of the class.
    Classes {
        /// The target's column.
        column: String,
        /// What the column holds; classes of a number column are compared as numbers.
        column_type: ColumnType,
        /// The classes in the order of the network's outputs.
        names: Vec<String>,
    },
    /// `(y − mean) / std`.
    Number {
        /// The target's column.
        column: String,
        /// The mean of the training rows, 0 if the target is learned as it is.
        mean: f64,
        /// Their population standard deviation, 1 if the target is learned as it is.
        std: f64,
    },
    /// Several columns of numbers, an output of the network for each.
    Numbers {
        /// The targets in the order of the outputs.
        targets: Vec<NumberTarget>,
    },
}

/// One of several targets: a column of numbers, learned as `(y − mean) / std`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberTarget {
    /// The column.
    pub column: String,
    /// The mean of the training rows, 0 if the target is learned as it is.
    pub mean: f64,
    /// Their population standard deviation, 1 if the target is learned as it is.
    pub std: f64,
}

impl TargetEncoding {
    /// The target's column; of several the first one's.
    pub fn column(&self) -> &str {
        match self {
            TargetEncoding::Classes { column, .. } | TargetEncoding::Number { column, .. } => {
                column
            }
            TargetEncoding::Numbers { targets } => {
                targets.first().map_or("", |target| target.column.as_str())
            }
        }
    }

    /// All targets' columns.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            TargetEncoding::Classes { column, .. } | TargetEncoding::Number { column, .. } => {
                vec![column]
            }
            TargetEncoding::Numbers { targets } => {
                targets.iter().map(|target| target.column.as_str()).collect()
            }
        }
    }

    /// The classes' names, `None` for numbers.
    pub fn classes(&self) -> Option<&[String]> {
        match self {
            TargetEncoding::Classes { names, .. } => Some(names),
            TargetEncoding::Number { .. } | TargetEncoding::Numbers { .. } => None,
        }
    }

    /// How many outputs a network needs: one per class or target.
    pub fn outputs(&self) -> usize {
        self.classes().map_or(self.columns().len(), <[String]>::len)
    }

    /// A network's output in the target's own unit, `y · std + mean`; classes come back as they are. Of several targets the
    /// first one's ([`TargetEncoding::restore_all`] knows each).
    pub fn restore(&self, output: f32) -> f32 {
        self.restore_at(0, output)
    }

    /// Outputs of shape `[rows, outputs]`, each in its target's own unit.
    pub fn restore_all(&self, outputs: &Tensor<f32>) -> Tensor<f32> {
        let width = self.outputs().max(1);
        let mut restored = outputs.clone();
        for (at, output) in restored.data_mut().iter_mut().enumerate() {
            *output = self.restore_at(at % width, *output);
        }
        restored
    }

    fn restore_at(&self, target: usize, output: f32) -> f32 {
        let scaled = |mean: f64, std: f64| (f64::from(output) * std + mean) as f32;
        match self {
            TargetEncoding::Classes { .. } => output,
            TargetEncoding::Number { mean, std, .. } => scaled(*mean, *std),
            TargetEncoding::Numbers { targets } => {
                targets.get(target).map_or(output, |target| scaled(target.mean, target.std))
            }
        }
    }

    fn column_type(&self) -> ColumnType {
        match self {
            TargetEncoding::Classes { column_type, .. } => *column_type,
            TargetEncoding::Number { .. } | TargetEncoding::Numbers { .. } => ColumnType::Number,
        }
    }
}

/// How the columns of a table become features, fitted on training rows, saved with the model, replayed by column name.
///
/// # Format
/// [`Preprocessing::to_json`] gives an object with `version`, `missing` (cells that count as missing), `features` in the
/// network's order, `target`, `weights` (the column of row weights, or null) and `unused` (columns of the training file
/// that are no features). It also implements serde's traits, so that it can be part of a larger document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Document", try_from = "Document")]
pub struct Preprocessing {
    pub(crate) missing: Vec<String>,
    pub(crate) features: Vec<Feature>,
    pub(crate) target: TargetEncoding,
    pub(crate) weights: Option<String>,
    pub(crate) unused: Vec<String>,
}

/// The JSON form.
#[derive(Clone, Serialize, Deserialize)]
struct Document {
    version: u32,
    missing: Vec<String>,
    features: Vec<Feature>,
    target: TargetEncoding,
    #[serde(default)]
    weights: Option<String>,
    #[serde(default)]
    unused: Vec<String>,
}

impl From<Preprocessing> for Document {
    fn from(from: Preprocessing) -> Self {
        let Preprocessing { missing, features, target, weights, unused } = from;
        let dates = features.iter().any(|f| matches!(f.encoding, Encoding::Date { .. }));
        let several = matches!(target, TargetEncoding::Numbers { .. });
        let codes = features.iter().any(|feature| feature.codes().is_some());
        let version = match (codes, dates || several) {
            (true, _) => 3,
            (false, true) => 2,
            (false, false) => 1,
        };
        Document { version, missing, features, target, weights, unused }
    }
}

impl TryFrom<Document> for Preprocessing {
    type Error = Error;

    fn try_from(document: Document) -> Result<Self> {
        let Document { version, missing, features, target, weights, unused } = document;
        if !(1..=FORMAT_VERSION).contains(&version) {
            return Err(newer_version(u64::from(version)));
        }
        features.iter().try_for_each(check_feature)?;
        check_target(&target)?;
        let mut columns: BTreeSet<&str> = target.columns().into_iter().collect();
        let twice = features.iter().find(|feature| !columns.insert(&feature.column));
        match (twice, features.is_empty()) {
            (Some(feature), _) => Err(broken(&feature.column, "stands there twice")),
            (None, true) => Err(Error::model("the preprocessing has no features")),
            (None, false) => Ok(Preprocessing { missing, features, target, weights, unused }),
        }
    }
}

impl Preprocessing {
    /// The columns in the order of the features.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The target.
    pub fn target(&self) -> &TargetEncoding {
        &self.target
    }

    /// Further cells, beside empty ones, that count as missing.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// The column of row weights, if training used one.
    pub fn weights(&self) -> Option<&str> {
        self.weights.as_deref()
    }

    /// Columns of the training file that are no features.
    pub fn unused(&self) -> &[String] {
        &self.unused
    }

    /// The number of features, which is the network's input width.
    pub fn width(&self) -> usize {
        self.features.iter().map(Feature::width).sum()
    }

    /// Every feature's name, in order.
    pub fn feature_names(&self) -> Vec<String> {
        self.features.iter().flat_map(Feature::names).collect()
    }

    /// `base` with what this preprocessing needs: the types of its columns, the cells that count as missing, and only its
    /// columns kept (with the target and row weights if `with_target`). Read every table that is to be encoded with these.
    pub fn csv_options(&self, base: &CsvOptions, with_target: bool) -> CsvOptions {
        let mut options = base.clone();
        for cell in &self.missing {
            if !options.missing.contains(cell) {
                options.missing.push(cell.clone());
            }
        }
        let features = self.features.iter().map(|f| (f.column.clone(), f.column_type()));
        let mut types: Vec<(String, ColumnType)> = features.collect();
        if with_target {
            let targets = self.target.columns().into_iter();
            types.extend(targets.map(|column| (column.to_owned(), self.target.column_type())));
            types.extend(self.weights.iter().map(|column| (column.clone(), ColumnType::Number)));
        }
        options.keep = Some(types.iter().map(|(column, _)| column.clone()).collect());
        options.column_types = types.into_iter().collect();
        options.drop.clear();
        options
    }

    /// The JSON form; see the type's documentation.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The preprocessing of a JSON form.
    ///
    /// # Errors
    /// Kind `model`: a newer version, a missing or wrong entry, numbers that are not finite or not positive where they
    /// must be, equal columns or categories.
    pub fn from_json(value: &serde_json::Value) -> Result<Self> {
        let version = value.get("version").and_then(serde_json::Value::as_u64);
        match version {
            Some(version) if !(1..=u64::from(FORMAT_VERSION)).contains(&version) => {
                return Err(newer_version(version));
            }
            _ => {}
        }
        let document = Document::deserialize(value).map_err(|error| {
            Error::model(format!("the preprocessing is damaged: {error}"))
                .help("train the model again, or take an undamaged copy")
        })?;
        Preprocessing::try_from(document)
    }
}

fn newer_version(version: u64) -> Error {
    Error::model(format!(
        "the preprocessing has format version {version}, this glassnet reads versions 1 to {FORMAT_VERSION}"
    ))
    .help("use the glassnet that wrote the model, or a newer one")
}

fn broken(column: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::Model,
        format!("the preprocessing is damaged: column {} {why}", quoted(column)),
    )
    .help("train the model again, or take an undamaged copy")
}

fn check_feature(feature: &Feature) -> Result<()> {
    let column = &feature.column;
    match &feature.encoding {
        Encoding::Number { mean, std, median, .. } => {
            let finite = mean.is_finite() && median.is_finite();
            let positive = std.is_finite() && *std > 0.0;
            if finite && positive { Ok(()) } else { Err(broken(column, "has a bad mean or std")) }
        }
        Encoding::Boolean { .. } => Ok(()),
        Encoding::Date { parts, .. } => {
            let good = |(mean, std): (f64, f64)| mean.is_finite() && std.is_finite() && std > 0.0;
            match parts.width() > 0 && parts.year.is_none_or(good) {
                true => Ok(()),
                false => Err(broken(column, "has no parts of dates, or a bad mean or std")),
            }
        }
        Encoding::Category { levels, .. } | Encoding::Code { levels, .. } => {
            let ordered = levels.windows(2).all(|pair| pair[0] < pair[1]);
            if ordered { Ok(()) } else { Err(broken(column, "has categories out of order")) }
        }
    }
}

fn check_target(target: &TargetEncoding) -> Result<()> {
    match target {
        TargetEncoding::Classes { column, column_type, names } => {
            let distinct: BTreeSet<&String> = names.iter().collect();
            let numeric = *column_type != ColumnType::Number
                || names.iter().all(|name| name.parse::<f64>().is_ok_and(f64::is_finite));
            if names.len() < 2 || distinct.len() < names.len() || !numeric {
                return Err(broken(column, "has bad classes"));
            }
            Ok(())
        }
        TargetEncoding::Numbers { targets } => {
            let distinct: BTreeSet<&str> = targets.iter().map(|t| t.column.as_str()).collect();
            if targets.len() < 2 || distinct.len() < targets.len() {
                return Err(broken("", "is not one of several different targets"));
            }
            let bad = |target: &&NumberTarget| {
                !(target.mean.is_finite() && target.std.is_finite() && target.std > 0.0)
            };
            match targets.iter().find(bad) {
                None => Ok(()),
                Some(target) => Err(broken(&target.column, "has a bad mean or std")),
            }
        }
        TargetEncoding::Number { column, mean, std } => {
            if mean.is_finite() && std.is_finite() && *std > 0.0 {
                Ok(())
            } else {
                Err(broken(column, "has a bad mean or std"))
            }
        }
    }
}
