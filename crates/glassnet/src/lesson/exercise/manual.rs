//! Task 2.3: a network of two ReLUs, optimised by hand.

use super::draw::{between, pick, tenths};
use super::{Command, fenced};
use crate::math::random::Stream;

/// ŷ = ReLU(w2·ReLU(w1·x)) on a small data set, with the mean square as loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Manual {
    /// The samples (x, y).
    pub data: Vec<(f64, f64)>,
    /// The first layer's weight.
    pub first: f64,
    /// The second layer's weight.
    pub second: f64,
    /// What the network is like at these weights.
    pub state: State,
}

/// Whether the network can learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Both ReLUs let something through.
    Alive,
    /// The first ReLU gives 0 for every sample.
    FirstDead,
    /// The second ReLU gives 0 for every sample, since its weight is negative.
    SecondDead,
}

impl Manual {
    pub(super) fn draw(stream: &mut Stream) -> Manual {
        loop {
            let state = pick(
                stream,
                &[
                    State::Alive,
                    State::Alive,
                    State::FirstDead,
                    State::FirstDead,
                    State::SecondDead,
                ],
            );
            let side = pick(stream, &[1.0, 1.0, -1.0]);
            let count = between(stream, 2, 4);
            let mut data: Vec<(f64, f64)> = vec![];
            while data.len() < count as usize {
                let x = side * pick(stream, &[1.0, 2.0, 4.0, 5.0, 8.0, 10.0]);
                if data.iter().all(|(other, _)| *other != x) {
                    data.push((x, tenths(stream, 0, 12)));
                }
            }
            data.sort_by(|(a, _), (b, _)| a.abs().total_cmp(&b.abs()));
            let (first, second) = (side * tenths(stream, 1, 9), tenths(stream, 1, 9));
            let manual = match state {
                State::Alive => Manual { data, first, second, state },
                State::FirstDead => Manual { data, first: -first, second, state },
                State::SecondDead => Manual { data, first, second: -second, state },
            };
            if manual.reads_well() {
                return manual;
            }
        }
    }

    /// The weight is worth asking about: the loss is not 0, and an alive network's gradient is clearly not 0.
    fn reads_well(&self) -> bool {
        let out = |x: f64| (self.second * (self.first * x).max(0.0)).max(0.0);
        let loss: f64 = self.data.iter().map(|(x, y)| (out(*x) - y) * (out(*x) - y)).sum();
        let slope: f64 = self.data.iter().map(|(x, y)| (out(*x) - y) * self.second * x).sum();
        loss > 0.01 && (self.state != State::Alive || slope.abs() > 0.05)
    }

    pub(super) fn statement(&self) -> String {
        let mut table = String::from("| x | y |\n|---:|---:|\n");
        for (x, y) in &self.data {
            table.push_str(&format!("| ${x}$ | ${y}$ |\n"));
        }
        format!(
            "The data set is\n\n{table}\n\
             and the network\n\n\
             $$h^{{(1)}} = \\text{{ReLU}}(w^{{(1)}}_{{1,1}} \\cdot x), \\quad w^{{(1)}}_{{1,1}} = {}$$\n\n\
             $$h^{{(2)}} = \\text{{ReLU}}(w^{{(2)}}_{{1,1}} \\cdot h^{{(1)}}), \\quad w^{{(2)}}_{{1,1}} = {}$$\n\n\
             with the loss $J(w) = \\frac{{1}}{{N}} \\sum (\\hat{{y}}(x) - y)^2$.\n\n\
             1. What are the outputs, and what is the loss?\n\
             2. Compute the gradient for $w^{{(1)}}_{{1,1}}$ by the chain rule.\n\
             3. Should we increase or decrease $w^{{(1)}}_{{1,1}}$? Would a gradient method do it?\n",
            self.first, self.second
        )
    }

    pub(super) fn solution(&self) -> String {
        let idea = match self.state {
            State::Alive => {
                "The products $w^{(1)}_{1,1} x$ are positive, so both ReLUs let them through and every factor of the chain \
                 rule counts."
            }
            State::FirstDead => {
                "Every product $w^{(1)}_{1,1} x$ is negative, so the first ReLU gives zero for every sample: the factor \
                 $\\frac{\\partial h^{(1)}}{\\partial a^{(1)}}$ of the chain rule is zero. The unit is dead, and no gradient \
                 method moves its weight; somebody has to."
            }
            State::SecondDead => {
                "The second weight is negative while $h^{(1)}$ is never negative, so the second ReLU gives zero whatever \
                 the data: no change of $w^{(1)}_{1,1}$ alone helps, and no gradient method changes either weight."
            }
        };
        format!("{idea}\n\n{}", fenced(&self.command()))
    }

    pub(super) fn command(&self) -> Command {
        let data: Vec<String> = self.data.iter().map(|(x, y)| format!("{x}:{y}")).collect();
        let weights =
            format!("{{\"0.weight\": [[{}]], \"2.weight\": [[{}]]}}", self.first, self.second);
        Command::of(&[
            "worked",
            "manual",
            "Sequential(Linear(1, 1, bias=False), ReLU(),\n    Linear(1, 1, bias=False), ReLU())",
            "--weights",
            &weights,
            "--data",
            &data.join(","),
            "--weight",
            "0.weight[0,0]",
        ])
    }
}
