//! Task 1.1: two linear layers are one.

use super::draw::{between, json_row, json_rows, matrix, pick, vector};
use super::{Command, fenced};
use crate::math::random::Stream;

/// Two linear layers with whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Collapse {
    /// The first layer's weights, a row per unit.
    pub first: Vec<Vec<f64>>,
    /// The first layer's biases.
    pub first_bias: Vec<f64>,
    /// The second layer's weights, a row per output.
    pub second: Vec<Vec<f64>>,
    /// The second layer's biases.
    pub second_bias: Vec<f64>,
}

impl Collapse {
    pub(super) fn draw(stream: &mut Stream) -> Collapse {
        let (inputs, units, outputs) = pick(stream, &[(2, 2, 2), (2, 3, 1), (2, 3, 2), (3, 2, 2)]);
        Collapse {
            first: weights(stream, units, inputs),
            first_bias: row(stream, units),
            second: weights(stream, outputs, units),
            second_bias: row(stream, outputs),
        }
    }

    pub(super) fn statement(&self) -> String {
        format!(
            "Two linear layers without an activation between them, $h^{{(1)}} = W^{{(1)}} x + b^{{(1)}}$ and \
             $h^{{(2)}} = W^{{(2)}} h^{{(1)}} + b^{{(2)}}$, have the weights\n\n\
             $$W^{{(1)}} = {}, \\quad b^{{(1)}} = {}$$\n\n$$W^{{(2)}} = {}, \\quad b^{{(2)}} = {}$$\n\n\
             Give the one layer $h^{{(2)}} = W' x + b'$ that computes the same. Why is a non-linear activation needed \
             between the layers?\n",
            matrix(&self.first),
            vector(&self.first_bias),
            matrix(&self.second),
            vector(&self.second_bias),
        )
    }

    pub(super) fn solution(&self) -> String {
        format!(
            "Put the first layer into the second and multiply out: \
             $W' = W^{{(2)}} W^{{(1)}}$ and $b' = W^{{(2)}} b^{{(1)}} + b^{{(2)}}$.\n\n{}\n\
             Whatever the weights are, two linear layers compute what one can compute: without an activation that is not \
             linear, depth adds nothing.\n",
            fenced(&self.command())
        )
    }

    pub(super) fn command(&self) -> Command {
        let (inputs, units, outputs) = (self.first[0].len(), self.first.len(), self.second.len());
        let network = format!("Sequential(Linear({inputs}, {units}), Linear({units}, {outputs}))");
        let weights = format!(
            "{{\"0.weight\": {},\n    \"0.bias\": {},\n    \"1.weight\": {},\n    \"1.bias\": {}}}",
            json_rows(&self.first),
            json_row(&self.first_bias),
            json_rows(&self.second),
            json_row(&self.second_bias),
        );
        Command::of(&["worked", "collapse", &network, "--weights", &weights])
    }
}

fn row(stream: &mut Stream, length: usize) -> Vec<f64> {
    (0..length).map(|_| between(stream, -4, 4) as f64).collect()
}

/// Rows with something in each.
fn weights(stream: &mut Stream, rows: usize, columns: usize) -> Vec<Vec<f64>> {
    let mut made = vec![];
    while made.len() < rows {
        let row = row(stream, columns);
        if row.iter().any(|weight| *weight != 0.0) {
            made.push(row);
        }
    }
    made
}
