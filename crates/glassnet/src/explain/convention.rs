//! The other convention: what gradients would be with another derivative at a kink.
//!
//! A ReLU has no derivative at exactly 0. PyTorch takes 0; 1 or ½ would be as right. Where rows sit on kinks, the
//! gradients depend on that choice. The same gradient graph is evaluated with the other value at those elements and at
//! no others; inputs and weights stay where they are.

use super::setting::{Setting, Weight};
use super::units::{RowNames, Unit, kinked, locate};
use crate::document::{Block, Column, Document, NoteKind, Table, Text};
use crate::error::Result;
use crate::formula::Math;
use crate::graph::op::{Activation, ActivationGrad, DerivativeForm};
use crate::graph::{Builder, DType, NodeId, NodeMap, Op, Type};
use crate::reference::activation::derivative;
use crate::reference::{Array, evaluate};
use crate::tensor::Tensor;

/// Which derivative to take at a kink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one from below: of a ReLU, 0.
    Below,
    /// The one from above: of a ReLU, 1.
    Above,
    /// The mean of both: of a ReLU, ½.
    Middle,
}

/// A value that lies exactly on a kink.
#[derive(Clone, Debug, PartialEq)]
pub struct OnKink {
    /// The unit.
    pub unit: Unit,
    /// The row, if the value has rows.
    pub row: Option<usize>,
    /// Where the kink is.
    pub at: f64,
    /// The derivative that training takes.
    pub taken: f64,
    /// The derivative that was taken instead.
    pub other: f64,
}

/// A gradient with both conventions.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The parameter's state-dict key.
    pub key: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The gradient as training has it, in f64.
    pub taken: Vec<f64>,
    /// The gradient with the other derivative at kinks.
    pub other: Vec<f64>,
}

/// Gradients with two conventions at kinks.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherConvention {
    /// Which derivative was taken instead.
    pub side: Side,
    /// What lies on a kink; nothing, and both conventions agree.
    pub on_kinks: Vec<OnKink>,
    /// The gradients of all parameters.
    pub gradients: Vec<Compared>,
    /// How many rows there are.
    pub rows: usize,
}

/// The gradients of `setting` with the derivative of `side` at every kink that a value lies on.
///
/// A value lies on a kink if it does in f32, where training would see it, or in f64.
///
/// # Errors
/// As [`evaluate`].
///
/// ```
/// use glassnet::explain::{Setting, convention::{Side, other_convention}};
/// use glassnet::nn::{self, Network, StateDict, loss::Criterion};
/// use glassnet::train::{Dataset, Features, Target};
/// use glassnet::Tensor;
/// let state = StateDict::from_iter([("0.weight", Tensor::new([1, 1], vec![0.0_f32])?.into())]);
/// let network = Network::with_state(nn::parse("Sequential(Linear(1, 1, bias=False), ReLU())")?, &state)?;
/// let data = Dataset::new(
///     Features::Floats(Tensor::new([1, 1], vec![3.0])?),
///     Target::Values(Tensor::new([1, 1], vec![1.0])?),
/// )?;
/// let setting = Setting::new(&network, &data, &Criterion::parse("mse")?)?;
/// let found = other_convention(&setting, Side::Above)?;
/// assert_eq!(found.gradients[0].taken, [0.0]);
/// assert_eq!(found.gradients[0].other, [-6.0]); // 2·(0 − 1)·1·3
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn other_convention(setting: &Setting, side: Side) -> Result<OtherConvention> {
    let graph = setting.graph();
    let mut on_kinks = vec![];
    // For every kinked activation, what is added to its derivative to have each convention.
    let mut corrections: NodeMap<[Tensor<f64>; 2]> = NodeMap::new();
    for place in kinked(setting.forward()) {
        let Some(Ok(z)) = setting.values().get(place.argument).map(Array::floats) else { continue };
        let engine = setting.trace().floats(place.argument);
        let mut added = [Tensor::full(z.shape(), 0.0), Tensor::full(z.shape(), 0.0)];
        let before = on_kinks.len();
        for (element, &exact) in z.data().iter().enumerate() {
            let seen = engine.and_then(|values| values.get(element)).copied();
            let on = |kink: &f64| exact == *kink || seen == Some(*kink as f32);
            let Some(at) = place.activation.kinks().into_iter().find(on) else { continue };
            let here = derivative(place.activation, exact);
            let taken = derivative(place.activation, at);
            let other = one_sided(place.activation, at, side);
            added[0].data_mut()[element] = taken - here;
            added[1].data_mut()[element] = other - here;
            let (unit, row) = locate(graph, place.node, element, setting.rows());
            on_kinks.push(OnKink { unit, row, at, taken, other });
        }
        if on_kinks.len() > before {
            corrections.insert(place.node, added);
        }
    }
    let taken = corrected(setting, &corrections, 0)?;
    let other = corrected(setting, &corrections, 1)?;
    let gradients = setting.parameters().iter().zip(taken.into_iter().zip(other));
    let gradients = gradients
        .map(|(parameter, (taken, other))| Compared {
            key: parameter.key.clone(),
            shape: parameter.shape.clone(),
            taken,
            other,
        })
        .collect();
    Ok(OtherConvention { side, on_kinks, gradients, rows: setting.rows() })
}

fn one_sided(activation: Activation, at: f64, side: Side) -> f64 {
    let (below, above) =
        (derivative(activation, at.next_down()), derivative(activation, at.next_up()));
    match side {
        Side::Below => below,
        Side::Above => above,
        Side::Middle => 0.5 * (below + above),
    }
}

/// The parameters' gradients, where `dy·f'` became `dy·f' + dy·correction`.
fn corrected(
    setting: &Setting,
    corrections: &NodeMap<[Tensor<f64>; 2]>,
    which: usize,
) -> Result<Vec<Vec<f64>>> {
    let graph = setting.graph();
    let mut builder = Builder::new();
    let mut feeds = setting.feeds().clone();
    let mut ids: NodeMap<NodeId> = NodeMap::for_graph(graph.graph());
    let mut inputs: NodeMap<NodeId> = NodeMap::new();
    for id in graph.graph().ids() {
        let node = graph.graph().node(id);
        builder.restore_origin(node.origin().clone());
        let operands: Vec<NodeId> = node.operands().iter().map(|&operand| ids[operand]).collect();
        let mut new = builder.push(node.op().clone(), operands.clone())?;
        if let Some(source) = differentiated(setting, id)
            && let Some(added) = corrections.get(source)
        {
            let name = format!("correction {}", source.index());
            let Type { shape, .. } = graph.type_of(source).clone();
            let correction = match inputs.get(source) {
                Some(&known) => known,
                None => builder.input(&name, DType::F64, shape)?,
            };
            inputs.insert(source, correction);
            feeds.set_input(name, added[which].clone());
            let extra = builder.mul(operands[0], correction)?;
            new = builder.add(new, extra)?;
        }
        ids.insert(id, new);
    }
    let values = evaluate(&builder.finish_checked(), &feeds, setting.rows())?;
    setting
        .parameters()
        .iter()
        .map(|parameter| match parameter.gradient {
            Some(gradient) => Ok(values[ids[gradient]].floats()?.data().to_vec()),
            None => Ok(vec![0.0; parameter.shape.iter().product()]),
        })
        .collect()
}

/// The activation whose derivative the node takes.
fn differentiated(setting: &Setting, id: NodeId) -> Option<NodeId> {
    let graph = setting.graph().graph();
    let node = graph.node(id);
    let Op::ActivationGrad(ActivationGrad(activation)) = node.op() else { return None };
    let from = *node.operands().get(1)?;
    match activation.derivative_form() {
        DerivativeForm::Output => Some(from),
        DerivativeForm::Input => kinked(setting.forward())
            .into_iter()
            .find(|place| place.argument == from && place.activation == *activation)
            .map(|place| place.node),
    }
}

/// How many weights are listed.
const SHOWN: usize = 12;

impl OtherConvention {
    /// Whether the choice makes a difference to any gradient.
    pub fn matters(&self) -> bool {
        self.gradients.iter().any(|compared| compared.taken != compared.other)
    }

    /// What lies on kinks, and the gradients that depend on the convention, beside each other.
    pub fn blocks(&self, names: RowNames<'_>) -> Vec<Block> {
        let mut document = Document::default();
        if self.on_kinks.is_empty() {
            document.say(
                "No row lies on a kink, so the gradients do not depend on the convention there.",
            );
            return document.blocks;
        }
        let mut note = vec![Block::sentence(self.sentence(names))];
        if self.matters() {
            note.push(Block::Table(self.table()));
            let differing = self.differing().len();
            if differing > SHOWN {
                note.push(Block::sentence(format!(
                    "{} more weights differ, each by less.",
                    differing - SHOWN
                )));
            }
        } else {
            note.push(Block::sentence(
                "The choice makes no difference here: every gradient is the same with it.",
            ));
        }
        document.push(Block::Note(NoteKind::Convention, note));
        document.blocks
    }

    fn sentence(&self, names: RowNames<'_>) -> String {
        let mut units: Vec<(&Unit, Vec<usize>)> = vec![];
        for place in &self.on_kinks {
            match units.iter_mut().find(|(unit, _)| *unit == &place.unit) {
                Some((_, rows)) => rows.extend(place.row),
                None => units.push((&place.unit, place.row.into_iter().collect())),
            }
        }
        let shown: Vec<String> = units
            .iter()
            .take(4)
            .map(|(unit, rows)| format!("{unit} in {}", names.words(rows, self.rows)))
            .collect();
        let more = units.len().saturating_sub(4);
        let more = if more > 0 { format!("; {more} more units") } else { String::new() };
        let first = &self.on_kinks[0];
        let same = self.on_kinks.iter().all(|k| k.taken == first.taken && k.other == first.other);
        let values = if same {
            format!("training takes {} there, beside it stands {}", first.taken, first.other)
        } else {
            "training takes PyTorch's value there, beside it stands the other one".to_owned()
        };
        format!(
            "These lie exactly on a kink, where the derivative is not defined: {}{more}. By convention \
             {values}.",
            shown.join("; ")
        )
    }

    /// Weights with different gradients, the largest difference first.
    fn differing(&self) -> Vec<(Weight, f64, f64)> {
        let mut found = vec![];
        for compared in &self.gradients {
            for (element, (&taken, &other)) in
                compared.taken.iter().zip(&compared.other).enumerate()
            {
                if taken != other {
                    let index = super::setting::unravel(element, &compared.shape);
                    found.push((Weight { key: compared.key.clone(), index }, taken, other));
                }
            }
        }
        // Stable: equal differences stay in the network's order.
        found.sort_by(|a, b| (b.1 - b.2).abs().total_cmp(&(a.1 - a.2).abs()));
        found
    }

    fn table(&self) -> Table {
        let first = &self.on_kinks[0];
        let head = |value: f64| Text::from("∂J/∂w with ").math(Math::f64(value));
        let mut table = Table::new([
            Column::words("weight"),
            Column::numbers(head(first.taken)),
            Column::numbers(head(first.other)),
        ]);
        for (weight, taken, other) in self.differing().into_iter().take(SHOWN) {
            table.row([
                Text::default().code(weight.to_string()),
                Text::default().math(rounded(taken)),
                Text::default().math(rounded(other)),
            ]);
        }
        table
    }
}

/// A number to six digits.
fn rounded(value: f64) -> Math {
    let short: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    Math::f64(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::samples::{random, sample, two_units, values};

    #[test]
    fn the_exercise_s_first_row_has_two_gradients() {
        let found = other_convention(&two_units().setting(), Side::Above).unwrap();
        // (0, 1) and (1, 0) lie on both units' kinks.
        let places: Vec<(usize, Vec<usize>)> =
            found.on_kinks.iter().map(|k| (k.row.unwrap(), k.unit.index.clone())).collect();
        assert_eq!(places, [(1, vec![0]), (1, vec![1]), (2, vec![0]), (2, vec![1])]);
        let weight = &found.gradients[0];
        assert_eq!(weight.key, "0.weight");
        for column in [0, 1] {
            assert_eq!(format!("{:.2e}", weight.taken[column]), "-4.73e-5");
            assert_eq!(format!("{:.2e}", weight.other[column]), "2.51e-4");
        }
        let words =
            Document { title: Text::default(), blocks: found.blocks(RowNames::default()) }.plain();
        assert!(words.contains("layer \"1\" (ReLU) unit 1 in rows 2 and 3"), "{words}");
        assert!(words.contains("Convention"), "{words}");
    }

    #[test]
    fn below_is_what_training_takes_and_the_middle_is_the_mean() {
        let setting = two_units().setting();
        let of = |side| other_convention(&setting, side).unwrap().gradients[0].clone();
        let (below, middle, above) = (of(Side::Below), of(Side::Middle), of(Side::Above));
        assert_eq!(below.taken, below.other);
        for element in 0..4 {
            let mean = 0.5 * (below.other[element] + above.other[element]);
            assert!((middle.other[element] - mean).abs() < 1e-18);
        }
    }

    #[test]
    fn without_a_kink_nothing_differs() {
        let setting = random("2-5-3-1", 6, "mse", 3).setting();
        let found = other_convention(&setting, Side::Above).unwrap();
        if found.on_kinks.is_empty() {
            assert!(!found.matters());
        }
        for compared in &found.gradients {
            assert_eq!(compared.taken, setting.trace().exact_gradient(&compared.key).unwrap());
        }
    }

    #[test]
    fn other_activations_have_their_own_sides() {
        let sample = sample(
            "Sequential(Linear(1, 1, bias=False), LeakyReLU(-0.5), Hardtanh())",
            &[("0.weight", &[1, 1], &[0.0])],
            &[&[2.0]],
            values(&[1.0]),
            "mse",
        );
        let found = other_convention(&sample.setting(), Side::Above).unwrap();
        // dJ/dw = 2·(0 − 1)·hardtanh'(0)·f'(0)·2, with f' = −1/2 below and 1 above.
        assert_eq!(found.gradients[0].taken, [2.0]);
        assert_eq!(found.gradients[0].other, [-4.0]);
        assert_eq!(found.on_kinks[0].at, 0.0);
    }
}
