//! What an evaluation is given.

use std::collections::HashMap;

use super::Array;

/// The values of a graph's sources: inputs and state by name, random masks by stream.
///
/// Inputs have names of their own; parameters and buffers share theirs, the state dict's keys. What the graph does
/// not ask for is not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feeds {
    inputs: HashMap<String, Array>,
    state: HashMap<String, Array>,
    masks: HashMap<usize, Array>,
}

impl Feeds {
    /// Nothing fed yet.
    pub fn new() -> Self {
        Feeds::default()
    }

    /// The feeds with `array` for the input called `name`.
    pub fn input(mut self, name: impl Into<String>, array: impl Into<Array>) -> Self {
        self.set_input(name, array);
        self
    }

    /// The feeds with `array` for the parameter or buffer with state-dict key `key`.
    pub fn state(mut self, key: impl Into<String>, array: impl Into<Array>) -> Self {
        self.set_state(key, array);
        self
    }

    /// The feeds with `array` as the random mask of `stream`, every element 0 or `1/(1 − p)`.
    pub fn mask(mut self, stream: usize, array: impl Into<Array>) -> Self {
        self.set_mask(stream, array);
        self
    }

    /// Sets an input; the one that stood there before is returned.
    pub fn set_input(&mut self, name: impl Into<String>, array: impl Into<Array>) -> Option<Array> {
        self.inputs.insert(name.into(), array.into())
    }

    /// Sets a parameter or buffer; the one that stood there before is returned.
    pub fn set_state(&mut self, key: impl Into<String>, array: impl Into<Array>) -> Option<Array> {
        self.state.insert(key.into(), array.into())
    }

    /// Sets a random mask; the one that stood there before is returned.
    pub fn set_mask(&mut self, stream: usize, array: impl Into<Array>) -> Option<Array> {
        self.masks.insert(stream, array.into())
    }

    /// The input called `name`.
    pub fn get_input(&self, name: &str) -> Option<&Array> {
        self.inputs.get(name)
    }

    /// The parameter or buffer with state-dict key `key`.
    pub fn get_state(&self, key: &str) -> Option<&Array> {
        self.state.get(key)
    }

    /// The random mask of `stream`.
    pub fn get_mask(&self, stream: usize) -> Option<&Array> {
        self.masks.get(&stream)
    }
}
