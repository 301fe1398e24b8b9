//! Task 1.3: activations compared.

use super::draw::pick_some;
use super::{Command, fenced};
use crate::math::random::Stream;

/// Three activations.
#[derive(Clone, Debug, PartialEq)]
pub struct Compare {
    /// Their names.
    pub activations: Vec<&'static str>,
}

const KNOWN: &[&str] = &[
    "relu",
    "leaky_relu",
    "sigmoid",
    "tanh",
    "elu",
    "softplus",
    "softsign",
    "gelu",
    "silu",
    "mish",
];

impl Compare {
    pub(super) fn draw(stream: &mut Stream) -> Compare {
        loop {
            let activations = pick_some(stream, KNOWN, 3);
            // The sheet's own three are in the lesson.
            if activations != ["relu", "sigmoid", "tanh"] {
                return Compare { activations };
            }
        }
    }

    pub(super) fn statement(&self) -> String {
        let names: Vec<String> = self.activations.iter().map(|name| format!("`{name}`")).collect();
        format!(
            "Compare the activations {}. For each: is it zero-centred? How steep can it get, and how steep is it at \
             $z = 5$ and $z = 10$: does its gradient vanish? Can a unit die? Is it smooth, and what does it cost?\n",
            names.join(", ")
        )
    }

    pub(super) fn solution(&self) -> String {
        fenced(&self.command())
    }

    pub(super) fn command(&self) -> Command {
        let mut words = vec!["worked", "activations"];
        words.extend(&self.activations);
        Command::of(&words)
    }
}
