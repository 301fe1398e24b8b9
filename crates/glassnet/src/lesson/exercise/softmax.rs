//! Task 1.4: softmax and log-likelihood.

use super::draw::{between, pick, tenths};
use super::{Command, fenced};
use crate::math::random::Stream;

/// One data point's logits.
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax {
    /// The classes with their logits.
    pub logits: Vec<(String, f64)>,
    /// The true class's place among them.
    pub truth: usize,
}

impl Softmax {
    pub(super) fn draw(stream: &mut Stream) -> Softmax {
        let count = between(stream, 3, 5) as usize;
        let names = pick(stream, &[["A", "B", "C", "D", "E"], ["cat", "dog", "fox", "owl", "bee"]]);
        loop {
            let mut logits = vec![];
            for name in names.iter().take(count) {
                logits.push((name.to_string(), tenths(stream, -20, 40)));
            }
            let truth = stream.below(count as u64) as usize;
            if reads_well(&logits) {
                return Softmax { logits, truth };
            }
        }
    }

    pub(super) fn statement(&self) -> String {
        let mut table = String::from("| label | unnormalized log probability |\n|---|---:|\n");
        for (name, logit) in &self.logits {
            table.push_str(&format!("| {name} | ${logit}$ |\n"));
        }
        format!(
            "A single data point has the true label {} and these logits $z_i$:\n\n{table}\n\
             1. Compute the softmax output of every class.\n\
             2. Which class is predicted?\n\
             3. Compute the log-likelihood loss $J = -\\ln P(y)$, and its gradient $P - y$ towards the logits.\n",
            self.logits[self.truth].0
        )
    }

    pub(super) fn solution(&self) -> String {
        format!(
            "Raise $e$ to each logit, divide by the sum, and take the logarithm of the true label's share.\n\n{}",
            fenced(&self.command())
        )
    }

    pub(super) fn command(&self) -> Command {
        let pairs: Vec<String> =
            self.logits.iter().map(|(name, logit)| format!("{name}={logit}")).collect();
        let mut words = vec!["worked", "softmax"];
        words.extend(pairs.iter().map(String::as_str));
        words.extend(["--true", &self.logits[self.truth].0]);
        Command::of(&words)
    }
}

/// Every share is at least half a per cent, and no two are equal.
fn reads_well(logits: &[(String, f64)]) -> bool {
    let sum: f64 = logits.iter().map(|(_, logit)| libm::exp(*logit)).sum();
    let shares: Vec<f64> = logits.iter().map(|(_, logit)| libm::exp(*logit) / sum).collect();
    let differ = |i: usize| shares[..i].iter().all(|other| (other - shares[i]).abs() >= 0.005);
    (0..shares.len()).all(|i| shares[i] >= 0.005 && differ(i))
}
