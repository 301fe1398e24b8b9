//! The count as people write it down: a line per layer, then the sum.

use super::{CountedLayer, Counting, Role};
use crate::document::{Align, Block, Column, Document, NoteKind, Steps, Table, Text};
use crate::formula::{Math, Operator};
use crate::worked::digits::count;

/// How many layers are shown one by one.
const SHOWN: usize = 200;

impl Counting {
    /// A table with a line per layer, the sum, multiplicative weights and biases apart, and what does not count.
    pub fn document(&self) -> Document {
        let mut document = Document::new("Counting weights");
        if self.layers.iter().any(|layer| layer.kind == "Linear") {
            self.say_rule(&mut document);
        }
        document.push(Block::Table(self.table()));
        if self.layers.len() > SHOWN {
            document.note(
                NoteKind::Omitted,
                format!(
                    "{} further layers; their numbers are in the sums",
                    self.layers.len() - SHOWN
                ),
            );
        }
        self.say_sum(&mut document);
        self.say_apart(&mut document);
        self.say_kinds(&mut document);
        if let Some(examples) = self.examples {
            document.note(
                NoteKind::Remark,
                format!(
                    "The number of examples ({examples}) does not matter: every example passes through the same {}.",
                    count(self.parameters(), "weight")
                ),
            );
        }
        document
    }

    fn say_rule(&self, document: &mut Document) {
        document.say(
            "A linear layer has a weight from every input to every neuron and, with a bias, one more number per \
             neuron:",
        );
        document.formula(Math::row([
            Math::Under(
                Box::new(Math::row([
                    Math::text("inputs"),
                    Math::Operator(Operator::Dot),
                    Math::text("neurons"),
                ])),
                Box::new(Math::text("multiplicative")),
            ),
            Math::Operator(Operator::Plus),
            Math::Under(Box::new(Math::text("neurons")), Box::new(Math::text("biases"))),
        ]));
    }

    fn table(&self) -> Table {
        let mut table = Table::new([
            Column::words("layer"),
            Column::words("kind"),
            Column { head: "how many".into(), align: Align::Left },
            Column::numbers("multiplicative"),
            Column::numbers("biases"),
            Column::numbers("weights"),
        ]);
        for layer in self.layers.iter().take(SHOWN) {
            let name = if layer.name.is_empty() {
                Text::default()
            } else {
                Text::default().code(&layer.name)
            };
            table.row([
                name,
                layer.kind.into(),
                layer.how_many(),
                number(layer.numbers(Role::Multiplicative)),
                number(layer.numbers(Role::Bias)),
                number(layer.parameters()),
            ]);
        }
        table.row([
            "sum".into(),
            Text::default(),
            Text::default(),
            number(self.multiplicative),
            number(self.biases),
            number(self.parameters()),
        ]);
        table
    }

    fn say_sum(&self, document: &mut Document) {
        let parts: Vec<usize> =
            self.layers.iter().map(CountedLayer::parameters).filter(|&part| part > 0).collect();
        if parts.len() < 2 || parts.len() > 12 {
            return;
        }
        let mut steps = Steps::new(sum(&parts));
        steps.equals(whole(self.parameters()), "sum over the layers");
        document.push(Block::Steps(steps));
    }

    fn say_apart(&self, document: &mut Document) {
        document.say(
            Text::from("The network has ")
                .strong(count(self.parameters(), "weight"))
                .plain(": ")
                .math(whole(self.multiplicative))
                .plain(" multiplicative and ")
                .math(whole(self.biases))
                .plain(format!(" bias{}.", if self.biases == 1 { "" } else { "es" })),
        );
    }

    /// What the less usual layers count.
    fn say_kinds(&self, document: &mut Document) {
        let has = |kind: &str| self.layers.iter().any(|layer| layer.kind == kind);
        if self.buffers > 0 {
            document.note(
                NoteKind::Remark,
                format!(
                    "Besides, the state dict holds {} that no gradient changes and that do not count as weights: \
                     batch normalisation's running mean and variance per feature, and the number of batches seen.",
                    count(self.buffers, "number")
                ),
            );
        }
        for (kind, words) in [
            (
                "Embedding",
                "An embedding has a row of weights per index. Looking a row up is the product of the table \
                           with a one-hot vector, so its weights are multiplicative and it has no bias.",
            ),
            (
                "EmbedColumns",
                "Columns of codes have a table each, with a row of weights per code. Looking a row up is the product \
                           of the table with a one-hot vector, so its weights are multiplicative and it has no bias.",
            ),
            (
                "PReLU",
                "A PReLU's slope below 0 is trained: one multiplicative weight, or one per channel.",
            ),
            (
                "LayerNorm",
                "Layer normalisation multiplies every feature by a weight and adds a bias.",
            ),
            (
                "BatchNorm1d",
                "Batch normalisation multiplies every feature by a weight and adds a bias.",
            ),
        ] {
            if has(kind) {
                document.note(NoteKind::Remark, words);
            }
        }
        let silent: Vec<&str> = self
            .layers
            .iter()
            .filter(|layer| layer.arrays.is_empty())
            .map(|layer| layer.kind)
            .fold(vec![], |mut kinds, kind| {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
                kinds
            });
        if !silent.is_empty() {
            let verb = if silent.len() == 1 { "adds" } else { "add" };
            document.say(format!("{} {verb} no weights.", silent.join(", ")));
        }
    }
}

impl CountedLayer {
    /// `6·32 + 32 = 224`, or the arrays' shapes.
    fn how_many(&self) -> Text {
        let trained: Vec<_> =
            self.arrays.iter().filter(|array| array.role != Role::Buffer).collect();
        if trained.is_empty() {
            return Text::default();
        }
        let mut row = vec![];
        for array in &trained {
            if !row.is_empty() {
                row.push(Math::Operator(Operator::Plus));
            }
            // A linear layer's weight is (out, in); people write in · out.
            let lengths: Vec<usize> = match self.kind {
                "Linear" => array.shape.iter().rev().copied().collect(),
                _ => array.shape.clone(), // not operations: layers by name
            };
            row.push(product(&lengths));
        }
        Math::Row(row).equals(whole(self.parameters())).into()
    }
}

fn product(lengths: &[usize]) -> Math {
    let mut row = vec![];
    for &length in lengths {
        if !row.is_empty() {
            row.push(Math::Operator(Operator::Dot));
        }
        row.push(whole(length));
    }
    if row.is_empty() { whole(1) } else { Math::Row(row) }
}

fn sum(parts: &[usize]) -> Math {
    let mut row = vec![];
    for &part in parts {
        if !row.is_empty() {
            row.push(Math::Operator(Operator::Plus));
        }
        row.push(whole(part));
    }
    Math::Row(row)
}

fn whole(number: usize) -> Math {
    Math::Number(number.to_string())
}

fn number(number: usize) -> Text {
    if number == 0 { Text::default() } else { whole(number).into() }
}
