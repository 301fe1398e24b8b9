//! The canonical form of networks with one hidden ReLU layer on all inputs, which decides equality.
//!
//! Lemma: a network `y(x) = c + A·x + Σ v_k·relu(n_k·x + t_k)` with pairwise different hyperplanes `n_k·x + t_k = 0`,
//! `n_k ≠ 0`, determines its kinks: across hyperplane k the gradient jumps by `v_k·n_k`, elsewhere it doesn't. So two
//! networks are equal on all of Rⁿ exactly where hyperplanes (each with its first coefficient scaled to 1 and, by
//! `relu(−t) = relu(t) − t`, positive), the vectors v_k ≠ 0, A and c are equal.

use std::cmp::Ordering;

use super::chain::{Affine, Chain, Layer};
use super::number::Number;
use crate::error::{Error, Result};

/// A hyperplane with its first coefficient 1, and what each output takes of its positive part.
struct Kink {
    plane: Vec<Number>,
    outgoing: Vec<Number>,
}

/// The form: kinks in order, the linear part (a row for each output, the constant last).
struct Form {
    kinks: Vec<Kink>,
    linear: Vec<Vec<Number>>,
}

/// Checks that two chains `matrix, ReLU, matrix` compute the same for every input.
pub(super) fn equal(a: &Chain, b: &Chain) -> Result<()> {
    let (a, b) = (form(a)?, form(b)?);
    let same =
        |a: &[Number], b: &[Number]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is(b));
    let linear =
        a.linear.len() == b.linear.len() && a.linear.iter().zip(&b.linear).all(|(a, b)| same(a, b));
    let kinks = a.kinks.len() == b.kinks.len()
        && a.kinks
            .iter()
            .zip(&b.kinks)
            .all(|(a, b)| same(&a.plane, &b.plane) && same(&a.outgoing, &b.outgoing));
    if linear && kinks { Ok(()) } else { Err(Error::model("the canonical forms differ")) }
}

fn form(chain: &Chain) -> Result<Form> {
    let [Layer::Affine(first), Layer::Kinked(slopes), Layer::Affine(second)] = &chain.layers[..]
    else {
        return Err(Error::model("a canonical form is that of a matrix, a ReLU and a matrix"));
    };
    if slopes.iter().any(|slope| !slope.is_zero()) {
        return Err(Error::model("a canonical form is that of a matrix, a ReLU and a matrix"));
    }
    let mut linear: Vec<Vec<Number>> = second
        .bias
        .iter()
        .map(|bias| {
            let mut row = vec![Number::zero(); chain.inputs];
            row.push(bias.clone());
            row
        })
        .collect();
    let mut kinks = vec![];
    for unit in 0..slopes.len() {
        kinks.extend(kink(first, second, unit, &mut linear));
    }
    kinks.sort_by(by_plane);
    let mut joined: Vec<Kink> = vec![];
    for kink in kinks {
        match joined.last_mut() {
            Some(last) if by_plane(last, &kink) == Ordering::Equal => {
                for (sum, more) in last.outgoing.iter_mut().zip(&kink.outgoing) {
                    *sum = sum.plus(more);
                }
            }
            Some(_) | None => joined.push(kink),
        }
    }
    joined.retain(|kink| kink.outgoing.iter().any(|weight| !weight.is_zero()));
    Ok(Form { kinks: joined, linear })
}

/// The kink of one hidden unit; what of it is linear is added to `linear`.
fn kink(first: &Affine, second: &Affine, unit: usize, linear: &mut [Vec<Number>]) -> Option<Kink> {
    let mut plane = first.weight[unit].clone();
    plane.push(first.bias[unit].clone());
    let inputs = plane.len() - 1;
    let outgoing: Vec<Number> = second.weight.iter().map(|row| row[unit].clone()).collect();
    let Some(lead) = plane[..inputs].iter().find(|weight| !weight.is_zero()).cloned() else {
        let value = first.bias[unit].clone().max(Number::zero());
        for (row, weight) in linear.iter_mut().zip(&outgoing) {
            row[inputs] = row[inputs].plus(&weight.times(&value));
        }
        return None;
    };
    // relu(c·t) = |c|·relu(±t), and relu(−t) = relu(t) − t.
    let scale = lead.reciprocal()?;
    let plane: Vec<Number> = plane.iter().map(|weight| weight.times(&scale)).collect();
    let outgoing: Vec<Number> = outgoing.iter().map(|weight| weight.times(&lead.abs())).collect();
    if lead.is_negative() {
        for (row, weight) in linear.iter_mut().zip(&outgoing) {
            for (sum, coefficient) in row.iter_mut().zip(&plane) {
                *sum = sum.minus(&weight.times(coefficient));
            }
        }
    }
    Some(Kink { plane, outgoing })
}

fn by_plane(a: &Kink, b: &Kink) -> Ordering {
    let pairs = a.plane.iter().zip(&b.plane);
    pairs.map(|(a, b)| a.compare(b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
