//! An axis: its ends, where values stand along it, and round ticks.

use crate::document::{Axis, Scale};
use crate::formula::Math;

/// Where an axis begins and ends, and how values are spaced between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// The value at the lower end.
    pub low: f64,
    /// The value at the upper end, above `low`.
    pub high: f64,
    /// How values are spaced.
    pub scale: Scale,
}

/// A value that is written beside an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where it stands: 0 at the axis's lower end, 1 at its upper end.
    pub at: f64,
    /// The value.
    pub label: Math,
}

impl Extent {
    /// The ends that the axis asks for, or those that hold all `values` with `margin` of their span to spare.
    ///
    /// Values that are not finite, or that a logarithmic axis cannot show, don't count. Without any, the axis runs
    /// from 0 to 1 (from 1 to 10 if logarithmic).
    pub fn fit(axis: &Axis, values: impl IntoIterator<Item = f64>, margin: f64) -> Extent {
        let scale = axis.scale;
        let shows = |value: &f64| value.is_finite() && (scale == Scale::Linear || *value > 0.0);
        if let Some((low, high)) = axis.range
            && shows(&low)
            && shows(&high)
            && low < high
        {
            return Extent { low, high, scale };
        }
        let ends =
            values.into_iter().filter(shows).fold(None, |ends: Option<(f64, f64)>, value| {
                Some(ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
            });
        let Some((low, high)) = ends else {
            let (low, high) = if scale == Scale::Linear { (0.0, 1.0) } else { (1.0, 10.0) };
            return Extent { low, high, scale };
        };
        let (low, high) = match scale {
            Scale::Linear => {
                // Half of each, since the span of two huge numbers is not a number.
                let half = (high / 2.0 - low / 2.0) * margin * 2.0;
                widen(low - half, high + half)
            }
            Scale::Logarithmic => {
                let spare = (high.log10() - low.log10()) * margin;
                let ends = (low.log10() - spare, high.log10() + spare);
                let (low, high) = if ends.0 < ends.1 { ends } else { (ends.0 - 0.5, ends.0 + 0.5) };
                (10f64.powf(low).max(f64::MIN_POSITIVE), 10f64.powf(high).min(f64::MAX))
            }
        };
        Extent { low: low.max(-f64::MAX), high: high.min(f64::MAX), scale }
    }

    /// Where `value` stands: 0 at the lower end, 1 at the upper end; `None` if the axis cannot show it at all.
    pub fn place(&self, value: f64) -> Option<f64> {
        let place = match self.scale {
            Scale::Linear => {
                let half = self.high / 2.0 - self.low / 2.0;
                (value / 2.0 - self.low / 2.0) / half
            }
            Scale::Logarithmic if value > 0.0 => {
                let low = self.low.log10();
                (value.log10() - low) / (self.high.log10() - low)
            }
            Scale::Logarithmic => f64::NAN,
        };
        place.is_finite().then_some(place)
    }

    /// About `count` round values within the axis.
    pub fn ticks(&self, count: usize) -> Vec<Tick> {
        match self.scale {
            Scale::Linear => self.linear_ticks(count.max(2)),
            Scale::Logarithmic => self.logarithmic_ticks(count.max(2)),
        }
    }

    fn linear_ticks(&self, count: usize) -> Vec<Tick> {
        let rough = (self.high / 2.0 - self.low / 2.0) / (count as f64 / 2.0);
        let power = rough.log10().floor();
        let unit = 10f64.powf(power);
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * unit);
        let step = step.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(10.0 * unit);
        let first = (self.low / step).ceil();
        let mut ticks = vec![];
        for i in 0..=3 * count {
            let value = (first + i as f64) * step;
            // Rounding may put the last one a hair beyond the end.
            match self.place(value) {
                Some(at) if at <= 1.0 + 1e-9 => {
                    ticks.push(Tick { at: at.clamp(0.0, 1.0), label: rounded(value, step) });
                }
                Some(_) | None => break,
            }
        }
        ticks
    }

    fn logarithmic_ticks(&self, count: usize) -> Vec<Tick> {
        let (low, high) = (self.low.log10(), self.high.log10());
        let powers = (high + 1e-9).floor() - (low - 1e-9).ceil() + 1.0;
        let mut ticks = vec![];
        let mut push = |value: f64, label: Math| {
            if let Some(at) = self.place(value).filter(|at| (-1e-9..=1.0 + 1e-9).contains(at)) {
                ticks.push(Tick { at: at.clamp(0.0, 1.0), label });
            }
        };
        if powers >= 2.0 {
            let every = (powers / (count + 1) as f64).ceil().max(1.0);
            let mut exponent = ((low - 1e-9) / every).ceil() * every;
            while exponent <= high + 1e-9 {
                push(10f64.powf(exponent), power_of_ten(exponent));
                exponent += every;
            }
        } else {
            let unit = 10f64.powf(low.floor());
            for factor in [1.0, 2.0, 5.0, 10.0, 20.0, 50.0] {
                push(factor * unit, rounded(factor * unit, unit));
            }
        }
        ticks
    }
}

/// Ends that are apart, also where all values are the same.
fn widen(low: f64, high: f64) -> (f64, f64) {
    if low < high && high / 2.0 - low / 2.0 > 1e-13 * low.abs().max(high.abs()) {
        return (low, high);
    }
    let spare = if low == 0.0 { 0.5 } else { low.abs() * 0.1 };
    (low - spare, high + spare)
}

fn power_of_ten(exponent: f64) -> Math {
    match exponent as i64 {
        small @ -2..=3 => Math::f64(10f64.powi(small as i32)),
        exponent => Math::number("10").raised(Math::number(&exponent.to_string())),
    }
}

/// The value with the decimals that its step has.
fn rounded(value: f64, step: f64) -> Math {
    let exponent = step.log10().floor() as i32;
    let size = value.abs();
    if size < step * 1e-6 {
        return Math::number("0");
    }
    if !(1e-3..1e5).contains(&size) {
        let digits = (size.log10().floor() as i32 - exponent).clamp(0, 15) as usize;
        return Math::number(&format!("{value:.digits$e}"));
    }
    Math::number(&format!("{value:.*}", (-exponent).clamp(0, 15) as usize))
}
