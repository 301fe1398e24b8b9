//! What both programs of task 2.5 print.

use glassnet::engine::functional::{cross_entropy, softmax};
use glassnet::nn::{Module, Network, StateDict};
use glassnet::{Result, Tensor};

/// Loads `state` into `module`, predicts the four points of XOR and tells logits, softmax, labels and loss.
pub(crate) fn text(module: Module, state: &StateDict) -> Result<String> {
    let mut model = Network::new(module, 0)?;
    model.load_state_dict(state, true)?;

    let x = Tensor::from_rows(&[[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])?;
    let labels = [0_i64, 1, 1, 0];
    let one_hot = Tensor::from_rows(&[[1.0_f32, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])?;

    let logits = model.forward(&x)?;
    let probabilities = softmax(&logits, 1)?;
    let loss = cross_entropy(&logits, &labels)?;
    Ok(format!(
        "Raw prediction logits:\n\n{logits}\n\n\
         Prediction after softmax:\n\n{probabilities}\n\n\
         True labels, one-hot encoded:\n\n{one_hot}\n\n\
         Loss: {loss}\n"
    ))
}
