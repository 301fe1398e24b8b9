//! Formulas with kinks and jumps: a derivation per piece, and what is the case where pieces meet.

use super::chain::Chain;
use super::derivation::{Derivation, Joint, JointKind, PieceDerivation};
use super::exact::{
    Comparison as Compared, Piece, Place, compare, compare_on, constant, joints, resolve, small,
    split,
};
use super::steer::steer;
use super::term::neat;
use crate::error::Result;
use crate::formula::{Case, Comparison, Expression, Function, Relation};
use num_rational::BigRational;

/// Formulas with more joints are not taken apart.
const MAX_JOINTS: usize = 12;

/// True if something under |·|, max, min or a condition changes its sign at a number, and that at few only.
pub(super) fn has_joints(formula: &Expression, variable: &str) -> bool {
    let mut found = vec![];
    joints(formula, variable, &mut found);
    if found.is_empty() || found.len() > MAX_JOINTS {
        return false;
    }
    let mut places = vec![];
    split(formula, formula, variable, &Place::Between(None, None), 6, &mut places);
    places.len() <= 2 * MAX_JOINTS + 1
}

/// Fills in pieces, joints, the derivative for all pieces, and the conventions.
pub(super) fn in_pieces(derivation: &mut Derivation) -> Result<()> {
    let variable = derivation.variable.clone();
    let formula = derivation.formula.clone();
    let slope = formula.differentiate(&variable)?;
    let mut places = vec![];
    split(&formula, &slope, &variable, &Place::Between(None, None), 6, &mut places);
    let mut ends = vec![];
    for (place, own, _) in &places {
        match place {
            Place::At(at) => ends.push(at.clone()),
            Place::Between(low, high) => {
                let Some(piece) = piece(&variable, low.as_ref(), high.as_ref()) else { continue };
                derivation.pieces.push(on_piece(piece, own, &variable)?);
            }
        }
    }
    // Pieces that turn out to be one (the condition had no effect there) are one.
    merge(derivation, &mut ends);
    for (i, at) in ends.iter().enumerate() {
        let (left, right) = (&derivation.pieces[i], &derivation.pieces[i + 1]);
        let joint = joint(&formula, &slope, &variable, at, left, right);
        derivation.joints.push(joint);
    }
    derivation.derivative = together(derivation, &slope, &ends);
    for joint in &derivation.joints {
        if let Some(text) = remark(joint, &variable) {
            derivation.conventions.push(text);
        }
    }
    Ok(())
}

fn piece(variable: &str, low: Option<&BigRational>, high: Option<&BigRational>) -> Option<Piece> {
    let end = |end: Option<&BigRational>| match end {
        None => Some(None),
        Some(end) => small(end).map(Some),
    };
    Some(Piece { variable: variable.to_string(), low: end(low)?, high: end(high)? })
}

fn on_piece(piece: Piece, own: &Expression, variable: &str) -> Result<PieceDerivation> {
    let own = neat(own);
    let mut chain = Chain::new(variable, Some(&piece));
    let begun = chain.begin(&own);
    if begun {
        steer(&mut chain, &own, None, variable);
    }
    let derivative = match chain.last() {
        Some(last) => last.clone(),
        None => own.differentiate(variable)?,
    };
    let (parts, steps) = (chain.parts, chain.steps);
    Ok(PieceDerivation { piece, formula: own, parts, steps, derivative })
}

fn merge(derivation: &mut Derivation, ends: &mut Vec<BigRational>) {
    let mut i = 0;
    while i + 1 < derivation.pieces.len() && i < ends.len() {
        let same = derivation.pieces[i].formula == derivation.pieces[i + 1].formula;
        let at_joint =
            resolve(&derivation.formula, &derivation.variable, &Place::At(ends[i].clone()));
        let own =
            derivation.pieces[i].formula.substitute(&derivation.variable, &constant(&ends[i]));
        if same && compare(&at_joint, &own).agrees() {
            let next = derivation.pieces.remove(i + 1);
            derivation.pieces[i].piece.high = next.piece.high;
            ends.remove(i);
        } else {
            i += 1;
        }
    }
}

/// The formula's value at a number; `None` where it has none.
fn value_at(tree: &Expression, variable: &str, at: &BigRational) -> Option<Expression> {
    let value = tree.substitute(variable, &constant(at));
    // A value agrees with itself exactly if it exists.
    compare(&value, &value).agrees().then(|| {
        let tidy = value.tidy();
        if tidy.rational().is_some() {
            return tidy;
        }
        let exact = super::exact::big_number(&value).map(|exact| constant(&exact));
        exact.unwrap_or_else(|| neat(&value))
    })
}

/// Whether no kink or jump of `tree` can lie at the number.
fn is_steady(tree: &Expression, variable: &str, at: &BigRational) -> bool {
    let zero = Expression::integer(0);
    let is_zero = |place: &Expression| {
        !matches!(
            compare(&place.substitute(variable, &constant(at)), &zero),
            Compared::Different { .. }
        )
    };
    tree.kinks().is_ok_and(|places| !places.iter().any(is_zero))
}

fn joint(
    formula: &Expression,
    slope: &Expression,
    variable: &str,
    at: &BigRational,
    left: &PieceDerivation,
    right: &PieceDerivation,
) -> Joint {
    let slope_at = resolve(slope, variable, &Place::At(at.clone()));
    let own = resolve(formula, variable, &Place::At(at.clone()));
    let convention = value_at(&slope_at, variable, at);
    // A limit is the value at the end of the piece only where nothing in the piece has a kink or jump there.
    let limit = |piece: &PieceDerivation, tree: &Expression| {
        let steady = is_steady(&piece.formula, variable, at) && is_steady(tree, variable, at);
        if steady { value_at(tree, variable, at) } else { None }
    };
    let (from_left, from_right) = (limit(left, &left.formula), limit(right, &right.formula));
    let (left_slope, right_slope) =
        (limit(left, &left.derivative), limit(right, &right.derivative));
    let same = |a: &Option<Expression>, b: &Option<Expression>| match (a, b) {
        (Some(a), Some(b)) => match compare(a, b) {
            Compared::Equal | Compared::NumericallyEqual => Some(true),
            Compared::Different { .. } => Some(false),
            Compared::Unknown { .. } => None,
        },
        _ => None,
    };
    let joined = same(&from_left, &from_right);
    let own = value_at(&own, variable, at);
    let touches = same(&from_left, &own).zip(same(&from_right, &own)).map(|(a, b)| a && b);
    let kind = match (joined, touches, same(&left_slope, &right_slope)) {
        (Some(false), _, _) | (_, Some(false), _) => JointKind::Jump,
        (Some(true), Some(true), Some(true)) => JointKind::Smooth,
        (Some(true), Some(true), Some(false)) => JointKind::Kink,
        (None, _, _) | (_, None, _) | (_, _, None) => JointKind::Unclear,
    };
    Joint { at: constant(at), left: left_slope, right: right_slope, kind, convention }
}

/// One formula for all pieces: the engine's if it is shorter, else the cases, with the convention at the joints.
fn together(derivation: &Derivation, slope: &Expression, ends: &[BigRational]) -> Expression {
    let variable = Expression::variable(&derivation.variable);
    let mut cases: Vec<Case> = vec![];
    let case = |relation, at: &BigRational, value: &Expression| Case {
        condition: Comparison { left: variable.clone(), relation, right: constant(at) },
        value: value.clone(),
    };
    let Some(last) = derivation.pieces.last() else { return slope.clone() };
    for ((at, joint), piece) in ends.iter().zip(&derivation.joints).zip(&derivation.pieces) {
        let same = |side: &Option<Expression>| match (side, &joint.convention) {
            (Some(side), Some(convention)) => compare(side, convention).agrees(),
            _ => false,
        };
        let own = &piece.derivative;
        if same(&joint.right) {
            cases.push(case(Relation::Less, at, own));
        } else if same(&joint.left) || joint.convention.is_none() {
            cases.push(case(Relation::LessEqual, at, own));
        } else if let Some(convention) = &joint.convention {
            cases.push(case(Relation::Less, at, own));
            cases.push(case(Relation::LessEqual, at, convention));
        }
    }
    let mut whole = match cases.as_slice() {
        [] => last.derivative.clone(),
        // z > 0 for the upper piece, as one writes it for ReLU
        [only] if only.condition.relation == Relation::LessEqual => {
            let upper = case(Relation::Greater, &ends[0], &last.derivative);
            Expression::Piecewise(vec![upper], Box::new(only.value.clone()))
        }
        _ => Expression::Piecewise(cases, Box::new(last.derivative.clone())),
    };
    if let Expression::Piecewise(cases, otherwise) = &whole
        && cases.iter().all(|case| case.value == **otherwise)
    {
        whole = otherwise.as_ref().clone();
    }
    // An even or odd function of z, in terms of |z|.
    let size = Expression::call(Function::Abs, variable.clone());
    let even = last.derivative.substitute(&derivation.variable, &size);
    let odd = Expression::Product(vec![Expression::call(Function::Sign, variable), even.clone()]);
    for short in [neat(slope), even, neat(&odd)] {
        let on_every_piece = || {
            let mut pieces = derivation.pieces.iter();
            pieces.all(|own| compare_on(&short, &own.derivative, &own.piece).agrees())
        };
        let at_every_joint = || {
            ends.iter().zip(&derivation.joints).all(|(at, joint)| {
                let value = value_at(&short, &derivation.variable, at);
                value.zip(joint.convention.clone()).is_some_and(|(a, b)| compare(&a, &b).agrees())
            })
        };
        if short.nodes() < whole.nodes() && on_every_piece() && at_every_joint() {
            whole = short;
        }
    }
    whole
}

fn remark(joint: &Joint, variable: &str) -> Option<String> {
    let shown =
        |value: &Option<Expression>| value.as_ref().map_or("?".to_string(), Expression::unicode);
    let at = format!("{variable} = {}", joint.at.unicode());
    let taken = joint.convention.as_ref().map(Expression::unicode);
    match joint.kind {
        JointKind::Smooth => None,
        JointKind::Kink => Some(format!(
            "At {at} the one-sided derivatives {} and {} differ: the derivative is undefined there.{}",
            shown(&joint.left),
            shown(&joint.right),
            taken.map_or(String::new(), |taken| format!(" The convention (PyTorch's) is {taken}.")),
        )),
        JointKind::Jump => Some(format!(
            "At {at} the function jumps: the derivative is undefined there.{}",
            taken.map_or(String::new(), |taken| format!(
                " The engine takes {taken}, that of the case that holds."
            )),
        )),
        JointKind::Unclear => {
            Some(format!("At {at} it was not decided whether the function has a derivative."))
        }
    }
}
