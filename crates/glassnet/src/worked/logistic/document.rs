//! The comparison of network and optimum, and of sigmoid and softmax.

use super::{Logistic, Separation};
use crate::document::{Block, Column, Document, NoteKind, Steps, Table, Text};
use crate::formula::{Math, Operator};
use crate::worked::digits::{cell, count, fixed, math};

/// The most inputs that are listed.
const SHOWN: usize = 30;

impl Logistic {
    /// The model, its weights beside the optimum's, the losses, and the same model by softmax.
    pub fn document(&self) -> Document {
        let mut document = Document::new("Logistic regression as a network");
        document.say(
            Text::from(format!(
                "A network without a hidden layer and with a sigmoid at its output is logistic regression: the probability \
                 of {} is ",
                self.classes[1]
            ))
            .math(Math::apply(
                "σ",
                Math::sum([
                    Math::row([
                        Math::name("w").raised(Math::Operator(Operator::Transposed)),
                        Math::name("x"),
                    ]),
                    Math::name("b"),
                ]),
            ))
            .plain("."),
        );
        document.say(format!(
            "{} of {}, {} of {}. Inputs are standardised: less their mean, divided by their standard deviation.",
            count(self.rows, "row"),
            count(self.names.len(), "input"),
            self.positive,
            self.classes[1],
        ));
        document.push(Block::Table(self.weights_table()));
        if self.names.len() > SHOWN {
            document.note(
                NoteKind::Omitted,
                format!("{} further inputs; --json has them", self.names.len() - SHOWN),
            );
        }
        self.say_losses(&mut document);
        if let Some(separation) = &self.separation {
            self.say_separation(&mut document, separation);
        }
        self.say_twice(&mut document);
        document
    }

    fn weights_table(&self) -> Table {
        let mut columns = vec![
            Column::words("input"),
            Column::numbers("mean"),
            Column::numbers("deviation"),
            Column::numbers("network's w"),
        ];
        if self.optimum.is_some() {
            columns.push(Column::numbers("optimum's w"));
        }
        columns.push(Column::numbers("w per unit"));
        let mut table = Table::new(columns);
        let optimum = |at: usize| self.optimum.as_ref().map(|optimum| cell(optimum.weights[at], 6));
        for (at, name) in self.names.iter().enumerate().take(SHOWN) {
            let (mean, std) = self.scaling[at];
            let mut row =
                vec![name.clone().into(), cell(mean, 5), cell(std, 5), cell(self.weights[at], 6)];
            row.extend(optimum(at));
            row.push(cell(self.weights[at] / std, 5));
            table.row(row);
        }
        let bias = self.names.len();
        let shift: f64 =
            (0..bias).map(|at| self.weights[at] * self.scaling[at].0 / self.scaling[at].1).sum();
        let mut row =
            vec!["bias b".into(), Text::default(), Text::default(), cell(self.weights[bias], 6)];
        row.extend(optimum(bias));
        row.push(cell(self.weights[bias] - shift, 5));
        table.row(row);
        table
    }

    fn say_losses(&self, document: &mut Document) {
        document.section("The network and the optimum");
        let penalty = if self.l2 > 0.0 {
            format!(", with the penalty ½·{}·Σw² over weights and bias", self.l2)
        } else {
            String::new()
        };
        document.say(format!(
            "The loss is the mean binary cross-entropy{penalty}. It is convex in w and b, so Newton's method finds the \
             least value there is; the network is trained as any network is ({}).",
            self.training
        ));
        let mut table = Table::new([Column::words("found by"), Column::numbers("loss")]);
        table.row(["network".into(), fixed(self.loss, 9).into()]);
        if let Some(optimum) = &self.optimum {
            table.row(["Newton's method".into(), fixed(optimum.loss, 9).into()]);
            table.row(["difference".into(), cell(self.loss - optimum.loss, 3)]);
        }
        document.push(Block::Table(table));
        document.say(
            Text::from("The network gets ")
                .math(math(100.0 * self.accuracy, 4))
                .plain(" % of these rows right."),
        );
        if let Some(optimum) = &self.optimum {
            document.say(
                Text::from(format!(
                    "Newton's method took {}; the largest element of the gradient there is ",
                    count(optimum.steps, "step")
                ))
                .math(math(optimum.gradient, 2))
                .plain("."),
            );
            let gap = self.loss - optimum.loss;
            if gap > 1e-6 {
                document.note(
                    NoteKind::Warning,
                    "The network is not yet within 1e-6 of the optimum: train it for more epochs.",
                );
            }
            if optimum.ambiguous {
                document.note(
                    NoteKind::Remark,
                    "Inputs depend on each other, so other weights have the same loss: the loss is unique, the weights \
                     are not.",
                );
            }
        }
    }

    fn say_separation(&self, document: &mut Document, separation: &Separation) {
        document.section("There is no optimum");
        let rows = if separation.margin > 0.0 {
            "every row lies on its own side of a plane (the classes are separable)"
        } else {
            "no row lies on the wrong side of a plane and some lie on it (quasi-separable)"
        };
        document.say(format!(
            "Here {rows}. Multiplying such weights by a larger number always lowers the loss, so the loss has a greatest \
             lower bound that no weights reach, and training makes the weights grow for ever:",
        ));
        let mut table =
            Table::new([Column::numbers("length of the weights"), Column::numbers("loss")]);
        for &(factor, loss) in &separation.losses {
            table.row([cell(factor, 4), cell(loss, 6)]);
        }
        document.push(Block::Table(table));
        document.say(
            "A penalty on the weights (--l2 0.01) gives an optimum; stopping early does something like it.",
        );
    }

    fn say_twice(&self, document: &mut Document) {
        document.section("The same as softmax with two classes");
        let z = || Math::name("z");
        let e = |exponent: Math| Math::name("e").raised(exponent);
        let both = Math::row([Math::number("0"), Math::Operator(Operator::Comma), z()]);
        let second = Math::apply("softmax", both).lowered(Math::number("2"));
        let mut steps = Steps::new(second);
        steps.equals(
            Math::fraction(e(z()), Math::sum([e(Math::number("0")), e(z())])),
            "definition, of the second class",
        );
        steps.equals(
            Math::fraction(
                Math::number("1"),
                Math::sum([Math::number("1"), e(Math::row([Math::Operator(Operator::Sign), z()]))]),
            ),
            "divide by e^z",
        );
        steps.equals(Math::apply("σ", z()), "definition");
        document.push(Block::Steps(steps));
        let mut table = Table::new([
            Column::numbers("row"),
            Column::words("class"),
            Column::numbers(z()),
            Column::numbers("σ(z)"),
            Column::numbers("softmax"),
            Column::numbers("binary cross-entropy"),
            Column::numbers("cross-entropy"),
        ]);
        for row in &self.twice {
            table.row([
                Math::number(&(row.row + 1).to_string()).into(),
                self.classes[usize::from(row.positive)].clone().into(),
                cell(row.z, 5),
                cell(row.sigmoid, 6),
                cell(row.softmax, 6),
                cell(row.binary_cross_entropy, 6),
                cell(row.cross_entropy, 6),
            ]);
        }
        document.push(Block::Table(table));
        if self.twice.len() < self.rows {
            let left_out = count(self.rows - self.twice.len(), "further row");
            document.note(
                NoteKind::Omitted,
                format!("{left_out}; these are the first ones of both classes"),
            );
        }
        let apart = self.twice.iter().fold(0.0f64, |most, row| {
            most.max((row.sigmoid - row.softmax).abs())
                .max((row.binary_cross_entropy - row.cross_entropy).abs())
        });
        document.say(
            Text::from("On these rows the two ways differ by ")
                .math(math(apart, 2))
                .plain(" at most, the rounding of f64. Two outputs have one number too many: only their difference counts."),
        );
    }
}
