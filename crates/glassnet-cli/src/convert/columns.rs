//! A model's preprocessing as the columns of an ONNX file.

use glassnet::{Error, Result};
use glassnet_data::{Encoding, Feature, NumberTarget, Preprocessing, TargetEncoding};
use glassnet_formats::{Card, OnnxAnswer, OnnxColumn, OnnxEncoding, OnnxNumber, OnnxTable};

/// What the file `name`, which `card` describes, says of its columns.
pub(super) fn table(card: Option<&Card>, name: &str) -> Result<OnnxTable> {
    let Some(json) = card.and_then(|card| card.preprocessing.as_ref()) else {
        return Err(Error::usage(format!("{name} doesn't say how columns become features"))
            .at("--with-preprocessing")
            .help("leave it out: the graph takes the network's numbers"));
    };
    let preprocessing =
        Preprocessing::from_json(json).map_err(|error| error.at(name.to_owned()))?;
    let missing = preprocessing.missing();
    let columns = preprocessing.features().iter().map(|feature| column(feature, missing));
    let columns = columns.collect::<Result<_>>()?;
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

fn column(feature: &Feature, missing: &[String]) -> Result<OnnxColumn> {
    let encoding = match &feature.encoding {
        &Encoding::Number { mean, std, median, gaps } => {
            OnnxEncoding::Number { mean, std, median, gaps }
        }
        &Encoding::Boolean { most, gaps } => OnnxEncoding::Boolean { most, gaps },
        Encoding::Date { .. } => {
            return Err(Error::usage(format!(
                "column {:?} is a date, and ONNX has no operations that read dates",
                feature.column
            ))
            .at("--with-preprocessing")
            .help("leave it out: the graph takes the encoded features"));
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
    Ok(OnnxColumn { name: feature.column.clone(), encoding })
}
