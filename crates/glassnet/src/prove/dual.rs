//! Several linear rows at once: a weighted sum of them that is positive on the whole box shows that they have no common
//! solution; each by itself cuts the box.

use super::Interval;
use super::propagate::{U64, gamma};
use super::substitute::Form;

/// Weights ≥ 0 for `forms` under which the least value of their sum over the box is as great as coordinate ascent finds,
/// and that sum as a form of its own.
///
/// The sum's least value is a concave, piecewise linear function of each weight, so its maximum along one is at a place
/// where a coefficient changes its sign.
pub(super) fn ascend(forms: &[Form], domain: &[Interval], rounds: usize) -> (Vec<f64>, Form) {
    let least: Vec<f64> = forms.iter().map(|form| form.least(domain)).collect();
    let best = (0..forms.len()).max_by(|&a, &b| least[a].total_cmp(&least[b])).unwrap_or(0);
    let mut weights = vec![0.0; forms.len()];
    weights[best] = 1.0;
    let mut sum = forms[best].coefficients.clone();
    let finite = |form: &Form| form.constant.is_finite();
    if forms.len() > 1 && finite(&forms[best]) && domain.iter().all(|x| x.is_finite()) {
        let mut breaks: Vec<(f64, f64)> = Vec::with_capacity(sum.len());
        for _ in 0..rounds {
            let mut changed = false;
            for (row, form) in forms.iter().enumerate().filter(|(_, form)| finite(form)) {
                let others = weights.iter().enumerate().any(|(at, w)| at != row && *w > 0.0);
                if !others {
                    continue;
                }
                let step = along(&sum, form, domain, -weights[row], &mut breaks);
                if step != 0.0 && step.is_finite() {
                    changed |= step.abs() > 1e-9 * weights[row].abs();
                    weights[row] = (weights[row] + step).max(0.0);
                    for (sum, a) in sum.iter_mut().zip(&form.coefficients) {
                        *sum += step * a;
                    }
                }
            }
            if !changed {
                break;
            }
        }
    }
    let form = combine(forms, &weights, domain);
    (weights, form)
}

/// By how much the weight of `form` is to change, at least by `least`, so that the sum's minimum is greatest.
fn along(
    sum: &[f64],
    form: &Form,
    domain: &[Interval],
    least: f64,
    breaks: &mut Vec<(f64, f64)>,
) -> f64 {
    breaks.clear();
    let mut slope = form.constant;
    for ((&p, &q), x) in sum.iter().zip(&form.coefficients).zip(domain) {
        if q == 0.0 {
            continue;
        }
        let start = p + least * q;
        let positive = start > 0.0 || (start == 0.0 && q > 0.0);
        slope += q * if positive { x.lo() } else { x.hi() };
        let place = -p / q;
        if place > least {
            breaks.push((place, q.abs() * (x.hi() - x.lo())));
        }
    }
    if slope <= 0.0 {
        return least;
    }
    breaks.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    for &(place, fall) in breaks.iter() {
        slope -= fall;
        if slope <= 0.0 {
            return place;
        }
    }
    // The row alone is positive everywhere: more of it is better without end.
    breaks.last().map_or(1.0, |last| last.0.abs() * 2.0 + 1.0)
}

/// The weighted sum, below the true one by what its rounding may be.
pub(super) fn combine(forms: &[Form], weights: &[f64], domain: &[Interval]) -> Form {
    let mut sum = vec![0.0; domain.len()];
    let mut magnitude = vec![0.0; domain.len()];
    let (mut constant, mut size) = (0.0, 0.0);
    let mut count = 2;
    for (form, &weight) in forms.iter().zip(weights).filter(|(_, weight)| **weight > 0.0) {
        count += 1;
        for ((sum, magnitude), a) in sum.iter_mut().zip(&mut magnitude).zip(&form.coefficients) {
            let product = weight * a;
            *sum += product;
            *magnitude += product.abs();
        }
        constant += weight * form.constant;
        size += (weight * form.constant).abs();
    }
    if count > 3 || weights.iter().any(|w| *w != 0.0 && *w != 1.0) {
        let rounding: f64 = magnitude
            .iter()
            .zip(domain)
            .map(|(m, x)| if *m == 0.0 { 0.0 } else { m * x.magnitude() })
            .sum();
        constant -= gamma(count + 8, U64) * (size + rounding) * 2.0 + 1e-250;
    }
    Form { coefficients: sum, constant }
}

/// How much of `given`, which is at most 0, makes the least value of `form + multiplier·given` over the box greatest.
pub(super) fn multiplier(form: &Form, given: &Form, domain: &[Interval]) -> f64 {
    // The least value rises with the multiplier while this slope, which falls at each break, is positive.
    let mut slope = given.constant;
    let mut breaks: Vec<(f64, f64)> = Vec::with_capacity(domain.len());
    for ((&p, &q), x) in form.coefficients.iter().zip(&given.coefficients).zip(domain) {
        if q == 0.0 {
            continue;
        }
        let positive = p > 0.0 || (p == 0.0 && q > 0.0);
        slope += q * if positive { x.lo() } else { x.hi() };
        let place = -p / q;
        if place > 0.0 && place.is_finite() {
            breaks.push((place, q.abs() * (x.hi() - x.lo())));
        }
    }
    if !(slope > 0.0 && slope.is_finite()) {
        return 0.0;
    }
    let mut open = &mut breaks[..];
    let mut found = 0.0;
    while !open.is_empty() {
        let half = open.len() / 2;
        let (before, middle, _) = open.select_nth_unstable_by(half, |a, b| a.0.total_cmp(&b.0));
        let falls: f64 = before.iter().map(|(_, fall)| fall).sum();
        if slope - falls - middle.1 > 0.0 {
            slope -= falls + middle.1;
            found = middle.0;
            open = &mut open[half + 1..];
        } else if slope - falls > 0.0 {
            return middle.0;
        } else {
            open = &mut open[..half];
        }
    }
    found
}

/// `form + by·given`, below the true sum by what its rounding may be.
pub(super) fn combine_two(form: &Form, given: &Form, by: f64, domain: &[Interval]) -> Form {
    let mut coefficients = Vec::with_capacity(domain.len());
    let mut rounding = form.constant.abs() + (by * given.constant).abs();
    for ((&p, &q), x) in form.coefficients.iter().zip(&given.coefficients).zip(domain) {
        let product = by * q;
        coefficients.push(p + product);
        let size = p.abs() + product.abs();
        rounding += if size == 0.0 { 0.0 } else { size * x.magnitude() };
    }
    let constant = form.constant + by * given.constant;
    // Each coefficient is rounded twice, and so is the constant; the sum of all that has a term for each input.
    let constant =
        constant - gamma(domain.len() + 16, U64).max(8.0 * U64) * rounding.max(0.0) - 1e-250;
    Form { coefficients, constant: if constant.is_nan() { f64::NEG_INFINITY } else { constant } }
}

/// Cuts the box to where `form ≤ 0` can hold; `None` when nothing is left.
pub(super) fn contract(form: &Form, domain: &mut [Interval]) -> Option<()> {
    let least = form.least(domain);
    if least > 0.0 {
        return None;
    }
    if least == f64::NEG_INFINITY {
        return Some(());
    }
    for (&a, x) in form.coefficients.iter().zip(domain.iter_mut()) {
        if a == 0.0 || x.is_point() {
            continue;
        }
        let own = (a * x.lo()).min(a * x.hi());
        let others = least - own;
        let slack = 8.0 * U64 * (others.abs() + own.abs() + least.abs()) + 1e-250;
        let end = (slack - others) / a;
        let cut = if a > 0.0 {
            let end = end.next_up() + 4.0 * U64 * end.abs();
            Interval::of(f64::NEG_INFINITY, end)
        } else {
            let end = end.next_down() - 4.0 * U64 * end.abs();
            Interval::of(end, f64::INFINITY)
        };
        *x = x.meet(cut)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(coefficients: &[f64], constant: f64) -> Form {
        Form { coefficients: coefficients.to_vec(), constant }
    }

    #[test]
    fn the_multiplier_of_a_given_form_is_the_best_there_is() {
        let domain = [Interval::new(-1.0, 2.0).unwrap(), Interval::new(0.5, 1.5).unwrap()];
        let cases = [
            (form(&[1.0, -2.0], 0.25), form(&[-1.0, 1.0], 0.75)),
            (form(&[0.5, 3.0], -1.0), form(&[2.0, 0.0], 0.5)),
            (form(&[-1.0, 0.0], 0.0), form(&[0.0, -1.0], 1.0)),
            (form(&[1.0, 1.0], 0.0), form(&[-3.0, -0.5], 2.0)),
        ];
        for (own, given) in &cases {
            let with = |by: f64| combine_two(own, given, by, &domain).least(&domain);
            let best = with(multiplier(own, given, &domain));
            let tried = (0..400).map(|at| with(f64::from(at) / 100.0)).fold(f64::MIN, f64::max);
            assert!(best >= tried - 1e-12, "{own:?} {given:?} {best} {tried}");
            assert!(best >= own.least(&domain) - 1e-12);
        }
    }

    #[test]
    fn what_is_bounded_on_a_given_form_is_not_below_its_values_there() {
        let domain = [Interval::new(-1e6, 3e6).unwrap(), Interval::new(-7.0, 1e-3).unwrap()];
        let (own, given) = (form(&[1e-3, 1e3], 17.0), form(&[-1.0, 3.0], 2e6));
        let by = multiplier(&own, &given, &domain);
        assert!(by > 0.0);
        let least = combine_two(&own, &given, by, &domain).least(&domain);
        let value = |form: &Form, x: f64, y: f64| {
            form.coefficients[0] * x + form.coefficients[1] * y + form.constant
        };
        let place = |at: i32, x: Interval| x.lo() + f64::from(at) / 50.0 * (x.hi() - x.lo());
        for (i, j) in (0..=50).flat_map(|i| (0..=50).map(move |j| (i, j))) {
            let (x, y) = (place(i, domain[0]), place(j, domain[1]));
            if value(&given, x, y) <= 0.0 {
                assert!(value(&own, x, y) >= least);
            }
        }
    }
}
