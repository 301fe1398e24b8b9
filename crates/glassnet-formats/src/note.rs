//! What was noticed while a file was read, for people to know.

use std::fmt;

use crate::message::{quoted, short};

/// How many keys a note lists.
const MOST_KEYS: usize = 8;

/// Something about a file that its reader should tell.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The file's name promises another content than it has.
    Content(String),
    /// The weights are a part of what the file holds.
    Part {
        /// The keys that lead to them: `state_dict`.
        path: String,
        /// What lies beside it.
        beside: Vec<String>,
    },
    /// What every key began with was left out.
    Renamed {
        /// The beginning: `module.`.
        prefix: String,
        /// How many keys had it.
        keys: usize,
    },
    /// Keys that were called otherwise in the file.
    Keys(
        /// The key now, and that of the file.
        Vec<(String, String)>,
    ),
    /// An input or an output that is not what it is in the file.
    Interface(String),
    /// Numbers of a type that glassnet does not hold.
    Converted {
        /// The type in the file: `bfloat16`.
        from: &'static str,
        /// The type now: `float32`.
        to: &'static str,
        /// Whose numbers.
        keys: Vec<String>,
        /// Whether all have the values that they had.
        exact: bool,
    },
    /// Something that the file holds and the model does not.
    LeftOut {
        /// Its key or name.
        what: String,
        /// Why.
        why: String,
    },
    /// What was taken for granted, since the file does not say it.
    Assumed(String),
}

impl Note {
    /// Its sort in a word or two: `renamed`, `converted`, `left out`.
    pub fn sort(&self) -> &'static str {
        match self {
            Note::Content(_) => "content",
            Note::Part { .. } => "part",
            Note::Renamed { .. } | Note::Keys(_) => "renamed",
            Note::Interface(_) => "interface",
            Note::Converted { .. } => "converted",
            Note::LeftOut { .. } => "left out",
            Note::Assumed(_) => "taken for granted",
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Content(text) | Note::Assumed(text) | Note::Interface(text) => f.write_str(text),
            Note::Keys(pairs) => {
                let pair = |(now, then): &(String, String)| format!("{now} was {}", short(then));
                let pairs: Vec<String> = pairs.iter().map(pair).collect();
                write!(f, "keys: {}", listed(&pairs))
            }
            Note::Part { path, beside } if beside.is_empty() => {
                write!(f, "the weights lie under {}", quoted(path))
            }
            Note::Part { path, beside } => {
                let beside: Vec<String> = beside.iter().map(|key| quoted(key)).collect();
                write!(
                    f,
                    "the weights are those under {}; beside them the file has {}",
                    quoted(path),
                    listed(&beside)
                )
            }
            Note::Renamed { prefix, keys } => {
                write!(f, "{} was left out, with which all {keys} keys begin", quoted(prefix))
            }
            Note::Converted { from, to, keys, exact } => {
                let how = if *exact { "with the same values" } else { "rounded to the nearest" };
                let keys: Vec<String> = keys.iter().map(|key| short(key)).collect();
                write!(f, "{from} became {to}, {how}: {}", listed(&keys))
            }
            Note::LeftOut { what, why } => write!(f, "{} was left out: {why}", short(what)),
        }
    }
}

/// The first keys, and how many more there are.
pub(crate) fn listed<S: AsRef<str>>(keys: &[S]) -> String {
    let more = keys.len().saturating_sub(MOST_KEYS);
    let mut text = keys.iter().take(MOST_KEYS).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// Collects conversions, one note for each pair of types.
#[derive(Default)]
pub(crate) struct Conversions(Vec<Note>);

impl Conversions {
    pub(crate) fn add(
        &mut self,
        key: &str,
        element: crate::elements::ElementType,
        change: crate::elements::Change,
    ) {
        use crate::elements::Change;
        match change {
            Change::None => {}
            Change::Widened | Change::Narrowed => {
                self.add_named(key, element.name(), element.held_as(), true);
            }
            Change::Rounded => self.add_named(key, element.name(), element.held_as(), false),
        }
    }

    /// As [`Conversions::add`], of types by their names.
    pub(crate) fn add_named(
        &mut self,
        key: &str,
        was: &'static str,
        now: &'static str,
        is_exact: bool,
    ) {
        for note in &mut self.0 {
            if let Note::Converted { from, keys, exact, .. } = note
                && *from == was
                && *exact == is_exact
            {
                keys.push(key.to_owned());
                return;
            }
        }
        let keys = vec![key.to_owned()];
        self.0.push(Note::Converted { from: was, to: now, keys, exact: is_exact });
    }

    pub(crate) fn notes(self) -> Vec<Note> {
        self.0
    }
}
