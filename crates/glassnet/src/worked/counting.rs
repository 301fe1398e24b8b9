//! Counting a network's weights, layer by layer.

mod document;

use crate::error::{Error, Result};
use crate::nn::Module;

/// What the numbers of an array do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Trained, multiplied with an input.
    Multiplicative,
    /// Trained, added.
    Bias,
    /// Kept with the network but not trained.
    Buffer,
}

/// One array of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The state-dict key.
    pub key: String,
    /// The array's shape.
    pub shape: Vec<usize>,
    /// What its numbers do.
    pub role: Role,
    /// How many there are: the product of the shape.
    pub numbers: usize,
}

/// One layer with its arrays; a layer without arrays has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedLayer {
    /// The state-dict prefix.
    pub name: String,
    /// PyTorch's class name.
    pub kind: &'static str,
    /// `in·out + out` and the like; `None` without trained numbers.
    pub formula: Option<String>,
    /// The arrays in the state dict's order.
    pub arrays: Vec<Count>,
}

/// What [`counting`] finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counting {
    /// The layers in order.
    pub layers: Vec<CountedLayer>,
    /// The trained numbers that multiply.
    pub multiplicative: usize,
    /// The trained numbers that are added.
    pub biases: usize,
    /// The numbers that are kept but not trained.
    pub buffers: usize,
    /// How many examples there are, if somebody said so: it doesn't matter.
    pub examples: Option<u64>,
}

impl Counting {
    /// All trained numbers.
    pub fn parameters(&self) -> usize {
        self.multiplicative + self.biases
    }
}

impl CountedLayer {
    /// How many numbers of the layer have `role`.
    pub fn numbers(&self, role: Role) -> usize {
        self.arrays.iter().filter(|array| array.role == role).map(|array| array.numbers).sum()
    }

    /// The layer's trained numbers.
    pub fn parameters(&self) -> usize {
        self.numbers(Role::Multiplicative) + self.numbers(Role::Bias)
    }
}

/// Counts the numbers of `module`, apart by what they do: an array called `bias` is added, other trained arrays
/// multiply (an embedding's row is the product of its table with a one-hot vector), the rest are buffers.
///
/// # Errors
/// When an argument is refused, or the layers do not fit each other ([`Module::summary`]).
///
/// ```
/// use glassnet::{nn, worked};
/// let counting = worked::counting(&nn::parse("6-32-32-32-4")?, Some(80))?;
/// assert_eq!((counting.multiplicative, counting.biases, counting.parameters()), (2368, 100, 2468));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn counting(module: &Module, examples: Option<u64>) -> Result<Counting> {
    if examples == Some(0) {
        return Err(Error::usage("there are 0 examples").help("give at least 1, or none at all"));
    }
    let summary = module.summary(None)?;
    let arrays = module.state_shapes();
    let layers: Vec<CountedLayer> = summary
        .rows
        .into_iter()
        .map(|row| {
            // A layer may have arrays below its name: those of several tables.
            let own = |key: &str| {
                let rest = key.strip_prefix(&row.name);
                row.name.is_empty() || rest.is_some_and(|rest| rest.starts_with('.'))
            };
            let arrays = arrays.iter().filter(|array| own(&array.key)).map(|array| {
                let role = match (array.trainable, array.key.rsplit('.').next()) {
                    (true, Some("bias")) => Role::Bias,
                    (true, _) => Role::Multiplicative,
                    (false, _) => Role::Buffer,
                };
                Count {
                    key: array.key.clone(),
                    shape: array.shape.clone(),
                    role,
                    numbers: array.shape.iter().product(),
                }
            });
            CountedLayer {
                arrays: arrays.collect(),
                name: row.name,
                kind: row.kind,
                formula: row.formula,
            }
        })
        .collect();
    let total = |role: Role| layers.iter().map(|layer| layer.numbers(role)).sum();
    Ok(Counting {
        multiplicative: total(Role::Multiplicative),
        biases: total(Role::Bias),
        buffers: total(Role::Buffer),
        layers,
        examples,
    })
}

#[cfg(test)]
mod tests;
