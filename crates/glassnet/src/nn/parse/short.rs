//! The short form: widths and letters.

use super::fault::fault;
use crate::error::Result;
use crate::nn::layer::{Linear, Sequential};
use crate::nn::{Activation, Approximate, Module};

/// Whether `text` is widths joined by hyphens, each but the first perhaps with a letter: `6-32t-4`. Letters and
/// lone widths that mean nothing are let through, for [`read`] to point at.
pub(super) fn is_short(text: &str) -> bool {
    let mut parts = text.split('-');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.next().is_some_and(digits)
        && parts
            .all(|part| digits(part.strip_suffix(|c: char| c.is_ascii_lowercase()).unwrap_or(part)))
}

/// The network of a text that [`is_short`].
pub(super) fn read(source: &str) -> Result<Module> {
    let text = source.trim();
    let mut at = source.len() - source.trim_start().len();
    let parts: Vec<&str> = text.split('-').collect();
    if parts.len() < 2 {
        return Err(fault(source, at..at + text.len(), "one width makes no network")
            .help("give at least two: inputs-outputs, such as 6-4"));
    }
    let mut layers = vec![];
    let mut inputs = 0;
    for (place, part) in parts.iter().enumerate() {
        let width = part.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let range = at..at + width.len();
        let outputs = width.parse::<usize>().ok().filter(|width| *width <= i64::MAX as usize);
        let Some(outputs) = outputs else {
            return Err(
                fault(source, range, "this width is beyond 2^63").help("give a smaller one")
            );
        };
        if outputs == 0 {
            return Err(fault(source, range, "a width of 0").help("give at least 1"));
        }
        if place > 0 {
            let linear = Module::Linear(Linear::new(inputs, outputs));
            if let Some(refusal) = linear.refusal() {
                return Err(fault(source, range, refusal.what).help(refusal.help));
            }
            layers.push(linear);
            let last = place + 1 == parts.len();
            let letter = part[width.len()..].chars().next().unwrap_or(if last { 'l' } else { 'r' });
            let letter_at = at + width.len();
            match activation(letter) {
                Some(activation) => layers.extend(activation.map(Module::Activation)),
                None => {
                    let what = format!("there is no activation '{letter}'");
                    return Err(fault(source, letter_at..letter_at + 1, what)
                        .help("r is ReLU, t tanh, s sigmoid, g GELU, l linear"));
                }
            }
        }
        inputs = outputs;
        at += part.len() + 1;
    }
    Ok(Module::Sequential(Sequential::new(layers)))
}

/// What a letter stands for: no activation, one, or (outer `None`) nothing known.
fn activation(letter: char) -> Option<Option<Activation>> {
    Some(match letter {
        'r' => Some(Activation::Relu { inplace: false }),
        't' => Some(Activation::Tanh),
        's' => Some(Activation::Sigmoid),
        'g' => Some(Activation::Gelu { approximate: Approximate::None }),
        'l' => None,
        _ => return None,
    })
}
