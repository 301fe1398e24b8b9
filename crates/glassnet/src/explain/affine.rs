//! Attributions: what each input adds to an output, in sums that are the output.
//!
//! A piecewise-linear network is affine around a row: `y = W_eff·x + b_eff`, where `W_eff` is the gradient of the output
//! towards the input. So input i adds `W_eff[i]·x[i]`, the biases add `b_eff`, and together they are the output, exactly:
//! for small networks in fractions, else up to the rounding of f64. Other networks have no such map. For them two things
//! are told apart: gradient times input with the remainder that it leaves, and integrated gradients from a row of zeros,
//! which add up to the difference of the outputs but for an error that is stated.
//!
//! # Source
//! Integrated gradients: Sundararajan, Taly & Yan, arXiv 1703.01365, equation 1.

use num_traits::Zero;

use super::exact::{self, Given, Numbers, Rational, nearest};
use super::explanation::Labels;
use super::frozen::is_piecewise_affine;
use super::units::{RowNames, kinked};
use crate::document::{Align, Block, Column, Document, NoteKind, Table, Text};
use crate::error::{Error, ErrorKind, Result};
use crate::formula::{Math, Operator};
use crate::grad::grad;
use crate::graph::op::{Layout, Reduction};
use crate::graph::{Builder, Checked, DType, NodeId, Shape};
use crate::nn::{Lowering, Mode, Module, Network};
use crate::reference::{Array, Feeds, evaluate};
use crate::tensor::{Tensor, Value};
use crate::trace::written;
use crate::train::Features;

/// Points of the path on which gradients are integrated.
const PATH_POINTS: usize = 128;
/// How many products of numbers exact attributions may take.
const EXACT_PRODUCTS: usize = 60_000;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributionConfig {
    /// The row, from 0.
    pub row: usize,
    /// The element of the row's output, from 0.
    pub output: usize,
    /// What weights and rows stand for.
    pub numbers: Numbers,
}

/// What each input adds to one output at one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// The row.
    pub row: usize,
    /// The element of the output.
    pub output: usize,
    /// Its value.
    pub value: f64,
    /// Its value in fractions, where that was affordable.
    pub exact: Option<Rational>,
    /// How the parts relate to the output.
    pub kind: AttributionKind,
    /// One for each input.
    pub inputs: Vec<Part>,
    /// What is left: of a piecewise-linear network `b_eff`, what the biases add; of another the remainder.
    pub rest: f64,
    /// The same in fractions.
    pub exact_rest: Option<Rational>,
    /// How many values of the network lie exactly on a kink at this row: there the map is that of the piece whose slope
    /// training takes.
    pub on_kinks: usize,
}

/// How an attribution's parts relate to the output.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributionKind {
    /// The network is affine around the row: the parts and `b_eff` are the output.
    LocalAffine,
    /// The network is curved: gradient times input leaves a remainder that belongs to no input.
    Gradient {
        /// What integrated gradients from a row of zeros give each input.
        integrated: Vec<f64>,
        /// The output at the row of zeros.
        baseline: f64,
        /// By how much they miss the difference between the outputs at the row and at the zeros.
        error: f64,
    },
}

/// What an input adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The input's value.
    pub value: f64,
    /// The output's derivative towards it: an element of `W_eff`.
    pub slope: f64,
    /// Their product.
    pub contribution: f64,
    /// Slope and product in fractions, where that was affordable.
    pub exact: Option<(Rational, Rational)>,
}

/// What each input adds to an output of `network` at a row of `features`.
///
/// # Errors
/// A row or an output that does not exist; features that do not fit the network or are indices.
///
/// ```
/// use glassnet::explain::affine::{AttributionConfig, AttributionKind, attribute};
/// use glassnet::nn::{self, Network, StateDict};
/// use glassnet::{Tensor, train::Features};
/// let state = StateDict::from_iter([
///     ("0.weight", Tensor::new([1, 2], vec![2.0_f32, -1.0])?.into()),
///     ("0.bias", Tensor::new([1], vec![0.5_f32])?.into()),
/// ]);
/// let network = Network::with_state(nn::parse("Sequential(Linear(2, 1), ReLU())")?, &state)?;
/// let x = Features::Floats(Tensor::from_rows(&[[1.0_f32, 0.25]])?);
/// let config = AttributionConfig { row: 0, output: 0, numbers: Default::default() };
/// let found = attribute(&network, &x, &config)?;
/// assert_eq!(found.kind, AttributionKind::LocalAffine);
/// assert_eq!((found.inputs[0].contribution, found.inputs[1].contribution, found.rest), (2.0, -0.25, 0.5));
/// assert_eq!(found.value, 2.25);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn attribute(
    network: &Network,
    features: &Features,
    config: &AttributionConfig,
) -> Result<Attribution> {
    network.state_dict().check_finite()?;
    let question = Question::new(network, features, config)?;
    let values = evaluate(&question.graph, &question.feeds, 1)?;
    let number = |id: NodeId| -> Result<f64> { Ok(values[id].floats()?.data()[0]) };
    let value = number(question.output)?;
    let slopes = values[question.gradient].floats()?.data().to_vec();
    let exact = question.exactly(config.numbers)?;
    let affine = is_piecewise_affine(&question.forward, question.input);
    let row = question.row.data();
    let inputs: Vec<Part> = (0..row.len())
        .map(|index| Part {
            value: row[index],
            slope: slopes[index],
            // Adding 0 makes −0, the product of a negative slope and 0, a plain 0.
            contribution: slopes[index] * row[index] + 0.0,
            exact: exact.as_ref().map(|exact| exact.parts[index].clone()),
        })
        .collect();
    let sum: f64 = inputs.iter().map(|part| part.contribution).sum();
    let exact_rest = exact.as_ref().map(Exact::rest);
    let mut on_kinks = 0;
    for place in kinked(&question.forward) {
        let kinks = place.activation.kinks();
        let z = values[place.argument].floats()?;
        on_kinks += z.data().iter().filter(|z| kinks.contains(z)).count();
    }
    let kind = if affine { AttributionKind::LocalAffine } else { question.integrated(value)? };
    Ok(Attribution {
        row: config.row,
        output: config.output,
        value,
        rest: exact_rest.as_ref().map_or(value - sum, nearest),
        exact_rest,
        exact: exact.map(|exact| exact.value),
        kind,
        inputs,
        on_kinks,
    })
}

/// The graph of one output with its gradient towards the input, for one row.
struct Question {
    forward: Checked,
    graph: Checked,
    feeds: Feeds,
    input: NodeId,
    output: NodeId,
    gradient: NodeId,
    row: Tensor<f64>,
}

impl Question {
    fn new(network: &Network, features: &Features, config: &AttributionConfig) -> Result<Self> {
        let layers = network.module().layers();
        let codes = layers.iter().find(|(_, layer)| matches!(layer, Module::EmbedColumns(_)));
        let (Features::Floats(x), None) = (features, codes) else {
            return Err(Error::unsupported(
                codes.map_or("Embedding", |(_, layer)| layer.kind()),
                "attribution",
                "an index has no part of which a share could be told",
            ));
        };
        let rows = features.rows();
        if config.row >= rows {
            return Err(Error::usage(format!("there is no row {} among {rows}", config.row))
                .help("rows are counted from 0"));
        }
        let read = |value: f32| match config.numbers {
            Numbers::Printed => written(value),
            Numbers::Stored => f64::from(value),
        };
        let mut shape = x.shape().to_vec();
        shape[0] = 1;
        let row: Vec<f64> = x.row(config.row).iter().map(|&value| read(value)).collect();
        if let Some(at) = row.iter().position(|value| !value.is_finite()) {
            return Err(Error::data(format!("the value is {}", row[at]))
                .at(format!("row {}, column {at} (counted from 0)", config.row))
                .help("give finite numbers"));
        }
        let row = Tensor::new(shape.clone(), row)?;
        let mut builder = Builder::new();
        let batch = Shape::batch(shape.into_iter().skip(1));
        let input = builder.input("x", DType::F32, batch)?;
        let y = network.module().lower(&mut builder, input, &mut Lowering::new(Mode::Eval))?;
        let width = builder.shape(y).elements(1).unwrap_or(0);
        if config.output >= width {
            return Err(Error::usage(format!(
                "there is no output {}, the network has {width}",
                config.output
            ))
            .help("outputs are counted from 0"));
        }
        let flat = builder.reshape(y, Shape::batch([width]))?;
        let slice = Layout::Slice { axis: 1, start: config.output, end: config.output + 1 };
        let chosen = builder.layout(slice, &[flat])?;
        let output = builder.reduce_all(Reduction::Sum, chosen)?;
        let forward = builder.finish_checked();
        let found = grad(&forward, output, &[input])?;
        let mut feeds = Feeds::new().input("x", row.clone());
        for (key, value) in network.state_dict().iter() {
            if let Value::F32(tensor) = value {
                feeds.set_state(key, tensor.map(read));
            }
        }
        Ok(Question {
            forward,
            graph: found.graph,
            feeds,
            input,
            output,
            gradient: found.gradients[0],
            row,
        })
    }

    /// Output and products in fractions, if the network is small and has them.
    fn exactly(&self, numbers: Numbers) -> Result<Option<Exact>> {
        let products: usize = self
            .forward
            .graph()
            .sources()
            .filter_map(|(id, _)| self.forward.shape(id).elements(1))
            .sum();
        if products > EXACT_PRODUCTS {
            return Ok(None);
        }
        let given =
            Given { graph: &self.graph, feeds: &self.feeds, batch: 1, numbers, moving: None };
        let values = match exact::evaluate(&given) {
            Ok(values) if values.rounded.is_empty() => values,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Limit => return Ok(None),
            Err(error) => return Err(error),
        };
        let (Ok(value), Ok(slopes), Ok(row)) = (
            values.constants(self.output),
            values.constants(self.gradient),
            values.constants(self.input),
        ) else {
            return Ok(None);
        };
        let parts = slopes.into_iter().zip(row).map(|(slope, value)| {
            let product = &slope * value;
            (slope, product)
        });
        Ok(Some(Exact {
            parts: parts.collect(),
            value: value.into_iter().next().unwrap_or_default(),
        }))
    }

    /// Gradients along the straight way from a row of zeros, by the midpoint rule.
    fn integrated(&self, value: f64) -> Result<AttributionKind> {
        let zeros = Feeds::clone(&self.feeds).input("x", self.row.map(|_| 0.0));
        let baseline = evaluate(&self.forward, &zeros, 1)?[self.output].floats()?.data()[0];
        let mut sums = vec![0.0; self.row.len()];
        let mut feeds = self.feeds.clone();
        for point in 0..PATH_POINTS {
            let share = (point as f64 + 0.5) / PATH_POINTS as f64;
            feeds.set_input("x", Array::Float(self.row.map(|value| share * value)));
            let values = evaluate(&self.graph, &feeds, 1)?;
            let slopes = values[self.gradient].floats()?;
            sums.iter_mut().zip(slopes.data()).for_each(|(sum, slope)| *sum += slope);
        }
        let integrated: Vec<f64> = sums
            .iter()
            .zip(self.row.data())
            .map(|(sum, value)| sum * value / PATH_POINTS as f64)
            .collect();
        let error = integrated.iter().sum::<f64>() - (value - baseline);
        Ok(AttributionKind::Gradient { integrated, baseline, error })
    }
}

struct Exact {
    parts: Vec<(Rational, Rational)>,
    value: Rational,
}

impl Exact {
    fn rest(&self) -> Rational {
        let sum = self.parts.iter().fold(Rational::zero(), |sum, (_, product)| sum + product);
        &self.value - sum
    }
}

/// How many inputs are listed.
const SHOWN: usize = 10;

impl Attribution {
    /// The inputs by the size of what they add, largest first.
    pub fn by_size(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.inputs.len()).collect();
        let size = |index: &usize| self.inputs[*index].contribution.abs();
        order.sort_by(|a, b| size(b).total_cmp(&size(a)));
        order
    }

    /// A table of the largest parts, the sum of the others, and what the whole rests on. `labels` are the names of
    /// inputs, rows and classes, where they have some.
    pub fn blocks(&self, labels: &Labels) -> Vec<Block> {
        let names = &labels.features;
        let mut document = Document::default();
        let affine = self.kind == AttributionKind::LocalAffine;
        let output = match labels.classes.get(self.output) {
            Some(class) => format!("{} ({class})", self.output + 1),
            None => (self.output + 1).to_string(),
        };
        let row = RowNames(&labels.rows).one(self.row);
        if affine {
            document.say(
                Text::from(format!(
                    "Around {row} the network is affine: output {output} is the sum of what each input adds and of "
                ))
                .math(effective("b"))
                .plain(", what the biases add."),
            );
            document.formula(
                Math::name("y").lowered(Math::number(&(self.output + 1).to_string())).equals(
                    Math::row([
                        Math::Big(
                            crate::formula::BigOperator::Sum,
                            Some(Box::new(Math::name("i"))),
                            None,
                        ),
                        Math::name("W").lowered(Math::row([
                            Math::text("eff"),
                            Math::Operator(Operator::Comma),
                            Math::name("i"),
                        ])),
                        Math::Operator(Operator::Beside),
                        Math::name("x").lowered(Math::name("i")),
                        Math::Operator(Operator::Plus),
                        effective("b"),
                    ]),
                ),
            );
        } else {
            document.say(format!(
                "The network is curved, so no affine map gives output {output} at {row} exactly. Gradient times input leaves the remainder in the last line, which belongs to no input; integrated gradients go from a row of zeros to this row."
            ));
        }
        document.push(Block::Table(self.table(names)));
        self.say_sum(&mut document);
        document.blocks
    }

    fn say_sum(&self, document: &mut Document) {
        match &self.kind {
            AttributionKind::LocalAffine => {
                let words = match &self.exact {
                    Some(exact) if exact.to_string().len() <= 13 => format!(
                        "Computed in fractions: the parts add up to the output {} exactly.",
                        exact.to_string().replace('-', "−")
                    ),
                    Some(exact) => format!(
                        "Computed in fractions: the parts add up exactly to the output, whose first digits are {}.",
                        six(nearest(exact)).replace('-', "−")
                    ),
                    None => "Computed in f64: the parts add up to the output up to rounding.".to_owned(),
                };
                document.say(words);
                if self.on_kinks > 0 {
                    let values = if self.on_kinks == 1 { "value lies" } else { "values lie" };
                    document.note(
                        NoteKind::Convention,
                        format!(
                            "{} {values} exactly on a kink here, where the map is not unique: it is that of the piece whose slope training takes.",
                            self.on_kinks
                        ),
                    );
                }
            }
            AttributionKind::Gradient { baseline, error, .. } => document.note(
                NoteKind::Remark,
                format!(
                    "The output at a row of zeros is {}; the integrated gradients miss the difference between both outputs by {error:.1e}.",
                    six(*baseline)
                ),
            ),
        }
    }

    fn table(&self, names: &[String]) -> Table {
        let integrated = match &self.kind {
            AttributionKind::LocalAffine => None,
            AttributionKind::Gradient { integrated, baseline, .. } => Some((integrated, *baseline)),
        };
        let head = if integrated.is_some() { "gradient · input" } else { "adds" };
        let mut table = Table::new([
            Column::words("input"),
            Column::numbers("value"),
            Column::numbers("slope"),
            Column::numbers(head),
        ]);
        if integrated.is_some() {
            table.columns.push(Column { head: "integrated".into(), align: Align::Right });
        }
        let number = |value: f64| Text::default().math(Math::f64(short(value)));
        let order = self.by_size();
        for &index in order.iter().take(SHOWN) {
            let part = &self.inputs[index];
            let name = names.get(index).cloned().unwrap_or_else(|| format!("x{index}"));
            let mut cells = vec![
                Text::from(name),
                number(part.value),
                number(part.slope),
                number(part.contribution),
            ];
            cells.extend(integrated.map(|(parts, _)| number(parts[index])));
            table.row(cells);
        }
        let others = &order[order.len().min(SHOWN)..];
        if !others.is_empty() {
            let sum = others.iter().map(|&index| self.inputs[index].contribution).sum();
            let mut cells = vec![
                Text::from(format!("{} other inputs together", others.len())),
                Text::default(),
                Text::default(),
                number(sum),
            ];
            cells.extend(
                integrated.map(|(parts, _)| number(others.iter().map(|&index| parts[index]).sum())),
            );
            table.row(cells);
        }
        let name = if integrated.is_some() { "remainder; output at zeros" } else { "biases" };
        let mut cells = vec![Text::from(name), Text::default(), Text::default(), number(self.rest)];
        cells.extend(integrated.map(|(_, baseline)| number(baseline)));
        table.row(cells);
        let mut cells =
            vec![Text::from("output"), Text::default(), Text::default(), number(self.value)];
        cells.extend(
            integrated.map(|(parts, baseline)| number(parts.iter().sum::<f64>() + baseline)),
        );
        table.row(cells);
        table
    }
}

fn effective(name: &str) -> Math {
    Math::name(name).lowered(Math::text("eff"))
}

/// To six digits.
fn short(value: f64) -> f64 {
    // Adding 0 takes the sign off a zero.
    format!("{value:.5e}").parse().unwrap_or(value) + 0.0
}

fn six(value: f64) -> String {
    format!("{}", short(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::exact::{ratio, rational};
    use crate::explain::samples::{random, two_units};

    fn ask(row: usize, output: usize) -> AttributionConfig {
        AttributionConfig { row, output, numbers: Numbers::Printed }
    }

    /// The output in fractions at another row, by the exact reader.
    fn output_at(question: &Question, row: &[f64]) -> Rational {
        let row = Tensor::new(question.row.shape().to_vec(), row.to_vec()).unwrap();
        let feeds = question.feeds.clone().input("x", row);
        let numbers = Numbers::Printed;
        let given =
            Given { graph: &question.forward, feeds: &feeds, batch: 1, numbers, moving: None };
        exact::evaluate(&given).unwrap().constants(question.output).unwrap().remove(0)
    }

    #[test]
    fn parts_are_the_output_and_the_map_holds_nearby() {
        let networks = [
            "Sequential(Linear(3, 5), ReLU(), Linear(5, 4), LeakyReLU(0.1), Linear(4, 2))",
            "Sequential(Linear(3, 4), Hardtanh(), Residual(Linear(4, 4), ReLU6()), Linear(4, 2))",
            "Sequential(Linear(3, 4), PReLU(), Linear(4, 2), Formula('max(abs(z), 0.5*z + 1)'))",
        ];
        for (seed, notation) in networks.into_iter().enumerate() {
            for (row, output) in [(0, 0), (1, 1), (4, 0)] {
                let sample = random(notation, 5, "mse", 40 + seed as u64);
                let features = sample.data.features();
                let found = attribute(&sample.network, features, &ask(row, output)).unwrap();
                assert_eq!(found.kind, AttributionKind::LocalAffine, "{notation}");
                let parts = found.inputs.iter().map(|part| part.exact.clone().unwrap());
                let parts: Vec<(Rational, Rational)> = parts.collect();
                let rest = found.exact_rest.clone().unwrap();
                let sum = parts.iter().fold(rest.clone(), |sum, (_, product)| sum + product);
                assert_eq!(Some(sum), found.exact);
                let sum: f64 = found.inputs.iter().map(|part| part.contribution).sum();
                let scale: f64 = found.inputs.iter().map(|part| part.contribution.abs()).sum();
                assert!(
                    (sum + found.rest - found.value).abs()
                        <= 1e-13 * (scale + found.rest.abs() + 1.0)
                );
                if found.on_kinks > 0 {
                    continue;
                }
                // The same map gives the exact output at a row close by: it is no bookkeeping of one value.
                let question = Question::new(&sample.network, features, &ask(row, output)).unwrap();
                let near: Vec<f64> = found
                    .inputs
                    .iter()
                    .enumerate()
                    .map(|(index, part)| part.value + 1e-6 * (index as f64 - 1.3))
                    .collect();
                let mapped = near.iter().zip(&parts).fold(rest, |sum, (value, (slope, _))| {
                    sum + slope * rational(*value, Numbers::Printed).unwrap()
                });
                assert_eq!(mapped, output_at(&question, &near), "{notation}");
            }
        }
    }

    #[test]
    fn a_code_has_no_share() {
        let notation = "Sequential(EmbedColumns({'1': Embedding(4, 2)}), Linear(4, 1))";
        let network = Network::new(crate::nn::parse(notation).unwrap(), 0).unwrap();
        let x = Features::Floats(Tensor::new([1, 3], vec![0.5, 2.0, 1.0]).unwrap());
        let error = attribute(&network, &x, &ask(0, 0)).unwrap_err().to_string();
        assert!(error.starts_with("attribution does not support EmbedColumns"), "{error}");
    }

    #[test]
    fn the_exercise_s_map() {
        let sample = two_units();
        let found = attribute(&sample.network, sample.data.features(), &ask(0, 0)).unwrap();
        // At (0, 0) only the second unit is on: y0 = −4.08 + 4.64·(2.34 − 2.34·x1 − 2.34·x2).
        assert_eq!(found.inputs[0].exact.as_ref().unwrap().0, ratio(-464 * 234, 10_000));
        assert_eq!(found.exact_rest, Some(ratio(-408, 100) + ratio(464 * 234, 10_000)));
        let kinked = attribute(&sample.network, sample.data.features(), &ask(1, 0)).unwrap();
        assert_eq!(kinked.on_kinks, 2);
        let words =
            Document { title: Text::default(), blocks: kinked.blocks(&Labels::default()) }.plain();
        assert!(words.contains("Convention") && words.contains("exactly"), "{words}");
    }

    #[test]
    fn curved_networks_say_what_remains() {
        let sample = random("Sequential(Linear(3, 6), Tanh(), Linear(6, 2))", 4, "mse", 9);
        let found = attribute(&sample.network, sample.data.features(), &ask(2, 1)).unwrap();
        let AttributionKind::Gradient { integrated, baseline, error } = &found.kind else {
            panic!("{:?}", found.kind)
        };
        let sum: f64 = integrated.iter().sum();
        assert!((sum - error - (found.value - baseline)).abs() < 1e-12);
        assert!(error.abs() < 1e-3, "{error}");
        assert!(found.rest.abs() > 1e-3, "gradient times input is not the output");
        let words =
            Document { title: Text::default(), blocks: found.blocks(&Labels::default()) }.plain();
        assert!(words.contains("belongs to no input"), "{words}");
    }

    #[test]
    fn a_square_is_exact_but_not_affine() {
        let sample = random("Sequential(Linear(2, 2), Formula('z^2'), Linear(2, 1))", 3, "mse", 4);
        let found = attribute(&sample.network, sample.data.features(), &ask(0, 0)).unwrap();
        assert!(matches!(found.kind, AttributionKind::Gradient { .. }));
    }

    #[test]
    fn many_inputs_are_summed_up() {
        let sample = random("40-5-1", 2, "mse", 2);
        let found = attribute(&sample.network, sample.data.features(), &ask(1, 0)).unwrap();
        let words =
            Document { title: Text::default(), blocks: found.blocks(&Labels::default()) }.plain();
        assert!(words.contains("30 other inputs together"), "{words}");
        for wrong in [ask(2, 0), ask(0, 1)] {
            assert!(attribute(&sample.network, sample.data.features(), &wrong).is_err());
        }
    }
}
