//! Few classes: a group of rows lies in columns, a register or two per class, from the scores to the derivative.
//!
//! # Safety
//! Everything here is inlined into the level of `L`.
#![allow(unsafe_code)]

use super::{Group, Job, LANES, Lanes, Outputs};
use crate::math::elementary::{exp, log};

/// At most [`LANES`] classes, as columns.
type Table<L> = [L; LANES];

/// `FIXED` classes; 0 for any number of at most [`LANES`].
///
/// # Safety
/// As the module says.
#[inline(always)]
pub(super) unsafe fn run<L: Lanes, const FIXED: usize>(job: &Job<'_>, outputs: &mut Outputs<'_>) {
    let classes = if FIXED > 0 { FIXED } else { job.operands.classes };
    let rows = job.operands.rows();
    let mut first = 0;
    while first < rows {
        let group = job.group(first);
        // SAFETY: the caller's promise, here and below.
        unsafe {
            let mut z = load::<L, FIXED>(job.operands.scores, classes, &group);
            let mut largest = z[0];
            for class in 1..classes {
                largest = z[class].larger(largest);
            }
            let mut e = [L::splat(0.0); LANES];
            let mut sum = L::splat(0.0);
            for class in 0..classes {
                z[class] = z[class].minus(largest);
                e[class] = z[class].map(exp);
                sum = sum.plus(e[class]);
            }
            let rows = Rows::<L>::new(&group);
            if job.is_sharp() {
                if outputs.wants_losses() {
                    let losses = sharp_losses(classes, &rows, &z, sum);
                    outputs.put_losses(first, group.count, &losses.array());
                }
                if let Some(gradient) = &mut outputs.gradient {
                    sharp_derivative(classes, &rows, sum, &mut e);
                    store::<L, FIXED>(gradient, classes, &group, &e);
                }
            } else {
                let t = targets::<L, FIXED>(job, classes, &group, &rows);
                if outputs.wants_losses() {
                    let losses = spread_losses(classes, &rows, &z, &t, sum);
                    outputs.put_losses(first, group.count, &losses.array());
                }
                if let Some(gradient) = &mut outputs.gradient {
                    spread_derivative(classes, &rows, sum, &t, &mut e);
                    store::<L, FIXED>(gradient, classes, &group, &e);
                }
            }
        }
        first += LANES;
    }
}

/// The rows' numbers of a [`Group`], in registers.
struct Rows<L> {
    class: L,
    weight: L,
    scale: L,
    zero: L,
    /// The class of rows that do not count.
    nowhere: L,
}

impl<L: Lanes> Rows<L> {
    #[inline(always)]
    unsafe fn new(group: &Group) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            Rows {
                class: L::load(group.class.as_ptr()),
                weight: L::load(group.weight.as_ptr()),
                scale: L::load(group.scale.as_ptr()),
                zero: L::splat(0.0),
                nowhere: L::splat(-1.0),
            }
        }
    }

    /// `values` where the row's class is `class`, `others` elsewhere.
    #[inline(always)]
    fn of_class(&self, class: usize, values: L, others: L) -> L {
        // SAFETY: a value of `L` is the proof.
        let class = unsafe { L::splat(class as f32) };
        self.class.select_equal(class, values, others)
    }

    /// `values`, and 0 where the row does not count.
    #[inline(always)]
    fn counted(&self, values: L) -> L {
        self.class.select_equal(self.nowhere, self.zero, values)
    }
}

/// The losses where a row's target is its class.
#[inline(always)]
fn sharp_losses<L: Lanes>(classes: usize, rows: &Rows<L>, z: &Table<L>, sum: L) -> L {
    let mut own = rows.zero;
    for class in 0..classes {
        own = rows.of_class(class, z[class], own);
    }
    let logp = own.minus(sum.map(log));
    rows.counted(rows.weight.negative().times(logp))
}

/// The derivative in place of the exponentials, where a row's target is its class.
#[inline(always)]
fn sharp_derivative<L: Lanes>(classes: usize, rows: &Rows<L>, sum: L, e: &mut Table<L>) {
    // SAFETY: a value of `L` is the proof.
    let share = unsafe { L::splat(1.0) }.over(sum);
    let (own, others) = (rows.weight.negative(), rows.zero.negative());
    for class in 0..classes {
        let target = rows.of_class(class, own, others);
        let p = e[class].times(share);
        e[class] = rows.counted(p.mul_add(rows.weight, target).times(rows.scale));
    }
}

/// How much of each row's target lies on each class: see [`target::at`](super::target::at).
#[inline(always)]
unsafe fn targets<L: Lanes, const FIXED: usize>(
    job: &Job<'_>,
    classes: usize,
    group: &Group,
    rows: &Rows<L>,
) -> Table<L> {
    let smoothing = job.loss.label_smoothing as f32;
    // SAFETY: the caller's promise, here and below.
    let (spread, kept) =
        unsafe { (L::splat(smoothing / classes as f32), L::splat(1.0 - smoothing)) };
    if !job.operands.by_index() {
        // SAFETY: as above.
        let mut t = unsafe { load::<L, FIXED>(job.operands.probabilities, classes, group) };
        for class in 0..classes {
            // SAFETY: as above.
            let weight = unsafe { L::splat(job.operands.weight(class)) };
            t[class] = weight.times(t[class].mul_add(kept, spread));
        }
        return t;
    }
    let mut t = [rows.zero; LANES];
    for class in 0..classes {
        // SAFETY: as above.
        let weight = unsafe { L::splat(job.operands.weight(class)) };
        let own = rows.of_class(class, weight.times(kept), rows.zero);
        t[class] = if smoothing == 0.0 { own } else { spread.mul_add(weight, own) };
    }
    t
}

#[inline(always)]
fn spread_losses<L: Lanes>(
    classes: usize,
    rows: &Rows<L>,
    z: &Table<L>,
    t: &Table<L>,
    sum: L,
) -> L {
    let logarithm = sum.map(log);
    let mut total = rows.zero;
    for class in 0..classes {
        let next = t[class].negative().mul_add(z[class].minus(logarithm), total);
        // A target of 0 counts for nothing, also where the score is −∞.
        total = t[class].select_equal(rows.zero, total, next);
    }
    rows.counted(total)
}

#[inline(always)]
fn spread_derivative<L: Lanes>(
    classes: usize,
    rows: &Rows<L>,
    sum: L,
    t: &Table<L>,
    e: &mut Table<L>,
) {
    // SAFETY: a value of `L` is the proof.
    let share = unsafe { L::splat(1.0) }.over(sum);
    let mut total = rows.zero;
    for class in 0..classes {
        total = total.plus(t[class]);
    }
    for class in 0..classes {
        let p = e[class].times(share);
        e[class] = rows.counted(p.mul_add(total, t[class].negative()).times(rows.scale));
    }
}

/// The group's rows as columns; missing rows are zeros.
#[inline(always)]
unsafe fn load<L: Lanes, const FIXED: usize>(
    from: &[f32],
    classes: usize,
    group: &Group,
) -> Table<L> {
    let rest = &from[group.first * classes..];
    let wanted = group.count * classes;
    assert!(wanted <= rest.len(), "rows beyond the matrix");
    // SAFETY: the caller's promise; below `wanted` (or in the whole case, below the end) there are elements.
    unsafe {
        let mut table = [L::splat(0.0); LANES];
        match FIXED {
            2 => {
                let [a, b] = [flat(rest, 0, wanted), flat(rest, 1, wanted)];
                [table[0], table[1]] = L::split2([a, b]);
            }
            4 => {
                let [a, b] = [flat(rest, 0, wanted), flat(rest, 1, wanted)];
                let [c, d] = [flat(rest, 2, wanted), flat(rest, 3, wanted)];
                [table[0], table[1], table[2], table[3]] = L::split4([a, b, c, d]);
            }
            _ => {
                // not operations: numbers of classes
                if is_whole(rest, classes, group) {
                    for row in 0..LANES {
                        table[row] = L::load(rest.as_ptr().add(row * classes));
                    }
                } else {
                    for row in 0..LANES {
                        if row < group.count {
                            table[row] = L::load_part(rest.as_ptr().add(row * classes), classes);
                        }
                    }
                }
                table = L::transpose(&table);
            }
        }
        table
    }
}

/// Whether sixteen elements may be touched from the beginning of each of sixteen rows.
#[inline(always)]
fn is_whole(rest: &[f32], classes: usize, group: &Group) -> bool {
    group.count == LANES && (LANES - 1) * classes + LANES <= rest.len()
}

/// Sixteen elements from `16·index` on, of which those from `wanted` on are zeros.
#[inline(always)]
unsafe fn flat<L: Lanes>(from: &[f32], index: usize, wanted: usize) -> L {
    let at = index * LANES;
    // SAFETY: the caller's promise: `from` has `wanted` elements.
    unsafe {
        if at + LANES <= wanted {
            L::load(from.as_ptr().add(at))
        } else if at < wanted {
            L::load_part(from.as_ptr().add(at), wanted - at)
        } else {
            L::splat(0.0)
        }
    }
}

/// The columns as the group's rows.
#[inline(always)]
unsafe fn store<L: Lanes, const FIXED: usize>(
    to: &mut [f32],
    classes: usize,
    group: &Group,
    table: &Table<L>,
) {
    let rest = &mut to[group.first * classes..];
    let wanted = group.count * classes;
    assert!(wanted <= rest.len(), "rows beyond the matrix");
    // SAFETY: the caller's promise; below `wanted` (or in the whole case, below the end) there are elements.
    unsafe {
        match FIXED {
            2 => {
                let [a, b] = L::join2([table[0], table[1]]);
                put(rest, 0, wanted, a);
                put(rest, 1, wanted, b);
            }
            4 => {
                let [a, b, c, d] = L::join4([table[0], table[1], table[2], table[3]]);
                put(rest, 0, wanted, a);
                put(rest, 1, wanted, b);
                put(rest, 2, wanted, c);
                put(rest, 3, wanted, d);
            }
            _ => {
                // not operations: numbers of classes
                let rows = L::transpose(table);
                if is_whole(rest, classes, group) {
                    // What is stored beyond a row's end is overwritten by the next row, or the next group.
                    for row in 0..LANES {
                        rows[row].store(rest.as_mut_ptr().add(row * classes));
                    }
                } else {
                    for row in 0..LANES {
                        if row < group.count {
                            rows[row].store_part(rest.as_mut_ptr().add(row * classes), classes);
                        }
                    }
                }
            }
        }
    }
}

/// Stores sixteen elements from `16·index` on, without those from `wanted` on.
#[inline(always)]
unsafe fn put<L: Lanes>(to: &mut [f32], index: usize, wanted: usize, values: L) {
    let at = index * LANES;
    // SAFETY: the caller's promise: `to` has `wanted` elements.
    unsafe {
        if at + LANES <= wanted {
            values.store(to.as_mut_ptr().add(at));
        } else if at < wanted {
            values.store_part(to.as_mut_ptr().add(at), wanted - at);
        }
    }
}
