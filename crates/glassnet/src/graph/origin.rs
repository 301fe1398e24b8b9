//! Where a node came from, in the user's terms.

use std::fmt;

/// The part of the user's input that a node stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub enum Place {
    /// A layer by its state-dict prefix: `"0"`, `"encoder.2"`; the whole network is `""`.
    Layer(String),
    /// A line of a file (a graph's text form, a model file's node list).
    Line(usize),
    /// The loss.
    Loss,
    /// The caller's own graph, built without a layer.
    #[default]
    Own,
}

/// A node's provenance; every rewrite keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Origin {
    /// Which layer, line or loss.
    pub place: Place,
    /// What stands there: `Linear`, `CrossEntropyLoss`.
    pub kind: String,
    /// Whether the node belongs to the derivative of that place rather than to its value.
    pub gradient: bool,
}

impl Origin {
    /// The origin of the layer with state-dict prefix `path`, of `kind` (`Linear`).
    pub fn layer(path: impl Into<String>, kind: impl Into<String>) -> Self {
        Origin { place: Place::Layer(path.into()), kind: kind.into(), gradient: false }
    }

    /// The origin of a loss of `kind`.
    pub fn loss(kind: impl Into<String>) -> Self {
        Origin { place: Place::Loss, kind: kind.into(), gradient: false }
    }

    /// The same place, for nodes of its derivative.
    pub fn derivative(&self) -> Self {
        Origin { gradient: true, ..self.clone() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.gradient {
            f.write_str("gradient of ")?;
        }
        match &self.place {
            Place::Layer(path) => write!(f, "layer {path:?}")?,
            Place::Line(line) => write!(f, "line {line}")?,
            Place::Loss => f.write_str("loss")?,
            Place::Own => f.write_str("graph")?,
        }
        if self.kind.is_empty() { Ok(()) } else { write!(f, " ({})", self.kind) }
    }
}
