//! PyTorch's losses as graphs, for the tests of every reader.

use super::{Criterion, LossOperands};
use crate::error::Result;
use crate::graph::op::Reduction;
use crate::graph::{Builder, DType, NodeId, Shape};
use crate::reference::golden::{all_within, read, tensor};
use crate::reference::{Array, Feeds};

/// One loss with its operands and PyTorch's numbers for it.
#[derive(Debug)]
pub(crate) struct Case {
    /// PyTorch's expression and the operands' shapes, for messages.
    pub(crate) name: String,
    /// The loss, read from the expression.
    pub(crate) criterion: Criterion,
    /// `input`, `target` and perhaps `var`, in order.
    pub(crate) operands: Vec<(String, Array)>,
    /// The loss's value.
    pub(crate) value: Array,
    /// What the value is multiplied with before it is summed to the objective.
    pub(crate) cotangent: Array,
    /// The objective's gradient towards operands, by name. Towards the target of a cross-entropy there is one in
    /// PyTorch and none here.
    pub(crate) gradients: Vec<(String, Array)>,
}

/// The graph of a case, still open for more nodes.
#[derive(Debug)]
pub(crate) struct Built {
    /// The graph so far.
    pub(crate) builder: Builder,
    /// The operands' inputs by name.
    pub(crate) operands: Vec<(String, NodeId)>,
    /// The loss.
    pub(crate) value: NodeId,
    /// `Σ value·cotangent`, a scalar: what the gradients are of.
    pub(crate) objective: NodeId,
    /// The operands, the cotangent (input `cotangent`) and the loss's buffers. No shape holds a batch.
    pub(crate) feeds: Feeds,
}

/// All cases of `losses.json`.
pub(crate) fn cases() -> Vec<Case> {
    let golden = read(include_str!("../../../tests/goldens/losses.json"));
    let named = |json: &serde_json::Value| -> Vec<(String, Array)> {
        let object = json.as_object().expect("an object of tensors");
        object.iter().map(|(name, json)| (name.clone(), tensor(json))).collect()
    };
    let cases = golden["cases"].as_array().expect("cases").iter();
    cases
        .map(|case| {
            let expression = case["expression"].as_str().expect("an expression");
            let operands = named(&case["operands"]);
            let shapes: Vec<&[usize]> = operands.iter().map(|(_, array)| array.shape()).collect();
            Case {
                name: format!("{expression} of {shapes:?}"),
                criterion: Criterion::parse(expression).expect("PyTorch's expression is read"),
                value: tensor(&case["value"]),
                cotangent: tensor(&case["cotangent"]),
                gradients: named(&case["gradients"]),
                operands,
            }
        })
        .collect()
}

impl Case {
    /// Compares the objective's gradient towards the operand called `name` with PyTorch's, where that is finite.
    ///
    /// PyTorch answers NaN or infinity towards targets at the ends of their range (t = 0 of `KLDivLoss` and of
    /// `PoissonNLLLoss(full=True)`, p = 0 or 1 of `BCELoss`), where glassnet has the derivative of the value. The
    /// least denominator of `BCELoss` is an f32 in PyTorch.
    pub(crate) fn check_gradient(&self, name: &str, found: &Array) {
        let (_, expected) = self
            .gradients
            .iter()
            .find(|(operand, _)| operand == name)
            .unwrap_or_else(|| panic!("{} has no gradient towards {name}", self.name));
        let finite = expected.floats().expect("gradients are floats");
        let mut compared = found.floats().expect("gradients are floats").clone();
        for (own, theirs) in compared.data_mut().iter_mut().zip(finite.data()) {
            *own = if theirs.is_finite() { *own } else { *theirs };
        }
        let relative = if matches!(self.criterion, Criterion::BCELoss(_)) { 1e-7 } else { 1e-12 };
        let what = format!("{}, towards {name}", self.name);
        all_within(&compared.into(), expected, relative, &what);
    }

    /// The loss as a graph, with every operand an input of its name.
    pub(crate) fn build(&self) -> Result<Built> {
        let mut builder = Builder::new();
        let mut feeds = Feeds::new();
        let mut input = |builder: &mut Builder, name: &str, array: &Array| {
            feeds.set_input(name, array.clone());
            let dtype = match array {
                Array::Float(_) => DType::F64,
                Array::Index(_) => DType::I64,
            };
            builder.input(name, dtype, Shape::from(array.shape()))
        };
        let mut operands = vec![];
        for (name, array) in &self.operands {
            operands.push((name.clone(), input(&mut builder, name, array)?));
        }
        let cotangent = input(&mut builder, "cotangent", &self.cotangent)?;
        let [(_, estimate), (_, target), rest @ ..] = operands.as_slice() else {
            panic!("{} has an input and a target", self.name);
        };
        let variance = rest.first().map(|&(_, variance)| variance);
        let more = LossOperands { variance, ..LossOperands::default() };
        let value = self.criterion.lower(&mut builder, *estimate, *target, &more)?;
        let product = builder.mul(value, cotangent)?;
        let objective = builder.reduce_all(Reduction::Sum, product)?;
        for (key, values) in self.criterion.buffers() {
            feeds.set_state(key, values.clone());
        }
        Ok(Built { builder, operands, value, objective, feeds })
    }
}
