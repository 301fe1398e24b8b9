//! The weights that a network starts from.

use super::init::{embedding_default, linear_default};
use super::layer::{Embedding, Linear, Prelu};
use super::module::join;
use super::state::StateShape;
use super::{Module, StateDict};
use crate::error::Result;
use crate::graph::DType;
use crate::math::torch_random::TorchGenerator;
use crate::tensor::{Tensor, Value};

impl Module {
    /// A state dict as PyTorch's constructor call fills it, drawing from `generator` layer by layer in the order in
    /// which Python constructs them: Linear uniformly over `±1/√in_features`, Embedding standard normally,
    /// PReLU by its `init`, norms by ones and zeros.
    ///
    /// # Numerics
    /// The uniform draws are those of `torch.manual_seed(seed)`, bit for bit; the normal ones within 1e-4.
    ///
    /// # Errors
    /// When an argument is refused ([`Module::validate`]).
    ///
    /// ```
    /// use glassnet::{math::torch_random::TorchGenerator, nn};
    /// // torch.manual_seed(0); nn.Linear(2, 2)
    /// let state = nn::linear(2, 2).init(&mut TorchGenerator::new(0))?;
    /// assert_eq!(
    ///     state.floats("weight")?.data(),
    ///     [-0.005293981, 0.3793229, -0.58198076, -0.5203875],
    /// );
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn init(&self, generator: &mut TorchGenerator) -> Result<StateDict> {
        self.validate()?;
        let mut state = StateDict::new();
        for (path, layer) in self.layers() {
            for (key, value) in layer.initial_arrays(generator)? {
                state.insert(join(&path, &key), value);
            }
        }
        Ok(state)
    }

    fn initial_arrays(&self, generator: &mut TorchGenerator) -> Result<Vec<(String, Value)>> {
        match self {
            Module::Linear(Linear { in_features, out_features, bias }) => {
                let (weight, bias) = linear_default(*out_features, *in_features, *bias, generator)?;
                let mut arrays = vec![("weight".into(), weight.into())];
                arrays.extend(bias.map(|bias| ("bias".into(), bias.into())));
                Ok(arrays)
            }
            Module::Embedding(Embedding { num_embeddings, embedding_dim, padding_idx, .. }) => {
                let weight =
                    embedding_default(*num_embeddings, *embedding_dim, *padding_idx, generator)?;
                Ok(vec![("weight".into(), weight.into())])
            }
            Module::EmbedColumns(columns) => {
                let mut arrays = vec![];
                for (column, table) in &columns.tables {
                    let inner = Module::Embedding(*table).initial_arrays(generator)?;
                    let own = inner.into_iter();
                    arrays.extend(own.map(|(key, value)| (join(&column.to_string(), &key), value)));
                }
                Ok(arrays)
            }
            Module::Prelu(Prelu { num_parameters, init }) => {
                let weight = Tensor::full([*num_parameters], init.value() as f32);
                Ok(vec![("weight".into(), weight.into())])
            }
            Module::BatchNorm1d(_)
            | Module::LayerNorm(_)
            | Module::Activation(_)
            | Module::Formula(_)
            | Module::Softmax { .. }
            | Module::LogSoftmax { .. }
            | Module::Identity
            | Module::Flatten(_)
            | Module::Dropout(_)
            | Module::Residual(_)
            | Module::Sequential(_) => {
                Ok(self.own_arrays().into_iter().map(normalisation_array).collect())
            }
        }
    }
}

/// Scales and variances begin at 1, shifts, means and counters at 0.
fn normalisation_array(array: StateShape) -> (String, Value) {
    let value = match (array.dtype, array.key.as_str()) {
        (DType::I64, _) => Tensor::full(array.shape, 0_i64).into(),
        (_, "weight" | "running_var") => Tensor::full(array.shape, 1.0_f32).into(),
        _ => Tensor::full(array.shape, 0.0_f32).into(),
    };
    (array.key, value)
}
