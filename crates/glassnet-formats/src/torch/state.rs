//! The state dict in what a training loop saved: itself, or under a key beside other things.

use std::collections::HashSet;

use glassnet::{Error, Result};

use crate::message::{quoted, short};
use crate::note::{Note, listed};
use crate::pickle::{Id, Object, Objects, TensorRecord};

/// Under which keys training loops save the state dict, the likeliest first.
const WRAPPERS: [&str; 12] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "module",
    "weights",
    "params",
    "state",
    "generator",
    "ema",
];

/// Parts of keys under which other tensors lie: an optimiser's moments, a random generator's state.
const OTHERS: [&str; 9] =
    ["optim", "sched", "scaler", "callback", "loop", "rng", "random", "hparam", "hyper_param"];

/// How deep dicts may lie in each other.
const MOST_DEPTH: usize = 16;

/// How many values are looked at.
const MOST_VISITS: usize = 1_000_000;

/// A state dict's tensors by key, and what was noticed on the way to them.
pub(super) struct Found<'o> {
    pub(super) tensors: Vec<(String, &'o TensorRecord)>,
    pub(super) notes: Vec<Note>,
}

/// The state dict in `root`.
pub(super) fn find<'o>(objects: &'o Objects<'_>, root: Id, name: &str) -> Result<Found<'o>> {
    let mut walk = Walk { objects, name, visits: 0 };
    let mut notes = vec![];
    let (mut at, mut path) = (root, vec![]);
    loop {
        let Some(entries) = objects.entries(at) else {
            return Err(none(objects, at, name));
        };
        if path.len() > MOST_DEPTH {
            return Err(walk.too_deep());
        }
        let Some((key, inner)) = walk.wrapper(entries)? else { break };
        let mut beside = vec![];
        for (other, _) in entries {
            beside.extend(walk.key(*other)?.filter(|other| *other != key));
        }
        notes.push((key.clone(), beside));
        path.push(key);
        at = inner;
    }
    let mut found = Flat::default();
    walk.flatten(at, "", 0, &mut found)?;
    if found.tensors.is_empty() {
        return Err(none(objects, at, name));
    }
    let mut all = vec![];
    if !path.is_empty() {
        let beside = notes.into_iter().flat_map(|(_, beside)| beside).collect();
        all.push(Note::Part { path: path.join("."), beside });
    }
    if !found.others.is_empty() {
        let others: Vec<String> = found.others.iter().map(|key| quoted(key)).collect();
        let why = "it is no tensor".to_owned();
        all.push(Note::LeftOut { what: listed(&others), why });
    }
    if !objects.inert().is_empty() {
        let why = "objects of settings are not built".to_owned();
        all.push(Note::LeftOut { what: listed(objects.inert()), why });
    }
    Ok(Found { tensors: found.tensors, notes: all })
}

fn none(objects: &Objects<'_>, id: Id, name: &str) -> Error {
    let keys = objects.entries(id).map(|entries| {
        let keys = entries.iter().filter_map(|(key, _)| objects.text(*key));
        keys.map(quoted).take(50).collect::<Vec<_>>()
    });
    let error = Error::model("the file holds no state dict: no dict of tensors")
        .at(name.to_owned())
        .help("save one with torch.save(model.state_dict(), \"weights.pt\")");
    match keys {
        Some(keys) if !keys.is_empty() => error.detail(format!("it has {}", listed(&keys))),
        Some(_) | None => match objects.get(id) {
            Object::Tensor(_) => error.detail("it is a single tensor"),
            _ => error, // not operations: values
        },
    }
}

#[derive(Default)]
struct Flat<'o> {
    tensors: Vec<(String, &'o TensorRecord)>,
    /// The keys of what is no tensor.
    others: Vec<String>,
    seen: HashSet<String>,
}

struct Walk<'o, 'n, 'a> {
    objects: &'o Objects<'a>,
    name: &'n str,
    visits: usize,
}

impl<'o> Walk<'o, '_, '_> {
    /// A key as text; a state dict's own are texts, an optimiser's numbers.
    fn key(&mut self, id: Id) -> Result<Option<String>> {
        match self.objects.get(id) {
            Object::Text(text) => {
                self.visit(text)?;
                Ok(Some(text.to_string()))
            }
            Object::Int(number) => Ok(Some(number.to_string())),
            _ => Ok(None), // not operations: values
        }
    }

    /// Accounts for a value under `key`: a long text can be the key of many.
    fn visit(&mut self, key: &str) -> Result<()> {
        self.visits += 1 + key.len() / 64;
        if self.visits <= MOST_VISITS { Ok(()) } else { Err(self.too_deep()) }
    }

    fn too_deep(&self) -> Error {
        Error::model(format!(
            "its dicts lie deeper than {MOST_DEPTH} levels in each other, hold each other, or hold more than any state dict"
        ))
        .at(self.name.to_owned())
        .help("save the state dict alone: torch.save(model.state_dict(), \"weights.pt\")")
    }

    /// Whether there is a tensor in it or below it.
    fn has_tensors(&mut self, id: Id, depth: usize) -> Result<bool> {
        self.visit("")?;
        if depth > MOST_DEPTH {
            return Err(self.too_deep());
        }
        let objects = self.objects;
        match objects.get(id) {
            Object::Tensor(_) => Ok(true),
            Object::Dict(entries) => {
                for (_, value) in entries {
                    if self.has_tensors(*value, depth + 1)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Ok(false), // not operations: values
        }
    }

    /// The entry of a dict in which the state dict lies, if the dict is not the state dict itself.
    fn wrapper(&mut self, entries: &[(Id, Id)]) -> Result<Option<(String, Id)>> {
        let objects = self.objects;
        let mut inside = vec![];
        for (key, value) in entries {
            if matches!(objects.get(*value), Object::Dict(_)) && self.has_tensors(*value, 0)? {
                let Some(key) = self.key(*key)? else { continue };
                inside.push((key, *value));
            }
        }
        let known = WRAPPERS
            .iter()
            .find_map(|wrapper| inside.iter().rev().find(|(key, _)| key == wrapper).cloned());
        // Beside tensors of its own a dict of tensors is a part like them.
        let direct = |(_, value): &(Id, Id)| matches!(objects.get(*value), Object::Tensor(_));
        if known.is_some() || entries.iter().any(direct) {
            return Ok(known);
        }
        inside.retain(|(key, _)| {
            let key = key.to_lowercase();
            !OTHERS.iter().any(|other| key.contains(other))
        });
        // Several are parts of one network: their names become the beginnings of keys.
        Ok(if inside.len() == 1 { inside.pop() } else { None })
    }

    /// The tensors below `id`, keys joined by dots.
    fn flatten(&mut self, id: Id, prefix: &str, depth: usize, found: &mut Flat<'o>) -> Result<()> {
        if depth > MOST_DEPTH {
            return Err(self.too_deep());
        }
        let objects = self.objects;
        for (key, value) in objects.entries(id).unwrap_or_default() {
            let Some(key) = self.key(*key)? else { continue };
            let path = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            self.visit(&path)?;
            match objects.get(*value) {
                Object::Tensor(record) => {
                    // In Python the later of two equal keys counts; nobody writes such a file.
                    if !found.seen.insert(path.clone()) {
                        return Err(Error::model(format!(
                            "two tensors have the key {}",
                            short(&path)
                        ))
                        .at(self.name.to_owned())
                        .help("save the file again"));
                    }
                    found.tensors.push((path, record));
                }
                Object::Dict(_) => self.flatten(*value, &path, depth + 1, found)?,
                _ => found.others.push(path), // not operations: values
            }
        }
        Ok(())
    }
}
