//! Softmax, the predicted class and the log-likelihood loss, with every intermediate number.

mod document;

use crate::engine::{Block, Config, Draw, Plan};
use crate::error::{Error, Result};
use crate::grad::grad;
use crate::graph::op::{self, Activation, Reduce, Reduction};
use crate::graph::{Builder, Checked, DType, NodeId, Shape};
use crate::nn::loss::{Criterion, CrossEntropyLoss, LossOperands};
use crate::reference::{self, Feeds};
use crate::tensor::Tensor;
use crate::worked::digits::{count, rounded};

/// Significant digits that people write when they compute by hand.
const BY_HAND: usize = 3;

/// What [`softmax`] finds. Lists are in the order of the classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax {
    /// The classes' names.
    pub labels: Vec<String>,
    /// The scores z (unnormalised log-probabilities).
    pub scores: Vec<f64>,
    /// `e^z`; infinite where f64 ends.
    pub exponentials: Vec<f64>,
    /// `Σ e^z`; infinite where f64 ends.
    pub sum: f64,
    /// softmax(z), computed the stable way.
    pub probabilities: Vec<f64>,
    /// The same as the f32 engine computes it.
    pub probabilities_f32: Vec<f32>,
    /// The class with the highest probability, the first of several.
    pub predicted: usize,
    /// The greatest score, m.
    pub max: f64,
    /// `e^(z − m)`, at most 1 each.
    pub shifted_exponentials: Vec<f64>,
    /// `Σ e^(z − m)`, at least 1.
    pub shifted_sum: f64,
    /// `m + ln Σ e^(z − m)`, which is `ln Σ e^z` without overflow.
    pub log_sum_exp: f64,
    /// What the true class adds, if it is known.
    pub truth: Option<Truth>,
}

/// The loss of a known class.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// The true class.
    pub class: usize,
    /// `J = −ln P(true)`.
    pub loss: f64,
    /// The same as the f32 engine computes it.
    pub loss_f32: f32,
    /// `∂J/∂z = P − y`.
    pub gradient: Vec<f64>,
    /// The loss as it comes out when P is rounded first.
    pub by_hand: ByHand,
}

/// A loss from a rounded probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ByHand {
    /// P(true) to three significant digits.
    pub probability: f64,
    /// `−ln` of it: 0 where the rounding gave 1.
    pub loss: f64,
}

/// Softmax of `scores` for classes called `labels`, and, if the `truth` is given, loss and gradient.
///
/// All numbers are those of one graph (exponential, softmax, cross-entropy and its gradient), in f64 by the oracle and
/// in f32 by the engine.
///
/// # Errors
/// No class, another number of labels than scores, a label twice, a score that is not finite, a truth that is none of
/// the labels.
///
/// ```
/// let labels = ["A", "B", "C"].map(String::from);
/// let softmax = glassnet::worked::softmax(&labels, &[7.0, 1.0, 2.2], Some("A"))?;
/// let truth = softmax.truth.as_ref().unwrap();
/// assert!((truth.loss - 0.010652).abs() < 1e-6);
/// assert_eq!(truth.by_hand.probability, 0.989);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn softmax(labels: &[String], scores: &[f64], truth: Option<&str>) -> Result<Softmax> {
    check(labels, scores)?;
    let class = truth.map(|name| find(labels, name)).transpose()?;
    let nodes = Nodes::build(scores.len(), class.is_some())?;
    let found = nodes.evaluate(scores, class)?;
    let engine = nodes.run(scores, class)?;
    let loss_of = |probability: f64| -reference::activation::value(Activation::Log, probability);
    let truth = class.map(|class| {
        let probability = rounded(found.probabilities[class], BY_HAND);
        let by_hand = ByHand { probability, loss: loss_of(probability).max(0.0) };
        let (loss, gradient) = (found.loss, found.gradient.clone());
        Truth { class, loss, loss_f32: engine.1, gradient, by_hand }
    });
    let predicted = (0..scores.len()).fold(0, |best, class| {
        if found.probabilities[class] > found.probabilities[best] { class } else { best }
    });
    Ok(Softmax {
        labels: labels.to_vec(),
        scores: scores.to_vec(),
        exponentials: found.exponentials,
        sum: found.sum,
        probabilities: found.probabilities,
        probabilities_f32: engine.0,
        predicted,
        max: found.max,
        shifted_exponentials: found.shifted_exponentials,
        shifted_sum: found.shifted_sum,
        log_sum_exp: found.log_sum_exp,
        truth,
    })
}

fn check(labels: &[String], scores: &[f64]) -> Result<()> {
    if scores.is_empty() {
        return Err(Error::usage("there is no score").at("the scores").help("give one per class"));
    }
    if labels.len() != scores.len() {
        return Err(Error::usage(format!(
            "{} for {}",
            count(labels.len(), "label"),
            count(scores.len(), "score")
        ))
        .at("the labels")
        .help("give a label for every score"));
    }
    for (at, label) in labels.iter().enumerate() {
        if labels[..at].contains(label) {
            return Err(Error::usage(format!("the label {label:?} is there twice"))
                .at("the labels")
                .help("give every class a name of its own"));
        }
        if !scores[at].is_finite() {
            return Err(Error::usage(format!("the score of {label} is {}", scores[at]))
                .at("the scores")
                .help("give finite numbers"));
        }
    }
    Ok(())
}

fn find(labels: &[String], name: &str) -> Result<usize> {
    labels.iter().position(|label| label == name).ok_or_else(|| {
        let near = labels
            .iter()
            .filter(|label| strsim::osa_distance(&label.to_lowercase(), &name.to_lowercase()) <= 2)
            .min_by_key(|label| strsim::osa_distance(&label.to_lowercase(), &name.to_lowercase()));
        let help = match near.filter(|near| near.chars().count() > 2) {
            Some(near) => format!("did you mean {near}?"),
            None => "name one of the classes".into(),
        };
        let shown: Vec<&str> = labels.iter().take(20).map(String::as_str).collect();
        let more = if labels.len() > 20 { ", …" } else { "" };
        Error::usage(format!("there is no class {name:?}"))
            .at("the true class")
            .help(help)
            .detail(format!("the classes are {}{more}", shown.join(", ")))
    })
}

/// The graph that all numbers come from.
struct Nodes {
    graph: Checked,
    exponentials: NodeId,
    sum: NodeId,
    probabilities: NodeId,
    max: NodeId,
    shifted_exponentials: NodeId,
    shifted_sum: NodeId,
    log_sum_exp: NodeId,
    /// The loss and its gradient towards the scores.
    learning: Option<(NodeId, NodeId)>,
}

/// The oracle's values.
struct Found {
    exponentials: Vec<f64>,
    sum: f64,
    probabilities: Vec<f64>,
    max: f64,
    shifted_exponentials: Vec<f64>,
    shifted_sum: f64,
    log_sum_exp: f64,
    loss: f64,
    gradient: Vec<f64>,
}

impl Nodes {
    fn build(classes: usize, learning: bool) -> Result<Nodes> {
        let mut builder = Builder::new();
        let along = |kind| Reduce { kind, axes: vec![1], keep: true };
        let z = builder.input("z", DType::F32, Shape::batch([classes]))?;
        let exponentials = builder.activation(Activation::Exp, z)?;
        let sum = builder.reduce(along(Reduction::Sum), exponentials)?;
        let probabilities = builder.softmax(op::Softmax::Probabilities { axis: 1 }, z)?;
        let max = builder.reduce(along(Reduction::Max), z)?;
        let shifted = builder.sub(z, max)?;
        let shifted_exponentials = builder.activation(Activation::Exp, shifted)?;
        let shifted_sum = builder.reduce(along(Reduction::Sum), shifted_exponentials)?;
        let logarithm = builder.activation(Activation::Log, shifted_sum)?;
        let log_sum_exp = builder.add(max, logarithm)?;
        let loss = if learning {
            let target = builder.input("y", DType::I64, Shape::batch([]))?;
            let criterion = Criterion::CrossEntropyLoss(CrossEntropyLoss::default());
            Some(criterion.lower(&mut builder, z, target, &LossOperands::default())?)
        } else {
            None
        };
        let mut graph = builder.finish_checked();
        let mut learned = None;
        if let Some(loss) = loss {
            let gradient = grad(&graph, loss, &[z])?;
            learned = Some((loss, gradient.gradients[0]));
            graph = gradient.graph;
        }
        Ok(Nodes {
            graph,
            exponentials,
            sum,
            probabilities,
            max,
            shifted_exponentials,
            shifted_sum,
            log_sum_exp,
            learning: learned,
        })
    }

    fn evaluate(&self, scores: &[f64], class: Option<usize>) -> Result<Found> {
        let mut feeds = Feeds::new().input("z", Tensor::new([1, scores.len()], scores.to_vec())?);
        if let Some(class) = class {
            feeds.set_input("y", Tensor::new([1], vec![class as i64])?);
        }
        let values = reference::evaluate(&self.graph, &feeds, 1)?;
        let list = |id: NodeId| -> Result<Vec<f64>> { Ok(values[id].floats()?.data().to_vec()) };
        let one = |id: NodeId| -> Result<f64> { Ok(values[id].floats()?.data()[0]) };
        Ok(Found {
            exponentials: list(self.exponentials)?,
            sum: one(self.sum)?,
            probabilities: list(self.probabilities)?,
            max: one(self.max)?,
            shifted_exponentials: list(self.shifted_exponentials)?,
            shifted_sum: one(self.shifted_sum)?,
            log_sum_exp: one(self.log_sum_exp)?,
            loss: self.learning.map_or(Ok(0.0), |(loss, _)| one(loss))?,
            gradient: self.learning.map_or(Ok(vec![]), |(_, gradient)| list(gradient))?,
        })
    }

    /// Probabilities and loss of the f32 engine.
    fn run(&self, scores: &[f64], class: Option<usize>) -> Result<(Vec<f32>, f32)> {
        let mut results = vec![self.probabilities];
        results.extend(self.learning.map(|(loss, _)| loss));
        let plan = Plan::compile(&self.graph, &results, 1, &Config::default())?;
        let mut memory = plan.memory();
        if let Some(place) = plan.input("z") {
            for (to, &score) in memory.floats_mut(place).iter_mut().zip(scores) {
                *to = score as f32;
            }
        }
        if let (Some(place), Some(class)) = (plan.input("y"), class) {
            memory.indices_mut(place)[0] = class as i64;
        }
        plan.run(&Block::for_graph(&self.graph), &mut memory, Draw::default())?;
        let found = plan.results(&memory);
        let loss = if class.is_some() { found[plan.result_range(1)][0] } else { 0.0 };
        Ok((found[plan.result_range(0)].to_vec(), loss))
    }
}

#[cfg(test)]
mod tests;
