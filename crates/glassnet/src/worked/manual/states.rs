//! What the rows say of the units on the way: dead, on a kink; and what signs alone would say of all rows.

use super::chain::{Chain, ManualRow};
use crate::error::Result;
use crate::explain::Setting;
use crate::formula::Math;
use crate::graph::op::Activation;
use crate::graph::{NodeId, Op};
use crate::nn::Module;
use crate::simplify::{self, Domain, Free, State};

/// A unit on the way from the weight to the loss.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitState {
    /// Its pre-activation.
    pub name: Math,
    /// In how many rows its derivative is exactly 0.
    pub zero: usize,
    /// Whether the unit's activation has no flat part, so that a derivative of 0 is one that is too small to tell.
    pub saturates: bool,
    /// In how many rows it lies exactly on a kink.
    pub on_kink: usize,
    /// Of how many rows.
    pub rows: usize,
    /// What the signs of its weights say beyond these rows, if anything.
    pub by_sign: Option<BySign>,
    /// Whether it is proven to be dead for every input that is not negative.
    pub proven: bool,
}

/// What the signs of a ReLU unit's weights say whatever the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BySign {
    /// Its weights and bias are not positive, so it is dead for every row whose inputs are not negative.
    DeadUnlessNegative,
    /// Its weights and bias are not positive and its inputs come from a ReLU, so it is dead for every row.
    Dead,
    /// Its only weight, named here, is positive and its input comes from a ReLU: with the other sign it would be dead
    /// for every row.
    DeadWereNegative(String),
}

impl UnitState {
    /// Whether the derivative is exactly 0 in all rows.
    pub fn is_dead(&self) -> bool {
        self.zero == self.rows
    }

    /// What the signs say beyond the rows under a condition that nothing here checks: a sentence.
    pub fn not_proven(&self) -> Option<String> {
        match &self.by_sign {
            Some(BySign::DeadUnlessNegative) if self.is_dead() && !self.proven => Some(
                "by their signs the unit is dead for every row whose inputs are not negative, since no weight of it \
                 is positive; the table above shows these samples only"
                    .into(),
            ),
            Some(BySign::DeadUnlessNegative | BySign::Dead | BySign::DeadWereNegative(_)) | None => {
                None
            }
        }
    }

    /// What the signs say of the unit for all rows, or for another sign: a sentence.
    pub fn remark(&self) -> Option<String> {
        let name = &self.name;
        match &self.by_sign {
            Some(BySign::Dead) => Some(format!(
                "{name} is dead whatever the rows and the weights before it: no weight of the unit is positive, and a \
                 ReLU's output is not negative"
            )),
            Some(BySign::DeadWereNegative(weight)) => Some(format!(
                "had {weight} been negative, {name} would be dead whatever the rows and the weights before it, because \
                 a ReLU's output is not negative"
            )),
            Some(BySign::DeadUnlessNegative) if self.is_dead() && self.proven => Some(format!(
                "proven for every data set whose inputs are not negative: {name} is dead, since no weight of the unit \
                 is positive"
            )),
            Some(BySign::DeadUnlessNegative) | None => None,
        }
    }
}

/// Whether the unit is proven to be dead for every input that isn't negative.
fn proven(setting: &Setting, node: NodeId, unit: usize) -> bool {
    let network = setting.network();
    let domain = network
        .module()
        .in_features()
        .and_then(|inputs| Domain::of(vec![(0.0, f64::INFINITY); inputs]).ok());
    let Some(layer) = setting.layers().iter().find(|layer| layer.output == node) else {
        return false;
    };
    let found =
        domain.and_then(|domain| simplify::units(network, &domain, &Free::default(), None).ok());
    found.is_some_and(|layers| {
        let own = layers.iter().filter(|own| own.given_by == layer.name);
        own.flat_map(|own| own.units.get(unit)).any(|unit| unit.state == State::Dead)
    })
}

pub(super) fn states(
    setting: &Setting,
    chain: &Chain,
    rows: &[ManualRow],
) -> Result<Vec<UnitState>> {
    let mut found = vec![];
    for (name, node, unit) in &chain.pre_activations {
        let link = chain.links.iter().position(|link| link.by == *name);
        let Some(link) = link else { continue };
        let zero = rows.iter().filter(|row| row.factors[link] == 0.0).count();
        found.push(UnitState {
            name: name.clone(),
            zero,
            saturates: saturates(setting, *node),
            on_kink: rows.iter().filter(|row| row.kinks.contains(name)).count(),
            rows: rows.len(),
            by_sign: by_sign(setting, *node, *unit)?,
            proven: proven(setting, *node, *unit),
        });
    }
    Ok(found)
}

/// Whether what is applied to `node` is curved everywhere: a sigmoid or hyperbolic tangent.
fn saturates(setting: &Setting, node: NodeId) -> bool {
    let graph = setting.forward().graph();
    let mut applied = graph.ids().filter_map(|id| match graph.node(id).op() {
        Op::Activation(activation) if graph.node(id).operands()[0] == node => Some(*activation),
        _ => None, // not operations: a filter for one family
    });
    applied.next().is_some_and(|activation| activation.kinks().is_empty())
}

/// What the signs of a ReLU unit's weights say of any inputs that are not negative.
fn by_sign(setting: &Setting, node: NodeId, unit: usize) -> Result<Option<BySign>> {
    let layers = setting.layers();
    let Some(layer) = layers.iter().find(|layer| layer.output == node) else { return Ok(None) };
    let is_relu = |id: NodeId| {
        matches!(setting.graph().graph().node(id).op(), Op::Activation(Activation::Relu))
    };
    if !layers.iter().any(|own| own.input == node && is_relu(own.output)) {
        return Ok(None);
    }
    let state = setting.network().state_dict();
    let key = |array: &str| match layer.name.as_str() {
        "" => array.to_owned(),
        name => format!("{name}.{array}"),
    };
    let weights = state.floats(&key("weight"))?.row(unit).to_vec();
    let bias = state.floats(&key("bias")).map_or(0.0, |bias| bias.data()[unit]);
    let from_relu = is_relu(layer.input);
    if weights.iter().all(|&weight| weight <= 0.0) && bias <= 0.0 {
        return Ok(Some(if from_relu { BySign::Dead } else { BySign::DeadUnlessNegative }));
    }
    if from_relu && weights.len() == 1 && weights[0] > 0.0 && !has_bias(setting, &layer.name) {
        return Ok(Some(BySign::DeadWereNegative(format!("{}[{unit}, 0]", key("weight")))));
    }
    Ok(None)
}

fn has_bias(setting: &Setting, name: &str) -> bool {
    setting
        .network()
        .module()
        .layers()
        .into_iter()
        .any(|(own, layer)| own == name && matches!(layer, Module::Linear(linear) if linear.bias))
}
