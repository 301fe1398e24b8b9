//! Parts of arrays along axes.

use glassnet::graph::{Dim, Shape};
use glassnet::{Error, Result};

use super::{axis, length};
use crate::onnx::constant::Constant;
use crate::onnx::emit::Emitter;
use crate::onnx::node::Node;
use crate::onnx::value::{Operands, Value};

/// The most elements of an axis that are taken one by one, in steps.
const MOST_STEPS: usize = 4096;

pub(super) fn slice(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let rank = emitter.rank(x);
    let (starts, ends, given, steps) = if node.opset >= 10 {
        let list = |index: usize, what: &str| operands.known(index, what)?.numbers();
        let optional = |index: usize, what: &str| {
            operands.optional_known(index, what)?.map(Constant::numbers).transpose()
        };
        (list(1, "starts")?, list(2, "ends")?, optional(3, "axes")?, optional(4, "steps")?)
    } else {
        let list = |name: &str| Ok::<_, Error>(node.ints(name)?.map(<[i64]>::to_vec));
        let missing = || Error::model("its starts or ends are missing");
        (
            list("starts")?.ok_or_else(missing)?,
            list("ends")?.ok_or_else(missing)?,
            list("axes")?,
            None,
        )
    };
    let given = given.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), given.len(), steps.len()].iter().any(|&len| len != starts.len()) {
        return Err(Error::model("its starts, ends, axes and steps differ in number"));
    }
    let mut y = x.clone();
    let mut seen = vec![];
    for (place, &one) in given.iter().enumerate() {
        let at = axis(one, rank)?;
        if seen.contains(&at) {
            return Err(Error::model(format!("axis {at} is cut twice")));
        }
        seen.push(at);
        let shape = emitter.shape(&y);
        if whole_axis(&shape, at, starts[place], ends[place], steps[place]) {
            continue;
        }
        let own = length(&shape, at, "a slice")?;
        let (start, count) = range(own, starts[place], ends[place], steps[place])?;
        if steps[place] != 1 && y.known().is_none() && count > MOST_STEPS {
            return Err(node.unsupported(&format!("it takes {count} elements in steps")));
        }
        let step = isize::try_from(steps[place]).unwrap_or(isize::MAX);
        y = emitter.slice(&y, at, start, step, count)?;
    }
    Ok(vec![y])
}

/// Whether all rows are kept, however many there are.
fn whole_axis(shape: &Shape, at: usize, start: i64, end: i64, step: i64) -> bool {
    const AS_GOOD_AS_ENDLESS: i64 = i32::MAX as i64;
    shape.dims()[at] == Dim::Batch && start == 0 && step == 1 && end >= AS_GOOD_AS_ENDLESS
}

/// The first element and the number of elements, by the standard's rules for what lies outside.
fn range(own: usize, start: i64, end: i64, step: i64) -> Result<(usize, usize)> {
    if step == 0 {
        return Err(Error::model("a slice in steps of 0"));
    }
    let own = i64::try_from(own).map_err(|_| Error::model("an axis is too long"))?;
    let from_end = |place: i64| if place < 0 { place.saturating_add(own) } else { place };
    let (least, most) = if step > 0 { (0, own) } else { (-1, own - 1) };
    let start = from_end(start).clamp(if step > 0 { 0 } else { -1 }, most);
    let end = from_end(end).clamp(least, most.max(least));
    let count = if step > 0 {
        (end - start).max(0).div_ceil_by(step)
    } else {
        (start - end).max(0).div_ceil_by(step.checked_neg().unwrap_or(i64::MAX))
    };
    Ok((usize::try_from(start.max(0)).unwrap_or(0), usize::try_from(count).unwrap_or(0)))
}

/// Division of numbers that are not negative, rounded up.
trait DivideUp {
    fn div_ceil_by(self, by: i64) -> i64;
}

impl DivideUp for i64 {
    fn div_ceil_by(self, by: i64) -> i64 {
        self / by + i64::from(self % by != 0)
    }
}

/// Parts of given lengths, or of equal ones.
pub(super) fn split(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let at = axis(node.int("axis", 0)?, emitter.rank(x))?;
    let own = length(&emitter.shape(x), at, "a split")?;
    let given = if node.opset >= 13 {
        operands.optional_known(1, "lengths")?.map(Constant::numbers).transpose()?
    } else {
        node.ints("split")?.map(<[i64]>::to_vec)
    };
    let lengths = match given {
        Some(given) => given
            .iter()
            .map(|&length| {
                usize::try_from(length)
                    .map_err(|_| Error::model(format!("a part has length {length}")))
            })
            .collect::<Result<Vec<usize>>>()?,
        None => {
            let outputs = node.proto.output.len();
            let parts = usize::try_from(node.int("num_outputs", outputs as i64)?).unwrap_or(0);
            if parts == 0 || parts > outputs.max(1) {
                return Err(Error::model(format!("{own} elements are split into {parts} parts")));
            }
            // All of one length but the last, which may be shorter.
            let each = own.div_ceil(parts);
            (0..parts).map(|part| each.min(own.saturating_sub(part * each))).collect()
        }
    };
    let total = lengths.iter().try_fold(0_usize, |sum, &length| sum.checked_add(length));
    if total != Some(own) {
        return Err(Error::model(format!("an axis of length {own} is split into {lengths:?}")));
    }
    let mut start = 0;
    let mut parts = vec![];
    for length in lengths {
        parts.push(emitter.slice(x, at, start, 1, length)?);
        start += length;
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_what_is_there() {
        let cases = [
            ((10, 2, 5, 1), (2, 3)),
            ((10, -3, 1000, 1), (7, 3)),
            ((10, 1, -1, 2), (1, 4)),
            ((10, 1000, 1000, 1), (10, 0)),
            ((10, -1, i64::MIN, -1), (9, 10)),
            ((10, 20, 0, -4), (9, 3)),
            ((10, 5, 7, -1), (5, 0)),
            ((0, 0, 5, 1), (0, 0)),
            ((0, 0, -5, -1), (0, 0)),
            ((3, i64::MIN, i64::MAX, i64::MAX), (0, 1)),
            ((3, 2, i64::MIN, i64::MIN), (2, 1)),
        ];
        for ((own, start, end, step), expected) in cases {
            assert_eq!(
                range(own, start, end, step).unwrap(),
                expected,
                "{own} {start} {end} {step}"
            );
        }
        assert!(range(3, 0, 1, 0).is_err());
    }
}
