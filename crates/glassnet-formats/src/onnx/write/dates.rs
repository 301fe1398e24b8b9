//! Dates as features. ONNX's operators up to version 17 read no texts, so a date arrives as a number: the seconds since
//! 1970-01-01 00:00, of which whole-number arithmetic makes year, month, day of the week and time of day.

use super::nodes::{Nodes, int};
use super::table::{cast, joined};
use crate::onnx::element::Element;

/// The parts of a date that become features, in this order: the year, `(year − mean)/std`; sine and cosine of 2π·(month −
/// 1)/12; of 2π·day/7, Monday being 0; of 2π·seconds/86400.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnnxDate {
    /// Mean and standard deviation of the years, if the year is a feature.
    pub year: Option<(f64, f64)>,
    /// Whether the month is.
    pub month: bool,
    /// Whether the day of the week is.
    pub weekday: bool,
    /// Whether the time of day is.
    pub time: bool,
}

impl OnnxDate {
    /// How many features there are.
    pub(super) fn width(&self) -> usize {
        let circles = [self.month, self.weekday, self.time];
        let circles = circles.into_iter().filter(|&there| there).count();
        usize::from(self.year.is_some()) + 2 * circles
    }
}

/// The seconds of a day.
const DAY: f64 = 86_400.0;

/// Eras of 400 years that are added before the arithmetic and taken away after it, so that no number is negative from
/// year −1600 on.
const ERAS: i64 = 4;

/// Appends what makes features of the column `name`.
pub(super) fn date(name: &str, parts: &OnnxDate, gaps: bool, nodes: &mut Nodes) -> Vec<String> {
    let mut steps = Steps { name, nodes };
    let missing = steps.call("IsNaN", &[name]);
    let zero = steps.wide(0.0);
    let seconds = steps.call("Where", &[&missing, &zero, name]);
    let day = steps.wide(DAY);
    let whole = steps.call("Div", &[&seconds, &day]);
    let whole = steps.call("Floor", &[&whole]);
    let mut features = vec![];
    if parts.year.is_some() || parts.month {
        let days = steps.cast(&whole, Element::I64);
        let (year, month) = steps.civil(&days);
        if let Some((mean, std)) = parts.year {
            let (mean, std) = (steps.wide(mean), steps.wide(std));
            let year = steps.cast(&year, Element::F64);
            let centred = steps.call("Sub", &[&year, &mean]);
            let scaled = steps.call("Div", &[&centred, &std]);
            features.push(steps.cast(&scaled, Element::F32));
        }
        if parts.month {
            features.push(steps.on_circle(&month, 12));
        }
    }
    if parts.weekday {
        let days = steps.cast(&whole, Element::I64);
        // The first day of 1970 was a Thursday, 3; the eras are whole weeks.
        let shifted = steps.plus(&days, ERAS * 146_097 * 7 + 3);
        let weekday = steps.rest(&shifted, 7);
        features.push(steps.on_circle(&weekday, 7));
    }
    if parts.time {
        let before = steps.call("Mul", &[&whole, &day]);
        let of_day = steps.call("Sub", &[&seconds, &before]);
        let turn = steps.wide(std::f64::consts::TAU / DAY);
        let angle = steps.call("Mul", &[&of_day, &turn]);
        // A cosine is the sine a quarter further on, which ONNX Runtime has for float64, too.
        let quarter = steps.wide(std::f64::consts::FRAC_PI_2);
        let further = steps.call("Add", &[&angle, &quarter]);
        for angle in [angle, further] {
            let sine = steps.call("Sin", &[&angle]);
            features.push(steps.cast(&sine, Element::F32));
        }
    }
    let all = joined(name, &features, steps.nodes);
    let nothing = steps.nodes.number(name, 0.0);
    let mut found = vec![steps.call("Where", &[&missing, &nothing, &all])];
    if gaps {
        found.push(steps.cast(&missing, Element::F32));
    }
    found
}

/// Nodes of one column.
struct Steps<'a> {
    name: &'a str,
    nodes: &'a mut Nodes,
}

impl Steps<'_> {
    fn call(&mut self, kind: &str, inputs: &[&str]) -> String {
        self.nodes.push(self.name, kind, inputs, vec![])
    }

    fn cast(&mut self, x: &str, to: Element) -> String {
        cast(self.name, x, to, self.nodes)
    }

    fn wide(&mut self, number: f64) -> String {
        self.nodes.wide(&format!("/{}/number", self.name), &[number])
    }

    fn plus(&mut self, x: &str, number: i64) -> String {
        let number = self.nodes.whole(self.name, number);
        self.call("Add", &[x, &number])
    }

    fn times(&mut self, x: &str, number: i64) -> String {
        let number = self.nodes.whole(self.name, number);
        self.call("Mul", &[x, &number])
    }

    /// The whole part of a quotient of numbers that are not negative.
    fn over(&mut self, x: &str, number: i64) -> String {
        let number = self.nodes.whole(self.name, number);
        self.call("Div", &[x, &number])
    }

    /// What a division leaves.
    fn rest(&mut self, x: &str, number: i64) -> String {
        let whole = self.over(x, number);
        let whole = self.times(&whole, number);
        self.call("Sub", &[x, &whole])
    }

    /// The year, and the month counted from 0, of the day that is so many days after 1970-01-01.
    ///
    /// # Source
    /// H. Hinnant, 'chrono-Compatible Low-Level Date Algorithms', `civil_from_days`.
    fn civil(&mut self, days: &str) -> (String, String) {
        let shifted = self.plus(days, 719_468 + ERAS * 146_097);
        let era = self.over(&shifted, 146_097);
        let of_era = self.rest(&shifted, 146_097);
        let (a, b, c) =
            (self.over(&of_era, 1460), self.over(&of_era, 36_524), self.over(&of_era, 146_096));
        let leapless = self.call("Sub", &[&of_era, &a]);
        let leapless = self.call("Add", &[&leapless, &b]);
        let leapless = self.call("Sub", &[&leapless, &c]);
        let year_of_era = self.over(&leapless, 365);
        let (whole, fourth, hundredth) = (
            self.times(&year_of_era, 365),
            self.over(&year_of_era, 4),
            self.over(&year_of_era, 100),
        );
        let before = self.call("Add", &[&whole, &fourth]);
        let before = self.call("Sub", &[&before, &hundredth]);
        let of_year = self.call("Sub", &[&of_era, &before]);
        let month = self.times(&of_year, 5);
        let month = self.plus(&month, 2);
        // Counted from March, 0.
        let month = self.over(&month, 153);
        let years = self.times(&era, 400);
        let years = self.call("Add", &[&years, &year_of_era]);
        let after_december = self.plus(&month, 2);
        let next = self.over(&after_december, 12);
        let year = self.call("Add", &[&years, &next]);
        (self.plus(&year, -400 * ERAS), self.rest(&after_december, 12))
    }

    /// Sine and cosine of a place on a circle of so many, as training has them.
    fn on_circle(&mut self, place: &str, count: usize) -> String {
        let angle = |at: usize| std::f64::consts::TAU * (at as f64 / count as f64);
        let circle: Vec<f32> = (0..count)
            .flat_map(|at| [libm::sin(angle(at)) as f32, libm::cos(angle(at)) as f32])
            .collect();
        let wanted = format!("/{}/circle of {count}", self.name);
        let table = self.nodes.own(&wanted, &[count, 2], &circle);
        let found = self.nodes.push(self.name, "Gather", &[&table, place], vec![int("axis", 0)]);
        self.nodes.push(self.name, "Flatten", &[&found], vec![int("axis", 1)])
    }
}
