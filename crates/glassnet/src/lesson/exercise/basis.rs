//! Task 2.1: basis functions against a network.

use super::draw::pick;
use super::{Command, fenced};
use crate::math::random::Stream;

/// Values on the corners of the unit square.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    /// The points (x1, x2) with their values.
    pub data: Vec<([f64; 2], f64)>,
}

impl Basis {
    pub(super) fn draw(stream: &mut Stream) -> Basis {
        let tables = [
            [0.0, 1.0, 1.0, 0.0],
            [1.0, 0.0, 0.0, 1.0],
            [0.0, 1.0, 1.0, 1.0],
            [0.0, 0.0, 0.0, 1.0],
            [0.0, 1.0, 0.0, 0.0],
            [1.0, 0.0, 1.0, 1.0],
        ];
        let values = pick(stream, &tables);
        let scale = pick(stream, &[1.0, 2.0, 4.0]);
        let corners = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
        Basis { data: corners.into_iter().zip(values.map(|value| value * scale)).collect() }
    }

    pub(super) fn statement(&self) -> String {
        let mut table = String::from("| $x_1$ | $x_2$ | y |\n|---:|---:|---:|\n");
        for ([first, second], value) in &self.data {
            table.push_str(&format!("| {first} | {second} | {value} |\n"));
        }
        format!(
            "Fit these points by least squares on basis functions chosen by hand, and compare with what a network \
             learns:\n\n{table}\n\
             1. Which error is left with the basis 1, $x_1$, $x_2$?\n\
             2. Which with 1, $x_1$, $x_2$, $x_1 x_2$?\n\
             3. What is the difference between choosing basis functions and training a network?\n"
        )
    }

    pub(super) fn solution(&self) -> String {
        fenced(&self.command())
    }

    pub(super) fn command(&self) -> Command {
        let points: Vec<String> = self
            .data
            .iter()
            .map(|([first, second], value)| format!("{first} {second}:{value}"))
            .collect();
        let mut words = vec!["worked", "basis", "--data"];
        let joined = points.join(",");
        words.push(&joined);
        Command::of(&words)
    }
}
