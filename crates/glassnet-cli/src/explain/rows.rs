//! The rows to explain, from flags or a table, with what is true of them.

use std::path::PathBuf;

use glassnet::explain::{Labels, Rows, Scale};
use glassnet::graph::{DType, Dim};
use glassnet::nn::loss::Criterion;
use glassnet::nn::{Module, Network};
use glassnet::train::{Features, Target};
use glassnet::{Error, Result, Tensor};
use glassnet_data::{CsvOptions, TargetEncoding};

use super::Explain;
use crate::model::{Model, Trained};
use crate::{memory, predict, reading, terminal::Terminal};

/// The rows and the loss, if there is one.
pub(super) fn read(
    args: &Explain,
    model: &Model,
    loss: Option<Criterion>,
    terminal: &Terminal,
) -> Result<(Rows, Option<Criterion>)> {
    // The parser waives what a flag requires beside a flag that conflicts with that.
    let of_tables = [
        ("--row", !args.row.is_empty()),
        ("--target", args.target.is_some()),
        ("--no-header", args.no_header),
    ];
    if let Some((flag, _)) = of_tables.into_iter().find(|(_, given)| *given && args.data.is_empty())
    {
        return Err(Error::usage("there is no table to take rows from")
            .at(flag)
            .help("give --data FILE, or leave the flag out"));
    }
    match model {
        Model::Bare(network) => bare(args, network, loss, terminal),
        Model::Trained(trained) => from_model(args, trained, loss, terminal),
    }
}

/// Refuses rows that do not fit a network, and networks that do not fit memory, before it has weights.
pub(super) fn check(args: &Explain, module: &Module) -> Result<()> {
    let inputs = match args.data.is_empty() {
        true => numbers(&args.input, "--input")?,
        false => vec![],
    };
    if !inputs.is_empty() {
        features(module, &inputs)?;
    }
    memory::check_trace(&module.summary(None)?, inputs.len().max(1))
}

fn bare(
    args: &Explain,
    network: &Network,
    loss: Option<Criterion>,
    terminal: &Terminal,
) -> Result<(Rows, Option<Criterion>)> {
    let (inputs, truths, labels) = match args.data.as_slice() {
        [] => (numbers(&args.input, "--input")?, words(&args.truth), Labels::default()),
        paths => table(args, paths, terminal)?,
    };
    if inputs.is_empty() {
        return Err(Error::usage("there is no row to explain")
            .at("--input")
            .help("give its numbers, such as --input 0,1, or --data FILE --row 1"));
    }
    let module = network.module();
    let features = features(module, &inputs)?;
    if truths.is_empty() {
        return Ok((Rows { features, target: None, labels }, loss));
    }
    fits(truths.len(), inputs.len())?;
    let outputs = outputs(module, &features);
    let loss = match loss {
        Some(loss) => loss,
        None => Criterion::parse(guessed_loss(module, outputs, &truths))?,
    };
    let target = target(&loss, &truths, outputs, &[])?;
    Ok((Rows { features, target: Some(target), labels }, Some(loss)))
}

fn from_model(
    args: &Explain,
    trained: &Trained,
    loss: Option<Criterion>,
    terminal: &Terminal,
) -> Result<(Rows, Option<Criterion>)> {
    let own = trained.preprocessing.target();
    let default = if own.classes().is_some() { "cross_entropy" } else { "mse" };
    let criterion = match loss {
        Some(loss) => loss,
        None => Criterion::parse(trained.card.criterion.as_deref().unwrap_or(default))?,
    };
    if let Some(flag) = [("--target", args.target.is_some()), ("--no-header", args.no_header)]
        .into_iter()
        .find_map(|(flag, given)| given.then_some(flag))
    {
        return Err(Error::usage("a model file knows its columns and its target")
            .at(flag)
            .help("leave the flag out: it is for bare networks"));
    }
    let classes = own.classes().unwrap_or(&[]).to_vec();
    let mut labels = Labels {
        features: trained.preprocessing.feature_names(),
        classes: classes.clone(),
        rows: vec![],
        scale: match own {
            TargetEncoding::Number { column, mean, std } => {
                Some(Scale { name: column.clone(), mean: *mean, deviation: *std })
            }
            TargetEncoding::Classes { .. } | TargetEncoding::Numbers { .. } => None,
        },
    };
    let mut truths = words(&args.truth);
    let (features, mut found) = match args.data.as_slice() {
        [] if args.input.is_empty() => {
            return Err(Error::usage("there is no row to explain")
                .at("--data")
                .help("give a table and --row N, or the encoded features as --input"));
        }
        [] => (features(trained.network.module(), &numbers(&args.input, "--input")?)?, None),
        paths => encoded(args, paths, trained, &mut labels, terminal)?,
    };
    if !truths.is_empty() {
        fits(truths.len(), features.rows())?;
        let scales: Vec<(f64, f64)> = match own {
            TargetEncoding::Classes { .. } => vec![],
            TargetEncoding::Number { mean, std, .. } => vec![(*mean, *std)],
            TargetEncoding::Numbers { targets } => {
                targets.iter().map(|target| (target.mean, target.std)).collect()
            }
        };
        for (truth, (mean, std)) in truths.iter_mut().flat_map(|row| row.iter_mut().zip(&scales)) {
            let value = number(truth, "--true")?;
            *truth = ((f64::from(value) - mean) / std).to_string();
        }
        let outputs = own.outputs();
        found = Some(target(&criterion, &truths, outputs, &classes)?);
    }
    Ok((Rows { features, target: found, labels }, Some(criterion)))
}

/// Rows of a table as the model's preprocessing encodes them, with their target if the table has it.
fn encoded(
    args: &Explain,
    paths: &[PathBuf],
    trained: &Trained,
    labels: &mut Labels,
    terminal: &Terminal,
) -> Result<(Features, Option<Target>)> {
    let preprocessing = &trained.preprocessing;
    let options = preprocessing.csv_options(&reading::options(&args.reading)?, true);
    let table = reading::table(paths, &options, terminal)?;
    let rows = chosen(&args.row, table.rows())?;
    let known = preprocessing.target().columns().into_iter().all(|target| {
        let column = table.column(target);
        column.is_some_and(|column| rows.iter().all(|&row| !column.is_missing(row)))
    });
    let policies = predict::policies(args.unseen, args.gaps, known);
    let encoded = preprocessing.encode(&table, &rows, &policies)?;
    reading::notes(&encoded.notes, terminal);
    labels.rows = rows.iter().map(|&row| row_name(&table, row)).collect();
    let target = encoded.target.map(|target| match target {
        glassnet_data::EncodedTarget::Classes(classes) => Target::Classes(classes),
        glassnet_data::EncodedTarget::Values(values) => Target::Values(values),
    });
    Ok((Features::Floats(encoded.features), target))
}

/// `row 3 (line 4)`; alone `row 3` in files that have no lines.
fn row_name(table: &glassnet_data::Table, row: usize) -> String {
    let (name, origin) = (format!("row {}", row + 1), table.origin(row));
    if origin == name { name } else { format!("{name} ({origin})") }
}

/// Rows of numbers with their names and truths.
type Read = (Vec<Vec<String>>, Vec<Vec<String>>, Labels);

/// Chosen rows of a table of numbers for a bare network.
fn table(args: &Explain, paths: &[PathBuf], terminal: &Terminal) -> Result<Read> {
    let base = reading::options(&args.reading)?;
    let options = CsvOptions { has_header: !args.no_header, ..base };
    let matrix = reading::matrix(paths, &options, terminal)?;
    let at = args
        .target
        .as_ref()
        .map(|name| {
            matrix.names.iter().position(|known| known == name).ok_or_else(|| {
                Error::usage(format!("there is no column {name:?}"))
                    .at("--target")
                    .help("name one of the table's columns")
                    .detail(format!("it has {}", matrix.names.join(", ")))
            })
        })
        .transpose()?;
    let rows = chosen(&args.row, matrix.values.shape()[0])?;
    let mut truths = words(&args.truth);
    let mut inputs = vec![];
    for &row in &rows {
        let mut texts: Vec<String> = matrix.values.row(row).iter().map(f32::to_string).collect();
        if let Some(at) = at {
            let truth = texts.remove(at);
            if args.truth.is_empty() {
                truths.push(vec![truth]);
            }
        }
        inputs.push(texts);
    }
    let mut features = matrix.names;
    if let Some(at) = at {
        features.remove(at);
    }
    let names = rows.iter().map(|row| format!("row {}", row + 1)).collect();
    let features = if args.no_header { vec![] } else { features };
    Ok((inputs, truths, Labels { features, rows: names, ..Labels::default() }))
}

/// Row numbers from 1: `17`, `3,5-8`.
fn chosen(given: &[String], rows: usize) -> Result<Vec<usize>> {
    if rows == 0 {
        return Err(Error::data("the table has no rows").at("--data"));
    }
    let refuse = |part: &str| {
        Error::usage(format!("{part:?} is no row of a table of {rows} rows"))
            .at("--row")
            .help(format!("give numbers from 1 to {rows}, such as 17 or 3,5-8"))
    };
    let mut found = vec![];
    for part in given.iter().flat_map(|text| text.split(',')) {
        let (first, last) = part.trim().split_once('-').unwrap_or((part.trim(), part.trim()));
        let bounds = (first.trim().parse::<usize>(), last.trim().parse::<usize>());
        match bounds {
            (Ok(first), Ok(last)) if 1 <= first && first <= last && last <= rows => {
                found.extend(first - 1..last);
            }
            (_, _) => return Err(refuse(part)),
        }
    }
    Ok(if found.is_empty() { vec![0] } else { found })
}

/// Rows of a flag that may be repeated, its values parted by commas and rows by semicolons.
fn words(given: &[String]) -> Vec<Vec<String>> {
    let rows = given.iter().flat_map(|text| text.split(';'));
    let row = |text: &str| text.split(',').map(|part| part.trim().to_owned()).collect();
    rows.filter(|text| !text.trim().is_empty()).map(row).collect()
}

fn numbers(given: &[String], flag: &str) -> Result<Vec<Vec<String>>> {
    let rows = words(given);
    for text in rows.iter().flatten() {
        number(text, flag)?;
    }
    Ok(rows)
}

/// A finite number that fits an f32.
fn number(text: &str, flag: &str) -> Result<f32> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
            Err(Error::data(format!("{text} is too large for f32"))
                .at(flag.to_owned())
                .help("give numbers between -3.4e38 and 3.4e38"))
        }
        Ok(_) => Err(Error::data(format!("{text} is not a finite number"))
            .at(flag.to_owned())
            .help("give finite numbers")),
        Err(_) => Err(Error::usage(format!("{text:?} is not a number"))
            .at(flag.to_owned())
            .help("give numbers parted by commas, such as 0,-1.5")),
    }
}

fn fits(truths: usize, rows: usize) -> Result<()> {
    if truths == rows {
        return Ok(());
    }
    Err(Error::usage(format!("{truths} true values for {rows} rows"))
        .at("--true")
        .help("give one for every row, parted by semicolons, or repeat the flag"))
}

/// The rows as the network takes them.
fn features(module: &Module, inputs: &[Vec<String>]) -> Result<Features> {
    let width = inputs.first().map_or(0, Vec::len);
    if let Some(row) = inputs.iter().position(|row| row.len() != width) {
        return Err(Error::usage(format!(
            "row {} has {} values, row 1 has {width}",
            row + 1,
            inputs[row].len()
        ))
        .at("--input")
        .help("give every row as many values"));
    }
    let mut shape = vec![inputs.len()];
    let wanted = module.input_shape().map(|shape| shape.dims()[1..].to_vec());
    match wanted {
        Some(dims) => {
            let lengths: Vec<usize> = dims
                .iter()
                .map(|dim| match dim {
                    Dim::Fixed(length) => *length,
                    Dim::Batch => 1,
                })
                .collect();
            let product: usize = lengths.iter().product();
            if product != width {
                return Err(Error::usage(format!(
                    "a row has {width} value{}, the network takes {product}",
                    if width == 1 { "" } else { "s" }
                ))
                .at("the row")
                .help(format!("give {product} number{}", if product == 1 { "" } else { "s" })));
            }
            shape.extend(lengths);
        }
        None => shape.push(width),
    }
    if module.input_dtype() == DType::I64 {
        let index = |text: &String| {
            text.parse::<i64>().map_err(|_| {
                Error::usage(format!("{text:?} is no index"))
                    .at("--input")
                    .help("the network begins with an embedding: give whole numbers")
            })
        };
        let values = inputs.iter().flatten().map(index).collect::<Result<Vec<i64>>>()?;
        return Ok(Features::Indices(Tensor::new(shape, values)?));
    }
    let values = inputs
        .iter()
        .flatten()
        .map(|text| number(text, "--input"))
        .collect::<Result<Vec<f32>>>()?;
    Ok(Features::Floats(Tensor::new(shape, values)?))
}

/// How many numbers the network returns for a row; 0 if that is not known.
fn outputs(module: &Module, features: &Features) -> usize {
    let shape = match features {
        Features::Floats(x) => x.shape(),
        Features::Indices(x) => x.shape(),
    };
    let input = glassnet::graph::Shape::batch(shape.iter().skip(1).copied());
    let graph = module.graph(input, glassnet::nn::Mode::Eval);
    graph
        .ok()
        .and_then(|graph| {
            let output = graph.graph().output("y")?;
            graph.shape(output).elements(1)
        })
        .unwrap_or(0)
}

/// The loss of a bare network if none is named.
fn guessed_loss(module: &Module, outputs: usize, truths: &[Vec<String>]) -> &'static str {
    // One word for several outputs can only be a class.
    let class = |row: &Vec<String>| row.len() == 1;
    let last = module.layers().last().map(|(_, layer)| layer.kind());
    match (outputs > 1 && truths.iter().all(class), last) {
        (true, Some("LogSoftmax")) => "nll",
        (true, _) => "cross_entropy",
        (false, _) => "mse",
    }
}

/// What is true, as the loss takes it.
fn target(
    loss: &Criterion,
    truths: &[Vec<String>],
    outputs: usize,
    classes: &[String],
) -> Result<Target> {
    let takes_classes = matches!(loss, Criterion::CrossEntropyLoss(_) | Criterion::NLLLoss(_));
    if takes_classes && truths.iter().all(|row| row.len() == 1) {
        let class = |row: &Vec<String>| class(&row[0], outputs, classes);
        return Ok(Target::Classes(truths.iter().map(class).collect::<Result<Vec<i64>>>()?));
    }
    let wanted = outputs.max(1);
    if let Some(row) = truths.iter().find(|row| row.len() != wanted) {
        let what = format!(
            "{} true value{} for {wanted} output{}",
            row.len(),
            if row.len() == 1 { "" } else { "s" },
            if wanted == 1 { "" } else { "s" }
        );
        let help = "give one for every output, parted by commas, or another --loss";
        return Err(Error::usage(what).at("--true").help(help));
    }
    let values =
        truths.iter().flatten().map(|text| number(text, "--true")).collect::<Result<Vec<f32>>>()?;
    Ok(Target::Values(Tensor::new([truths.len(), wanted], values)?))
}

/// A class by its name or its index.
fn class(text: &str, outputs: usize, classes: &[String]) -> Result<i64> {
    if let Some(at) = classes.iter().position(|name| name == text) {
        return Ok(at as i64);
    }
    match text.parse::<usize>() {
        Ok(index) if index < outputs || outputs == 0 => Ok(index as i64),
        Ok(_) | Err(_) => {
            let what = Error::usage(format!("there is no class {text:?}")).at("--true");
            let last = outputs.saturating_sub(1);
            Err(match classes.is_empty() {
                true if outputs == 1 => what.help("the network scores 1 class: 0"),
                true => what.help(format!("the network scores {outputs} classes: 0 to {last}")),
                false => what.help(format!("give one of {}", classes.join(", "))),
            })
        }
    }
}
