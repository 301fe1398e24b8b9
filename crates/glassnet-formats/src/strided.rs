//! Views: some numbers of a row of them, in another order.

use std::borrow::Cow;

/// The elements of a view, row-major and side by side. Offset and strides count elements of `size` bytes.
///
/// The caller has made sure that the result may be as large as its shape says.
///
/// # Errors
/// When an element lies outside of `stored`: what is wrong, for a message.
pub(crate) fn gather<'a>(
    stored: &'a [u8],
    size: usize,
    offset: usize,
    shape: &[usize],
    strides: &[usize],
) -> Result<Cow<'a, [u8]>, String> {
    if shape.contains(&0) {
        return Ok(Cow::Borrowed(&[]));
    }
    let held = stored.len() / size;
    // The last element, furthest along every axis.
    let mut last = Some(offset);
    for (&length, &stride) in shape.iter().zip(strides) {
        last = last.and_then(|last| last.checked_add((length - 1).checked_mul(stride)?));
    }
    if last.is_none_or(|last| last >= held) {
        return Err(format!(
            "its view (offset {offset}, shape {shape:?}, strides {strides:?}) reaches beyond the {held} numbers that it \
             has"
        ));
    }
    let count: usize = shape.iter().product();
    if is_row_major(shape, strides) {
        return Ok(Cow::Borrowed(&stored[offset * size..(offset + count) * size]));
    }
    let mut bytes = Vec::with_capacity(count * size);
    let mut index = vec![0; shape.len()];
    let mut at = offset;
    loop {
        bytes.extend_from_slice(&stored[at * size..(at + 1) * size]);
        // The next index, the last axis counting fastest.
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return Ok(Cow::Owned(bytes));
            }
            axis -= 1;
            index[axis] += 1;
            // Wrapping: the stride of an axis of length 1 may be anything.
            at = at.wrapping_add(strides[axis]);
            if index[axis] < shape[axis] {
                break;
            }
            at = at.wrapping_sub(strides[axis].wrapping_mul(shape[axis]));
            index[axis] = 0;
        }
    }
}

/// Whether the elements lie side by side already.
fn is_row_major(shape: &[usize], strides: &[usize]) -> bool {
    let mut step = 1;
    shape.iter().zip(strides).rev().all(|(&length, &stride)| {
        let fits = length == 1 || stride == step;
        step *= length;
        fits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(offset: usize, shape: &[usize], strides: &[usize]) -> Result<Vec<u8>, String> {
        let stored: Vec<u8> = (0..12).collect();
        gather(&stored, 1, offset, shape, strides).map(Cow::into_owned)
    }

    #[test]
    fn views_have_their_elements_in_order() {
        assert_eq!(view(0, &[3, 4], &[4, 1]), Ok((0..12).collect()));
        assert_eq!(view(0, &[4, 3], &[1, 4]), Ok(vec![0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]));
        assert_eq!(view(5, &[2, 2], &[4, 1]), Ok(vec![5, 6, 9, 10]));
        assert_eq!(view(7, &[2, 3], &[0, 0]), Ok(vec![7; 6]));
        assert_eq!(view(2, &[1, 3], &[99, 1]), Ok(vec![2, 3, 4]));
        assert_eq!(view(1, &[2, 2, 2], &[6, 2, 1]), Ok(vec![1, 2, 3, 4, 7, 8, 9, 10]));
        assert_eq!(view(11, &[], &[]), Ok(vec![11]));
        assert_eq!(view(3, &[2, 1], &[8, usize::MAX]), Ok(vec![3, 11]));
        assert_eq!(view(99, &[0, 5], &[1, 1]), Ok(vec![]));
    }

    #[test]
    fn views_beyond_what_is_stored_are_refused() {
        for (offset, shape, strides) in [
            (12, vec![], vec![]),
            (1, vec![3, 4], vec![4, 1]),
            (0, vec![2, 2], vec![11, 1]),
            (0, vec![2], vec![usize::MAX]),
            (usize::MAX, vec![2], vec![1]),
            (0, vec![usize::MAX, 2], vec![usize::MAX, 1]),
        ] {
            assert!(view(offset, &shape, &strides).is_err(), "{offset} {shape:?} {strides:?}");
        }
    }

    #[test]
    fn elements_of_several_bytes_stay_whole() {
        let stored = [0, 1, 2, 3, 4, 5, 6, 7];
        let found = gather(&stored, 2, 0, &[2, 2], &[1, 2]).unwrap();
        assert_eq!(found.as_ref(), [0, 1, 4, 5, 2, 3, 6, 7]);
    }
}
