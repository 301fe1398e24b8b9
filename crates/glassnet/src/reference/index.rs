//! Positions of elements in row-major arrays.

/// How far apart neighbours along each axis stand in a row-major array of `shape`.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// For every element of an array of `shape`, in row-major order: the sum of its indices times `strides`.
pub(crate) fn positions(shape: &[usize], strides: &[usize]) -> Vec<usize> {
    let mut positions = vec![0];
    for (&length, &stride) in shape.iter().zip(strides) {
        positions = positions
            .iter()
            .flat_map(|&start| (0..length).map(move |index| start + index * stride))
            .collect();
    }
    positions
}

/// For every element of an array of shape `to`: the element of an array of shape `from` that NumPy's broadcasting
/// puts there.
pub(crate) fn broadcast_positions(from: &[usize], to: &[usize]) -> Vec<usize> {
    let missing = to.len() - from.len();
    let own = strides(from);
    let repeated: Vec<usize> = (0..to.len())
        .map(|axis| match axis.checked_sub(missing) {
            Some(at) if from[at] != 1 => own[at],
            Some(_) | None => 0,
        })
        .collect();
    positions(to, &repeated)
}

/// For every element of an array of `shape`: the number of its group, when elements that differ only along `axes`
/// form a group. Groups are numbered in row-major order of the other axes.
pub(crate) fn groups(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    let kept: Vec<usize> = shape
        .iter()
        .enumerate()
        .map(|(axis, &length)| if axes.contains(&axis) { 1 } else { length })
        .collect();
    broadcast_positions(&kept, shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_rows_and_repeat() {
        assert_eq!(strides(&[2, 3, 4]), [12, 4, 1]);
        assert_eq!(strides(&[]), [0_usize; 0]);
        assert_eq!(positions(&[2, 3], &[1, 2]), [0, 2, 4, 1, 3, 5]);
        assert_eq!(positions(&[], &[]), [0]);
        assert_eq!(positions(&[2, 0], &[1, 1]), [0_usize; 0]);
        assert_eq!(broadcast_positions(&[2, 1], &[2, 2, 3]), [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
        assert_eq!(broadcast_positions(&[3], &[2, 3]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(groups(&[2, 3], &[0]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(groups(&[2, 3], &[1]), [0, 0, 0, 1, 1, 1]);
        assert_eq!(groups(&[2, 1, 2], &[0, 2]), [0, 0, 0, 0]);
    }
}
