//! Shapes as strides: how kernels walk over arrays.

use crate::engine::instruction::{Broadcast, Extent, Path};

/// The distance between neighbours along each axis of a row-major array.
pub(super) fn row_major(lengths: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; lengths.len()];
    for axis in (1..lengths.len()).rev() {
        strides[axis - 1] = strides[axis] * lengths[axis];
    }
    strides
}

/// The array seen from a run of adjacent axes; from no axis, every element stands alone.
pub(super) fn extent(lengths: &[usize], axes: &[usize]) -> Extent {
    match (axes.first(), axes.last()) {
        (Some(&first), Some(&last)) => Extent {
            outer: lengths[..first].iter().product(),
            length: lengths[first..=last].iter().product(),
            inner: lengths[last + 1..].iter().product(),
        },
        (None, _) | (_, None) => Extent { outer: lengths.iter().product(), length: 1, inner: 1 },
    }
}

/// `values` in the order of `axes`.
pub(super) fn permuted_lengths(values: &[usize], axes: &[usize]) -> Vec<usize> {
    axes.iter().map(|&axis| values[axis]).collect()
}

/// The copy that puts `axes` behind all others.
pub(super) fn axes_path(lengths: &[usize], axes: &[usize]) -> Path {
    let order: Vec<usize> = (0..lengths.len())
        .filter(|axis| !axes.contains(axis))
        .chain(axes.iter().copied())
        .collect();
    let dims = permuted_lengths(lengths, &order);
    Path {
        from: permuted_lengths(&row_major(lengths), &order),
        to: row_major(&dims),
        dims,
        from_start: 0,
        to_start: 0,
        clear: false,
    }
}

/// The strides of an operand along the axes of the result that it is broadcast to.
fn broadcast_strides(lengths: &[usize], operand: &[usize]) -> Vec<usize> {
    let added = lengths.len() - operand.len();
    let own = row_major(operand);
    (0..lengths.len())
        .map(|axis| match axis.checked_sub(added) {
            Some(at) if operand[at] == lengths[axis] => own[at],
            Some(_) | None => 0,
        })
        .collect()
}

pub(super) fn broadcast_path(lengths: &[usize], operand: &[usize]) -> Path {
    Path {
        dims: lengths.to_vec(),
        from: broadcast_strides(lengths, operand),
        from_start: 0,
        to: row_major(lengths),
        to_start: 0,
        clear: false,
    }
}

/// How operands are read, with axes merged wherever every operand allows it.
pub(super) fn broadcast(lengths: &[usize], operands: &[Vec<usize>]) -> Broadcast {
    let strides: Vec<Vec<usize>> =
        operands.iter().map(|operand| broadcast_strides(lengths, operand)).collect();
    let mut merged = Broadcast { dims: vec![], strides: vec![vec![]; operands.len()] };
    for axis in 0..lengths.len() {
        if lengths[axis] == 1 {
            continue;
        }
        let length = lengths[axis];
        let continues = !merged.dims.is_empty()
            && merged.strides.iter().zip(&strides).all(|(before, own)| {
                before.last().is_some_and(|&stride| stride == own[axis] * length)
            });
        if continues {
            if let Some(last) = merged.dims.last_mut() {
                *last *= length;
            }
            for (before, own) in merged.strides.iter_mut().zip(&strides) {
                if let Some(last) = before.last_mut() {
                    *last = own[axis];
                }
            }
        } else {
            merged.dims.push(length);
            for (before, own) in merged.strides.iter_mut().zip(&strides) {
                before.push(own[axis]);
            }
        }
    }
    if merged.dims.is_empty() {
        merged.dims.push(1);
        merged.strides.iter_mut().for_each(|strides| strides.push(1));
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_merge_where_every_operand_allows_it() {
        let same = broadcast(&[2, 3, 4], &[vec![2, 3, 4], vec![2, 3, 4]]);
        assert_eq!(same, Broadcast { dims: vec![24], strides: vec![vec![1], vec![1]] });
        let row = broadcast(&[2, 3, 4], &[vec![2, 3, 4], vec![4]]);
        assert_eq!(row, Broadcast { dims: vec![6, 4], strides: vec![vec![4, 1], vec![0, 1]] });
        let scalar = broadcast(&[5, 1, 2], &[vec![5, 1, 2], vec![]]);
        assert_eq!(scalar, Broadcast { dims: vec![10], strides: vec![vec![1], vec![0]] });
        let column = broadcast(&[5, 2], &[vec![5, 1], vec![5, 2]]);
        assert_eq!(column, Broadcast { dims: vec![5, 2], strides: vec![vec![1, 0], vec![2, 1]] });
    }

    #[test]
    fn axes_go_last() {
        let path = axes_path(&[2, 3, 4], &[0, 2]);
        assert_eq!((path.dims, path.from), (vec![3, 2, 4], vec![4, 12, 1]));
    }
}
