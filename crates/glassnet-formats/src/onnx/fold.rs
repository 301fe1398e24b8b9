//! Layouts and whole numbers of known arrays.
//!
//! Arithmetic on known floats is done by [`glassnet::reference`], so that a folded node means what the same node of
//! a graph means.

use glassnet::graph::op::Arithmetic;
use glassnet::{Error, Result};

use super::constant::{Constant, Data, Whole};

/// The most axes of an array.
pub(super) const MOST_AXES: usize = 64;

/// The number of elements of a shape.
///
/// # Errors
/// When it does not fit memory's addresses, or would not if axes of length 0 had an element.
pub(super) fn elements(shape: &[usize]) -> Result<usize> {
    let addressed = shape
        .iter()
        .try_fold(1_usize, |product, &length| product.checked_mul(length.max(1)))
        .filter(|&elements| elements <= isize::MAX as usize / size_of::<f64>());
    match addressed {
        Some(elements) => Ok(if shape.contains(&0) { 0 } else { elements }),
        None => Err(Error::model(format!("an array of shape {shape:?} has too many elements"))),
    }
}

/// How many elements apart neighbours along each axis lie; the shape has passed [`elements`].
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis].max(1);
    }
    strides
}

/// The places that an array of `shape` takes its elements from, whose axis `i` goes in steps of `steps[i]` from
/// `start`.
pub(super) fn places(shape: &[usize], steps: &[isize], start: usize) -> Vec<usize> {
    if shape.contains(&0) {
        return vec![];
    }
    let mut found = vec![start];
    for (&length, &step) in shape.iter().zip(steps) {
        let mut next = Vec::with_capacity(found.len() * length);
        for &place in &found {
            let at = |index: usize| place.wrapping_add_signed(step.wrapping_mul(index as isize));
            next.extend((0..length).map(at));
        }
        found = next;
    }
    found
}

/// The places for a repetition of `from` to `to` by NumPy's rules; `from` broadcasts to `to`.
pub(super) fn broadcast_places(from: &[usize], to: &[usize]) -> Vec<usize> {
    let ahead = to.len() - from.len();
    let mut steps = vec![0_isize; ahead];
    let own = strides(from);
    let step = |(&length, stride): (&usize, usize)| if length == 1 { 0 } else { stride as isize };
    steps.extend(from.iter().zip(own).map(step));
    places(to, &steps, 0)
}

/// The common shape by NumPy's rules.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis])
    };
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (a, b) if a == b => Ok(a),
            (1, b) => Ok(b),
            (a, 1) => Ok(a),
            _ => Err(Error::model(format!("the shapes {a:?} and {b:?} do not broadcast"))),
        })
        .collect()
}

/// Arrays of one element type behind each other along an axis; their shapes agree elsewhere.
pub(super) fn concat(parts: &[&Constant], axis: usize, shape: Vec<usize>) -> Result<Constant> {
    let outer = if elements(&shape)? == 0 { 0 } else { elements(&shape[..axis])? };
    let piece = |part: &Constant| part.shape[axis..].iter().product::<usize>();
    let data = match &parts[0].data {
        Data::Floats(_) => Data::Floats(joined(parts, outer, piece, |part| match &part.data {
            Data::Floats(data) => Some(data),
            Data::Wholes(_) | Data::Truths(_) => None,
        })?),
        Data::Wholes(_) => Data::Wholes(joined(parts, outer, piece, |part| match &part.data {
            Data::Wholes(data) => Some(data),
            Data::Floats(_) | Data::Truths(_) => None,
        })?),
        Data::Truths(_) => Data::Truths(joined(parts, outer, piece, |part| match &part.data {
            Data::Truths(data) => Some(data),
            Data::Floats(_) | Data::Wholes(_) => None,
        })?),
    };
    Ok(Constant { element: parts[0].element, shape, data })
}

fn joined<'a, T: Copy + 'a>(
    parts: &[&'a Constant],
    outer: usize,
    piece: impl Fn(&Constant) -> usize,
    data: impl Fn(&'a Constant) -> Option<&'a Vec<T>>,
) -> Result<Vec<T>> {
    let mut whole = vec![];
    for row in 0..outer {
        for part in parts {
            let length = piece(part);
            let own = data(part)
                .ok_or_else(|| Error::model("arrays of several element types are joined"))?;
            whole.extend_from_slice(&own[row * length..(row + 1) * length]);
        }
    }
    Ok(whole)
}

/// Elementwise arithmetic of whole numbers with broadcasting.
pub(super) fn wholes(op: Arithmetic, a: &Constant, b: &Constant) -> Result<Constant> {
    let shape = broadcast(&a.shape, &b.shape)?;
    let (left, right) = (a.wholes()?, b.wholes()?);
    let (from_a, from_b) = (broadcast_places(&a.shape, &shape), broadcast_places(&b.shape, &shape));
    let pairs = from_a.into_iter().zip(from_b).map(|(at, bt)| whole(op, left[at], right[bt]));
    let data = pairs.collect::<Result<Vec<Whole>>>()?;
    let result = Constant { element: a.element, shape, data: Data::Wholes(data) };
    in_range(&result)?;
    Ok(result)
}

/// Refuses whole numbers that their type cannot hold, where ONNX's runtimes disagree about what they become.
pub(super) fn in_range(constant: &Constant) -> Result<()> {
    let Some((least, most)) = constant.element.range() else { return Ok(()) };
    let outside = constant.wholes()?.iter().find_map(|whole| {
        let number = i128::from(whole.known()?);
        (number < least || number > most).then_some(number)
    });
    match outside {
        None => Ok(()),
        Some(number) => {
            Err(Error::model(format!("the number {number} does not fit {}", constant.element)))
        }
    }
}

fn whole(op: Arithmetic, a: Whole, b: Whole) -> Result<Whole> {
    use Whole::{Batches, Number};
    let overflow = || Error::model("a whole number is too large for 64 bits");
    let unknown = || {
        Error::unsupported(
            "arithmetic with the number of rows",
            "the ONNX reader",
            "only its multiples are known when the file is read",
        )
    };
    let number = |number: Option<i64>| number.map(Number).ok_or_else(overflow);
    let batches = |number: Option<i64>| match number {
        Some(0) => Ok(Number(0)),
        number => number.map(Batches).ok_or_else(overflow),
    };
    match (op, a, b) {
        (Arithmetic::Add, Number(a), Number(b)) => number(a.checked_add(b)),
        (Arithmetic::Add, Batches(a), Batches(b)) => batches(a.checked_add(b)),
        (Arithmetic::Add, Batches(a), Number(0)) | (Arithmetic::Add, Number(0), Batches(a)) => {
            Ok(Batches(a))
        }
        (Arithmetic::Sub, Number(a), Number(b)) => number(a.checked_sub(b)),
        (Arithmetic::Sub, Batches(a), Batches(b)) => batches(a.checked_sub(b)),
        (Arithmetic::Sub, Batches(a), Number(0)) => Ok(Batches(a)),
        (Arithmetic::Mul, Number(a), Number(b)) => number(a.checked_mul(b)),
        (Arithmetic::Mul, Batches(a), Number(b)) | (Arithmetic::Mul, Number(b), Batches(a)) => {
            batches(a.checked_mul(b))
        }
        (Arithmetic::Div, _, Number(0)) => Err(Error::model("a whole number is divided by 0")),
        (Arithmetic::Div, Number(a), Number(b)) => number(a.checked_div(b)),
        (Arithmetic::Div, Batches(a), Number(b)) if a.checked_rem(b) == Some(0) => {
            batches(a.checked_div(b))
        }
        (Arithmetic::Div, Batches(a), Batches(b)) if a.checked_rem(b) == Some(0) => {
            number(a.checked_div(b))
        }
        (Arithmetic::Maximum, Number(a), Number(b)) => Ok(Number(a.max(b))),
        (Arithmetic::Minimum, Number(a), Number(b)) => Ok(Number(a.min(b))),
        (Arithmetic::Power, Number(a), Number(b)) => {
            number(u32::try_from(b).ok().and_then(|b| a.checked_pow(b)))
        }
        (
            Arithmetic::Add
            | Arithmetic::Sub
            | Arithmetic::Mul
            | Arithmetic::Div
            | Arithmetic::Maximum
            | Arithmetic::Minimum
            | Arithmetic::Power
            | Arithmetic::Select,
            _,
            _,
        ) => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_walk_axes_in_steps() {
        assert_eq!(places(&[3, 2], &[1, 3], 0), [0, 3, 1, 4, 2, 5]);
        assert_eq!(places(&[2, 2], &[-2, 1], 2), [2, 3, 0, 1]);
        assert_eq!(broadcast_places(&[3], &[2, 3]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(broadcast_places(&[2, 1], &[2, 2]), [0, 0, 1, 1]);
        assert!(places(&[2, 0], &[1, 1], 0).is_empty());
    }

    #[test]
    fn multiples_of_the_batch_stay_multiples() {
        use Whole::{Batches, Number};
        assert_eq!(whole(Arithmetic::Mul, Batches(1), Number(3)).unwrap(), Batches(3));
        assert_eq!(whole(Arithmetic::Div, Batches(6), Number(3)).unwrap(), Batches(2));
        assert_eq!(whole(Arithmetic::Div, Batches(6), Batches(3)).unwrap(), Number(2));
        assert_eq!(whole(Arithmetic::Sub, Batches(2), Batches(2)).unwrap(), Number(0));
        assert!(whole(Arithmetic::Add, Batches(2), Number(1)).is_err());
        assert!(whole(Arithmetic::Mul, Number(i64::MAX), Number(2)).is_err());
        assert!(whole(Arithmetic::Div, Number(i64::MIN), Number(-1)).is_err());
    }
}
