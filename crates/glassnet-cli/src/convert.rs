//! `glassnet convert`.

pub(crate) mod columns;

use std::path::{Path, PathBuf};

use clap::Args;
use glassnet::{Error, Result, Value, nn};
use glassnet_formats::convert::{Converted, Options, convert};
use glassnet_formats::{Format, ReadOptions};
use serde_json::json;

use crate::model;
use crate::output::{self, Output, Replace};
use crate::terminal::Terminal;
use crate::usage::at_flag;

/// `glassnet convert`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet convert checkpoint.pt model.safetensors --activation relu\n  \
    glassnet convert checkpoint.pt model.safetensors --net 'Sequential(Linear(4, 8), ReLU(), Linear(8, 3))'\n  \
    glassnet convert model.safetensors model.onnx\n  \
    glassnet convert model.safetensors server.onnx --with-preprocessing\n  \
    glassnet convert model.safetensors weights.npz")]
pub(crate) struct Convert {
    /// The file to read; its content tells its format.
    pub(crate) from: PathBuf,
    /// The file to write; its ending tells the format: .safetensors, .onnx, .npz, .npy.
    pub(crate) to: PathBuf,
    /// The network that the weights belong to; it is saved with them (.safetensors, .onnx).
    #[arg(long, conflicts_with = "activation")]
    pub(crate) net: Option<String>,
    /// The activation between the layers; the network is read from keys and shapes and saved (.safetensors, .onnx).
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub(crate) activation: Option<String>,
    /// Leave the keys as they are: also a beginning such as 'module.' or 'model.' that a wrapper gave all of them.
    #[arg(long, conflicts_with_all = ["net", "activation"])]
    pub(crate) keep_keys: bool,
    /// With .onnx: the graph takes the table's columns as they are, one input each, and gives a class with the
    /// probabilities, or a number, in the target's units.
    #[arg(long, conflicts_with_all = ["net", "activation", "input_shape"])]
    pub(crate) with_preprocessing: bool,
    /// The shape of one row, for .onnx, where the layers do not tell it.
    #[arg(long, value_delimiter = ',', value_name = "N,…", value_parser = crate::args::whole::<usize>, allow_negative_numbers = true)]
    pub(crate) input_shape: Vec<usize>,
    /// Take weights that are NaN or infinite.
    #[arg(long)]
    pub(crate) allow_non_finite: bool,
    /// Replace an output that exists.
    #[arg(long)]
    pub(crate) force: bool,
}

pub(crate) fn run(args: &Convert, terminal: &mut Terminal) -> Result<u8> {
    let shown = |path: &Path| path.display().to_string();
    let (from, to) = (shown(&args.from), shown(&args.to));
    let format = Format::to_write(&to)?;
    let network = args.net.as_deref().map(nn::parse).transpose();
    let mut options = Options {
        keep_keys: args.keep_keys,
        network: network.map_err(|error| at_flag(error, "--net"))?,
        activation: args.activation.as_deref().map(model::activation).transpose()?,
        row: (!args.input_shape.is_empty()).then(|| args.input_shape.clone()),
        table: None,
    };
    let arrays_alone = matches!(format, Format::Npz | Format::Npy);
    if arrays_alone && (args.net.is_some() || args.activation.is_some()) {
        let flag = if args.net.is_some() { "--net" } else { "--activation" };
        return Err(Error::usage(format!("{} holds arrays alone, no network", format.name()))
            .at(flag)
            .help(format!("write .safetensors, or leave {flag} out")));
    }
    if format != Format::Onnx && options.row.is_some() {
        return Err(Error::usage(format!("{} needs no shape of a row", format.name()))
            .at("--input-shape")
            .help("leave it out, or write .onnx"));
    }
    if format != Format::Onnx && args.with_preprocessing {
        return Err(Error::usage(format!("{} computes nothing", format.name()))
            .at("--with-preprocessing")
            .help("leave it out: .safetensors keeps the preprocessing always; or write .onnx"));
    }
    let replace = if args.force { Replace::Always } else { Replace::Never };
    let output = Output::prepare(&args.to, "the output", replace, &[&args.from])?;
    let read = ReadOptions { allow_non_finite: args.allow_non_finite };
    let opened = glassnet_formats::open(&output::read_unpacked(&args.from)?, &from, read)?;
    let read_as = opened.format;
    if args.with_preprocessing {
        options.table = Some(columns::table(opened.model.card.as_ref(), &from)?);
    }
    let made = convert(opened, format, &options, &from)?;
    output.write(&made.bytes)?;
    if terminal.json() {
        return report(&made, (&from, read_as), (&to, format), terminal).map(|()| 0);
    }
    terminal.line(&format!("{from} ({}) → {to} ({})", read_as.name(), format.name()))?;
    let (tensors, numbers) = (made.model.state.len(), numbers(&made));
    terminal.line(&format!("kept: {tensors} tensors of {numbers} numbers"))?;
    for note in &made.notes {
        terminal.line(&format!("{}: {note}", note.sort()))?;
    }
    match &made.model.card {
        Some(card) if !arrays_alone => {
            terminal.line(&format!("network: {}", card.network))?;
        }
        None if !arrays_alone => terminal.note(
            "the file doesn't say the network of its weights: --net or --activation saves it with them",
        ),
        Some(_) | None => {}
    }
    Ok(0)
}

fn numbers(made: &Converted) -> usize {
    let count = |value: &Value| value.shape().iter().product::<usize>();
    made.model.state.iter().map(|(_, value)| count(value)).sum()
}

fn report(
    made: &Converted,
    from: (&str, Format),
    to: (&str, Format),
    terminal: &mut Terminal,
) -> Result<()> {
    let file = |(path, format): (&str, Format)| json!({"file": path, "format": format.name()});
    let tensor = |(key, value): (&str, &Value)| {
        let kind = if value.as_f32().is_some() { "float32" } else { "int64" };
        json!({"key": key, "shape": value.shape(), "type": kind})
    };
    terminal.document(&json!({
        "schema": "glassnet.convert/1",
        "from": file(from),
        "to": file(to),
        "network": made.model.card.as_ref().map(|card| card.network.clone()),
        "tensors": made.model.state.iter().map(tensor).collect::<Vec<_>>(),
        "notes": made
            .notes
            .iter()
            .map(|note| json!({"sort": note.sort(), "text": note.to_string()}))
            .collect::<Vec<_>>(),
    }))
}
