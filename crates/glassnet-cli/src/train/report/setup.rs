//! What a training was given: rows, columns, network, settings.

use glassnet::Result;
use glassnet::document::{Block, Column, Document, NoteKind, Table, Text};
use glassnet::graph::Shape;
use glassnet::train::Shuffle;
use glassnet_data::TargetEncoding;

use crate::summary::{LAYER_COLUMNS, describe_encoding, layer_rows};
use crate::train::finish::Outcome;

/// The most columns that are listed.
const COLUMNS: usize = 100;

/// Rows, target and columns.
pub(super) fn data(document: &mut Document, outcome: &Outcome<'_>) {
    let (args, rows) = (outcome.args, outcome.rows);
    let preprocessing = &rows.preprocessing;
    document.section("Data");
    let name = |path: &std::path::Path| match path.to_str() {
        Some("-") => Text::from("standard input"),
        Some(_) | None => Text::default().code(path.display().to_string()),
    };
    let mut from = Text::from(format!("{} rows of ", rows.trained));
    for (at, path) in args.data.iter().enumerate() {
        from = if at == 0 { from } else { from.plain(", ") };
        from.0.extend(name(path).0);
    }
    from = from.plain(" to learn from");
    if let Some(validation) = &rows.validation {
        from = from.plain(format!(", {} rows ", validation.rows()));
        from = match args.validation.to_str().map(str::parse::<f64>) {
            Some(Ok(_)) => from.plain("of it kept aside to validate on"),
            Some(Err(_)) | None => {
                from.plain("of ").code(args.validation.to_string_lossy()).plain(" to validate on")
            }
        };
    }
    if let (Some(test), Some(path)) = (&rows.test, &args.test) {
        from = from.plain(format!(", {} rows of ", test.rows())).code(path.display().to_string());
        from = from.plain(" to test on");
    }
    document.say(from.plain("."));
    if let Some(column) = &args.split_by {
        let text = Text::from("Rows with the same ").code(column.as_str());
        document.say(text.plain(format!(
            " are on the same side of the split, which is drawn with seed {}.",
            args.seed
        )));
    } else if rows.validation.is_some() && args.validation.to_string_lossy().parse::<f64>().is_ok()
    {
        document.say(format!("The split is drawn with seed {}.", args.seed));
    }
    let target = preprocessing.target();
    let text = Text::from("The target is ").code(target.column());
    document.say(match target {
        TargetEncoding::Classes { names, .. } => {
            text.plain(format!(", one of {} classes: {}.", names.len(), names.join(", ")))
        }
        TargetEncoding::Numbers { targets } => {
            let learned = targets.iter().map(|target| {
                format!("{} as (y - {:.6}) / {:.6}", target.column, target.mean, target.std)
            });
            let learned = learned.collect::<Vec<_>>().join(", ");
            text.plain(format!(
                ", the first of {} targets, learned together: {learned}.",
                targets.len()
            ))
        }
        TargetEncoding::Number { mean, std, .. } => {
            text.plain(format!(", learned as (y - {mean:.6}) / {std:.6}."))
        }
    });
    if let Some(weights) = preprocessing.weights() {
        let text = Text::from("Each row counts as much as ").code(weights);
        document
            .say(text.plain(" says, in training and in the loss; other scores count rows alike."));
    }
    let heads = [
        Column::words("column"),
        Column::words("what the network sees"),
        Column::numbers("features"),
    ];
    let mut table = Table::new(heads);
    table.caption = "What is learned of a column is learned from the training rows alone".into();
    for feature in preprocessing.features().iter().take(COLUMNS) {
        table.row([
            Text::default().code(feature.column.as_str()),
            describe_encoding(feature).into(),
            feature.width().to_string().into(),
        ]);
    }
    document.push(Block::Table(table));
    let columns = preprocessing.features().len();
    if columns > COLUMNS {
        let text = format!("{} more columns; ", columns - COLUMNS);
        let text = Text::from(text).code("glassnet summary MODEL");
        document.note(NoteKind::Omitted, text.plain(" lists all."));
    }
    if !preprocessing.unused().is_empty() {
        let mut text = Text::from("Columns that are no features: ");
        for (at, column) in preprocessing.unused().iter().enumerate() {
            text = text.plain(if at == 0 { "" } else { ", " }).code(column.as_str());
        }
        document.say(text.plain("."));
    }
    let text = Text::from("The data's fingerprint is ");
    document.say(text.code(outcome.context.data_fingerprint.as_str()).plain("."));
}

/// Layers and sizes.
pub(super) fn network(document: &mut Document, outcome: &Outcome<'_>) -> Result<()> {
    let module = outcome.record.network.module();
    let summary = module.summary(Some(Shape::batch([outcome.rows.preprocessing.width()])))?;
    document.section("Network");
    document.say(Text::default().code(module.notation()));
    let [name, kind, output, parameters, formula] = LAYER_COLUMNS;
    let mut table = Table::new([
        Column::words(name),
        Column::words(kind),
        Column::words(output),
        Column::numbers(parameters),
        Column::words(formula),
    ]);
    for row in layer_rows(&summary) {
        table.row(row.map(Text::from));
    }
    document.push(Block::Table(table));
    document.say(format!(
        "{} parameters in all, {} products per row.",
        summary.parameters, summary.macs_per_sample
    ));
    Ok(())
}

/// What else decides the weights.
pub(super) fn settings(document: &mut Document, outcome: &Outcome<'_>) {
    let config = outcome.config;
    document.section("Settings");
    let mut table = Table::new([Column::words("setting"), Column::words("value")]);
    let mut row = |name: &str, value: Text| table.row([name.into(), value]);
    let code = |value: String| Text::default().code(value);
    row("loss", code(config.criterion.to_string()));
    row("optimiser", code(config.optimizer.to_string()));
    match &config.schedule {
        Some(schedule) => row("learning rate", code(schedule.to_string())),
        None => row("learning rate", config.optimizer.lr().to_string().into()),
    }
    if let Some(clip) = &config.clip {
        row("gradient", code(clip.to_string()));
    }
    for (name, factor) in [("L1 penalty", config.l1), ("L2 penalty", config.l2)] {
        if factor > 0.0 {
            row(name, format!("{factor}; not part of the loss that is shown").into());
        }
    }
    row("epochs", format!("{} at most", config.epochs).into());
    row("rows per step", config.batch_size.to_string().into());
    row(
        "early stopping",
        match config.patience {
            Some(_) if outcome.rows.validation.is_none() => "none: no rows validate".into(),
            Some(patience) => format!("after {patience} epochs without a lower validation loss"),
            None => "none".into(),
        }
        .into(),
    );
    row(
        "order of rows",
        match config.shuffle {
            Shuffle::Own => "a new one every epoch",
            Shuffle::Torch => "a new one every epoch, PyTorch's",
            Shuffle::None => "the table's",
        }
        .into(),
    );
    row("seed", config.seed.to_string().into());
    document.push(Block::Table(table));
}
