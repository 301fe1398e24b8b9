//! Positions of elements in row-major arrays.

/// How far apart neighbours along each axis stand.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// The index along each axis of the element at `place`.
pub(super) fn coordinates(shape: &[usize], mut place: usize) -> Vec<usize> {
    let mut found = vec![0; shape.len()];
    for (at, &length) in shape.iter().enumerate().rev() {
        found[at] = place % length.max(1);
        place /= length.max(1);
    }
    found
}

/// The place of the element with these indices.
pub(super) fn place(shape: &[usize], coordinates: &[usize]) -> usize {
    coordinates.iter().zip(strides(shape)).map(|(&index, stride)| index * stride).sum()
}

/// The element of an array of shape `from` that NumPy's broadcasting puts at `coordinates` of a larger one.
pub(super) fn broadcast_from(from: &[usize], coordinates: &[usize]) -> usize {
    let missing = coordinates.len().saturating_sub(from.len());
    let own: Vec<usize> = from
        .iter()
        .zip(&coordinates[missing..])
        .map(|(&length, &index)| if length == 1 { 0 } else { index })
        .collect();
    place(from, &own)
}

/// All elements of an array of `shape` whose indices agree with `coordinates` off `axes`.
pub(super) fn group(shape: &[usize], coordinates: &[usize], axes: &[usize]) -> Vec<usize> {
    let strides = strides(shape);
    let base: usize = (0..shape.len())
        .filter(|axis| !axes.contains(axis))
        .map(|axis| coordinates[axis] * strides[axis])
        .sum();
    let mut places = vec![base];
    for &axis in axes {
        places = places
            .iter()
            .flat_map(|&start| (0..shape[axis]).map(move |index| (start, index)))
            .map(|(start, index)| start + index * strides[axis])
            .collect();
    }
    places
}
