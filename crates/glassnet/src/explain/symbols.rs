//! What the numbers of a network are called in formulas: x, a⁽¹⁾, h⁽¹⁾, …, ŷ.

use crate::formula::Math;
use crate::graph::NodeId;
use crate::nn::Module;
use crate::nn::loss::Criterion;
use crate::trace::Trace;

/// The name of one layer's output.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Symbol {
    letter: &'static str,
    /// The number of the `Linear` layer that it belongs to, from 1.
    number: Option<usize>,
    /// How many numbers it has per row.
    pub(super) units: usize,
}

/// The names of the network's input and of every layer's output.
#[derive(Clone, Debug)]
pub(super) struct Symbols {
    by_node: Vec<(NodeId, Symbol)>,
    /// The layer's number for every parameter's prefix.
    numbers: Vec<(String, usize)>,
    /// The prefixes of embeddings.
    embeddings: Vec<String>,
}

/// Letters of further outputs behind one `Linear`.
const FURTHER: [&str; 6] = ["h", "g", "u", "v", "q", "s"];

impl Symbols {
    pub(super) fn new(trace: &Trace, module: &Module, criterion: Option<&Criterion>) -> Symbols {
        let rows = trace.rows().max(1);
        let units = |node: NodeId| trace.shape(node).iter().product::<usize>() / rows;
        let mut by_node: Vec<(NodeId, Symbol)> = vec![];
        if let Some(input) = trace.input() {
            by_node.push((input, Symbol { letter: "x", number: None, units: units(input) }));
        }
        let modules = module.layers();
        let (mut number, mut further, mut numbers) = (0, 0, vec![]);
        for layer in trace.layers() {
            if layer.kind == "Linear" {
                (number, further) = (number + 1, 0);
                numbers.push((layer.name.clone(), number));
            }
            if by_node.iter().any(|(node, _)| *node == layer.output) {
                continue;
            }
            let own =
                modules.iter().find(|(name, own)| *name == layer.name && own.kind() == layer.kind);
            let last = layer.output == trace.output();
            let letter = if last {
                result_letter(own.map(|(_, module)| *module), criterion)
            } else if layer.kind == "Linear" {
                "a"
            } else {
                let letter = FURTHER[further.min(FURTHER.len() - 1)];
                further += 1;
                letter
            };
            let symbol =
                Symbol { letter, number: (!last).then_some(number), units: units(layer.output) };
            by_node.push((layer.output, symbol));
        }
        let mut embeddings = vec![];
        for (name, layer) in &modules {
            match layer {
                Module::Embedding(_) => embeddings.push(name.clone()),
                Module::EmbedColumns(columns) => {
                    let tables = columns.tables.iter();
                    embeddings.extend(tables.map(|(column, _)| match name.as_str() {
                        "" => column.to_string(),
                        name => format!("{name}.{column}"),
                    }));
                }
                _ => {} // not operations: other layers
            }
        }
        Symbols { by_node, numbers, embeddings }
    }

    /// The name of a node's value, if it is a layer's output or the input.
    pub(super) fn get(&self, node: NodeId) -> Option<&Symbol> {
        self.by_node.iter().find(|(known, _)| *known == node).map(|(_, symbol)| symbol)
    }

    /// The number of the `Linear` layer called `name`.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.numbers.iter().find(|(known, _)| known == name).map(|(_, number)| *number)
    }

    /// A weight's element: `w⁽¹⁾` with its indices, counted from 1.
    pub(super) fn weight(&self, key: &str, coordinates: &[usize], size: usize) -> Math {
        let (prefix, name) = key.rsplit_once('.').unwrap_or(("", key));
        let letter = match (name, self.number(prefix)) {
            ("weight", Some(_)) => "w",
            ("bias", Some(_)) => "b",
            ("bias", None) => "β",
            ("weight", None) if self.embeddings.iter().any(|known| known == prefix) => "e",
            ("weight", None) => "γ",
            _ => "w",
        };
        let mut math = Math::name(letter);
        if size > 1 {
            let index: Vec<String> = coordinates.iter().map(|at| (at + 1).to_string()).collect();
            math = math.lowered(Math::number(&index.join(",")));
        }
        match self.number(prefix) {
            Some(number) => numbered(math, number),
            None => math,
        }
    }
}

/// Scores are called z, predictions ŷ, probabilities p.
fn result_letter(layer: Option<&Module>, criterion: Option<&Criterion>) -> &'static str {
    match (layer, criterion) {
        (Some(Module::Softmax { .. }), _) => "p",
        (_, Some(Criterion::CrossEntropyLoss(_) | Criterion::BCEWithLogitsLoss(_))) => "z",
        (
            _,
            Some(Criterion::NLLLoss(_) | Criterion::KLDivLoss(_) | Criterion::PoissonNLLLoss(_)),
        ) => "z",
        (
            _,
            Some(
                Criterion::MSELoss(_)
                | Criterion::L1Loss(_)
                | Criterion::SmoothL1Loss(_)
                | Criterion::HuberLoss(_)
                | Criterion::BCELoss(_)
                | Criterion::GaussianNLLLoss(_),
            )
            | None,
        ) => "ŷ",
    }
}

/// A piece with its layer's number above: a⁽¹⁾.
pub(super) fn numbered(math: Math, number: usize) -> Math {
    math.raised(Math::number(&number.to_string()).fenced())
}

impl Symbol {
    /// All units together.
    pub(super) fn whole(&self) -> Math {
        match self.number {
            Some(number) => numbered(Math::name(self.letter), number),
            None => Math::name(self.letter),
        }
    }

    /// One unit, counted from 0; without an index where there is only one.
    pub(super) fn unit(&self, unit: usize) -> Math {
        if self.units == 1 {
            return self.whole();
        }
        let math = Math::name(self.letter).lowered(Math::number(&(unit + 1).to_string()));
        match self.number {
            Some(number) => numbered(math, number),
            None => math,
        }
    }
}
