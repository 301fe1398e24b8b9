//! Where a piecewise polynomial is least.

use std::sync::Arc;

use super::{Level, Minimum, Piece, Stretch};
use crate::explain::exact::{Place, Polynomial, Rational, nearest, roots};

/// The least value over exact pieces and where it is taken.
pub(super) fn exactly(pieces: &[Piece]) -> Minimum {
    let mut candidates: Vec<Candidate> = vec![];
    for piece in pieces {
        let Some(polynomial) = &piece.polynomial else { continue };
        if let Some(endless) = endless(piece, polynomial) {
            return endless;
        }
        if polynomial.degree() == 0 {
            candidates.push(Candidate {
                from: piece.from.clone(),
                to: piece.to.clone(),
                value: polynomial.constant_term(),
                exact: true,
            });
            continue;
        }
        let inner = roots(&polynomial.derivative(), piece.from.as_deref(), piece.to.as_deref());
        let ends = [piece.from.clone(), piece.to.clone()].into_iter().flatten();
        for place in inner.into_iter().map(Arc::new).chain(ends) {
            let (low, high) = place.bracket();
            let middle = (low + high) / crate::explain::exact::ratio(2, 1);
            candidates.push(Candidate {
                value: polynomial.at(&middle),
                exact: place.fraction().is_some(),
                from: Some(Arc::clone(&place)),
                to: Some(place),
            });
        }
    }
    let Some(least) = candidates.iter().map(|candidate| &candidate.value).min().cloned() else {
        return Minimum::Endless { upwards: true };
    };
    candidates.retain(|candidate| candidate.value == least);
    let exact = candidates.iter().any(|candidate| candidate.exact);
    let value = nearest(&least);
    Minimum::At {
        loss: Level { value, exact: exact.then_some(least) },
        stretches: joined(candidates),
    }
}

struct Candidate {
    from: Option<Arc<Place>>,
    to: Option<Arc<Place>>,
    value: Rational,
    /// Whether the place is a fraction, so that the value is the polynomial's own.
    exact: bool,
}

fn endless(piece: &Piece, polynomial: &Polynomial) -> Option<Minimum> {
    if polynomial.degree() == 0 {
        return None;
    }
    if piece.to.is_none() && polynomial.sign_at_infinity(true) < 0 {
        return Some(Minimum::Endless { upwards: true });
    }
    if piece.from.is_none() && polynomial.sign_at_infinity(false) < 0 {
        return Some(Minimum::Endless { upwards: false });
    }
    None
}

/// Stretches that touch become one. Candidates come from left to right, but for the ends of their pieces.
fn joined(mut candidates: Vec<Candidate>) -> Vec<Stretch> {
    candidates.sort_by(|a, b| match (&a.from, &b.from) {
        (Some(a), Some(b)) => a.cmp(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
    let mut stretches: Vec<Stretch> = vec![];
    for candidate in candidates {
        let touches = stretches.last().is_some_and(|last| match (&last.to, &candidate.from) {
            (Some(end), Some(start)) => end >= start,
            (None, _) | (_, None) => true,
        });
        match stretches.last_mut() {
            Some(last) if touches => {
                let further = match (&last.to, &candidate.to) {
                    (Some(end), Some(other)) => other > end,
                    (Some(_), None) => true,
                    (None, _) => false,
                };
                if further {
                    last.to = candidate.to;
                }
            }
            Some(_) | None => {
                stretches.push(Stretch { from: candidate.from, to: candidate.to });
            }
        }
    }
    stretches
}
