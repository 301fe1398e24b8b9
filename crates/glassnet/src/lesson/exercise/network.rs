//! Task 2.5: a small network that computes a gate.

use super::draw::{commas, hundredths, json_row, json_rows, matrix, pick, vector};
use super::{Command, fenced};
use crate::math::random::Stream;

/// How far the two logits of a row are apart, in hundredths: every row is decided clearly.
const LEAST_MARGIN: i64 = 200;
const MOST_MARGIN: i64 = 450;

/// A network of two inputs, two or three ReLUs and two classes, with the gate that it computes.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The hidden layer's weights, a row per unit.
    pub first: Vec<Vec<f64>>,
    /// The hidden layer's biases.
    pub first_bias: Vec<f64>,
    /// The output layer's weights, a row per class.
    pub second: Vec<Vec<f64>>,
    /// The output layer's biases.
    pub second_bias: Vec<f64>,
    /// The classes of (0,0), (0,1), (1,0), (1,1).
    pub classes: [usize; 4],
    /// Whether two rows lie exactly on both kinks.
    pub on_kinks: bool,
    /// The third unit, if there is one.
    pub redundant: Option<Redundant>,
}

/// Why the third unit is not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redundant {
    /// All of its weights are 0.
    Zero,
    /// Its weights and bias are negative: 0 for every input that is not negative.
    Dead,
    /// It is the first unit, doubled.
    Double,
}

/// The four rows.
const ROWS: [[f64; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];

impl Network {
    pub(super) fn draw(stream: &mut Stream) -> Network {
        let on_kinks = stream.below(2) == 0;
        let redundant = pick(
            stream,
            &[None, None, Some(Redundant::Zero), Some(Redundant::Dead), Some(Redundant::Double)],
        );
        let flips = pick(stream, &[[false, false], [false, false], [false, true], [true, false]]);
        // What the gate says for 0, 1 and 2 inputs that are on (after flips): not all the same.
        let sums = pick(
            stream,
            &[[0, 1, 0], [0, 1, 0], [1, 0, 1], [0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]],
        );
        let mut network = hidden(stream, flips, on_kinks);
        network.classes = ROWS.map(|row| {
            let on = |i: usize| usize::from((row[i] == 1.0) != flips[i]);
            sums[on(0) + on(1)]
        });
        let margins = sums.map(|class| {
            let margin = hundredths(stream, LEAST_MARGIN, MOST_MARGIN);
            if class == 0 { margin } else { -margin }
        });
        network.decide(stream, margins);
        network.redundant = redundant;
        network.add_third(stream);
        network
    }

    /// Chooses the output layer so that the logits differ by `margins` for 0, 1 and 2 inputs that are on, but for the
    /// rounding to two decimals.
    fn decide(&mut self, stream: &mut Stream, margins: [f64; 3]) {
        let [none, one, both] = margins;
        // Each unit's largest value, which it has where the other is 0.
        let size = |unit: &[f64]| unit[0].abs();
        let (rise, fall) = (size(&self.first[0]), size(&self.first[1]));
        // On the kinks both units are 0 for one input that is on; off them each has a third of its largest value.
        let (bias, reach) = if self.on_kinks { (one, 1.0) } else { (3.0 * one - none - both, 1.5) };
        let differences = [(both - bias) / (reach * rise), (none - bias) / (reach * fall), bias];
        let pairs = differences.map(|difference| {
            let first = cents(difference / 2.0 + hundredths(stream, -99, 99));
            [first, cents(first - difference)]
        });
        let [up, down, bias] = pairs;
        self.second = (0..2).map(|class| vec![up[class], down[class]]).collect();
        self.second_bias = bias.to_vec();
    }

    /// A third unit that changes nothing for inputs of 0 and 1.
    fn add_third(&mut self, stream: &mut Stream) {
        let Some(redundant) = self.redundant else { return };
        let (weights, bias, outgoing) = match redundant {
            Redundant::Zero => (vec![0.0, 0.0], 0.0, [0.0, 0.0]),
            Redundant::Dead => (
                vec![hundredths(stream, -300, -50), hundredths(stream, -300, -50)],
                hundredths(stream, -100, -10),
                [hundredths(stream, 50, 300), hundredths(stream, -300, -50)],
            ),
            Redundant::Double => {
                // The first unit's outgoing weights are shared out: half to the double, which is twice as large.
                let halves: Vec<f64> = self.second.iter().map(|row| row[0]).collect();
                let share = |weight: f64| cents(weight / 4.0);
                for (row, whole) in self.second.iter_mut().zip(&halves) {
                    row[0] = cents(whole - 2.0 * share(*whole));
                }
                let doubled = |weight: &f64| cents(weight * 2.0);
                let weights = self.first[0].iter().map(doubled).collect();
                (weights, doubled(&self.first_bias[0]), [share(halves[0]), share(halves[1])])
            }
        };
        self.first.push(weights);
        self.first_bias.push(bias);
        self.second.iter_mut().zip(outgoing).for_each(|(row, weight)| row.push(weight));
    }

    pub(super) fn statement(&self) -> String {
        let units = self.first.len();
        let third = match self.redundant {
            None => "",
            Some(_) => "4. One of the hidden units is not needed. Which, and why?\n",
        };
        format!(
            "A network `Sequential(Linear(2, {units}), ReLU(), Linear({units}, 2))` has the weights\n\n\
             $$W^{{(1)}} = {}, \\quad b^{{(1)}} = {}$$\n\n$$W^{{(2)}} = {}, \\quad b^{{(2)}} = {}$$\n\n\
             1. Compute the logits, the softmax output and the predicted class of (0,0), (0,1), (1,0), (1,1).\n\
             2. The true classes are {}. What is the mean cross-entropy loss?\n\
             3. Which rows lie on the kink of a ReLU, where its derivative is a convention?\n{third}",
            matrix(&self.first),
            vector(&self.first_bias),
            matrix(&self.second),
            vector(&self.second_bias),
            self.classes.map(|class| class.to_string()).join(", "),
        )
    }

    pub(super) fn solution(&self) -> String {
        let third = match self.redundant {
            None => "",
            Some(Redundant::Zero) => {
                "\nThe third unit is not needed: all of its weights are 0, so it is 0 for every input and passes nothing \
                 on. Its gradients are 0 as well, so it never wakes.\n"
            }
            Some(Redundant::Dead) => {
                "\nThe third unit is not needed for inputs that are not negative: its weights and its bias are negative, \
                 so its ReLU gives 0 for all of them.\n"
            }
            Some(Redundant::Double) => {
                "\nThe third unit is not needed: its weights and its bias are twice the first unit's, and \
                 $\\text{ReLU}(2a) = 2\\,\\text{ReLU}(a)$, so it is always twice the first unit. Add twice its outgoing \
                 weights to the first unit's, and drop it.\n"
            }
        };
        format!("{}{third}", fenced(&self.command()))
    }

    pub(super) fn command(&self) -> Command {
        let units = self.first.len();
        let network = format!("Sequential(Linear(2, {units}), ReLU(), Linear({units}, 2))");
        let weights = format!(
            "{{\"0.weight\": {},\n    \"0.bias\": {},\n    \"2.weight\": {},\n    \"2.bias\": {}}}",
            json_rows(&self.first),
            json_row(&self.first_bias),
            json_rows(&self.second),
            json_row(&self.second_bias),
        );
        let inputs: Vec<String> = ROWS.iter().map(|row| commas(row)).collect();
        let classes: Vec<String> = self.classes.iter().map(usize::to_string).collect();
        let (inputs, classes) = (inputs.join("; "), classes.join("; "));
        let head = ["explain", &network, "--weights", &weights];
        Command::of(&[&head[..], &["--input", &inputs, "--true", &classes, "--backward"]].concat())
    }
}

/// The value with two decimals; never −0.
fn cents(value: f64) -> f64 {
    (value * 100.0).round() / 100.0 + 0.0
}

/// Two units that look at the number of inputs that are on: the first rises with it, the second falls.
fn hidden(stream: &mut Stream, flips: [bool; 2], on_kinks: bool) -> Network {
    let (rise, fall) = (hundredths(stream, 80, 400), hundredths(stream, 80, 400));
    // A flipped input counts 1 − x.
    let direction = flips.map(|flip| if flip { -1.0 } else { 1.0 });
    let flipped = flips.iter().filter(|flip| **flip).count() as f64;
    let (low, high) = if on_kinks { (1.0, 1.0) } else { (0.5, 1.5) };
    Network {
        first: vec![
            direction.map(|sign| sign * rise).to_vec(),
            direction.map(|sign| -sign * fall).to_vec(),
        ],
        first_bias: vec![cents(rise * (flipped - low)), cents(fall * (high - flipped))],
        second: vec![],
        second_bias: vec![],
        classes: [0; 4],
        on_kinks,
        redundant: None,
    }
}
