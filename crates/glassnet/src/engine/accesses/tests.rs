//! Regions against sets of elements.

use std::iter::once;
use std::ops::Range;

use super::*;

/// The elements of a region, as bits.
fn elements(region: &Region) -> u128 {
    let runs = (0..region.runs).map(|run| region.start + run * region.stride);
    runs.flat_map(|start| start..start + region.width).fold(0, |bits, at| bits | 1 << at)
}

/// All non-empty ranges within `0..len`.
fn ranges(len: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    (0..len).flat_map(move |start| (start + 1..=len).map(move |end| start..end))
}

fn work(offset: usize, len: usize) -> Slot {
    Slot { space: Space::Work, offset, len }
}

#[test]
fn rectangles_of_one_matrix_meet_where_they_have_an_element_in_common() {
    const ROWS: usize = 4;
    for stride in 1..=5 {
        for offset in 0..=stride {
            let slot = work(offset, ROWS * stride);
            let regions: Vec<Region> = ranges(ROWS)
                .flat_map(|rows| ranges(stride).map(move |columns| (rows.clone(), columns)))
                .map(|(rows, columns)| Region::rectangle(slot, stride, rows, columns))
                .collect();
            for a in &regions {
                for b in &regions {
                    let truth = elements(a) & elements(b) != 0;
                    assert_eq!(a.meets(b), truth, "{a:?} and {b:?}");
                }
            }
        }
    }
}

#[test]
fn any_regions_with_a_common_element_meet() {
    let mut regions = vec![];
    for start in 0..9 {
        for width in 1..=4 {
            for stride in width..=6 {
                for runs in 1..=3 {
                    let space = Space::Work;
                    regions.push(Region { space, start, width, stride, runs });
                }
            }
        }
    }
    let bits: Vec<u128> = regions.iter().map(elements).collect();
    let mut apart = 0;
    for (a, a_bits) in regions.iter().zip(&bits) {
        assert_eq!(a.end() as u32, 128 - a_bits.leading_zeros());
        for (b, b_bits) in regions.iter().zip(&bits) {
            assert_eq!(a.meets(b), b.meets(a), "{a:?} and {b:?}");
            if a_bits & b_bits == 0 {
                apart += 1;
            } else {
                assert!(a.meets(b), "{a:?} and {b:?}");
            }
        }
    }
    assert!(apart > 1000, "the test has regions of both sorts");
}

#[test]
fn rectangles_have_the_elements_of_their_rows_and_columns() {
    for stride in 1..=5 {
        for rows in ranges(4).chain(once(2..2)) {
            for columns in ranges(stride).chain(once(1..1)) {
                let region =
                    Region::rectangle(work(7, 4 * stride), stride, rows.clone(), columns.clone());
                let expected = rows
                    .clone()
                    .flat_map(|row| columns.clone().map(move |column| 7 + row * stride + column));
                let expected = expected.fold(0_u128, |bits, at| bits | 1 << at);
                assert_eq!(elements(&region), expected, "{rows:?}, {columns:?} of {stride}");
            }
        }
    }
}

#[test]
fn nothing_meets_another_array_or_emptiness() {
    let whole: Region = work(0, 8).into();
    assert!(whole.meets(&whole));
    for space in [Space::State, Space::Index, Space::Packed, Space::Input(0)] {
        assert!(!whole.meets(&Region { space, ..whole }));
    }
    for empty in [Region { width: 0, stride: 0, ..whole }, Region { runs: 0, ..whole }] {
        assert!(!whole.meets(&empty) && !empty.meets(&whole) && !empty.meets(&empty));
    }
}

#[test]
fn two_readers_are_no_conflict() {
    let (one, two, three) = (work(0, 4), work(4, 4), work(8, 4));
    let copies = [(one, two), (one, three), (two, three)];
    let [a, b, c] = copies.map(|(x, out)| Instruction::Copy { x, out }.accesses());
    assert!(!a.conflict(&b), "both read");
    assert!(a.conflict(&c) && c.conflict(&a), "the one reads what the other writes");
    assert!(b.conflict(&c), "both write");
}

#[test]
fn whoever_reads_an_input_sees_that_it_is_fed() {
    let out = work(16, 12);
    let feed = |rows| Instruction::Feed(Feed { input: 1, out, width: 3, rows }).accesses();
    let row = |row: usize| {
        let x = Slot { space: Space::Input(1), offset: row * 3, len: 3 };
        Instruction::Copy { x, out: work(64, 3) }.accesses()
    };
    assert!(feed(0..2).conflict(&row(1)), "its own row");
    assert!(!feed(0..2).conflict(&row(2)), "another's");
    assert!(!feed(0..2).conflict(&feed(2..4)), "two parts");
    let home = Instruction::Copy { x: work(19, 3), out: work(64, 3) }.accesses();
    assert!(feed(0..2).conflict(&home), "where it lies");
}
