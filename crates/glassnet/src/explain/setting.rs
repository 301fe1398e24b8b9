//! A network with rows, their targets and a loss: what the deep answers read.

use std::sync::Arc;

use super::exact::Numbers;
use crate::engine::Draw;
use crate::error::{Error, Result};
use crate::graph::{Checked, NodeId, NodeMap};
use crate::nn::loss::Criterion;
use crate::nn::{LoweredLayer, Mode, Network};
use crate::reference::{Array, Feeds};
use crate::trace::{self, Parameter, Trace};
use crate::train::Dataset;

/// How a [`Setting`] is made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SettingConfig {
    /// Whether dropout draws masks and batch normalisation takes the batch's statistics.
    pub mode: Mode,
    /// What weights and rows stand for.
    pub numbers: Numbers,
    /// Which masks dropout draws in [`Mode::Train`]: those of this step of a training.
    pub draw: Draw,
}

/// One network, some rows, one loss: traced once, and asked about after.
#[derive(Clone, Debug)]
pub struct Setting {
    network: Network,
    data: Dataset,
    criterion: Criterion,
    config: SettingConfig,
    trace: Arc<Trace>,
    loss: NodeId,
}

/// One element of a trainable array.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    /// The array's state-dict key.
    pub key: String,
    /// The index along every axis.
    pub index: Vec<usize>,
}

impl std::fmt::Display for Weight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.key)?;
        if self.index.is_empty() {
            return Ok(());
        }
        let index: Vec<String> = self.index.iter().map(usize::to_string).collect();
        write!(f, "[{}]", index.join(", "))
    }
}

impl Weight {
    /// The weight that `text` names: `0.weight[0, 1]`, `0.bias[2]`.
    ///
    /// # Errors
    /// When the text is no key with an index behind it.
    pub fn parse(text: &str) -> Result<Weight> {
        let wrong = || {
            Error::usage(format!("{text:?} names no weight"))
                .help("write a key and an index, as in 0.weight[0,1]")
        };
        let text = text.trim();
        let Some((key, rest)) = text.split_once('[') else {
            return Ok(Weight { key: text.to_owned(), index: vec![] });
        };
        let inner = rest.trim_end().strip_suffix(']').ok_or_else(wrong)?;
        let index = inner.replace("][", ",");
        let index = index.split(',').map(|part| part.trim().parse().map_err(|_| wrong()));
        Ok(Weight { key: key.trim().to_owned(), index: index.collect::<Result<_>>()? })
    }
}

impl Setting {
    /// The graph of `network` with `criterion` over the rows of `data`, in evaluation mode, numbers as printed.
    ///
    /// # Errors
    /// When rows, targets, network and loss do not fit each other, a number is not finite, or the loss has no single
    /// value.
    pub fn new(network: &Network, data: &Dataset, criterion: &Criterion) -> Result<Setting> {
        Setting::with_config(network, data, criterion, SettingConfig::default())
    }

    /// As [`Setting::new`], with the mode and the meaning of numbers chosen.
    ///
    /// # Errors
    /// As [`Setting::new`].
    pub fn with_config(
        network: &Network,
        data: &Dataset,
        criterion: &Criterion,
        config: SettingConfig,
    ) -> Result<Setting> {
        let own = trace::Config {
            mode: config.mode,
            draw: config.draw,
            as_written: config.numbers == Numbers::Printed,
            ..trace::Config::default()
        };
        let trace = Trace::new(network, data, criterion, &own)?;
        Setting::of_trace(network, data, criterion, config, Arc::new(trace))
    }

    /// The setting of a trace that was made with the same network, rows, loss and `config`.
    pub(super) fn of_trace(
        network: &Network,
        data: &Dataset,
        criterion: &Criterion,
        config: SettingConfig,
        trace: Arc<Trace>,
    ) -> Result<Setting> {
        network.state_dict().check_finite()?;
        let loss = trace.loss().ok_or_else(|| Error::usage("there is no loss"))?;
        Ok(Setting {
            network: network.clone(),
            data: data.clone(),
            criterion: criterion.clone(),
            config,
            trace,
            loss,
        })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The rows.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// The loss.
    pub fn criterion(&self) -> &Criterion {
        &self.criterion
    }

    /// How the setting was made.
    pub fn config(&self) -> SettingConfig {
        self.config
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.data.rows()
    }

    /// All values of the pass.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Network, loss and derivatives.
    pub fn graph(&self) -> &Checked {
        self.trace.graph()
    }

    /// Network and loss without derivatives; its nodes have the ids that they have in [`Setting::graph`].
    pub fn forward(&self) -> &Checked {
        self.trace.forward_graph()
    }

    /// The node of what the network returns.
    pub fn output(&self) -> NodeId {
        self.trace.output()
    }

    /// The node of the loss.
    pub fn loss(&self) -> NodeId {
        self.loss
    }

    /// The trainable arrays in order of the network.
    pub fn parameters(&self) -> &[Parameter] {
        self.trace.parameters()
    }

    /// The node of the loss's derivative towards `node`, for every node that depends on a parameter.
    pub fn derivative(&self, node: NodeId) -> Option<NodeId> {
        self.trace.derivative(node)
    }

    /// The layers in order of evaluation.
    pub fn layers(&self) -> &[LoweredLayer] {
        self.trace.layers()
    }

    /// What the f64 values are computed from.
    pub fn feeds(&self) -> &Feeds {
        self.trace.feeds()
    }

    /// All values and derivatives in f64.
    pub fn values(&self) -> &NodeMap<Array> {
        self.trace.exact_values()
    }

    /// The parameter that `weight` lies in, and the position of its element.
    ///
    /// # Errors
    /// An unknown key, with the list of keys; an index outside the array's shape, with the shape.
    pub fn find(&self, weight: &Weight) -> Result<(&Parameter, usize)> {
        let Some(parameter) = self.parameters().iter().find(|p| p.key == weight.key) else {
            let keys: Vec<String> = self.parameters().iter().map(|p| p.key.clone()).collect();
            let error = Error::usage(format!("the network has no weight {:?}", weight.key));
            return Err(if keys.is_empty() {
                error.help("it has no weights at all")
            } else {
                error.help(format!("give one of {}", keys.join(", ")))
            });
        };
        let shape = &parameter.shape;
        let fits = weight.index.len() == shape.len()
            && weight.index.iter().zip(shape).all(|(index, length)| index < length);
        if !fits {
            return Err(Error::usage(format!(
                "{weight} is no element of {:?}, whose shape is {shape:?}",
                weight.key
            ))
            .help("give an index for every axis, counted from 0"));
        }
        let place =
            weight.index.iter().zip(shape).fold(0, |place, (index, length)| place * length + index);
        Ok((parameter, place))
    }

    /// The name of element `element` of the parameter at `parameter`.
    pub fn weight(&self, parameter: &Parameter, element: usize) -> Weight {
        Weight { key: parameter.key.clone(), index: unravel(element, &parameter.shape) }
    }
}

/// The index along every axis of element `element` of a row-major array.
pub(super) fn unravel(mut element: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (place, &length) in index.iter_mut().zip(shape).rev() {
        *place = element % length.max(1);
        element /= length.max(1);
    }
    index
}
