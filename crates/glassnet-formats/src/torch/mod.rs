//! PyTorch's `.pt` and `.pth` files: the zip archives that `torch.save` writes since version 1.6.
//!
//! The member `data.pkl` is a pickle of the object saved, read as data, never run; the numbers lie in
//! members of their own, `data/0`, `data/1`, …, to which the pickle refers. Files of other forms get an error that says
//! how to save them again.
//!
//! # Source
//! `torch/serialization.py`, `caffe2/serialize/inline_container.cc`.

mod state;
mod tensor;

use glassnet::{Error, Result, Value};

use crate::content::Content;
use crate::elements::ByteOrder;
use crate::note::Note;
use crate::pickle;
use crate::zip::Archive;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// The state dict's tensors by key, in their order.
    pub tensors: Vec<(String, Value)>,
    /// Where in the file they lie, which numbers were converted, what was left out.
    pub notes: Vec<Note>,
}

/// Reads the state dict in a file's bytes; `name` stands in messages.
///
/// The file may hold the state dict itself or dicts around it, as training loops write them: `{"epoch": 3,
/// "state_dict": …}`, `{"model_state_dict": …, "optimizer_state_dict": …}`. Views (transposed, sliced, expanded) and
/// tensors that share their numbers become arrays of their own. Keys stay as they are.
///
/// # Errors
/// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when the bytes look like another format (a whole pickled module,
/// TorchScript and files from before version 1.6 are told apart, with the line of Python that saves them again); when
/// the pickle names anything that is not data, which is said by name; when the archive, the pickle or a tensor is
/// damaged or contradicts itself; when there is no state dict; when a number type is unknown, or a float64 is beyond
/// float32.
pub fn read(bytes: &[u8], name: &str) -> Result<Contents> {
    match Content::of(bytes) {
        Content::PyTorchZip => {}
        Content::Pickle => return Err(before_zip(name)),
        content => {
            return Err(Error::model(format!("not a PyTorch zip: the content is {content}"))
                .at(name.to_owned())
                .help("give the file that torch.save(model.state_dict(), \"weights.pt\") writes"));
        }
    }
    let archive = Archive::read(bytes, name)?;
    let folder = folder(&archive, name)?;
    let byte_order = byte_order(&archive, folder, name)?;
    let script = [format!("{folder}constants.pkl"), format!("{folder}code/")];
    if archive.members().iter().any(|member| script.iter().any(|at| member.name.starts_with(at))) {
        return Err(Error::model("the file is TorchScript: a program, not a state dict")
            .at(name.to_owned())
            .help(format!(
                "save its weights: torch.save(torch.jit.load({name:?}).state_dict(), \"weights.pt\")"
            )));
    }
    let Some(member) = archive.find(&format!("{folder}data.pkl")) else {
        return Err(no_pickle(name));
    };
    let program = archive.content(member)?;
    let (objects, root) = pickle::read(&program, name)?;
    let found = state::find(&objects, root, name)?;
    let mut reader = tensor::Reader::new(&archive, &objects, folder, byte_order, bytes.len(), name);
    let mut tensors = Vec::with_capacity(found.tensors.len());
    for (key, record) in found.tensors {
        let value = reader.read(&key, record)?;
        tensors.push((key, value));
    }
    let mut notes = found.notes;
    notes.extend(reader.notes());
    Ok(Contents { tensors, notes })
}

/// Files of PyTorch before 1.6, and of `_use_new_zipfile_serialization=False`.
fn before_zip(name: &str) -> Error {
    Error::model("the file is a bare pickle: PyTorch's format from before version 1.6")
        .at(name.to_owned())
        .help(format!(
            "save it again in Python: torch.save(torch.load({name:?}, weights_only=True), \"weights.pt\")"
        ))
}

fn no_pickle(name: &str) -> Error {
    Error::model("the zip has no data.pkl, which torch.save writes")
        .at(name.to_owned())
        .help("give the file that torch.save(model.state_dict(), \"weights.pt\") writes")
}

/// The folder of the archive in which everything is, with its `/`: named after the file that was saved.
fn folder<'a>(archive: &'a Archive<'_>, name: &str) -> Result<&'a str> {
    let folders = archive.members().iter().filter_map(|member| {
        let folder = member.name.strip_suffix("data.pkl")?;
        (folder.is_empty() || folder.ends_with('/')).then_some(folder)
    });
    folders.min_by_key(|folder| folder.len()).ok_or_else(|| no_pickle(name))
}

/// How the file's numbers are written; files without the record are as most machines are.
fn byte_order(archive: &Archive<'_>, folder: &str, name: &str) -> Result<ByteOrder> {
    let Some(member) = archive.find(&format!("{folder}byteorder")) else {
        return Ok(ByteOrder::Little);
    };
    match archive.content(member)?.as_ref() {
        b"little" => Ok(ByteOrder::Little),
        b"big" => Ok(ByteOrder::Big),
        _ => Err(
            Error::model("its record of the byte order is neither \"little\" nor \"big\"") // not operations: texts
                .at(format!("{name}, member \"byteorder\""))
                .help("save the file again"),
        ),
    }
}
