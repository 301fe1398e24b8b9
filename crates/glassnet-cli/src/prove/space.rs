//! The inputs of a model as its user knows them: columns in their own units, categories by their names.
//!
//! # Why a statement about columns follows from one about features
//! A number becomes a feature by a subtraction, a division and a rounding to f32, none of which ever turns a greater number
//! into a smaller feature. So the features of all numbers from a to b lie between those of a and of b, which are f32s: the
//! prover's box has these ends, with no margin needed. A counterexample goes the other way: a number is looked for that
//! becomes exactly this feature; whatever is found is encoded and evaluated again.

use glassnet::prove::Interval;
use glassnet::{Error, ErrorKind, Result};
use glassnet_data::{Encoding, Feature, Preprocessing};

/// A column, or an input of a bare network.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The first of its features among the network's inputs.
    pub(super) at: usize,
    /// How many features it has.
    pub(super) width: usize,
}

/// What a column holds.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Numbers as the network gets them.
    Plain,
    /// Numbers that are standardised.
    Number(Box<Feature>),
    /// One of several values; `one_hot` if each has a feature, else the feature is the value's place.
    Levels { names: Vec<String>, one_hot: bool },
    /// What can't be varied: dates, codes of a table.
    Other,
}

/// The values of a column that a statement is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Set {
    /// Every number of an interval, in the column's unit.
    Range(Interval),
    /// Any of these values, by their places.
    Levels(Vec<usize>),
    /// What one row has, as features.
    Fixed(Vec<f32>),
    /// Features between these, which no single value is said of.
    Features(Vec<Interval>),
}

/// A row to begin from: of each column what it has there.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) features: Vec<f32>,
    /// The number, of a column of numbers that isn't missing.
    pub(super) number: Option<f64>,
    /// As it is told.
    pub(super) text: String,
}

/// All columns of a model.
#[derive(Clone, Debug)]
pub(super) struct Space {
    pub(super) columns: Vec<Column>,
}

/// The most boxes that values of categories make.
const MOST_BOXES: usize = 4096;

impl Space {
    /// The inputs of a network without columns: `x0`, `x1`, ….
    pub(super) fn plain(inputs: usize) -> Self {
        let column = |at| Column { name: format!("x{at}"), kind: Kind::Plain, at, width: 1 };
        Space { columns: (0..inputs).map(column).collect() }
    }

    /// The columns of a model with preprocessing.
    pub(super) fn of(preprocessing: &Preprocessing) -> Self {
        let mut at = 0;
        let columns = preprocessing.features().iter().map(|feature| {
            let kind = match &feature.encoding {
                Encoding::Number { .. } => Kind::Number(Box::new(feature.clone())),
                Encoding::Boolean { .. } => {
                    Kind::Levels { names: vec!["false".into(), "true".into()], one_hot: false }
                }
                Encoding::Category { levels, .. } => {
                    Kind::Levels { names: levels.clone(), one_hot: true }
                }
                Encoding::Date { .. } | Encoding::Code { .. } => Kind::Other,
            };
            let width = feature.width();
            at += width;
            Column { name: feature.column.clone(), kind, at: at - width, width }
        });
        Space { columns: columns.collect() }
    }

    /// The place of the column called `name`.
    ///
    /// # Errors
    /// Kind `usage`, with the names that there are.
    pub(super) fn find(&self, name: &str, flag: &str) -> Result<usize> {
        self.columns.iter().position(|column| column.name == name).ok_or_else(|| {
            const MOST: usize = 30;
            let names: Vec<&str> =
                self.columns.iter().take(MOST).map(|column| column.name.as_str()).collect();
            let more = if self.columns.len() > MOST { ", …" } else { "" };
            Error::usage(format!("there is no column {name:?}"))
                .at(flag.to_owned())
                .help("name a column that the network reads")
                .detail(format!("it reads {}{more}", names.join(", ")))
        })
    }

    /// The boxes of features that hold what `sets` allow, a set for each column.
    ///
    /// # Errors
    /// Kind `limit` where categories have too many combinations.
    pub(super) fn boxes(&self, sets: &[Set]) -> Result<Vec<Vec<Interval>>> {
        let count = sets.iter().try_fold(1_usize, |count, set| match set {
            Set::Levels(levels) => count.checked_mul(levels.len()),
            Set::Range(_) | Set::Fixed(_) | Set::Features(_) => Some(count),
        });
        if count.is_none_or(|count| count > MOST_BOXES) {
            return Err(Error::new(
                ErrorKind::Limit,
                format!("the categories have more than {MOST_BOXES} combinations"),
            )
            .at("--domain")
            .help("hold some columns to one value: --domain 'COLUMN=VALUE'"));
        }
        let mut boxes: Vec<Vec<Interval>> = vec![vec![]];
        for (column, set) in self.columns.iter().zip(sets) {
            let choices = column.choices(set)?;
            boxes = boxes
                .iter()
                .flat_map(|head| choices.iter().map(move |tail| [&head[..], tail].concat()))
                .collect();
        }
        Ok(boxes)
    }
}

impl Column {
    /// The boxes of this column's features.
    fn choices(&self, set: &Set) -> Result<Vec<Vec<Interval>>> {
        let zeros = || vec![Interval::point(0.0); self.width];
        Ok(match (set, &self.kind) {
            (Set::Range(range), Kind::Number(_)) => {
                let mut features = zeros();
                features[0] = Interval::new(self.encoded(range.lo()), self.encoded(range.hi()))?;
                vec![features]
            }
            (Set::Range(range), Kind::Plain | Kind::Levels { .. } | Kind::Other) => {
                vec![vec![*range]]
            }
            (Set::Levels(levels), Kind::Levels { one_hot, .. }) => {
                let choice = |&level: &usize| {
                    let mut features = zeros();
                    match one_hot {
                        true => features[level] = Interval::point(1.0),
                        false => features[0] = Interval::point(level as f64),
                    }
                    features
                };
                levels.iter().map(choice).collect()
            }
            (Set::Levels(_), Kind::Plain | Kind::Number(_) | Kind::Other) => vec![],
            (Set::Fixed(features), _) => {
                vec![features.iter().map(|&x| Interval::point(f64::from(x))).collect()]
            }
            (Set::Features(features), _) => vec![features.clone()],
        })
    }

    /// The feature of a number; one beyond f32 becomes the last f32, as predictions refuse it.
    fn encoded(&self, value: f64) -> f64 {
        let Kind::Number(feature) = &self.kind else { return value };
        match feature.encode_number(value) {
            Some(feature) => f64::from(feature),
            None => f64::from(f32::MAX.copysign(value as f32)),
        }
    }

    /// The standard deviation of the column, 1 where nothing is standardised, and its mean.
    pub(super) fn scale(&self) -> (f64, f64) {
        match &self.kind {
            Kind::Number(feature) => match &feature.encoding {
                Encoding::Number { mean, std, .. } => (*std, *mean),
                Encoding::Boolean { .. }
                | Encoding::Date { .. }
                | Encoding::Category { .. }
                | Encoding::Code { .. } => (1.0, 0.0),
            },
            Kind::Plain | Kind::Levels { .. } | Kind::Other => (1.0, 0.0),
        }
    }

    /// Whether it holds numbers that can vary.
    pub(super) fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Plain | Kind::Number(_))
    }

    /// What features that lie in the box of `set` are in the column's unit: a number that becomes just these if there is
    /// one, as short as it can be told, else the nearest within the set; `None` where it is no number.
    pub(super) fn number_of(&self, features: &[f64], set: &Set) -> Option<f64> {
        match (&self.kind, set) {
            (Kind::Plain, _) => features.first().copied(),
            (Kind::Number(_), Set::Range(range)) => {
                let wanted = *features.first()?;
                let (least, most) = (range.lo().max(f64::MIN), range.hi().min(f64::MAX));
                // The numbers that become this feature are an interval.
                let first = search(least, most, |x| self.encoded(x) >= wanted)?;
                let past = search(first, most, |x| self.encoded(x) > wanted);
                let last = past.map_or(most, |past| past.next_down().max(first));
                Some(shortest_within(first, last))
            }
            (Kind::Number(_) | Kind::Levels { .. } | Kind::Other, _) => None,
        }
    }

    /// The features of a number in the column's unit.
    pub(super) fn features_of(&self, number: f64) -> Vec<f64> {
        let mut features = vec![0.0; self.width];
        features[0] = self.encoded(number);
        features
    }

    /// The name of the value that features say, of a column of categories.
    pub(super) fn level_of(&self, features: &[f64]) -> Option<&str> {
        let Kind::Levels { names, one_hot } = &self.kind else { return None };
        let level = match one_hot {
            true => features.iter().take(names.len()).position(|&x| x == 1.0)?,
            false if features.get(1) == Some(&1.0) => return None,
            false => *features.first()? as usize,
        };
        names.get(level).map(String::as_str)
    }
}

/// The least float of `[least, most]` for which a property holds that, once it holds, holds for all greater ones.
fn search(least: f64, most: f64, holds: impl Fn(f64) -> bool) -> Option<f64> {
    if holds(least) {
        return Some(least);
    }
    if !holds(most) {
        return None;
    }
    // Floats in the order of their values are integers in order.
    let place = |x: f64| {
        let bits = x.to_bits() as i64;
        if bits < 0 { i64::MIN - bits } else { bits }
    };
    let float = |place: i64| {
        f64::from_bits(if place < 0 { i64::MIN.wrapping_sub(place) } else { place } as u64)
    };
    let (mut before, mut after) = (place(least), place(most));
    while before.abs_diff(after) > 1 {
        let middle = before + (before.abs_diff(after) / 2) as i64;
        if holds(float(middle)) {
            after = middle;
        } else {
            before = middle;
        }
    }
    Some(float(after))
}

/// The number of fewest digits in `[lo, hi]`.
fn shortest_within(lo: f64, hi: f64) -> f64 {
    if lo <= 0.0 && hi >= 0.0 {
        return 0.0;
    }
    let middle = lo / 2.0 + hi / 2.0;
    (0..17)
        .filter_map(|digits| format!("{middle:.digits$e}").parse::<f64>().ok())
        .find(|x| (lo..=hi).contains(x))
        .unwrap_or(lo)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wind() -> Column {
        let encoding = Encoding::Number { mean: 3.241, std: 1.4378, median: 3.0, gaps: false };
        let feature = Feature { column: "wind".into(), encoding };
        Column { name: "wind".into(), kind: Kind::Number(Box::new(feature)), at: 0, width: 1 }
    }

    #[test]
    fn features_of_a_range_lie_between_those_of_its_ends() -> Result<()> {
        let column = wind();
        let (lo, hi) = (1.7, 5.3);
        let range = Interval::new(lo, hi)?;
        let [features] = &column.choices(&Set::Range(range))?[..] else { panic!("one box") };
        for step in 0..=10_000 {
            let x = (lo + (hi - lo) * f64::from(step) / 10_000.0).clamp(lo, hi);
            assert!(features[0].contains(column.encoded(x)), "{x}");
        }
        Ok(())
    }

    #[test]
    fn a_feature_has_a_number_that_becomes_it() -> Result<()> {
        let column = wind();
        let range = Set::Range(Interval::new(-2.0, 9.0)?);
        let mut feature = column.encoded(-2.0) as f32;
        for _ in 0..1000 {
            let number = column.number_of(&[f64::from(feature)], &range).unwrap();
            assert_eq!(column.encoded(number), f64::from(feature), "{number}");
            feature += 0.007;
        }
        // Short numbers are told where they will do.
        assert_eq!(column.number_of(&[column.encoded(4.5)], &range), Some(4.5));
        assert_eq!(column.number_of(&[column.encoded(0.0)], &range), Some(0.0));
        Ok(())
    }

    #[test]
    fn categories_are_a_box_each() -> Result<()> {
        let kind = Kind::Levels { names: vec!["rain".into(), "sun".into()], one_hot: true };
        // With a third feature for gaps.
        let weather = Column { name: "weather".into(), kind, at: 1, width: 3 };
        let space = Space { columns: vec![wind(), weather] };
        let sets = [Set::Range(Interval::new(1.0, 2.0)?), Set::Levels(vec![0, 1])];
        let boxes = space.boxes(&sets)?;
        let of = |at: usize| boxes[at][1..].iter().map(|x| x.lo()).collect::<Vec<_>>();
        assert_eq!((boxes.len(), of(0), of(1)), (2, vec![1.0, 0.0, 0.0], vec![0.0, 1.0, 0.0]));
        assert_eq!(space.columns[1].level_of(&[0.0, 1.0, 0.0]), Some("sun"));
        let many = Set::Levels(vec![0; 5000]);
        assert!(space.boxes(&[sets[0].clone(), many]).is_err());
        Ok(())
    }
}
