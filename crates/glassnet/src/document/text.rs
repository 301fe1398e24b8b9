//! Sentences with mathematics in them.

use crate::formula::{Expression, Math};

/// A run of inline pieces: a heading, a sentence, a table's cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text(pub Vec<Inline>);

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq)]
pub enum Inline {
    /// Words.
    Plain(String),
    /// Stressed words.
    Emphasis(String),
    /// Words that must be seen.
    Strong(String),
    /// A name from a program or file: a key, a flag, a layer.
    Code(String),
    /// Mathematics within the line.
    Math(Math),
}

impl Inline {
    /// Words.
    pub fn plain(words: impl Into<String>) -> Inline {
        Inline::Plain(words.into())
    }

    /// A name from a program or file.
    pub fn code(name: impl Into<String>) -> Inline {
        Inline::Code(name.into())
    }
}

impl Text {
    /// True if there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with words behind it.
    ///
    /// ```
    /// use glassnet::document::Text;
    /// use glassnet::formula::Math;
    /// let text = Text::from("the loss is ").math(Math::f64(0.5)).plain(", and the key ").code("0.weight");
    /// assert_eq!(text.to_string(), "the loss is 0.5, and the key 0.weight");
    /// ```
    #[must_use]
    pub fn plain(mut self, words: impl Into<String>) -> Text {
        self.0.push(Inline::Plain(words.into()));
        self
    }

    /// The text with mathematics behind it.
    #[must_use]
    pub fn math(mut self, math: impl Into<Math>) -> Text {
        self.0.push(Inline::Math(math.into()));
        self
    }

    /// The text with a name from a program or file behind it.
    #[must_use]
    pub fn code(mut self, name: impl Into<String>) -> Text {
        self.0.push(Inline::Code(name.into()));
        self
    }

    /// The text with words behind it that must be seen.
    #[must_use]
    pub fn strong(mut self, words: impl Into<String>) -> Text {
        self.0.push(Inline::Strong(words.into()));
        self
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Text {
        Text(vec![Inline::Plain(words.into())])
    }
}

impl From<String> for Text {
    fn from(words: String) -> Text {
        Text(vec![Inline::Plain(words)])
    }
}

impl From<Math> for Text {
    fn from(math: Math) -> Text {
        Text(vec![Inline::Math(math)])
    }
}

impl From<&Expression> for Text {
    fn from(formula: &Expression) -> Text {
        formula.math().into()
    }
}

impl FromIterator<Inline> for Text {
    fn from_iter<T: IntoIterator<Item = Inline>>(pieces: T) -> Text {
        Text(pieces.into_iter().collect())
    }
}
