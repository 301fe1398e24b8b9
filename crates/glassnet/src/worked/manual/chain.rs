//! The chain rule from the loss to one weight, factor by factor and sample by sample.

use crate::error::{Error, Result};
use crate::explain::{Setting, Weight};
use crate::formula::{Math, Operator};
use crate::graph::NodeId;
use crate::nn::LoweredLayer;
use crate::trace::Basis;

/// The way from the loss to a weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// What the weight is called: w1 where every layer has one unit, else w.
    pub symbol: String,
    /// The weight's layer, by its state-dict prefix.
    pub layer: String,
    /// The unit that the weight leads to.
    pub unit: usize,
    /// The input that it comes from; `None` for a bias.
    pub from: Option<usize>,
    /// The values that are shown per sample.
    pub units: Vec<Math>,
    /// The factors from the loss down to the weight.
    pub links: Vec<Link>,
    /// Which of the links is the derivative of the weight's own activation, if it has one.
    pub own_activation: Option<usize>,
    /// Whether every layer has one unit, so that there is a single path.
    pub single_path: bool,
    /// Whether several paths lead from the loss to the unit, so that the first factor is their sum.
    pub several_paths: bool,
    /// The units on the way: pre-activations with the symbol and node, from the weight on.
    pub(super) pre_activations: Vec<(Math, NodeId, usize)>,
}

/// A factor of the chain rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// What is differentiated.
    pub of: Math,
    /// By what.
    pub by: Math,
}

impl Link {
    /// `∂of/∂by`
    pub fn math(&self) -> Math {
        Math::partial(self.of.clone(), self.by.clone())
    }
}

/// One sample's numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct ManualRow {
    /// Its inputs.
    pub input: Vec<f64>,
    /// The values of [`Chain::units`].
    pub units: Vec<f64>,
    /// What the network returns.
    pub output: Vec<f64>,
    /// `∂J/∂ŷ`
    pub output_slope: Vec<f64>,
    /// The values of [`Chain::links`].
    pub factors: Vec<f64>,
    /// `∂J/∂w` of this sample: the product of the factors.
    pub slope: f64,
    /// Which pre-activations on the way lie exactly on a kink.
    pub kinks: Vec<Math>,
}

/// A linear layer with the activation behind it.
#[derive(Clone, Copy)]
struct Stage<'a> {
    linear: &'a LoweredLayer,
    activation: Option<&'a LoweredLayer>,
}

impl Stage<'_> {
    fn output(self) -> NodeId {
        self.activation.map_or(self.linear.output, |activation| activation.output)
    }
}

pub(super) fn chain(setting: &Setting, weight: &Weight) -> Result<(Chain, Vec<ManualRow>)> {
    let (parameter, _) = setting.find(weight)?;
    let (layer, array) = parameter.key.rsplit_once('.').unwrap_or(("", &parameter.key));
    let stages = stages(setting);
    let at = stages.iter().position(|stage| stage.linear.name == layer).ok_or_else(|| {
        let kind =
            setting.layers().iter().find(|own| own.name == layer).map_or("layer", |own| own.kind);
        Error::unsupported(
            kind,
            "worked manual",
            "the chain rule is written out for weights of Linear layers",
        )
        .at(weight.to_string())
        .help("name a weight or bias of a Linear layer")
    })?;
    let (unit, from) = match (array, weight.index.as_slice()) {
        ("bias", [unit]) => (*unit, None),
        (_, [unit, from]) => (*unit, Some(*from)),
        (_, _) => {
            return Err(Error::usage(format!("{weight} is no element of a weight matrix")));
        }
    };
    for stage in &stages {
        if setting.trace().shape(stage.linear.output).len() != 2 {
            return Err(Error::unsupported(
                "more than one axis",
                "worked manual",
                "the chain rule is written out for rows of numbers",
            )
            .at("the rows")
            .help("give rows of numbers"));
        }
    }
    let single = is_single(setting, &stages);
    let walk = Walk { setting, stages: &stages, at, unit, from };
    Ok(if single { walk.single(layer) } else { walk.through_unit(layer) })
}

/// Whether the network is one path: every layer a linear one of one unit, or an activation behind it.
fn is_single(setting: &Setting, stages: &[Stage<'_>]) -> bool {
    let trace = setting.trace();
    let staged =
        stages.iter().map(|stage| 1 + usize::from(stage.activation.is_some())).sum::<usize>();
    let layers = setting.layers().iter().filter(|layer| layer.output != layer.input).count();
    let one = |node: NodeId| trace.shape(node).last() == Some(&1);
    let chained = stages.windows(2).all(|pair| pair[1].linear.input == pair[0].output());
    staged == layers
        && chained
        && stages.iter().all(|stage| one(stage.linear.output) && one(stage.linear.input))
        && stages.last().is_some_and(|stage| stage.output() == trace.output())
}

fn stages(setting: &Setting) -> Vec<Stage<'_>> {
    let layers = setting.layers();
    let linear = layers.iter().filter(|layer| layer.kind == "Linear");
    linear
        .map(|linear| Stage {
            linear,
            activation: layers.iter().find(|layer| {
                layer.input == linear.output
                    && layer.output != layer.input
                    && is_one_operation(setting, layer)
            }),
        })
        .collect()
}

/// Whether the layer is a single elementwise operation, whose derivative is one number per element.
fn is_one_operation(setting: &Setting, layer: &LoweredLayer) -> bool {
    let node = setting.graph().graph().node(layer.output);
    matches!(node.op(), crate::graph::Op::Activation(_)) && node.operands() == [layer.input]
}

struct Walk<'a> {
    setting: &'a Setting,
    stages: &'a [Stage<'a>],
    /// The weight's stage.
    at: usize,
    unit: usize,
    from: Option<usize>,
}

impl Walk<'_> {
    fn values(&self, node: NodeId) -> &[f64] {
        self.setting.trace().exact(node).unwrap_or(&[])
    }

    /// One number of a row of a node.
    fn number(&self, node: NodeId, row: usize, unit: usize) -> f64 {
        let width = self.setting.trace().shape(node).last().copied().unwrap_or(1);
        self.values(node).get(row * width + unit).copied().unwrap_or(0.0)
    }

    fn row(&self, node: NodeId, row: usize) -> Vec<f64> {
        let width = self.setting.trace().shape(node).iter().skip(1).product::<usize>();
        self.values(node).get(row * width..(row + 1) * width).unwrap_or(&[]).to_vec()
    }

    /// The derivative of the loss towards a row of a node; zeros where it does not depend on it.
    fn slopes(&self, node: NodeId, row: usize) -> Vec<f64> {
        match self.setting.derivative(node) {
            Some(derivative) => self.row(derivative, row),
            None => vec![0.0; self.row(node, row).len()],
        }
    }

    /// The derivative of an activation at one element.
    fn local(&self, layer: &LoweredLayer, row: usize, unit: usize) -> f64 {
        let width = self.setting.trace().shape(layer.output).last().copied().unwrap_or(1);
        let mut slope = 0.0;
        self.setting.trace().edges(
            layer.output,
            row * width + unit,
            Basis::Exact,
            Some(0),
            &mut |edge| {
                slope = edge.derivative.unwrap_or(0.0);
            },
        );
        slope
    }

    /// What the weight is multiplied by.
    fn factor(&self, row: usize) -> f64 {
        match self.from {
            Some(from) => self.number(self.stages[self.at].linear.input, row, from),
            None => 1.0,
        }
    }

    /// Which of the pre-activations lie on a kink in a row.
    fn kinks(&self, pre_activations: &[(Math, NodeId, usize)], row: usize) -> Vec<Math> {
        let trace = self.setting.trace();
        let on_kink = |pre: &&(Math, NodeId, usize)| {
            let (node, unit) = (pre.1, pre.2);
            let width = trace.shape(node).last().copied().unwrap_or(1);
            let stage = self.stages.iter().find(|stage| stage.linear.output == node);
            stage.and_then(|stage| stage.activation).is_some_and(|activation| {
                trace
                    .element(activation.output, row * width + unit)
                    .is_ok_and(|element| element.kink.is_some())
            })
        };
        pre_activations.iter().filter(on_kink).map(|(name, ..)| name.clone()).collect()
    }

    fn input(&self, row: usize) -> Vec<f64> {
        self.setting.trace().input().map_or(vec![], |input| self.row(input, row))
    }

    /// Every layer has one unit: all factors from the output down.
    fn single(&self, layer: &str) -> (Chain, Vec<ManualRow>) {
        let (last, rows) = (self.stages.len(), self.setting.rows());
        let a = |stage: usize| Math::name(&format!("a_{}", stage + 1));
        let output = Math::name("ŷ");
        // The last stage's output is what the network returns.
        let h = |stage: usize| {
            if stage + 1 == last { output.clone() } else { Math::name(&format!("h_{}", stage + 1)) }
        };
        let symbol = format!("{}{}", if self.from.is_some() { "w" } else { "b" }, self.at + 1);
        let mut units: Vec<(Math, NodeId)> = vec![];
        for (stage, own) in self.stages.iter().enumerate() {
            match own.activation {
                Some(activation) => {
                    units.push((a(stage), own.linear.output));
                    if stage + 1 < last {
                        units.push((h(stage), activation.output));
                    }
                }
                None if stage + 1 < last => units.push((h(stage), own.linear.output)),
                None => {}
            }
        }
        let mut links = vec![Link { of: Math::name("J"), by: output.clone() }];
        let mut own_activation = None;
        for stage in (self.at..last).rev() {
            // Without an activation the output of the stage is its pre-activation.
            let pre = if self.stages[stage].activation.is_some() {
                if stage == self.at {
                    own_activation = Some(links.len());
                }
                links.push(Link { of: h(stage), by: a(stage) });
                a(stage)
            } else {
                h(stage)
            };
            let by = if stage == self.at { Math::name(&symbol) } else { h(stage - 1) };
            links.push(Link { of: pre, by });
        }
        let pre_activations: Vec<(Math, NodeId, usize)> = (self.at..last)
            .filter(|&stage| self.stages[stage].activation.is_some())
            .map(|stage| (a(stage), self.stages[stage].linear.output, 0))
            .collect();
        let found = (0..rows)
            .map(|row| {
                let output_slope = self.slopes(self.setting.trace().output(), row);
                let mut factors = vec![output_slope.first().copied().unwrap_or(0.0)];
                for stage in (self.at..last).rev() {
                    if let Some(activation) = self.stages[stage].activation {
                        factors.push(self.local(activation, row, 0));
                    }
                    factors.push(if stage == self.at {
                        self.factor(row)
                    } else {
                        self.weight_of(stage)
                    });
                }
                ManualRow {
                    input: self.input(row),
                    units: units.iter().map(|&(_, node)| self.number(node, row, 0)).collect(),
                    output: self.row(self.setting.trace().output(), row),
                    output_slope,
                    slope: self.slopes(self.stages[self.at].linear.output, row)[0]
                        * self.factor(row),
                    factors,
                    kinks: self.kinks(&pre_activations, row),
                }
            })
            .collect();
        let chain = Chain {
            symbol,
            layer: layer.to_owned(),
            unit: self.unit,
            from: self.from,
            units: units.into_iter().map(|(name, _)| name).collect(),
            links,
            own_activation,
            single_path: true,
            several_paths: false,
            pre_activations,
        };
        (chain, found)
    }

    /// The single weight of a stage.
    fn weight_of(&self, stage: usize) -> f64 {
        let trace = self.setting.trace();
        let node = self.setting.graph().graph().node(self.stages[stage].linear.output);
        node.operands().get(1).and_then(|&id| trace.exact(id)).map_or(0.0, |values| values[0])
    }

    /// Many paths lead to the weight's unit; what arrives there is their sum.
    fn through_unit(&self, layer: &str) -> (Chain, Vec<ManualRow>) {
        let stage = self.stages[self.at];
        let index = (self.unit + 1).to_string();
        let of = |letter: &str| {
            Math::name(letter)
                .lowered(Math::number(&index))
                .raised(Math::number(&(self.at + 1).to_string()).fenced())
        };
        let symbol = if self.from.is_some() { "w" } else { "b" }.to_owned();
        let (a, h) = (of("a"), of("h"));
        let last = stage.output() == self.setting.trace().output();
        let mut units = vec![(a.clone(), stage.linear.output)];
        let mut links = vec![];
        let mut own_activation = None;
        if let Some(activation) = stage.activation {
            if !last {
                units.push((h.clone(), activation.output));
            }
            links.push(Link { of: Math::name("J"), by: h.clone() });
            own_activation = Some(links.len());
            links.push(Link { of: h, by: a.clone() });
        } else {
            links.push(Link { of: Math::name("J"), by: a.clone() });
        }
        links.push(Link { of: a.clone(), by: Math::name(&symbol) });
        let pre_activations = match stage.activation {
            Some(_) => vec![(a, stage.linear.output, self.unit)],
            None => vec![],
        };
        let rows = (0..self.setting.rows())
            .map(|row| {
                let at = |node: NodeId| self.slopes(node, row)[self.unit];
                let mut factors = vec![];
                match stage.activation {
                    Some(activation) => {
                        factors.push(at(activation.output));
                        factors.push(self.local(activation, row, self.unit));
                    }
                    None => factors.push(at(stage.linear.output)),
                }
                factors.push(self.factor(row));
                ManualRow {
                    input: self.input(row),
                    units: units
                        .iter()
                        .map(|&(_, node)| self.number(node, row, self.unit))
                        .collect(),
                    output: self.row(self.setting.trace().output(), row),
                    output_slope: self.slopes(self.setting.trace().output(), row),
                    slope: at(stage.linear.output) * self.factor(row),
                    factors,
                    kinks: self.kinks(&pre_activations, row),
                }
            })
            .collect();
        let chain = Chain {
            symbol,
            layer: layer.to_owned(),
            unit: self.unit,
            from: self.from,
            units: units.into_iter().map(|(name, _)| name).collect(),
            links,
            own_activation,
            single_path: false,
            several_paths: !last,
            pre_activations,
        };
        (chain, rows)
    }
}

/// `left · right · …`, the first negative factor without brackets.
pub(super) fn product(factors: &[f64], digits: usize) -> Math {
    let mut row = vec![];
    for (at, &factor) in factors.iter().enumerate() {
        if at > 0 {
            row.push(Math::Operator(Operator::Dot));
        }
        let number = crate::worked::digits::math(factor, digits);
        row.push(if at > 0 && factor < 0.0 { number.fenced() } else { number });
    }
    Math::Row(row)
}
