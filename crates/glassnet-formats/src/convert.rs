//! Model files from one format to another, with a report of what became of everything.

use glassnet::nn::{self, Module, Network};
use glassnet::{Error, Result};

use crate::model::{Card, KEY, ModelFile};
use crate::note::{Note, listed};
use crate::{
    Format, OnnxExport, OnnxTable, Opened, chain, fitted, numpy, unwrapped, write_onnx,
    write_onnx_table,
};

/// How a file is converted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Keys stay as they are, also where a wrapper put something before all of them.
    pub keep_keys: bool,
    /// The network that the weights belong to, where the file doesn't say it.
    pub network: Option<Module>,
    /// The activation between the layers, where the network is to be read from keys and shapes.
    pub activation: Option<Module>,
    /// The shape of one row, for ONNX, where the layers do not tell it.
    pub row: Option<Vec<usize>>,
    /// How a table's columns become features and outputs answers: an ONNX file does that itself then.
    pub table: Option<OnnxTable>,
}

/// A file in its new format.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The bytes to write.
    pub bytes: Vec<u8>,
    /// What they hold.
    pub model: ModelFile,
    /// What was converted, renamed, left out, taken for granted.
    pub notes: Vec<Note>,
}

/// The bytes of what was `opened`, in the format `to`; `name` is that of the file that was opened, for messages.
///
/// # Errors
/// When the format is not written, a single array is asked of a file with several, or the weights are not those of
/// the network that the options give.
///
/// # Example
/// ```
/// use glassnet::{Tensor, Value};
/// use glassnet_formats::{Format, ModelFile, convert, numpy, open};
/// let weight = Value::from(Tensor::new([1, 2], vec![0.5_f32, -1.0])?);
/// let npz = numpy::write_npz([("module.weight", &weight)])?;
/// let opened = open(&npz, "a.npz", Default::default())?;
/// let made = convert::convert(opened, Format::Safetensors, &Default::default(), "a.npz")?;
/// assert_eq!(ModelFile::read(&made.bytes, "a.safetensors")?.state.get("weight"), Some(&weight));
/// assert_eq!(made.notes[0].sort(), "renamed");
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn convert(opened: Opened, to: Format, options: &Options, name: &str) -> Result<Converted> {
    let Opened { mut model, metadata, mut notes, graph, .. } = opened;
    if model.card.is_some() && (options.network.is_some() || options.activation.is_some()) {
        return Err(Error::usage("the file says which network its weights belong to")
            .at(name.to_owned())
            .help("leave the network and the activation out"));
    }
    if let Some(network) = &options.network {
        let (state, more) =
            fitted(&model.state, network).map_err(|error| error.at(name.to_owned()))?;
        notes.extend(more);
        model = ModelFile { state, card: Some(Card::new(network.notation())) };
    } else if model.card.is_none() {
        if !options.keep_keys
            && let Some((state, more)) = unwrapped(&model.state)
        {
            notes.extend(more);
            model.state = state;
        }
        if let Some(activation) = &options.activation {
            let found = chain::infer(&model.state).map_err(|error| {
                let what = error.what().to_owned();
                error.at(name.to_owned()).help(format!("give the network instead: {what}"))
            })?;
            let network = found.module(activation).notation();
            notes.extend(found.notes);
            model.card = Some(Card::new(network));
        }
    }
    if graph.is_some() && model.card.is_none() {
        let why = "its nodes are no chain of layers that glassnet has: what is kept are its arrays";
        notes.push(Note::LeftOut { what: "the graph".to_owned(), why: why.to_owned() });
    }
    let bytes = match to {
        Format::Onnx => {
            let (bytes, more) = as_onnx(&model, metadata, options, name)?;
            notes.extend(more);
            bytes
        }
        Format::Safetensors => model.write_beside(&metadata)?,
        Format::Npz | Format::Npy if model.state.is_empty() => {
            return Err(Error::model(
                "the file has no arrays, and NumPy's files hold nothing else",
            )
            .at(name.to_owned())
            .help("write .safetensors, which keeps the network"));
        }
        Format::Npz => {
            notes.extend(left_out(&model, &metadata));
            numpy::write_npz(model.state.iter())?
        }
        Format::Npy => {
            let mut values = model.state.iter();
            let (Some((_, value)), None) = (values.next(), values.next()) else {
                return Err(Error::usage(format!(
                    "an .npy holds one array, the file has {}",
                    model.state.len()
                ))
                .at(name.to_owned())
                .help("write .npz, which holds arrays by name"));
            };
            notes.extend(left_out(&model, &metadata));
            numpy::write_npy(value)
        }
        Format::PyTorch => {
            return Err(Error::usage("PyTorch's files are read, not written")
                .at(name.to_owned())
                .help("write .safetensors, which PyTorch opens with safetensors.torch.load_file"));
        }
    };
    Ok(Converted { bytes, model, notes })
}

/// The model as ONNX, and what of it that does not hold.
fn as_onnx(
    model: &ModelFile,
    metadata: Vec<(String, String)>,
    options: &Options,
    name: &str,
) -> Result<(Vec<u8>, Vec<Note>)> {
    let Some(card) = &model.card else {
        return Err(Error::model("the file holds weights and not their network, which ONNX needs")
            .at(name.to_owned())
            .help("give the network or its activation: --net or --activation"));
    };
    if let Some(count) = card.members.filter(|_| options.table.is_none()) {
        return Err(Error::usage(format!("the file is an ensemble of {count} networks"))
            .at(name.to_owned())
            .help("add --with-preprocessing, which averages them within the graph"));
    }
    let in_file = |error: Error| Error::model(error.what().to_owned()).at(name.to_owned());
    let module = nn::parse(&card.network).map_err(in_file)?;
    let states = model.members(name)?.unwrap_or_else(|| vec![model.state.clone()]);
    let network = |state| Network::with_state(module.clone(), state).map_err(in_file);
    let networks: Vec<Network> = states.iter().map(network).collect::<Result<_>>()?;
    let export = OnnxExport {
        row: options.row.clone(),
        card: Some(card.clone()),
        texts: metadata.into_iter().filter(|(key, _)| !OWN.contains(&key.as_str())).collect(),
        ..OnnxExport::default()
    };
    let written = match (&options.table, &networks[..]) {
        (Some(table), networks) => write_onnx_table(networks, table, &export),
        (None, [network]) => write_onnx(network, &export),
        (None, _) => Err(Error::model("the file holds no network")),
    };
    let bytes = written.map_err(|error| match error.place() {
        Some(_) => error,
        None => error.at(name.to_owned()),
    })?;
    let mut notes = vec![];
    if let Some(table) = &options.table {
        let (inputs, outputs) = table.interface();
        notes.push(Note::Interface(format!("inputs {}", listed(&inputs))));
        notes.push(Note::Interface(format!("outputs {}", listed(&outputs))));
    }
    let counters: Vec<&str> = model
        .state
        .iter()
        .filter(|(_, value)| value.as_f32().is_none())
        .map(|(key, _)| key)
        .collect();
    if !counters.is_empty() {
        let why = "prediction needs no counters".to_owned();
        notes.push(Note::LeftOut { what: listed(&counters), why });
    }
    Ok((bytes, notes))
}

/// The keys of glassnet's own texts in safetensors.
const OWN: [&str; 3] = ["format", "network", KEY];

/// What arrays alone cannot say.
fn left_out(model: &ModelFile, metadata: &[(String, String)]) -> Vec<Note> {
    let why = "NumPy's files hold arrays alone";
    let note = |what: &str| Note::LeftOut { what: what.to_owned(), why: why.to_owned() };
    let mut notes = vec![];
    if let Some(card) = &model.card {
        notes.push(note(&format!("the network {}", card.network)));
        let parts = [
            (card.preprocessing.is_some(), "how columns become features"),
            (card.classes.is_some(), "the classes' names"),
            (card.training.is_some(), "how it was trained"),
        ];
        notes.extend(parts.into_iter().filter(|(there, _)| *there).map(|(_, what)| note(what)));
    }
    let others = metadata.iter().filter(|(key, _)| !OWN.contains(&key.as_str()));
    notes.extend(others.map(|(key, _)| note(&format!("the text {key:?}"))));
    notes
}
