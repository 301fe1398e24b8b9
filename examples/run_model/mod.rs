//! What both programs of task 2.5 print.

use glassnet::engine::functional::{cross_entropy, softmax};
use glassnet::nn::{Module, Network, StateDict};
use glassnet::{Result, Tensor};

/// Loads `state` into `module`, predicts the four points of XOR and prints logits, softmax, labels and loss.
pub(crate) fn print(module: Module, state: &StateDict) -> Result<()> {
    let mut model = Network::new(module, 0)?;
    model.load_state_dict(state, true)?;

    let x = Tensor::from_rows(&[[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])?;
    let labels = [0_i64, 1, 1, 0];
    let logits = model.forward(&x)?;
    let one_hot =
        labels.map(|label| [f64::from(u8::from(label == 0)), f64::from(u8::from(label == 1))]);

    println!("Raw prediction logits:\n\n{logits}\n");
    println!("Prediction after softmax:\n\n{}\n", softmax(&logits, 1)?);
    println!("True labels, one-hot encoded:\n\n{}\n", Tensor::from_rows(&one_hot)?);
    println!("Loss: {}", cross_entropy(&logits, &labels)?);
    Ok(())
}
