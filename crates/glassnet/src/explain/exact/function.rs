//! Piecewise polynomials in one variable.

use std::sync::Arc;

use num_traits::Zero;

use super::number::{Rational, ratio};
use super::place::{Place, between, roots};
use super::polynomial::{Polynomial, sign};

/// A function of one variable `w` over the whole line that is a polynomial between finitely many places.
///
/// It is kept as the polynomial left of all places and what is added beyond each: so a sum is a merge, and a place
/// where nothing changes leaves no trace. At a place itself the polynomial on its left holds; continuous functions
/// do not care.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    first: Polynomial,
    jumps: Vec<Jump>,
}

/// What is added to a function beyond a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Jump {
    pub(super) at: Arc<Place>,
    pub(super) change: Polynomial,
}

/// A polynomial and where it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins, `None` for −∞.
    pub from: Option<Arc<Place>>,
    /// Where it ends, `None` for ∞.
    pub to: Option<Arc<Place>>,
    /// What holds between.
    pub polynomial: Polynomial,
}

impl Function {
    /// The same value everywhere.
    pub fn constant(value: Rational) -> Self {
        Function { first: Polynomial::constant(value), jumps: vec![] }
    }

    /// The variable itself.
    pub fn variable() -> Self {
        Function { first: Polynomial::variable(), jumps: vec![] }
    }

    /// The value, if it is the same everywhere.
    pub fn as_constant(&self) -> Option<Rational> {
        self.is_constant().then(|| self.first.constant_term())
    }

    /// Whether the value is the same everywhere.
    pub fn is_constant(&self) -> bool {
        self.jumps.is_empty() && self.first.coefficients().len() <= 1
    }

    /// Where the polynomial changes, ascending.
    pub fn places(&self) -> impl Iterator<Item = &Arc<Place>> {
        self.jumps.iter().map(|jump| &jump.at)
    }

    /// The polynomial left of all places.
    pub(super) fn first(&self) -> &Polynomial {
        &self.first
    }

    /// The changes, ascending.
    pub(super) fn jumps(&self) -> &[Jump] {
        &self.jumps
    }

    /// A function of its parts; the jumps must ascend.
    pub(super) fn from_jumps(first: Polynomial, jumps: Vec<Jump>) -> Self {
        Function { first, jumps }
    }

    /// The pieces from left to right.
    pub fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::with_capacity(self.jumps.len() + 1);
        let mut polynomial = self.first.clone();
        let mut from = None;
        for jump in &self.jumps {
            let next = polynomial.plus(&jump.change);
            pieces.push(Piece { from, to: Some(Arc::clone(&jump.at)), polynomial });
            from = Some(Arc::clone(&jump.at));
            polynomial = next;
        }
        pieces.push(Piece { from, to: None, polynomial });
        pieces
    }

    /// The function of neighbouring pieces, which cover the line from left to right.
    fn from_pieces(pieces: Vec<(Polynomial, Option<Arc<Place>>)>) -> Self {
        let mut pieces = pieces.into_iter();
        let Some((first, mut end)) = pieces.next() else { return Function::default() };
        let mut function = Function { first: first.clone(), jumps: vec![] };
        let mut last = first;
        for (polynomial, next_end) in pieces {
            let change = polynomial.minus(&last);
            if let (Some(at), false) = (end, change.is_zero()) {
                function.jumps.push(Jump { at, change });
            }
            (last, end) = (polynomial, next_end);
        }
        function
    }

    /// The value at `w`.
    pub fn at(&self, w: &Rational) -> Rational {
        let place = Place::Fraction(w.clone());
        let passed = self.jumps.iter().take_while(|jump| *jump.at < place);
        passed.fold(self.first.at(w), |sum, jump| sum + jump.change.at(w))
    }

    /// The sum of functions, each with a factor.
    pub fn sum<'a>(terms: impl IntoIterator<Item = (Rational, &'a Function)>) -> Function {
        let mut first = Polynomial::default();
        let mut jumps = vec![];
        for (factor, function) in terms {
            first = first.plus(&function.first.times_constant(&factor));
            for jump in &function.jumps {
                jumps.push(Jump {
                    at: Arc::clone(&jump.at),
                    change: jump.change.times_constant(&factor),
                });
            }
        }
        jumps.sort_by(|a, b| compare(&a.at, &b.at));
        Function { first, jumps: merged(jumps) }
    }

    /// The difference.
    pub fn minus(&self, other: &Function) -> Function {
        Function::sum([(ratio(1, 1), self), (ratio(-1, 1), other)])
    }

    /// The product with a number.
    pub fn times_constant(&self, factor: &Rational) -> Function {
        if factor.is_zero() {
            return Function::default();
        }
        let scaled = |jump: &Jump| Jump {
            at: Arc::clone(&jump.at),
            change: jump.change.times_constant(factor),
        };
        Function {
            first: self.first.times_constant(factor),
            jumps: self.jumps.iter().map(scaled).collect(),
        }
    }

    /// The product.
    pub fn times(&self, other: &Function) -> Function {
        match (self.as_constant(), other.as_constant()) {
            (_, Some(factor)) => self.times_constant(&factor),
            (Some(factor), None) => other.times_constant(&factor),
            (None, None) => self.combine(other, Polynomial::times),
        }
    }

    /// A function of two functions, piece by piece.
    pub fn combine(
        &self,
        other: &Function,
        with: impl Fn(&Polynomial, &Polynomial) -> Polynomial,
    ) -> Function {
        let mut places: Vec<(&Arc<Place>, bool, &Polynomial)> = vec![];
        places.extend(self.jumps.iter().map(|jump| (&jump.at, true, &jump.change)));
        places.extend(other.jumps.iter().map(|jump| (&jump.at, false, &jump.change)));
        places.sort_by(|a, b| compare(a.0, b.0));
        let (mut a, mut b) = (self.first.clone(), other.first.clone());
        let mut pieces = vec![];
        let mut index = 0;
        while let Some(&(at, _, _)) = places.get(index) {
            pieces.push((with(&a, &b), Some(Arc::clone(at))));
            while let Some(&(here, own, change)) = places.get(index) {
                if compare(here, at).is_ne() {
                    break;
                }
                let side = if own { &mut a } else { &mut b };
                *side = side.plus(change);
                index += 1;
            }
        }
        pieces.push((with(&a, &b), None));
        Function::from_pieces(pieces)
    }

    /// The function made piece by piece by `with`, which is told how many of the ascending `thresholds` lie below the
    /// value; pieces are cut where the value passes a threshold.
    pub fn split(
        &self,
        thresholds: &[Rational],
        with: impl Fn(usize, &Polynomial) -> Polynomial,
    ) -> Function {
        let mut pieces = vec![];
        for piece in self.pieces() {
            let cuts = match piece.polynomial.coefficients() {
                [] | [_] | [_, _] => straight_cuts(&piece, thresholds),
                [_, _, _, ..] => curved_cuts(&piece, thresholds),
            };
            for (region, end) in cuts {
                pieces.push((with(region, &piece.polynomial), end));
            }
        }
        Function::from_pieces(pieces)
    }

    /// `max(f, 0)`.
    pub fn positive_part(&self) -> Function {
        self.split(&[Rational::zero()], |region, p| match region {
            0 => Polynomial::default(),
            _ => p.clone(),
        })
    }

    /// Whether the function has no leap anywhere.
    pub fn is_continuous(&self) -> bool {
        self.jumps.iter().all(|jump| match &*jump.at {
            Place::Fraction(at) => jump.change.at(at).is_zero(),
            Place::Root(_) => roots(&jump.change, None, None).contains(&jump.at),
        })
    }
}

/// A piece's parts: how many thresholds lie below the value there, and where the part ends.
type Cuts = Vec<(usize, Option<Arc<Place>>)>;

/// The parts of a straight piece: the sides of its ends tell which thresholds it passes.
fn straight_cuts(piece: &Piece, thresholds: &[Rational]) -> Cuts {
    let slope = match piece.polynomial.coefficients() {
        [_, slope, ..] => sign(slope),
        [] | [_] => 0,
    };
    let mut region = 0;
    let mut cuts = vec![];
    for threshold in thresholds {
        let above = minus_constant(&piece.polynomial, threshold);
        let start = side(&above, slope, piece.from.as_deref(), true);
        let end = side(&above, slope, piece.to.as_deref(), false);
        region += usize::from(start > 0);
        if let ([constant, slope], true) = (above.coefficients(), start != end) {
            cuts.push(Arc::new(Place::Fraction(-(constant / slope))));
        }
    }
    // Thresholds ascend: a falling line passes the higher ones first.
    if slope < 0 {
        cuts.reverse();
    }
    let mut parts: Cuts = vec![];
    for cut in cuts {
        parts.push((region, Some(cut)));
        region = if slope > 0 { region + 1 } else { region - 1 };
    }
    parts.push((region, piece.to.clone()));
    parts
}

/// The sign of a straight polynomial just inside the end of a piece.
fn side(polynomial: &Polynomial, slope: i8, end: Option<&Place>, start: bool) -> i8 {
    let outwards = if start { -slope } else { slope };
    match (polynomial.coefficients(), end) {
        ([], _) => 0,
        ([constant], _) => sign(constant),
        (_, None) => outwards,
        (_, Some(Place::Fraction(end))) => match polynomial.sign_at(end) {
            0 => -outwards,
            sign => sign,
        },
        ([constant, slope, ..], Some(end)) => {
            let beyond = Place::Fraction(-(constant / slope)).cmp(end);
            let inside = if start { beyond.is_le() } else { beyond.is_ge() };
            if inside { -outwards } else { outwards }
        }
    }
}

/// The parts of a curved piece, by its roots and a sample between each two.
fn curved_cuts(piece: &Piece, thresholds: &[Rational]) -> Cuts {
    let (low, high) = (piece.from.as_deref(), piece.to.as_deref());
    let mut cuts: Vec<Place> = thresholds
        .iter()
        .flat_map(|threshold| roots(&minus_constant(&piece.polynomial, threshold), low, high))
        .collect();
    cuts.sort();
    cuts.dedup();
    let mut from = piece.from.clone();
    let ends = cuts.into_iter().map(|cut| Some(Arc::new(cut))).chain([piece.to.clone()]);
    let mut parts = vec![];
    for end in ends {
        let value = piece.polynomial.at(&between(from.as_deref(), end.as_deref()));
        parts
            .push((thresholds.iter().filter(|threshold| **threshold < value).count(), end.clone()));
        from = end;
    }
    parts
}

fn minus_constant(polynomial: &Polynomial, constant: &Rational) -> Polynomial {
    if constant.is_zero() {
        return polynomial.clone();
    }
    polynomial.minus(&Polynomial::constant(constant.clone()))
}

/// The order of two places, quickly where they are one.
pub(super) fn compare(a: &Arc<Place>, b: &Arc<Place>) -> std::cmp::Ordering {
    if Arc::ptr_eq(a, b) { std::cmp::Ordering::Equal } else { a.cmp(b) }
}

/// Ascending jumps with those at one place joined and those that change nothing left out.
pub(super) fn merged(jumps: Vec<Jump>) -> Vec<Jump> {
    let mut merged: Vec<Jump> = Vec::with_capacity(jumps.len());
    for jump in jumps {
        match merged.last_mut() {
            Some(last) if compare(&last.at, &jump.at).is_eq() => {
                last.change = last.change.plus(&jump.change);
            }
            Some(_) | None => merged.push(jump),
        }
    }
    merged.retain(|jump| !jump.change.is_zero());
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(constant: i64, slope: i64) -> Function {
        let first = Polynomial::new(vec![ratio(constant, 1), ratio(slope, 1)]);
        Function { first, jumps: vec![] }
    }

    #[test]
    fn positive_parts_add_up_to_what_they_are() {
        // |w − 3| = relu(w − 3) + relu(3 − w)
        let (up, down) = (line(-3, 1).positive_part(), line(3, -1).positive_part());
        let absolute = Function::sum([(ratio(1, 1), &up), (ratio(1, 1), &down)]);
        for (w, expected) in [(-5, 8), (3, 0), (10, 7)] {
            assert_eq!(absolute.at(&ratio(w, 1)), ratio(expected, 1));
        }
        assert_eq!(absolute.pieces().len(), 2);
        // relu(f) − relu(−f) = f: the kink leaves no trace.
        let back = up.minus(&down);
        assert_eq!(back, line(-3, 1));
        assert!(absolute.is_continuous());
    }

    #[test]
    fn kinks_of_parabolas_are_roots() {
        let square = line(0, 1).times(&line(0, 1)).minus(&Function::constant(ratio(2, 1)));
        let cut = square.positive_part();
        assert_eq!(cut.pieces().len(), 3);
        assert_eq!(cut.at(&ratio(3, 1)), ratio(7, 1));
        assert_eq!(cut.at(&ratio(1, 1)), ratio(0, 1));
        assert!(cut.is_continuous());
        let step =
            square.split(&[ratio(0, 1)], |region, _| Polynomial::constant(ratio(region as i64, 1)));
        assert!(!step.is_continuous());
    }
}
