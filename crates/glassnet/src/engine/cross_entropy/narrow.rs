//! Few classes: a group of rows lies in columns, a register or two per class, from the scores to the derivative.

use super::{Columns, Group, Job, LANES, Lanes, Outputs, each, larger};
use crate::math::elementary::{exp, log};

/// At most [`LANES`] classes, as columns.
type Table = [Lanes; LANES];

/// `FIXED` classes; 0 for any number of at most [`LANES`].
#[inline(always)]
pub(super) fn run<C: Columns, const FIXED: usize>(job: &Job<'_>, outputs: &mut Outputs<'_>) {
    let classes = if FIXED > 0 { FIXED } else { job.operands.classes };
    let (mut z, mut e, mut t) =
        ([[0.0; LANES]; LANES], [[0.0; LANES]; LANES], [[0.0; LANES]; LANES]);
    for first in (0..job.operands.rows()).step_by(LANES) {
        let group = job.group(first);
        load::<C, FIXED>(job.operands.scores, classes, &group, &mut z);
        let mut largest = [f32::NEG_INFINITY; LANES];
        for class in 0..classes {
            largest = larger(&z[class], &largest);
        }
        let (mut sum, mut own) = ([0.0; LANES], [0.0; LANES]);
        for class in 0..classes {
            for lane in 0..LANES {
                z[class][lane] -= largest[lane];
                let z = z[class][lane];
                own[lane] = if group.class[lane] == class as i32 { z } else { own[lane] };
                e[class][lane] = exp(z);
                sum[lane] += e[class][lane];
            }
        }
        if !job.is_sharp() {
            targets::<C, FIXED>(job, classes, &group, &mut t);
        }
        if outputs.wants_losses() {
            let logarithms = each(
                #[inline(always)]
                |lane| log(sum[lane]),
            );
            let losses = if job.is_sharp() {
                each(
                    #[inline(always)]
                    |lane| {
                        let loss = -group.weight[lane] * (own[lane] - logarithms[lane]);
                        if group.class[lane] < 0 { 0.0 } else { loss }
                    },
                )
            } else {
                spread_losses(job, classes, &group, &z, &t, &logarithms)
            };
            outputs.put_losses(first, group.count, &losses);
        }
        if let Some(gradient) = &mut outputs.gradient {
            let shares = each(
                #[inline(always)]
                |lane| 1.0 / sum[lane],
            );
            if job.is_sharp() {
                sharp_derivative(classes, &group, &shares, &mut e);
            } else {
                spread_derivative(job, classes, &group, &shares, &t, &mut e);
            }
            store::<C, FIXED>(gradient, classes, &group, &e);
        }
    }
}

/// The derivative in place of the exponentials, where a row's target is its class.
#[inline(always)]
fn sharp_derivative(classes: usize, group: &Group, shares: &Lanes, e: &mut Table) {
    for class in 0..classes {
        for lane in 0..LANES {
            let p = e[class][lane] * shares[lane];
            let weight = group.weight[lane];
            let target = if group.class[lane] == class as i32 { weight } else { 0.0 };
            let slope = p.mul_add(weight, -target) * group.scale[lane];
            e[class][lane] = if group.class[lane] < 0 { 0.0 } else { slope };
        }
    }
}

/// How much of each row's target lies on each class: see [`target::at`](super::target::at).
#[inline(always)]
fn targets<C: Columns, const FIXED: usize>(
    job: &Job<'_>,
    classes: usize,
    group: &Group,
    t: &mut Table,
) {
    let smoothing = job.loss.label_smoothing as f32;
    let spread = smoothing / classes as f32;
    if !job.operands.by_index() {
        load::<C, FIXED>(job.operands.probabilities, classes, group, t);
        for class in 0..classes {
            let weight = job.operands.weight(class);
            for lane in 0..LANES {
                t[class][lane] = weight * t[class][lane].mul_add(1.0 - smoothing, spread);
            }
        }
        return;
    }
    for class in 0..classes {
        let weight = job.operands.weight(class);
        for lane in 0..LANES {
            let is_own = group.class[lane] == class as i32;
            let own = if is_own { weight * (1.0 - smoothing) } else { 0.0 };
            t[class][lane] = if smoothing == 0.0 { own } else { spread.mul_add(weight, own) };
        }
    }
}

#[inline(always)]
fn spread_losses(
    job: &Job<'_>,
    classes: usize,
    group: &Group,
    z: &Table,
    t: &Table,
    logarithms: &Lanes,
) -> Lanes {
    let mut total = [0.0; LANES];
    for class in 0..classes {
        for lane in 0..LANES {
            let (weight, so_far) = (t[class][lane], total[lane]);
            let next = (-weight).mul_add(z[class][lane] - logarithms[lane], so_far);
            // A target of 0 counts for nothing, also where the score is −∞.
            total[lane] = if weight != 0.0 { next } else { so_far };
        }
    }
    if job.operands.by_index() {
        for lane in 0..LANES {
            total[lane] = if group.class[lane] < 0 { 0.0 } else { total[lane] };
        }
    }
    total
}

#[inline(always)]
fn spread_derivative(
    job: &Job<'_>,
    classes: usize,
    group: &Group,
    shares: &Lanes,
    t: &Table,
    e: &mut Table,
) {
    let mut total = [0.0; LANES];
    for class in 0..classes {
        for lane in 0..LANES {
            total[lane] += t[class][lane];
        }
    }
    let by_index = job.operands.by_index();
    for class in 0..classes {
        for lane in 0..LANES {
            let p = e[class][lane] * shares[lane];
            let slope = p.mul_add(total[lane], -t[class][lane]) * group.scale[lane];
            e[class][lane] = if by_index && group.class[lane] < 0 { 0.0 } else { slope };
        }
    }
}

/// The group's rows as columns; missing rows are zeros.
#[inline(always)]
#[allow(unsafe_code)]
fn load<C: Columns, const FIXED: usize>(
    from: &[f32],
    classes: usize,
    group: &Group,
    table: &mut Table,
) {
    let rest = &from[group.first * classes..];
    let wanted = group.count * classes;
    assert!(wanted <= rest.len(), "rows beyond the matrix");
    // SAFETY: this is inlined into the level of `C`; every part lies within `rest`.
    let part = |at: usize, count: usize| unsafe {
        if at + LANES <= rest.len() {
            C::load_part(rest.as_ptr().add(at), count)
        } else {
            C::load_part(rest.as_ptr().add(at), count.min(rest.len() - at))
        }
    };
    let flat = |i: usize| {
        let at = i * LANES;
        if at < wanted { part(at, (wanted - at).min(LANES)) } else { [0.0; LANES] }
    };
    // SAFETY: as above.
    unsafe {
        match FIXED {
            2 => table[..2].copy_from_slice(&C::split2(&[flat(0), flat(1)])),
            4 => table[..4].copy_from_slice(&C::split4(&[flat(0), flat(1), flat(2), flat(3)])),
            _ => {
                // not operations: numbers of classes
                let mut square = [[0.0; LANES]; LANES];
                for row in 0..group.count {
                    square[row] = part(row * classes, classes);
                }
                *table = C::transpose(&square);
            }
        }
    }
}

/// The columns as the group's rows.
#[inline(always)]
#[allow(unsafe_code)]
fn store<C: Columns, const FIXED: usize>(
    to: &mut [f32],
    classes: usize,
    group: &Group,
    table: &Table,
) {
    let rest = &mut to[group.first * classes..];
    let wanted = group.count * classes;
    assert!(wanted <= rest.len(), "rows beyond the matrix");
    let mut part = |at: usize, count: usize, lanes: &Lanes| {
        if at < wanted {
            // SAFETY: this is inlined into the level of `C`; the part lies within `rest`.
            unsafe { C::store_part(lanes, rest.as_mut_ptr().add(at), count.min(wanted - at)) };
        }
    };
    // SAFETY: as above.
    unsafe {
        match FIXED {
            2 => {
                let flat = C::join2(&[table[0], table[1]]);
                flat.iter().enumerate().for_each(|(i, lanes)| part(i * LANES, LANES, lanes));
            }
            4 => {
                let flat = C::join4(&[table[0], table[1], table[2], table[3]]);
                flat.iter().enumerate().for_each(|(i, lanes)| part(i * LANES, LANES, lanes));
            }
            _ => {
                // not operations: numbers of classes
                let rows = C::transpose(table);
                rows.iter()
                    .enumerate()
                    .for_each(|(row, lanes)| part(row * classes, classes, lanes));
            }
        }
    }
}
