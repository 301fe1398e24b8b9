//! Convex polygons with exact corners, cut along exact lines.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use super::Form;
use crate::prove::exact::Dyadic;

/// A convex polygon with corners of rational coordinates, counterclockwise.
#[derive(Clone, Debug)]
pub struct Polygon {
    corners: Vec<Corner>,
    /// The line of the edge from each corner to the next.
    edges: Vec<Border>,
}

/// The point `(x/w, y/w)`; `w` is positive.
#[derive(Clone, Debug)]
struct Corner {
    x: BigInt,
    y: BigInt,
    w: BigInt,
    /// The coordinates as floats, each off by less than 2⁻⁵¹ of itself.
    near: [f64; 2],
}

/// The line `a·x + b·y + c = 0`, with whole numbers.
#[derive(Clone, Debug)]
pub(super) struct Border {
    a: BigInt,
    b: BigInt,
    c: BigInt,
    /// The same in floats, up to a common power of two, each off by less than 2⁻⁵² of itself; `None` beyond their range.
    near: Option<[f64; 3]>,
}

/// Which sides of a line a polygon has a part of.
pub(super) enum Cut {
    /// The form is nowhere negative.
    Above(Polygon),
    /// The form is nowhere positive, and negative inside.
    Below(Polygon),
    /// The parts where it isn't positive, and where it isn't negative.
    Both(Polygon, Polygon),
}

impl Border {
    /// Where a form is 0.
    pub(super) fn of(form: &Form) -> Self {
        let all = [&form.slopes[0], &form.slopes[1], &form.constant];
        let parts = all.map(Dyadic::parts);
        let least = parts.iter().filter(|(mantissa, _)| !mantissa.is_zero()).map(|(_, e)| *e).min();
        let least = least.unwrap_or(0);
        let [a, b, c] = parts.map(|(mantissa, exponent)| {
            if mantissa.is_zero() { mantissa } else { mantissa << (exponent - least) as u64 }
        });
        Border::new(a, b, c)
    }

    fn new(a: BigInt, b: BigInt, c: BigInt) -> Self {
        // Beyond some 1000 bits floats end; only their ratios matter.
        let bits = [&a, &b, &c].map(BigInt::bits).into_iter().max().unwrap_or(0);
        let shift = bits.saturating_sub(900);
        let float = |value: &BigInt| (value >> shift).to_f64().filter(|float| float.is_finite());
        let near = match (shift, float(&a), float(&b), float(&c)) {
            (0, Some(a), Some(b), Some(c)) => Some([a, b, c]),
            _ => None, // not operations: whole numbers beyond floats
        };
        Border { a, b, c, near }
    }

    /// On which side of the line a point is.
    fn side(&self, corner: &Corner) -> Ordering {
        if let Some([a, b, c]) = self.near {
            let [x, y] = corner.near;
            let (first, second) = (a * x, b * y);
            let value = first + second + c;
            // Each factor is off by 2⁻⁵¹ at most, each operation by 2⁻⁵³ of its result: 2⁻⁴⁹ is more than all of it. The
            // smallest of floats may lose more, so they do not count.
            let size = first.abs() + second.abs() + c.abs();
            if value.abs() > size * 2.0_f64.powi(-48) && value.abs() > 1e-250 && size < 1e290 {
                return if value > 0.0 { Ordering::Greater } else { Ordering::Less };
            }
        }
        let value = &self.a * &corner.x + &self.b * &corner.y + &self.c * &corner.w;
        value.cmp(&BigInt::zero())
    }

    /// The point that two lines share, which are not parallel.
    fn meet(&self, other: &Border) -> Corner {
        let x = &self.b * &other.c - &other.b * &self.c;
        let y = &self.c * &other.a - &other.c * &self.a;
        let w = &self.a * &other.b - &other.a * &self.b;
        if w.is_negative() { Corner::new(-x, -y, -w) } else { Corner::new(x, y, w) }
    }
}

impl Corner {
    fn new(x: BigInt, y: BigInt, w: BigInt) -> Self {
        let near = [quotient(&x, &w), quotient(&y, &w)];
        Corner { x, y, w, near }
    }

    fn point(&self) -> [BigRational; 2] {
        [
            BigRational::new(self.x.clone(), self.w.clone()),
            BigRational::new(self.y.clone(), self.w.clone()),
        ]
    }
}

/// `a/b`, off by less than 2⁻⁵¹ of itself.
fn quotient(a: &BigInt, b: &BigInt) -> f64 {
    // 64 bits of each are more than a float holds.
    let cut = |value: &BigInt| {
        let shift = value.bits().saturating_sub(64);
        ((value >> shift).to_f64().unwrap_or(0.0), shift as i64)
    };
    let ((a, up), (b, down)) = (cut(a), cut(b));
    let power = (up - down).clamp(-2000, 2000) as i32;
    // In two steps, as 2^power alone may be beyond floats.
    a / b * 2.0_f64.powi(power / 2) * 2.0_f64.powi(power - power / 2)
}

impl Polygon {
    /// The rectangle between two corners.
    pub(super) fn rectangle(low: [f64; 2], high: [f64; 2]) -> Option<Self> {
        let form = |slopes: [f64; 2], constant: f64| {
            let exact = |value: f64| Dyadic::from_f64(value);
            let slopes = slopes.into_iter().map(exact).collect::<Option<Vec<_>>>()?;
            Some(Border::of(&Form { slopes, constant: exact(constant)? }))
        };
        // Bottom, right, top, left: each is positive inside.
        let edges = [
            form([0.0, 1.0], -low[1])?,
            form([-1.0, 0.0], high[0])?,
            form([0.0, -1.0], high[1])?,
            form([1.0, 0.0], -low[0])?,
        ];
        let corners = (0..4).map(|at: usize| edges[(at + 3) % 4].meet(&edges[at])).collect();
        Some(Polygon { corners, edges: edges.to_vec() })
    }

    /// The corners, counterclockwise.
    pub fn corners(&self) -> Vec<[BigRational; 2]> {
        self.corners.iter().map(Corner::point).collect()
    }

    /// The corners as the nearest floats or ones beside them, for drawing.
    pub fn corners_near(&self) -> Vec<[f64; 2]> {
        self.corners.iter().map(|corner| corner.near).collect()
    }

    /// The area.
    pub fn area(&self) -> BigRational {
        let corners = self.corners();
        let Some(first) = corners.first() else { return BigRational::zero() };
        let mut double = BigRational::zero();
        for pair in corners.windows(2).skip(1) {
            let [u, v] = [&pair[0], &pair[1]].map(|p| [&p[0] - &first[0], &p[1] - &first[1]]);
            double += &u[0] * &v[1] - &u[1] * &v[0];
        }
        double / BigRational::from_integer(2.into())
    }

    /// Whether a point lies in it or on its border.
    pub fn contains(&self, point: &[BigRational; 2]) -> bool {
        let w = point[0].denom() * point[1].denom();
        let corner = Corner::new(
            point[0].numer() * point[1].denom(),
            point[1].numer() * point[0].denom(),
            w,
        );
        // Which sign of an edge's line is inside is seen at a corner that is not on it.
        (0..self.corners.len()).all(|edge| {
            let line = &self.edges[edge];
            let inside = self.corners.iter().map(|corner| line.side(corner));
            let inside = inside.into_iter().find(|side| *side != Ordering::Equal);
            let side = line.side(&corner);
            side == Ordering::Equal || Some(side) == inside
        })
    }

    /// Cuts the polygon where a form is 0.
    pub(super) fn cut(self, form: &Form) -> Cut {
        if form.is_constant() {
            return if form.constant.is_negative() { Cut::Below(self) } else { Cut::Above(self) };
        }
        let line = Border::of(form);
        let sides: Vec<Ordering> = self.corners.iter().map(|corner| line.side(corner)).collect();
        if !sides.contains(&Ordering::Less) {
            return Cut::Above(self);
        }
        if !sides.contains(&Ordering::Greater) {
            return Cut::Below(self);
        }
        let below = self.half(&line, &sides, Ordering::Less);
        let above = self.half(&line, &sides, Ordering::Greater);
        Cut::Both(below, above)
    }

    /// The part on one side of a line that goes through the inside.
    fn half(&self, line: &Border, sides: &[Ordering], keep: Ordering) -> Polygon {
        let (mut corners, mut edges) = (vec![], vec![]);
        for at in 0..self.corners.len() {
            let (here, next) = (sides[at], sides[(at + 1) % sides.len()]);
            let kept = here == keep || here == Ordering::Equal;
            let leaves = here == keep && next == keep.reverse();
            let enters = here == keep.reverse() && next == keep;
            if kept {
                corners.push(self.corners[at].clone());
                // From a corner on the line to the other side the border goes along the line.
                let along = here == Ordering::Equal && next != keep;
                edges.push(if along { line.clone() } else { self.edges[at].clone() });
            }
            if leaves {
                corners.push(line.meet(&self.edges[at]));
                edges.push(line.clone());
            }
            if enters {
                corners.push(line.meet(&self.edges[at]));
                edges.push(self.edges[at].clone());
            }
        }
        Polygon { corners, edges }
    }

    /// The ends of the part of the border on which a form is 0 while it isn't everywhere.
    pub(super) fn zero_edge(&self, form: &Form) -> Option<[[BigRational; 2]; 2]> {
        if form.is_constant() {
            return None;
        }
        let line = Border::of(form);
        let on = |at: usize| line.side(&self.corners[at % self.corners.len()]) == Ordering::Equal;
        let edge = (0..self.corners.len()).find(|&at| on(at) && on(at + 1))?;
        let end = (edge + 1) % self.corners.len();
        Some([self.corners[edge].point(), self.corners[end].point()])
    }
}
