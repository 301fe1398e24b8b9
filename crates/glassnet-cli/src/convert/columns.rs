//! A model's preprocessing as the columns of an ONNX file.

use glassnet::{Error, Result};
use glassnet_data::{DateParts, Encoding, Feature, NumberTarget, Preprocessing, TargetEncoding};
use glassnet_formats::{
    Card, OnnxAnswer, OnnxColumn, OnnxDate, OnnxEncoding, OnnxNumber, OnnxTable,
};

/// What the file `name`, which `card` describes, says of its columns.
pub(crate) fn table(card: Option<&Card>, name: &str) -> Result<OnnxTable> {
    let Some(json) = card.and_then(|card| card.preprocessing.as_ref()) else {
        return Err(Error::usage(format!("{name} doesn't say how columns become features"))
            .at("--with-preprocessing")
            .help("leave it out: the graph takes the network's numbers"));
    };
    let preprocessing =
        Preprocessing::from_json(json).map_err(|error| error.at(name.to_owned()))?;
    let missing = preprocessing.missing();
    let columns = preprocessing.features().iter().map(|feature| column(feature, missing));
    let columns = columns.collect();
    let answer = match preprocessing.target() {
        TargetEncoding::Classes { names, .. } => OnnxAnswer::Classes(names.clone()),
        &TargetEncoding::Number { mean, std, .. } => {
            OnnxAnswer::Numbers(vec![OnnxNumber { mean, std }])
        }
        TargetEncoding::Numbers { targets } => {
            let number = |target: &NumberTarget| OnnxNumber { mean: target.mean, std: target.std };
            OnnxAnswer::Numbers(targets.iter().map(number).collect())
        }
    };
    Ok(OnnxTable { columns, answer })
}

fn column(feature: &Feature, missing: &[String]) -> OnnxColumn {
    let encoding = match &feature.encoding {
        &Encoding::Number { mean, std, median, gaps } => {
            OnnxEncoding::Number { mean, std, median, gaps }
        }
        &Encoding::Boolean { most, gaps } => OnnxEncoding::Boolean { most, gaps },
        &Encoding::Date { ref parts, gaps } => {
            let DateParts { year, month, weekday, time, .. } = *parts;
            OnnxEncoding::Date { parts: OnnxDate { year, month, weekday, time }, gaps }
        }
        Encoding::Category { levels, gaps } => OnnxEncoding::Category {
            levels: levels.clone(),
            missing: missing.to_vec(),
            gaps: *gaps,
        },
        Encoding::Code { levels, gaps } => {
            OnnxEncoding::Code { levels: levels.clone(), missing: missing.to_vec(), gaps: *gaps }
        }
    };
    OnnxColumn { name: feature.column.clone(), encoding }
}
