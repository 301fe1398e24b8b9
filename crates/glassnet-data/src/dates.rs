//! Dates as features: the year as a number, and what comes again (month, day of the week, time of day) as places on circles,
//! on which December is beside January.

use std::f64::consts::TAU;

use glassnet::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::calendar::{civil, days};
use crate::cell::trim;
use crate::encode::standardised;
use crate::observed::ObservedTexts;
use crate::table::Table;
use crate::words::{quoted, shell};

/// In which order a date's parts stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// `2012-01-31`, `2012/01/31`, `2012-01`.
    YearFirst,
    /// `31.1.2012`.
    DayFirst,
    /// `1/31/2012`.
    MonthFirst,
}

/// Which parts of a column's dates become features: those that differ among the training rows, and that all of them have.
///
/// The features are, in this order: `year`, `(year − mean) / std`; the sine and cosine of the month's angle,
/// 2π·(month − 1)/12; of the day of the week's, 2π·day/7, Monday being 0; of the time's, 2π·seconds/86400.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DateParts {
    /// The order of the parts in the training rows.
    pub order: DateOrder,
    /// Mean and population standard deviation of the training rows' years, if they differ.
    pub year: Option<(f64, f64)>,
    /// Whether the month is there.
    pub month: bool,
    /// Whether the day of the week is there.
    pub weekday: bool,
    /// Whether the time of day is there.
    pub time: bool,
}

/// A date that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Moment {
    year: i64,
    month: u32,
    /// Counted from Monday, 0; `None` where the date names a month only.
    weekday: Option<u32>,
    /// Since midnight; `None` where the date has no time.
    seconds: Option<f64>,
}

impl DateParts {
    /// How many features there are.
    pub fn width(&self) -> usize {
        usize::from(self.year.is_some())
            + 2 * (usize::from(self.month) + usize::from(self.weekday) + usize::from(self.time))
    }

    /// What of the date each feature is: `year`, `month sin`, `month cos`, ….
    pub fn names(&self) -> Vec<&'static str> {
        let mut names = vec![];
        names.extend(self.year.map(|_| "year"));
        for (there, pair) in [
            (self.month, ["month sin", "month cos"]),
            (self.weekday, ["weekday sin", "weekday cos"]),
            (self.time, ["time sin", "time cos"]),
        ] {
            names.extend(pair.into_iter().filter(|_| there));
        }
        names
    }

    /// The features of a date, `None` for a text that is none, or lacks a part.
    pub(crate) fn encode(&self, text: &str) -> Option<Vec<f32>> {
        let moment = read(text, self.order)?;
        let mut features = vec![];
        if let Some((mean, std)) = self.year {
            features.push(standardised(moment.year as f64, mean, std)?);
        }
        let mut circle = |part: f64| {
            features.extend([libm::sin(TAU * part) as f32, libm::cos(TAU * part) as f32]);
        };
        if self.month {
            circle(f64::from(moment.month - 1) / 12.0);
        }
        if self.weekday {
            circle(f64::from(moment.weekday?) / 7.0);
        }
        if self.time {
            circle(moment.seconds? / 86_400.0);
        }
        Some(features)
    }

    /// Learns from the dates of the training rows which parts there are; `None` where they are all the same date.
    ///
    /// # Errors
    /// Kind `data` for a text that is no date, and for dates of which nobody can tell whether the day or the month stands first.
    pub(crate) fn fit(
        table: &Table,
        column: &str,
        texts: &ObservedTexts,
    ) -> Result<Option<DateParts>> {
        let dates: Vec<(&str, usize, usize)> = texts
            .levels
            .iter()
            .zip(&texts.used)
            .filter_map(|(text, used)| used.map(|(row, count)| (text.as_str(), row, count)))
            .collect();
        let order = order_of(table, column, &dates)?;
        let mut moments = Vec::with_capacity(dates.len());
        for &(text, row, count) in &dates {
            let moment = read(text, order).ok_or_else(|| no_date(table, column, row, text))?;
            moments.push((moment, count));
        }
        let differ = |part: &dyn Fn(&Moment) -> Option<f64>| {
            let first = moments.first().and_then(|(moment, _)| part(moment));
            let all = moments.iter().all(|(moment, _)| part(moment).is_some());
            all && moments.iter().any(|(moment, _)| part(moment) != first)
        };
        let year = differ(&|moment| Some(moment.year as f64)).then(|| {
            let total: f64 = moments.iter().map(|(_, count)| *count as f64).sum();
            let sum = |value: &dyn Fn(f64) -> f64| -> f64 {
                moments.iter().map(|(m, count)| value(m.year as f64) * *count as f64).sum()
            };
            let mean = sum(&|year| year) / total;
            (mean, (sum(&|year| (year - mean) * (year - mean)) / total).sqrt())
        });
        let parts = DateParts {
            order,
            year,
            month: differ(&|moment| Some(moment.month.into())),
            weekday: differ(&|moment| moment.weekday.map(f64::from)),
            time: differ(&|moment| moment.seconds),
        };
        Ok((parts.width() > 0).then_some(parts))
    }
}

pub(crate) fn no_date(table: &Table, column: &str, row: usize, text: &str) -> Error {
    Error::data(format!("{} is no date as the training rows have them", quoted(text)))
        .at(table.place(row, column))
        .help("write it as YYYY-MM-DD, perhaps with a time, as all rows have it; or take it as missing with --missing")
}

/// The order of the parts: in none of the dates a month is above 12.
fn order_of(table: &Table, column: &str, dates: &[(&str, usize, usize)]) -> Result<DateOrder> {
    let orders = [DateOrder::YearFirst, DateOrder::DayFirst, DateOrder::MonthFirst];
    let fits = |order: &DateOrder| dates.iter().all(|(text, ..)| read(text, *order).is_some());
    let possible: Vec<DateOrder> = orders.into_iter().filter(fits).collect();
    let Some(&(first, row, _)) = dates.first() else {
        return Ok(DateOrder::YearFirst);
    };
    match possible[..] {
        [only] => Ok(only),
        // Where points are between them the day comes first; nobody writes 1.31.2012.
        [DateOrder::DayFirst, _] if first.contains('.') => Ok(DateOrder::DayFirst),
        [_, ..] => Err(Error::data(format!(
            "nobody can tell whether the day or the month comes first in {}",
            quoted(first)
        ))
        .at(table.place(row, column))
        .help("write dates as YYYY-MM-DD")),
        [] => {
            let bad =
                dates.iter().find(|(text, ..)| orders.iter().all(|o| read(text, *o).is_none()));
            let (text, row, _) = bad.unwrap_or(&dates[0]);
            Err(no_date(table, column, *row, text)
                .detail(format!("--drop {} leaves the column out", shell(column))))
        }
    }
}

fn read(text: &str, order: DateOrder) -> Option<Moment> {
    let text = trim(text);
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let separator = date.chars().find(|c| !c.is_ascii_digit())?;
    let parts: Vec<&str> = date.split(separator).collect();
    let short = |part: &str| (1..=2).contains(&part.len()).then(|| part.parse::<u32>().ok())?;
    let year = |part: &str| (part.len() == 4).then(|| part.parse::<i64>().ok())?;
    let (year, month, day) = match (order, &parts[..]) {
        (DateOrder::YearFirst, [y, m]) => (year(y)?, short(m)?, None),
        (DateOrder::YearFirst, [y, m, d]) => (year(y)?, short(m)?, Some(short(d)?)),
        (DateOrder::DayFirst, [d, m, y]) | (DateOrder::MonthFirst, [m, d, y]) => {
            (year(y)?, short(m)?, Some(short(d)?))
        }
        (DateOrder::YearFirst | DateOrder::DayFirst | DateOrder::MonthFirst, _) => return None,
    };
    if !(1..=12).contains(&month) {
        return None;
    }
    let weekday = match day {
        None => None,
        Some(day) => {
            let number = days(year, month, day);
            // The 30th of February is no day.
            if day == 0 || civil(number) != (year, month, day) {
                return None;
            }
            // 1970-01-01 was a Thursday.
            Some((number + 3).rem_euclid(7) as u32)
        }
    };
    let seconds = match time {
        None => None,
        Some(time) => Some(seconds(time)?),
    };
    Some(Moment { year, month, weekday, seconds })
}

/// `22:15`, `22:15:30.5`, `10:15 PM`, each perhaps with a time zone, which is left aside: the clock on the wall counts.
fn seconds(time: &str) -> Option<f64> {
    let upper = time.trim().to_ascii_uppercase();
    let (clock, half) = match (upper.strip_suffix("AM"), upper.strip_suffix("PM")) {
        (Some(clock), _) => (clock.trim_end(), Some(0)),
        (_, Some(clock)) => (clock.trim_end(), Some(12)),
        (None, None) => (upper.as_str(), None),
    };
    let clock = clock.trim_end_matches('Z').trim_end();
    let zone = clock.find(['+', '-']).unwrap_or(clock.len());
    let mut parts = clock[..zone].split(':');
    let mut whole = |most: u32| {
        let part = parts.next().filter(|part| (1..=2).contains(&part.len()))?;
        part.parse::<u32>().ok().filter(|&value| value <= most)
    };
    let (hour, minute) = (whole(24)?, whole(59)?);
    let second = match parts.next() {
        None => 0.0,
        Some(part) => part.parse::<f64>().ok().filter(|second| (0.0..61.0).contains(second))?,
    };
    let hour = match half {
        None => hour,
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
    };
    let seconds = f64::from(hour * 3600 + minute * 60) + second;
    parts.next().is_none().then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str, order: DateOrder) -> Option<(i64, u32, Option<u32>, Option<f64>)> {
        read(text, order).map(|m| (m.year, m.month, m.weekday, m.seconds))
    }

    #[test]
    fn dates_are_read_in_their_order() {
        use DateOrder::{DayFirst, MonthFirst, YearFirst};
        assert_eq!(moment("2012-01", YearFirst), Some((2012, 1, None, None)));
        assert_eq!(moment("2026-11-26", YearFirst), Some((2026, 11, Some(3), None)));
        assert_eq!(moment("31.1.2012", DayFirst), Some((2012, 1, Some(1), None)));
        assert_eq!(
            moment("1/31/2012 10:15 PM", MonthFirst),
            Some((2012, 1, Some(1), Some(80_100.0)))
        );
        for (time, wanted) in [
            ("00:00", 0.0),
            ("12:00 AM", 0.0),
            ("12:30 PM", 45_000.0),
            ("23:59:59.5", 86_399.5),
            ("22:15:30Z", 80_130.0),
            ("22:15:30+01:00", 80_130.0),
        ] {
            assert_eq!(seconds(time), Some(wanted), "{time}");
        }
        for text in ["2012-02-30", "2011-02-29", "2012-13", "2012-01-31T25:00", "2012-01-31T", "x"]
        {
            assert_eq!(moment(text, YearFirst), None, "{text}");
        }
    }
}
