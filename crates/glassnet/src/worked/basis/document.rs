//! The comparison as a table, the fitted formulas, and what there is to learn from them.

use super::{Basis, BasisFunction, BasisKind, FittedBasis, learned};
use crate::document::{
    Axis, Block, Column, Document, Figure, NoteKind, Plot, Series, Style, Table, Text,
};
use crate::formula::{BigOperator, Math, Operator};
use crate::worked::digits::{cell, count, math};

/// The most terms that a fitted formula is written with.
const TERMS: usize = 12;
/// A mean squared error below this part of the target's variance is an exact fit up to rounding.
const EXACT: f64 = 1e-18;

impl Basis {
    /// The table of errors, the formulas with their coefficients, and what the comparison shows.
    pub fn document(&self) -> Document {
        let mut document = Document::new("Basis functions and learned features");
        document.say(format!(
            "{} of {} and the target {}. Each model is a sum of basis functions times coefficients, and least squares \
             finds the coefficients that make the mean squared error (MSE) least:",
            count(self.inputs.len(), "row"),
            self.names.join(", "),
            self.target_name,
        ));
        document.formula(Math::name("y").lowered(Math::text("model")).equals(Math::row([
            Math::Big(BigOperator::Sum, Some(Box::new(Math::name("k"))), None),
            Math::name("c_k"),
            Math::Operator(Operator::Dot),
            Math::apply("φ", Math::name("x")).clone(),
        ])));
        let variables = super::variables(self.names.len());
        if self.names.iter().zip(&variables).any(|(name, variable)| name != variable) {
            let legend: Vec<String> = variables
                .iter()
                .zip(&self.names)
                .map(|(variable, name)| format!("{variable} is {name}"))
                .collect();
            document.say(format!("In the formulas {}.", legend.join(" and ")));
        }
        document.push(Block::Table(self.table()));
        self.say_formulas(&mut document);
        self.say_learned(&mut document);
        if !self.curves.is_empty() {
            document.push(Block::Figure(self.figure()));
        }
        self.say_difference(&mut document);
        document
    }

    fn variance(&self) -> f64 {
        let mean = self.target.iter().sum::<f64>() / self.target.len() as f64;
        self.target.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / self.target.len() as f64
    }

    /// The error as it is shown: what is left of an exact fit is rounding.
    fn shown_mse(&self, mse: f64) -> Text {
        if mse <= EXACT * self.variance().max(f64::MIN_POSITIVE) {
            Math::number("0").into()
        } else {
            cell(mse, 5)
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new([
            Column::words("basis"),
            Column::words("functions"),
            Column::numbers("how many"),
            Column::numbers("independent"),
            Column::numbers("MSE"),
        ]);
        for basis in &self.bases {
            table.row([
                basis.kind.words().into(),
                basis.listed(),
                cell(basis.functions.len() as f64, 6),
                cell(basis.independent() as f64, 6),
                self.shown_mse(basis.mse),
            ]);
        }
        table
    }

    fn say_formulas(&self, document: &mut Document) {
        document.section("The fitted models");
        for basis in &self.bases {
            let used = basis.functions.iter().filter(|function| function.independent).count();
            if used > TERMS {
                document.note(
                    NoteKind::Omitted,
                    format!("{}: {used} coefficients; --json has them", basis.kind.words()),
                );
                continue;
            }
            document.say(Text::from(format!("{}:", basis.kind.words())));
            document.formula(Math::name("y").approximately(basis.formula()));
            if let BasisKind::Radial { width, centres, selected } = &basis.kind {
                let name = Math::name("φ").lowered(Math::name("c"));
                let exponent = Math::row([
                    Math::Operator(Operator::Sign),
                    Math::row([
                        Math::Fence(
                            crate::formula::Fence::DoubleBars,
                            Box::new(Math::row([
                                Math::name("x"),
                                Math::Operator(Operator::Minus),
                                Math::name("c"),
                            ])),
                        )
                        .raised(Math::number("2")),
                        Math::text("/"),
                        math(2.0 * width * width, 5),
                    ]),
                ]);
                let how = if *selected {
                    "rows chosen one by one, each the one that leaves the least error"
                } else {
                    "given"
                };
                document.say(
                    Text::from("with ")
                        .math(name.equals(Math::name("e").raised(exponent)))
                        .plain(format!(", {}: {how}.", count(centres.len(), "centre"))),
                );
            }
        }
        if self.bases.iter().any(|basis| basis.independent() < basis.functions.len()) {
            document.note(
                NoteKind::Remark,
                "A function that depends on earlier ones on these rows (as x² does on x where x is 0 or 1) adds \
                 nothing and gets the coefficient 0.",
            );
        }
    }

    fn say_learned(&self, document: &mut Document) {
        document.section("The learned features");
        let mut text = Text::from("The network is ").code(self.network.module().notation());
        text = match &self.training {
            Some(words) => text.plain(format!("; trained by {words}.")),
            None => text.plain("; its weights were given."),
        };
        document.say(text);
        let units = learned::unit_formulas(&self.network);
        if !units.is_empty() && units.len() <= TERMS {
            document.say("Its hidden units are the basis functions:");
            units.into_iter().for_each(|unit| document.formula(unit));
        }
        if let Some(mse) = self.network_mse {
            document.say(
                Text::from("With its own last layer its MSE is ")
                    .math(math(mse, 5))
                    .plain("; least squares on its hidden units, which can only be better, gives ")
                    .math(self.bases.last().map_or(Math::number("0"), |basis| math(basis.mse, 5)))
                    .plain("."),
            );
        }
    }

    fn say_difference(&self, document: &mut Document) {
        document.section("What the difference is");
        let Some(learned) = self.bases.last() else { return };
        let hand = &self.bases[..self.bases.len() - 1];
        let tiny = EXACT * self.variance().max(f64::MIN_POSITIVE);
        let better: Vec<&FittedBasis> =
            hand.iter().filter(|basis| basis.mse <= learned.mse.max(tiny)).collect();
        document.say(
            "By hand: somebody chooses the functions, and the fit has one solution, found at once. A choice that misses \
             the shape of the data cannot be mended by its coefficients. Learned: the units adapt to the task, at the \
             price of a training that depends on its start.",
        );
        let worse = hand.len() - better.len();
        if hand.is_empty() {
            return;
        }
        document.say(format!(
            "Here {worse} of {} chosen by hand {} a larger error than the {} learned ones; {}.",
            if hand.len() == 1 { "1 basis".to_owned() } else { format!("{} bases", hand.len()) },
            if worse == 1 { "leaves" } else { "leave" },
            learned.functions.len(),
            match better.iter().min_by_key(|basis| basis.independent()) {
                Some(basis) => format!(
                    "the smallest that does as well is {} with {}",
                    basis.kind.words(),
                    count(basis.independent(), "independent function")
                ),
                None => "none does as well".to_owned(),
            }
        ));
        if self.bases.iter().any(|basis| basis.independent() >= self.inputs.len()) {
            document.note(
                NoteKind::Warning,
                "As many independent functions as rows fit any targets exactly: an error of 0 then says nothing about \
                 new rows.",
            );
        }
    }

    fn figure(&self) -> Figure {
        let mut series: Vec<Series> = self
            .bases
            .iter()
            .zip(&self.curves)
            .map(|(basis, points)| Series {
                name: basis.kind.words().into(),
                points: points.clone(),
                style: if basis.kind == BasisKind::Learned { Style::Line } else { Style::Dashed },
            })
            .collect();
        series.push(Series {
            name: "rows".into(),
            points: self.inputs.iter().zip(&self.target).map(|(x, &y)| (x[0], y)).collect(),
            style: Style::Points,
        });
        Figure {
            caption: "The fitted models over the rows".into(),
            alternative: format!(
                "{} over {}: the rows as points, and a curve for each of {}",
                self.target_name,
                self.names.join(", "),
                count(self.bases.len(), "model")
            ),
            plot: Plot {
                x: Axis::new(self.names[0].clone()),
                y: Axis::new(self.target_name.clone()),
                series,
                marks: vec![],
            },
        }
    }
}

impl FittedBasis {
    /// How many functions depend on no earlier one.
    pub fn independent(&self) -> usize {
        self.functions.iter().filter(|function| function.independent).count()
    }

    /// The names of the functions, the first few.
    fn listed(&self) -> Text {
        let mut text = Text::default();
        for (at, function) in self.functions.iter().enumerate() {
            if at > 0 {
                text = text.plain(", ");
            }
            if at == 4 && self.functions.len() > 5 {
                return text.plain("…");
            }
            text = text.math(function.name.clone());
        }
        text
    }

    /// Σ c·φ with the numbers put in; terms that are 0 up to rounding are left out.
    fn formula(&self) -> Math {
        let largest = self
            .functions
            .iter()
            .fold(0.0f64, |most, function| most.max(function.coefficient.abs()));
        let terms: Vec<Math> = self
            .functions
            .iter()
            .filter(|function| function.coefficient.abs() > 1e-12 * largest)
            .map(term)
            .collect();
        if terms.is_empty() { Math::number("0") } else { Math::sum(terms) }
    }
}

fn term(function: &BasisFunction) -> Math {
    let size = function.coefficient.abs();
    let number = math(size, 5);
    let one = number == Math::number("1");
    let term = match (function.text.as_str(), one) {
        ("1", _) => number,
        (_, true) => function.name.clone(),
        (_, false) => Math::row([number, Math::Operator(Operator::Beside), function.name.clone()]),
    };
    if function.coefficient < 0.0 { term.negative() } else { term }
}

impl BasisKind {
    /// The family in words.
    pub fn words(&self) -> String {
        match self {
            BasisKind::Polynomial(0) => "constant".into(),
            BasisKind::Polynomial(1) => "linear".into(),
            BasisKind::Polynomial(degree) => format!("polynomial of degree {degree}"),
            BasisKind::Product => "linear with product".into(),
            BasisKind::Own => "own functions".into(),
            BasisKind::Radial { centres, .. } => {
                format!("radial, {}", count(centres.len(), "centre"))
            }
            BasisKind::Fourier(order) => format!("Fourier up to frequency {order}"),
            BasisKind::Learned => "learned units".into(),
        }
    }
}
