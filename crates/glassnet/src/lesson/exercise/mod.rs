//! Fresh variants of the exercise's tasks, made from a seed, with solutions that the tools work out.
//!
//! A variant is a choice of numbers ([`Numbers`]), drawn so that they come out readable. From them follow its statement and
//! its solution, both Markdown as the lessons are: the solution holds no number of its own, only the commands that
//! compute them. The same task and seed give the same variant in every version and on every machine.

mod basis;
mod collapse;
mod compare;
mod count;
mod derivative;
mod draw;
mod manual;
mod network;
mod softmax;
#[cfg(test)]
mod tests;

use super::{Command, Run, book, read};
use crate::document::Document;
use crate::error::Result;
use crate::math::random::Stream;

pub use basis::Basis;
pub use collapse::Collapse;
pub use compare::Compare;
pub use count::Count;
pub use derivative::Derivative;
pub use manual::{Manual, State};
pub use network::{Network, Redundant};
pub use softmax::Softmax;

/// The random stream of exercises. Another way of choosing numbers gets another stream, or old seeds would give new
/// variants.
const STREAM: u64 = 0x6578_6572_6369_7365;

/// The tasks that have variants, in the sheet's order.
pub const TASKS: &[&str] = &["1.1", "1.2", "1.3", "1.4", "2.1", "2.2", "2.3", "2.5"];

/// A variant of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Exercise {
    /// The task on the sheet.
    pub task: &'static str,
    /// The seed that it was made from.
    pub seed: u64,
    /// What was chosen.
    pub numbers: Numbers,
}

/// What is chosen for a variant.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// 1.1: linear layers collapse.
    Collapse(Collapse),
    /// 1.2: the derivative of an activation.
    Derivative(Derivative),
    /// 1.3: activations compared.
    Compare(Compare),
    /// 1.4: softmax and log-likelihood.
    Softmax(Softmax),
    /// 2.1: basis functions against a network.
    Basis(Basis),
    /// 2.2: counting weights.
    Count(Count),
    /// 2.3: optimisation by hand.
    Manual(Manual),
    /// 2.5: a network evaluated.
    Network(Network),
}

impl Exercise {
    /// The variant of `task` that `seed` gives.
    ///
    /// # Errors
    /// When the task has no variants, with those that have.
    ///
    /// # Example
    /// ```
    /// use glassnet::lesson::exercise::Exercise;
    /// let exercise = Exercise::new("2.3", 7)?;
    /// assert_eq!(exercise, Exercise::new("2.3", 7)?);
    /// assert!(exercise.statement().starts_with("# Task 2.3, variant 7"));
    /// assert!(exercise.commands().iter().all(|command| command.words[0] == "glassnet"));
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn new(task: &str, seed: u64) -> Result<Exercise> {
        let lower = task.trim().to_lowercase();
        let number = lower.strip_prefix("task").unwrap_or(&lower).trim();
        let Some(at) = TASKS.iter().position(|known| *known == number) else {
            return Err(match number {
                "2.4" => crate::Error::usage("task 2.4 has no numbers to vary")
                    .at("the task")
                    .help("glassnet lesson 2.4 shows how to set up"),
                number => book::unknown("task", task, number, TASKS),
            });
        };
        // A step per task: the same seed gives unrelated numbers in each.
        let stream = &mut Stream::at(seed, STREAM, at as u64);
        let numbers = match TASKS[at] {
            "1.1" => Numbers::Collapse(Collapse::draw(stream)),
            "1.2" => Numbers::Derivative(Derivative::draw(stream, seed)),
            "1.3" => Numbers::Compare(Compare::draw(stream)),
            "1.4" => Numbers::Softmax(Softmax::draw(stream)),
            "2.1" => Numbers::Basis(Basis::draw(stream)),
            "2.2" => Numbers::Count(Count::draw(stream)),
            "2.3" => Numbers::Manual(Manual::draw(stream)),
            _ => Numbers::Network(Network::draw(stream)),
        };
        Ok(Exercise { task: TASKS[at], seed, numbers })
    }

    /// What is asked, as Markdown.
    pub fn statement(&self) -> String {
        let (title, body) = match &self.numbers {
            Numbers::Collapse(numbers) => ("Non-linear vs. linear", numbers.statement()),
            Numbers::Derivative(numbers) => ("Computing gradients", numbers.statement()),
            Numbers::Compare(numbers) => ("Advantages and disadvantages", numbers.statement()),
            Numbers::Softmax(numbers) => ("Softmax predictions", numbers.statement()),
            Numbers::Basis(numbers) => ("Basis functions and neural networks", numbers.statement()),
            Numbers::Count(numbers) => ("Compute the number of weights", numbers.statement()),
            Numbers::Manual(numbers) => ("Manual optimization", numbers.statement()),
            Numbers::Network(numbers) => ("A network evaluated", numbers.statement()),
        };
        format!("# Task {}, variant {}: {title}\n\n{body}", self.task, self.seed)
    }

    /// The worked solution, as Markdown with commands.
    pub fn solution(&self) -> String {
        match &self.numbers {
            Numbers::Collapse(numbers) => numbers.solution(),
            Numbers::Derivative(numbers) => numbers.solution(),
            Numbers::Compare(numbers) => numbers.solution(),
            Numbers::Softmax(numbers) => numbers.solution(),
            Numbers::Basis(numbers) => numbers.solution(),
            Numbers::Count(numbers) => numbers.solution(),
            Numbers::Manual(numbers) => numbers.solution(),
            Numbers::Network(numbers) => numbers.solution(),
        }
    }

    /// The commands that work the solution out.
    pub fn commands(&self) -> Vec<Command> {
        match &self.numbers {
            Numbers::Collapse(numbers) => vec![numbers.command()],
            Numbers::Derivative(numbers) => vec![numbers.command()],
            Numbers::Compare(numbers) => vec![numbers.command()],
            Numbers::Softmax(numbers) => vec![numbers.command()],
            Numbers::Basis(numbers) => vec![numbers.command()],
            Numbers::Count(numbers) => vec![numbers.command()],
            Numbers::Manual(numbers) => vec![numbers.command()],
            Numbers::Network(numbers) => vec![numbers.command()],
        }
    }

    /// The statement, and the solution if it is wanted, its commands answered by `run`.
    ///
    /// # Errors
    /// What `run` says.
    pub fn document(&self, solution: bool, run: &mut Run<'_>) -> Result<Document> {
        let mut text = self.statement();
        if solution {
            text.push_str(&format!("\n## Solution\n\n{}", self.solution()));
        }
        read(&format!("variant {} of task {}", self.seed, self.task), &text, run)
    }
}

/// A fenced block with a command, as lessons have it.
fn fenced(command: &Command) -> String {
    format!("```glassnet\n{}\n```\n", command.line)
}
