//! Tensors of a `.pt` file: views over storages, made into arrays.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use glassnet::{Error, Result, Value};

use crate::budget::Budget;
use crate::elements::{ByteOrder, ElementType, decode};
use crate::message::quoted;
use crate::note::{Conversions, Note};
use crate::pickle::{Element, Object, Objects, Source, TensorRecord};
use crate::strided::gather;
use crate::zip::Archive;

/// Reads the tensors of one file.
pub(super) struct Reader<'a> {
    archive: &'a Archive<'a>,
    objects: &'a Objects<'a>,
    folder: &'a str,
    order: ByteOrder,
    name: &'a str,
    /// The members that several tensors share, or that were inflated.
    storages: HashMap<String, Cow<'a, [u8]>>,
    budget: Budget,
    conversions: Conversions,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        archive: &'a Archive<'a>,
        objects: &'a Objects<'a>,
        folder: &'a str,
        order: ByteOrder,
        file_size: usize,
        name: &'a str,
    ) -> Self {
        Reader {
            archive,
            objects,
            folder,
            order,
            name,
            storages: HashMap::new(),
            budget: Budget::of(file_size),
            conversions: Conversions::default(),
        }
    }

    /// What became of numbers that glassnet does not hold.
    pub(super) fn notes(self) -> Vec<Note> {
        self.conversions.notes()
    }

    /// The array of a tensor.
    pub(super) fn read(&mut self, key: &str, record: &TensorRecord) -> Result<Value> {
        let place = format!("{}, tensor {}", self.name, quoted(key));
        let wrong = |what: String| {
            Error::model(what).at(place.clone()).help("save the file again with torch.save")
        };
        let element = match record.element {
            Element::Known(element) => element,
            Element::Other(name) => {
                return Err(Error::model(format!(
                    "its numbers are {name}, glassnet reads floats and integers"
                ))
                .at(place)
                .help("convert it with tensor.float() and save the file again"));
            }
            Element::Untyped => return Err(wrong("its numbers have no type".to_owned())),
        };
        self.budget.take(&record.shape, element.held_size()).map_err(|what| {
            Error::model(what)
                .at(place.clone())
                .help("save tensor.clone() instead of an expanded view")
        })?;
        let (stored, order) = match record.source {
            Source::Storage(id) => {
                let Object::Storage(storage) = self.objects.get(id) else {
                    return Err(wrong("it has no storage".to_owned()));
                };
                let size = match storage.element {
                    Element::Untyped => 1,
                    Element::Known(element) => element.size(),
                    Element::Other(_) => return Err(wrong("its storage has no type".to_owned())),
                };
                let stored =
                    storage_bytes(&mut self.storages, self.archive, self.folder, &storage.key)
                        .map_err(|error| match error.place() {
                            Some(_) => error,
                            None => error.at(place.clone()),
                        })?;
                if storage.length.checked_mul(size) != Some(stored.len()) {
                    return Err(wrong(format!(
                        "its storage {} claims {} numbers of {size} bytes and has {} bytes",
                        quoted(&storage.key),
                        storage.length,
                        stored.len()
                    )));
                }
                (stored, self.order)
            }
            Source::Bytes(id, big) => {
                let Object::Bytes(stored) = self.objects.get(id) else {
                    return Err(wrong("it has no numbers".to_owned()));
                };
                (stored.as_ref(), if big { ByteOrder::Big } else { ByteOrder::Little })
            }
            Source::Empty => return Err(wrong("it has no numbers".to_owned())),
        };
        let value = array(record, stored, element, order);
        let (value, change) = value.map_err(|error| match error.help_text() {
            Some(_) => error.at(place.clone()),
            None => error.at(place.clone()).help("save the file again with torch.save"),
        })?;
        self.conversions.add(key, element, change);
        Ok(value)
    }
}

/// The bytes of the storage `key`, which are checked (and inflated) once, however many tensors have part in them.
fn storage_bytes<'m, 'a>(
    known: &'m mut HashMap<String, Cow<'a, [u8]>>,
    archive: &Archive<'a>,
    folder: &str,
    key: &str,
) -> Result<&'m [u8]> {
    let content = match known.entry(key.to_owned()) {
        Entry::Occupied(content) => content.into_mut(),
        Entry::Vacant(place) => {
            let name = format!("{folder}data/{key}");
            let Some(member) = archive.find(&name) else {
                return Err(Error::model(format!("the zip has no member {}", quoted(&name)))
                    .help("copy or download the file again"));
            };
            place.insert(archive.content(member)?)
        }
    };
    Ok(content)
}

fn array(
    record: &TensorRecord,
    stored: &[u8],
    element: ElementType,
    order: ByteOrder,
) -> Result<(Value, crate::elements::Change)> {
    let bytes = gather(stored, element.size(), record.offset, &record.shape, &record.strides)
        .map_err(Error::model)?;
    decode(&bytes, element, order, record.shape.clone())
}
