//! The softmax as people write it down.

use super::{BY_HAND, Softmax, Truth};
use crate::document::{Block, Column, Document, NoteKind, Step, Steps, Table, Text};
use crate::formula::{BigOperator, Fence, Math, Operator};
use crate::worked::digits::{cell, fixed, math, rounded, shown};

/// How many classes are shown one by one.
const SHOWN: usize = 12;
/// How many terms a sum is written out with.
const TERMS: usize = 6;

impl Softmax {
    /// The calculation step by step: exponentials, sum, probabilities, prediction, and with a true class the
    /// log-likelihood loss, the loss from the rounded probability, and the gradient; then the stable way.
    pub fn document(&self) -> Document {
        let mut document = Document::new(match self.truth {
            Some(_) => "Softmax and log-likelihood",
            None => "Softmax",
        });
        let shown = self.most_probable();
        document.push(Block::Table(self.table(&shown)));
        if shown.len() < self.labels.len() {
            let rest: f64 = self.others(&shown).map(|class| self.probabilities[class]).sum();
            document.note(
                NoteKind::Omitted,
                Text::from(format!(
                    "{} less probable classes, whose probabilities add up to ",
                    self.labels.len() - shown.len()
                ))
                .math(math(rest, 3)),
            );
        }
        self.say_probabilities(&mut document, &shown);
        self.say_prediction(&mut document);
        if let Some(truth) = &self.truth {
            self.say_loss(&mut document, truth);
            self.say_gradient(&mut document, truth);
        }
        self.say_stable(&mut document);
        document
    }

    /// The classes that are shown, in their own order.
    fn most_probable(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        order.sort_by(|&a, &b| self.probabilities[b].total_cmp(&self.probabilities[a]));
        order.truncate(SHOWN);
        if let Some(truth) = self.truth.as_ref().filter(|truth| !order.contains(&truth.class)) {
            order.pop();
            order.push(truth.class);
        }
        order.sort_unstable();
        order
    }

    fn others<'a>(&'a self, shown: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
        (0..self.labels.len()).filter(|class| !shown.contains(class))
    }

    fn table(&self, shown: &[usize]) -> Table {
        let z = Math::name("z");
        let mut columns = vec![
            Column::words("class"),
            Column::numbers(z.clone()),
            Column::numbers(Math::name("e").raised(z)),
            Column::numbers(Math::name("P")),
        ];
        if self.truth.is_some() {
            columns.push(Column::numbers(Math::name("y")));
            columns.push(Column::numbers(gradient_of("z")));
        }
        let mut table = Table::new(columns);
        for &class in shown {
            let mut row = vec![
                Text::from(self.labels[class].clone()),
                cell(self.scores[class], 6),
                exponential(self.exponentials[class]),
                percent(self.probabilities[class], 3),
            ];
            if let Some(truth) = &self.truth {
                row.push(Text::from(if class == truth.class { "1" } else { "0" }));
                row.push(six_places(truth.gradient[class]).into());
            }
            table.row(row);
        }
        table.row([
            Text::from("sum"),
            Text::default(),
            exponential(self.sum),
            Text::from(Math::number("100")).plain(" %"),
        ]);
        table
    }

    fn say_probabilities(&self, document: &mut Document, shown: &[usize]) {
        document.section("Probabilities");
        document.formula(Math::row([
            probability_of(Math::name("i")),
            Math::Operator(Operator::Equals),
            softmax_of(score("i")),
            Math::Operator(Operator::Equals),
            Math::fraction(
                exponential_of(score("i")),
                Math::row([sum_over("j"), exponential_of(score("j"))]),
            ),
        ]));
        if !self.sum.is_finite() {
            document.note(
                NoteKind::Warning,
                Text::default().math(exponential_of(Math::name("z"))).plain(
                    " is larger than any f64 for these scores, so the fraction cannot be computed as it stands; the \
                     stable way below can, and gave the probabilities above.",
                ),
            );
            return;
        }
        let listed: Vec<usize> = shown.iter().copied().take(TERMS).collect();
        let (computable, lost): (Vec<usize>, Vec<usize>) =
            listed.into_iter().partition(|&class| self.fraction_is_right(class));
        for &class in &computable {
            document.push(Block::Steps(self.fraction(class)));
        }
        if !lost.is_empty() {
            let names: Vec<&str> = lost.iter().map(|&class| self.labels[class].as_str()).collect();
            document.note(
                NoteKind::Warning,
                Text::default().math(exponential_of(Math::name("z"))).plain(format!(
                    " is smaller than f64 can hold for these scores, so the fraction cannot be computed as it stands \
                     for {}; the stable way below can, and gave the probabilities above.",
                    names.join(", ")
                )),
            );
        }
    }

    /// Whether e^z divided by the sum, as they stand, is the probability: both may be too small for f64.
    fn fraction_is_right(&self, class: usize) -> bool {
        let (found, right) = (self.exponentials[class] / self.sum, self.probabilities[class]);
        (found - right).abs() <= 1e-6 * right
    }

    /// softmax(z_A) = e^{z_A}/(e^{z_A} + …) ≈ 1097/(1097 + …) ≈ 98.9 %.
    fn fraction(&self, class: usize) -> Steps {
        let mut steps = Steps::new(softmax_of(score(&self.labels[class])));
        let symbols = self.labels.iter().map(|label| exponential_of(score(label)));
        steps.equals(
            Math::fraction(exponential_of(score(&self.labels[class])), sum(symbols)),
            "definition",
        );
        let numbers = self.exponentials.iter().map(|&value| math(value, BY_HAND));
        let numerator = math(self.exponentials[class], BY_HAND);
        steps.steps.push(approximately(
            Math::fraction(numerator, sum(numbers)),
            "three significant digits",
        ));
        steps.steps.push(approximately(percent_math(self.probabilities[class], BY_HAND), ""));
        steps
    }

    fn say_prediction(&self, document: &mut Document) {
        document.section("Prediction");
        let best = self.probabilities[self.predicted];
        let ties: Vec<&str> = (0..self.labels.len())
            .filter(|&class| self.probabilities[class] == best)
            .map(|class| self.labels[class].as_str())
            .collect();
        let label = &self.labels[self.predicted];
        document.say(
            Text::from("The predicted class is the class with the highest softmax score. The network predicts ")
                .plain(label.as_str())
                .plain(" with ")
                .math(percent_math(best, BY_HAND))
                .plain("."),
        );
        if ties.len() > 1 {
            document.note(
                NoteKind::Convention,
                format!("{} are equally probable; the first one is taken.", ties.join(", ")),
            );
        }
    }

    fn say_loss(&self, document: &mut Document, truth: &Truth) {
        document.section("Log-likelihood loss");
        let label = &self.labels[truth.class];
        let log_p = |of: &str| Math::apply("log", Math::row([probability_of(Math::text(of))]));
        let mut steps = Steps::new(Math::name("J"));
        steps.equals(
            Math::row([
                Math::Operator(Operator::Sign),
                Math::Big(
                    BigOperator::Sum,
                    Some(Box::new(Math::row([
                        Math::name("i"),
                        Math::Operator(Operator::Element),
                        Math::name("Y"),
                    ]))),
                    None,
                ),
                Math::number("1").lowered(Math::name("y").equals(Math::name("i"))),
                Math::Operator(Operator::Dot),
                Math::apply("log", Math::row([probability_of(Math::name("i"))])),
            ]),
            "definition",
        );
        steps.equals(
            Math::row([Math::number("-1"), Math::Operator(Operator::Dot), log_p(label)]),
            "only the true class counts",
        );
        let exact = self.probabilities[truth.class];
        if exact > 0.0 {
            steps.steps.push(approximately(negative_log(six_places(exact)), ""));
        }
        if truth.loss.is_finite() {
            let label = if exact > 0.0 { "" } else { "the stable way, below" };
            steps.steps.push(approximately(six_places(truth.loss), label));
        }
        document.push(Block::Steps(steps));
        if exact > 0.0 {
            document.note(NoteKind::Remark, by_hand(truth));
        } else {
            document.note(
                NoteKind::Warning,
                format!(
                    "P of {label} is smaller than f64 can hold, and -log(0) is infinite: from P no loss can be computed. \
                     The stable way below needs no probability."
                ),
            );
        }
        if !truth.loss.is_finite() {
            document.note(NoteKind::Warning, "The loss is larger than any f64 (1.8e308).");
        }
        document.say(self.engine_loss(truth));
    }

    /// What the engine makes of the loss.
    fn engine_loss(&self, truth: &Truth) -> Text {
        let beyond = self.scores.iter().find(|&&score| !(score as f32).is_finite());
        let largest = || math(f32::MAX.into(), 2);
        match beyond {
            Some(&score) => Text::from("The f32 engine, which trains with this operation, cannot: the score ")
                .math(math(score, 6))
                .plain(" is beyond the largest f32, ")
                .math(largest())
                .plain("."),
            None if truth.loss_f32.is_finite() => {
                Text::from("The f32 engine, which trains with this operation, computes J = ")
                    .math(Math::f32(truth.loss_f32))
                    .plain(".")
            }
            None => Text::from("The f32 engine, which trains with this operation, cannot: J is beyond the largest f32, ")
                .math(largest())
                .plain("."),
        }
    }

    fn say_gradient(&self, document: &mut Document, truth: &Truth) {
        document.section("Gradient");
        document.formula(Math::row([
            gradient_of("z_i"),
            Math::Operator(Operator::Equals),
            probability_of(Math::name("i")),
            Math::Operator(Operator::Minus),
            Math::name("y_i"),
        ]));
        let label = &self.labels[truth.class];
        document.say(
            Text::from(format!(
                "y is 1 for {label} and 0 else. The derivatives add up to 0: what pulls "
            ))
            .plain(label.as_str())
            .plain(" up pushes the others down."),
        );
    }

    fn say_stable(&self, document: &mut Document) {
        document.section("The stable way");
        let less_m = |score: &str| {
            Math::row([Math::name(score), Math::Operator(Operator::Minus), Math::name("m")])
        };
        let e_m = || exponential_of(Math::name("m"));
        document.say(
            Text::from("A score of 1000 would overflow ")
                .math(exponential_of(Math::name("z")))
                .plain(
                    ". Subtracting the greatest score m from all changes no probability, because ",
                )
                .math(
                    exponential_of(less_m("z"))
                        .equals(Math::fraction(exponential_of(Math::name("z")), e_m())),
                )
                .plain(" and ")
                .math(e_m())
                .plain(" cancels:"),
        );
        let shifted = less_m("z_j");
        let mut steps = Steps::new(Math::row([
            Math::text("ln"),
            sum_over("j"),
            exponential_of(Math::name("z_j")),
        ]));
        steps.equals(
            Math::row([
                Math::name("m"),
                Math::Operator(Operator::Plus),
                Math::text("ln"),
                sum_over("j"),
                exponential_of(shifted),
            ]),
            "log-sum-exp",
        );
        steps.steps.push(approximately(
            Math::row([
                math(self.max, 6),
                Math::Operator(Operator::Plus),
                Math::apply("ln", math(self.shifted_sum, 7)),
            ]),
            Text::from("m = ").math(math(self.max, 6)),
        ));
        steps.steps.push(approximately(math(self.log_sum_exp, 7), ""));
        document.push(Block::Steps(steps));
        if let Some(truth) = &self.truth {
            let score = self.scores[truth.class];
            let mut steps = Steps::new(Math::name("J"));
            steps.equals(
                Math::row([
                    Math::text("ln"),
                    sum_over("j"),
                    exponential_of(Math::name("z_j")),
                    Math::Operator(Operator::Minus),
                    self::score(&self.labels[truth.class]),
                ]),
                "no probability is needed",
            );
            steps.steps.push(approximately(
                Math::row([
                    math(self.log_sum_exp, 7),
                    Math::Operator(Operator::Minus),
                    if score < 0.0 { math(score, 6).fenced() } else { math(score, 6) },
                ]),
                "",
            ));
            if truth.loss.is_finite() {
                steps.steps.push(approximately(six_places(truth.loss), ""));
            }
            document.push(Block::Steps(steps));
        }
    }
}

/// The loss as it comes out by hand, from a rounded P.
fn by_hand(truth: &Truth) -> Text {
    let hand = truth.by_hand;
    let text = Text::from("By hand one rounds P first: ")
        .math(approximate_row([
            negative_log(math(hand.probability, BY_HAND)),
            math(hand.loss, 4),
            math(hand.loss, 2),
        ]))
        .plain(", where the unrounded P gives ")
        .math(six_places(truth.loss))
        .plain(".");
    match hand.probability == 1.0 && truth.loss > 0.0 {
        true => text.plain(" Rounding to 1 has swallowed the whole loss."),
        false => text,
    }
}

fn negative_log(p: Math) -> Math {
    Math::row([Math::Operator(Operator::Sign), Math::apply("log", p)])
}

/// Six decimals, or six significant digits where decimals would show nothing.
fn six_places(value: f64) -> Math {
    let size = value.abs();
    if size == 0.0 || (1e-4..1e6).contains(&size) { fixed(value, 6) } else { math(value, 6) }
}

/// e^z with three decimals while that says something.
fn exponential(value: f64) -> Text {
    let size = value.abs();
    if (0.1..1e7).contains(&size) { fixed(value, 3).into() } else { cell(value, 4) }
}

fn percent_math(probability: f64, digits: usize) -> Math {
    // The digits are those of P, so that what stands here is what −ln is taken of.
    Math::row([math(rounded(probability, digits) * 100.0, digits), Math::text(" %")])
}

fn percent(probability: f64, places: usize) -> Text {
    let percent = probability * 100.0;
    if percent == 0.0 || percent >= 0.001 {
        Text::from(fixed(percent, places)).plain(" %")
    } else {
        Text::from(Math::number(&shown(percent, 3))).plain(" %")
    }
}

fn score(label: &str) -> Math {
    let is_number = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
    Math::name("z").lowered(match label.len() {
        _ if is_number => Math::number(label),
        1 => Math::name(label),
        _ => Math::text(label), // not operations: words
    })
}

fn exponential_of(exponent: Math) -> Math {
    Math::name("e").raised(exponent)
}

fn softmax_of(score: Math) -> Math {
    Math::apply("softmax", score)
}

fn probability_of(class: Math) -> Math {
    let bar = Math::text(" | ");
    Math::row([
        Math::name("P"),
        Math::Fence(
            Fence::Round,
            Box::new(Math::row([Math::name("y").equals(class), bar, Math::name("x")])),
        ),
    ])
}

fn gradient_of(variable: &str) -> Math {
    let partial = |of: &str| Math::row([Math::Operator(Operator::Partial), Math::name(of)]);
    Math::fraction(partial("J"), partial(variable))
}

fn sum_over(index: &str) -> Math {
    Math::Big(BigOperator::Sum, Some(Box::new(Math::name(index))), None)
}

/// `a + b + … + z`, the middle left out where there are many.
fn sum(terms: impl ExactSizeIterator<Item = Math>) -> Math {
    let count = terms.len();
    let mut row = vec![];
    for (at, term) in terms.enumerate() {
        let left_out = count > TERMS && (TERMS - 1..count - 1).contains(&at);
        if left_out && at > TERMS - 1 {
            continue;
        }
        if at > 0 {
            row.push(Math::Operator(Operator::Plus));
        }
        row.push(if left_out { Math::Operator(Operator::Dots) } else { term });
    }
    Math::Row(row)
}

fn approximately(value: Math, label: impl Into<Text>) -> Step {
    Step { relation: Operator::Approximately, value, label: label.into(), check: None }
}

fn approximate_row(parts: impl IntoIterator<Item = Math>) -> Math {
    let mut row = vec![];
    for part in parts {
        if !row.is_empty() {
            row.push(Math::Operator(Operator::Approximately));
        }
        row.push(part);
    }
    Math::Row(row)
}
