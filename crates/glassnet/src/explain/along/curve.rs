//! The loss along a weight in f64: points to draw, and what can be told where nothing more is known.

use std::sync::Arc;

use super::{Along, AlongConfig, Knowledge, Level, Minimum, Now, Piece, Stretch, advise};
use crate::error::{Error, ErrorKind, Result};
use crate::explain::exact::{Place, nearest, rational};
use crate::explain::setting::{Setting, Weight};
use crate::graph::{NodeId, NodeMap, Op};
use crate::reference::{Array, Feeds, evaluate};
use crate::tensor::Tensor;
use crate::trace::Parameter;

/// How many values of the weight a drawn curve has, besides kinks.
const POINTS: usize = 161;
/// The least number of values a sampled curve has, however large the network.
const FEW_POINTS: usize = 25;
/// How many products of numbers all samples may take together.
const SAMPLED_PRODUCTS: usize = 40_000_000;
/// How many places where a unit's argument crosses 0 are looked at, and that for large networks.
const TURNS: (usize, usize) = (64, 8);
/// How often a window is widened while the loss still falls at its end, and that for large networks.
const WIDENINGS: (usize, usize) = (6, 1);
/// Steps of the search for a minimum between two points, and that for large networks.
const NARROWINGS: (usize, usize) = (60, 8);

/// The loss in f64 as a function of one weight.
pub(super) struct Curve<'a> {
    setting: &'a Setting,
    key: &'a str,
    values: Tensor<f64>,
    element: usize,
}

impl<'a> Curve<'a> {
    pub(super) fn new(
        setting: &'a Setting,
        parameter: &'a Parameter,
        element: usize,
    ) -> Result<Self> {
        let values = setting
            .feeds()
            .get_state(&parameter.key)
            .ok_or_else(|| Error::model(format!("{:?} has no values", parameter.key)))?
            .floats()?
            .clone();
        Ok(Curve { setting, key: &parameter.key, values, element })
    }

    /// Where the weight stands.
    pub(super) fn now(&self) -> f64 {
        self.values.data()[self.element]
    }

    fn at(&self, feeds: &mut Feeds, weight: f64) -> Result<f64> {
        let found = self.values_at(feeds, weight)?;
        Ok(found[self.setting.loss()].floats()?.data()[0])
    }

    fn values_at(&self, feeds: &mut Feeds, weight: f64) -> Result<NodeMap<Array>> {
        let mut values = self.values.clone();
        values.data_mut()[self.element] = weight;
        feeds.set_state(self.key, values);
        evaluate(self.setting.forward(), feeds, self.setting.rows())
    }

    /// How many values of the weight are affordable.
    fn points(&self) -> usize {
        let parameters = self.setting.network().parameter_count().max(1);
        let products = parameters.saturating_mul(self.setting.rows());
        (SAMPLED_PRODUCTS / products.max(1)).clamp(FEW_POINTS, POINTS)
    }

    /// The first where the network is small, the second where a value costs much.
    fn effort(&self, (small, large): (usize, usize)) -> usize {
        if self.points() == POINTS { small } else { large }
    }

    /// The curve between exact kinks.
    pub(super) fn smooth(
        &self,
        weight: &Weight,
        kinks: &[Arc<Place>],
        config: &AlongConfig,
    ) -> Result<Along> {
        self.build(weight, kinks, Knowledge::ExactKinks, config)
    }

    /// The curve as sampled.
    pub(super) fn sampled(
        &self,
        weight: &Weight,
        why: String,
        config: &AlongConfig,
    ) -> Result<Along> {
        let knowledge = Knowledge::Sampled { why, points: self.points() };
        self.build(weight, &[], knowledge, config)
    }

    fn build(
        &self,
        weight: &Weight,
        kinks: &[Arc<Place>],
        knowledge: Knowledge,
        config: &AlongConfig,
    ) -> Result<Along> {
        let numbers = self.setting.config().numbers;
        let mut feeds = self.setting.feeds().clone();
        let now = self.now();
        let loss = self.at(&mut feeds, now)?;
        if !loss.is_finite() {
            return Err(Error::new(ErrorKind::Numeric, format!("the loss is {loss}"))
                .at(format!("{weight} = {now}"))
                .help("look at the rows and weights with explain first"));
        }
        let places: Vec<f64> = kinks.iter().map(|place| place.to_f64()).collect();
        let (mut low, mut high) = config.range.unwrap_or_else(|| window(now, None, &places));
        let mut curve;
        let mut widened = 0;
        loop {
            curve = self.sample(&mut feeds, low, high, &places)?;
            let least = least_index(&curve);
            let (first, last) = plateau(&curve, least);
            // A plateau that reaches the end is no reason to look further.
            let at_end = first == last && (least == 0 || least + 1 == curve.len());
            if config.range.is_some()
                || !at_end
                || widened == self.effort(WIDENINGS)
                || is_level(&curve)
            {
                break;
            }
            let width = high - low;
            if least == 0 {
                low -= 2.0 * width
            } else {
                high += 2.0 * width
            }
            widened += 1;
        }
        let mut knowledge = knowledge;
        if config.range.is_none() && is_level(&curve) {
            curve = self.look_further(&mut feeds, curve, &places)?;
            if let Knowledge::Sampled { points, .. } = &mut knowledge {
                *points = curve.len();
            }
        }
        if config.range.is_none() {
            curve = self.look_for_lower(&mut feeds, curve, &places)?;
        }
        let minimum = self.least(&mut feeds, &curve, &places, kinks)?;
        let step = 1e-6 * now.abs().max(1e-3);
        let (left, right) = (self.at(&mut feeds, now - step)?, self.at(&mut feeds, now + step)?);
        let here = Now {
            weight: rational(now, numbers)?,
            loss: Level { value: loss, exact: None },
            slope_left: steady((loss - left) / step, loss, step),
            slope_right: steady((right - loss) / step, loss, step),
        };
        let advice = advise(&here, &minimum, is_level(&curve));
        Ok(Along {
            weight: weight.clone(),
            numbers,
            knowledge,
            pieces: pieces(kinks, config, numbers)?,
            now: here,
            minimum,
            advice,
            curve,
            rounded: vec![],
        })
    }

    /// A curve that is flat near the weight, with values from further away: saturated units wake up where their
    /// arguments come back to 0. Where the loss differs there, the curve is drawn up to the nearest such value.
    fn look_further(
        &self,
        feeds: &mut Feeds,
        near: Vec<(f64, f64)>,
        kinks: &[f64],
    ) -> Result<Vec<(f64, f64)>> {
        let mut curve = near;
        let level = curve.first().map_or(f64::NAN, |point| point.1);
        for weight in self.far_places(feeds, kinks)? {
            let loss = self.at(feeds, weight)?;
            if loss.is_finite() {
                curve.push((weight, loss));
            }
        }
        curve.sort_by(|a, b| a.0.total_cmp(&b.0));
        curve.dedup_by(|a, b| a.0 == b.0);
        let now = self.now();
        let differs = |point: &&(f64, f64)| (point.1 - level).abs() > 1e-14 * level.abs();
        let distance = |point: &(f64, f64)| (point.0 - now).abs();
        let closest = curve
            .iter()
            .filter(differs)
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            .map(|point| point.0);
        let Some(closest) = closest else { return Ok(curve) };
        let margin = 0.35 * (closest - now).abs();
        let (low, high) = (now.min(closest) - margin, now.max(closest) + margin);
        let mut all = self.sample(feeds, low, high, kinks)?;
        all.extend(curve);
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all.dedup_by(|a, b| a.0 == b.0);
        let least = all[least_index(&all)].0;
        let (low, high) = (low.min(least), high.max(least));
        all.retain(|point| point.0 >= low && point.0 <= high);
        Ok(all)
    }

    /// The curve, or a longer one that reaches a lower loss further away: a valley beyond a hill is not seen from near
    /// the weight.
    fn look_for_lower(
        &self,
        feeds: &mut Feeds,
        near: Vec<(f64, f64)>,
        kinks: &[f64],
    ) -> Result<Vec<(f64, f64)>> {
        let least = near[least_index(&near)].1;
        let mut lower: Option<(f64, f64)> = None;
        for weight in self.far_places(feeds, kinks)? {
            let loss = self.at(feeds, weight)?;
            let best = lower.map_or(least - 1e-6 * least.abs(), |(_, loss)| loss);
            if loss.is_finite() && loss < best {
                lower = Some((weight, loss));
            }
        }
        let Some((goal, _)) = lower else { return Ok(near) };
        let now = self.now();
        let margin = 0.35 * (goal - now).abs();
        let (low, high) = (now.min(goal) - margin, now.max(goal) + margin);
        let mut all = self.sample(feeds, low, high, kinks)?;
        all.extend(near.into_iter().filter(|point| point.0 >= low && point.0 <= high));
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all.dedup_by(|a, b| a.0 == b.0);
        Ok(all)
    }

    /// 0, the weight's mirror image, magnitudes up to ten times its own, kinks and beyond the outermost of them, and
    /// where the argument of a unit is 0 in a row.
    fn far_places(&self, feeds: &mut Feeds, kinks: &[f64]) -> Result<Vec<f64>> {
        let now = self.now();
        let size = if now == 0.0 { 1.0 } else { now.abs() };
        let mut places = vec![0.0, -now];
        for step in [0.01, 0.03, 0.1, 0.3, 0.5, 2.0, 3.0, 5.0, 10.0] {
            places.extend([-step * size, step * size]);
        }
        // Magnitudes that weights usually have, however small or large this one is.
        for magnitude in [0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0] {
            places.extend([-magnitude, magnitude]);
        }
        let most = self.effort(TURNS);
        places.extend(kinks.iter().copied().take(most));
        places.extend(kinks.first().map(|kink| kink - size));
        places.extend(kinks.last().map(|kink| kink + size));
        let mut turns = self.turns(feeds)?;
        turns.sort_by(|a, b| (a - now).abs().total_cmp(&(b - now).abs()));
        turns.dedup();
        places.extend(turns.into_iter().take(most));
        places.sort_by(f64::total_cmp);
        places.dedup();
        Ok(places)
    }

    /// Where the arguments of activations are 0, if they go on as between here and a value nearby: exact for the
    /// units that the weight leads to, and a place worth a look for those behind.
    fn turns(&self, feeds: &mut Feeds) -> Result<Vec<f64>> {
        let graph = self.setting.forward();
        let now = self.now();
        let other = if now == 0.0 { 1.0 } else { 0.5 * now };
        let arguments: Vec<NodeId> = graph
            .graph()
            .ids()
            .filter(|&id| matches!(graph.graph().node(id).op(), Op::Activation(_)))
            .map(|id| graph.graph().node(id).operands()[0])
            .collect();
        let mut values = |weight: f64| -> Result<Vec<f64>> {
            let found = self.values_at(feeds, weight)?;
            let mut all = vec![];
            for &argument in &arguments {
                all.extend_from_slice(found[argument].floats()?.data());
            }
            Ok(all)
        };
        let (here, there) = (values(now)?, values(other)?);
        let turn = |(a, b): (&f64, &f64)| now - a * (other - now) / (b - a);
        Ok(here.iter().zip(&there).map(turn).filter(|turn| turn.is_finite()).collect())
    }

    fn sample(
        &self,
        feeds: &mut Feeds,
        low: f64,
        high: f64,
        kinks: &[f64],
    ) -> Result<Vec<(f64, f64)>> {
        let mut weights = grid(low, high, self.points());
        let most = self.points();
        weights.extend(kinks.iter().copied().filter(|kink| *kink > low && *kink < high).take(most));
        weights.push(self.now().clamp(low, high));
        weights.sort_by(f64::total_cmp);
        weights.dedup();
        weights.into_iter().map(|weight| Ok((weight, self.at(feeds, weight)?))).collect()
    }

    /// The least loss, narrowed down between the neighbours of the least point.
    fn least(
        &self,
        feeds: &mut Feeds,
        curve: &[(f64, f64)],
        kinks: &[f64],
        known: &[Arc<Place>],
    ) -> Result<Minimum> {
        let least = least_index(curve);
        let numbers = self.setting.config().numbers;
        let (weight, loss) = curve[least];
        if is_level(curve) {
            let ends = [curve.first(), curve.last()].map(|end| end.map_or(weight, |end| end.0));
            let [from, to] = [fraction(ends[0], numbers)?, fraction(ends[1], numbers)?];
            return Ok(Minimum::At {
                loss: Level { value: loss, exact: None },
                stretches: vec![Stretch { from, to }],
            });
        }
        let (first, last) = plateau(curve, least);
        if first < last {
            let exact = |at: f64| match known.iter().find(|kink| kink.to_f64() == at) {
                Some(kink) => Ok(Some(Arc::clone(kink))),
                None => fraction(at, numbers),
            };
            return Ok(Minimum::At {
                loss: Level { value: loss, exact: None },
                stretches: vec![Stretch {
                    from: exact(curve[first].0)?,
                    to: exact(curve[last].0)?,
                }],
            });
        }
        if least == 0 || least + 1 == curve.len() {
            let loss = Level { value: loss, exact: None };
            return Ok(Minimum::AtEnd { upwards: least > 0, weight, loss });
        }
        let (mut low, mut high) = (curve[least - 1].0, curve[least + 1].0);
        let (mut best, mut best_loss) = (weight, loss);
        // Between two neighbours the curve is taken to have one valley: a third is cut off at every step.
        for _ in 0..self.effort(NARROWINGS) {
            let third = (high - low) / 3.0;
            let (a, b) = (low + third, high - third);
            if !(a > low && b < high && a < b) {
                break;
            }
            let (loss_a, loss_b) = (self.at(feeds, a)?, self.at(feeds, b)?);
            for (weight, loss) in [(a, loss_a), (b, loss_b)] {
                if loss < best_loss {
                    (best, best_loss) = (weight, loss);
                }
            }
            if loss_a <= loss_b { high = b } else { low = a }
        }
        // A minimum on a kink is the kink itself.
        let near =
            kinks.iter().copied().find(|kink| (kink - best).abs() <= 1e-9 * best.abs().max(1e-9));
        if let Some(kink) = near {
            let loss = self.at(feeds, kink)?;
            if loss <= best_loss {
                (best, best_loss) = (kink, loss);
            }
        }
        let place = fraction(best, numbers)?;
        Ok(Minimum::At {
            loss: Level { value: best_loss, exact: None },
            stretches: vec![Stretch { from: place.clone(), to: place }],
        })
    }
}

/// A slope that is no larger than what rounding makes of the differences is 0.
fn steady(slope: f64, loss: f64, step: f64) -> f64 {
    if slope.abs() <= 8.0 * f64::EPSILON * loss.abs().max(f64::MIN_POSITIVE) / step {
        0.0
    } else {
        slope
    }
}

fn fraction(value: f64, numbers: super::Numbers) -> Result<Option<Arc<Place>>> {
    Ok(Some(Arc::new(Place::Fraction(rational(value, numbers)?))))
}

fn pieces(
    kinks: &[Arc<Place>],
    config: &AlongConfig,
    numbers: super::Numbers,
) -> Result<Vec<Piece>> {
    let (mut from, end) = match config.range {
        Some((low, high)) => (fraction(low, numbers)?, fraction(high, numbers)?),
        None => (None, None),
    };
    let mut pieces = vec![];
    for kink in kinks {
        let inside = from.as_ref().is_none_or(|from| kink > from)
            && end.as_ref().is_none_or(|end| kink < end);
        if inside {
            pieces.push(Piece { from, to: Some(Arc::clone(kink)), polynomial: None });
            from = Some(Arc::clone(kink));
        }
    }
    pieces.push(Piece { from, to: end, polynomial: None });
    Ok(pieces)
}

/// The point of least loss; values that are no numbers are passed over.
fn least_index(curve: &[(f64, f64)]) -> usize {
    let mut least = 0;
    for (index, point) in curve.iter().enumerate() {
        if point.1 < curve[least].1 || !curve[least].1.is_finite() {
            least = index;
        }
    }
    least
}

/// The first and the last of the neighbouring points whose loss is the least but for rounding.
fn plateau(curve: &[(f64, f64)], least: usize) -> (usize, usize) {
    let level = |index: &usize| {
        let lowest = curve[least].1;
        curve[*index].1 - lowest <= 1e-12 * lowest.abs()
    };
    let first = (0..least).rev().take_while(level).last().unwrap_or(least);
    let last = (least + 1..curve.len()).take_while(level).last().unwrap_or(least);
    (first, last)
}

/// Whether the loss is the same at every point, up to rounding.
fn is_level(curve: &[(f64, f64)]) -> bool {
    let Some(&(_, first)) = curve.first() else { return true };
    curve.iter().all(|point| (point.1 - first).abs() <= 1e-14 * first.abs())
}

fn grid(low: f64, high: f64, points: usize) -> Vec<f64> {
    let last = points.max(2) - 1;
    (0..=last).map(|i| low + (high - low) * (i as f64 / last as f64)).collect()
}

/// Where to look: around the weight and the minimum, with the kinks that are near.
fn window(now: f64, minimum: Option<f64>, kinks: &[f64]) -> (f64, f64) {
    let goal = minimum.unwrap_or(now);
    let (mut low, mut high) = (now.min(goal), now.max(goal));
    let scale = (high - low).max(now.abs()).max(if now == 0.0 && goal == 0.0 { 1.0 } else { 0.1 });
    let near =
        |kink: &&f64| (**kink - now).abs() <= 3.0 * scale || (**kink - goal).abs() <= 3.0 * scale;
    for &kink in kinks.iter().filter(near) {
        (low, high) = (low.min(kink), high.max(kink));
    }
    let margin = (0.35 * (high - low)).max(0.5 * scale);
    (low - margin, high + margin)
}

/// Points of exact pieces.
pub(super) fn drawn(
    pieces: &[Piece],
    now: &Now,
    minimum: &Minimum,
    range: Option<(f64, f64)>,
) -> Vec<(f64, f64)> {
    let here = nearest(&now.weight);
    let kinks: Vec<f64> =
        pieces.iter().filter_map(|piece| piece.to.as_deref()).map(Place::to_f64).collect();
    let goal = match minimum {
        Minimum::At { stretches, .. } => stretches
            .iter()
            .flat_map(|stretch| [&stretch.from, &stretch.to])
            .flatten()
            .map(|place| place.to_f64())
            .min_by(|a, b| (a - here).abs().total_cmp(&(b - here).abs())),
        Minimum::Endless { .. } | Minimum::AtEnd { .. } => None,
    };
    let (low, high) = range.unwrap_or_else(|| window(here, goal, &kinks));
    let mut weights = grid(low, high, POINTS);
    weights.extend(kinks.iter().copied().filter(|kink| *kink > low && *kink < high).take(POINTS));
    weights.extend([Some(here), goal].into_iter().flatten().filter(|w| *w >= low && *w <= high));
    weights.sort_by(f64::total_cmp);
    weights.dedup();
    let mut piece = 0;
    let mut points = Vec::with_capacity(weights.len());
    for weight in weights {
        while piece + 1 < pieces.len() && kinks[piece] < weight {
            piece += 1;
        }
        if let Some(polynomial) = &pieces[piece].polynomial {
            points.push((weight, polynomial.at_f64(weight)));
        }
    }
    points
}
