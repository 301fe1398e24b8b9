//! Task 2.2: how many weights a network has.

use super::draw::{between, pick};
use super::{Command, fenced};
use crate::math::random::Stream;

/// A classification problem and the network's hidden layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    /// How many examples there are: they don't matter.
    pub examples: u64,
    /// How many features an example has.
    pub features: usize,
    /// The labels.
    pub labels: Vec<&'static str>,
    /// The hidden layers' units.
    pub hidden: Vec<usize>,
}

const LABELS: &[&[&str]] = &[
    &["Spring", "Summer", "Fall", "Winter"],
    &["sun", "rain", "snow"],
    &["yes", "no"],
    &["north", "east", "south", "west"],
    &["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    &["red", "green", "blue"],
    &["1", "2", "3", "4", "5", "6"],
];

impl Count {
    pub(super) fn draw(stream: &mut Stream) -> Count {
        let labels = pick(stream, LABELS).to_vec();
        let layers = between(stream, 1, 4);
        let same = stream.below(2) == 0;
        let units = [4, 8, 10, 12, 16, 20, 24, 32, 50, 64, 100, 128];
        let first = pick(stream, &units);
        let hidden = (0..layers).map(|_| if same { first } else { pick(stream, &units) }).collect();
        Count {
            examples: 10 * between(stream, 4, 60).unsigned_abs(),
            features: between(stream, 2, 12) as usize,
            labels,
            hidden,
        }
    }

    pub(super) fn statement(&self) -> String {
        let widths: Vec<String> = self.hidden.iter().map(usize::to_string).collect();
        let hidden = match widths.as_slice() {
            [one] => format!("1 hidden layer of {one} units"),
            all if all.iter().all(|width| *width == all[0]) => {
                format!("{} hidden layers, {} units each", all.len(), all[0])
            }
            all => {
                format!("{} hidden layers of {} units, in this order", all.len(), all.join(", "))
            }
        };
        format!(
            "Given are {} examples with {} features and labels from {{{}}}, and a fully connected network with {hidden} \
             and a bias in every unit.\n\nHow many weights does each layer have, and how many has the network?\n",
            self.examples,
            self.features,
            self.labels.join(", ")
        )
    }

    pub(super) fn solution(&self) -> String {
        format!(
            "The {} features are the input units, the {} labels the output units; the number of examples does not \
             matter. A layer has #inputs · #units multiplicative weights and a bias per unit.\n\n{}",
            self.features,
            self.labels.len(),
            fenced(&self.command())
        )
    }

    pub(super) fn command(&self) -> Command {
        let mut widths = vec![self.features];
        widths.extend(&self.hidden);
        widths.push(self.labels.len());
        let network = widths.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
        Command::of(&["summary", &network, "--explain"])
    }
}
