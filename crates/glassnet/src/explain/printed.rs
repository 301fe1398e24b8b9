//! Scores, probabilities and loss as a PyTorch program prints them: NumPy's text, every digit of f32.

use super::explanation::Explanation;
use crate::document::{Block, Document};
use crate::engine::functional::softmax;
use crate::tensor::Tensor;
use crate::train::Target;

/// More rows or classes than these are no text that anyone reads.
const MOST: usize = 10;

/// Writes the text, where the network gives scores for classes.
pub(super) fn write(all: &Explanation, document: &mut Document) {
    if let Some(text) = text(all) {
        document.section("As a PyTorch program prints it");
        document.push(Block::Code { language: None, text });
    }
}

fn text(all: &Explanation) -> Option<String> {
    let Some(Target::Classes(classes)) = &all.target else { return None };
    let loss = all.trace.loss_value()?;
    let output = all.trace.output();
    let shape = all.trace.shape(output);
    let &[rows, width] = shape.as_slice() else { return None };
    if rows > MOST || width > MOST {
        return None;
    }
    let scores = Tensor::new([rows, width], all.trace.floats(output)?.to_vec()).ok()?;
    let probabilities = softmax(&scores, 1).ok()?;
    let one_hot = classes.iter().flat_map(|class| {
        (0..width).map(move |at| f32::from(u8::from(usize::try_from(*class) == Ok(at))))
    });
    let one_hot = Tensor::new([rows, width], one_hot.collect()).ok()?;
    Some(format!(
        "Raw prediction logits:\n{scores}\nPrediction after softmax:\n{probabilities}\n\
         True labels, one-hot encoded:\n{one_hot}\nLoss: {loss}"
    ))
}
