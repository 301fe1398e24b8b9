//! A module with its weights.

use super::{Incompatible, Module, StateDict, Summary};
use crate::error::Result;
use crate::graph::{DType, Shape};
use crate::math::torch_random::TorchGenerator;
use crate::tensor::{Tensor, Value};
use std::fmt;

/// A module and a state dict that fits it.
///
/// ```
/// use glassnet::Tensor;
/// use glassnet::nn::{self, Network, StateDict};
/// let module = nn::sequential([nn::linear(2, 2), nn::relu(), nn::linear(2, 1)]);
/// let mut net = Network::new(module, 0)?; // the weights of torch.manual_seed(0)
/// assert_eq!(net.parameter_count(), 9);
///
/// let bias = StateDict::from_iter([("2.bias", Tensor::new([1], vec![0.5_f32])?.into())]);
/// let rest = net.load_state_dict(&bias, false)?;
/// assert_eq!(rest.missing, ["0.weight", "0.bias", "2.weight"]);
/// assert_eq!(net.state_dict().floats("2.bias")?.data(), [0.5]);
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    module: Module,
    state: StateDict,
}

impl Network {
    /// The module with PyTorch's default initialisation: the weights of `torch.manual_seed(seed)` followed by the
    /// module's constructor call.
    ///
    /// # Errors
    /// When an argument is refused ([`Module::validate`]).
    pub fn new(module: Module, seed: u64) -> Result<Self> {
        let state = module.init(&mut TorchGenerator::new(seed))?;
        Ok(Network { module, state })
    }

    /// The module with the arrays of `state`.
    ///
    /// # Errors
    /// When an argument is refused, or the state dict is not strictly the module's
    /// ([`Module::check_state_dict`]).
    pub fn with_state(module: Module, state: &StateDict) -> Result<Self> {
        module.validate()?;
        module.check_state_dict(state, true)?;
        let arrays = module.state_shapes().into_iter().map(|array| {
            let value = state.get(&array.key).cloned();
            // Only a counter may be missing after the strict check.
            let value = value.unwrap_or_else(|| match array.dtype {
                DType::I64 => Value::from(Tensor::full(array.shape, 0_i64)),
                DType::F32 | DType::F64 | DType::Bool => {
                    Value::from(Tensor::full(array.shape, 0.0_f32))
                }
            });
            (array.key, value)
        });
        let state = arrays.collect();
        Ok(Network { module, state })
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The arrays in PyTorch's order.
    pub fn state_dict(&self) -> &StateDict {
        &self.state
    }

    /// Copies the arrays of `state` into the network and tells which keys did not match.
    ///
    /// # Errors
    /// With `strict`, when any key is missing or unexpected; always, when an array has another shape or element
    /// type: one error with all of them, in PyTorch's words. The network is then unchanged.
    pub fn load_state_dict(&mut self, state: &StateDict, strict: bool) -> Result<Incompatible> {
        let incompatible = self.module.check_state_dict(state, strict)?;
        for (key, value) in state.iter() {
            if let Some(own) = self.state.get_mut(key) {
                own.clone_from(value);
            }
        }
        Ok(incompatible)
    }

    /// The number of trainable numbers.
    pub fn parameter_count(&self) -> usize {
        self.module.parameter_count()
    }

    /// The module's layers with shapes and sizes: see [`Module::summary`].
    ///
    /// # Errors
    /// When the layers do not fit each other.
    pub fn summary(&self, input: Option<Shape>) -> Result<Summary> {
        self.module.summary(input)
    }

    /// The module and the state dict, taken apart.
    pub fn into_parts(self) -> (Module, StateDict) {
        (self.module, self.state)
    }
}

impl fmt::Display for Network {
    /// PyTorch's `repr` of the module.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.module.fmt(f)
    }
}
