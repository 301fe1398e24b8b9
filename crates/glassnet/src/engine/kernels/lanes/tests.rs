//! Every level's lanes against the portable ones.

use super::*;

struct Case;

impl LanesKernel for Case {
    type Output = ();

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn run<L: Lanes>(self) {
        // SAFETY: the caller's promise; arrays of 16 and more elements.
        unsafe { shuffles::<L>() };
        // SAFETY: as above.
        unsafe { arithmetic::<L>() };
    }
}

#[allow(unsafe_code)]
unsafe fn shuffles<L: Lanes>() {
    let flat: Vec<f32> = (0..LANES * LANES).map(|i| i as f32).collect();
    // SAFETY: the caller's promise; pointers stay within `flat` and `to`.
    unsafe {
        let row = |n: usize| L::load(flat[n * LANES..].as_ptr());
        let plain = |n: usize| Plain::load(flat[n * LANES..].as_ptr());
        let (square, expected) = (std::array::from_fn(row), std::array::from_fn(plain));
        check(L::transpose(&square), split(&expected));
        check(L::transpose(&L::transpose(&square)), expected);
        let (two, expected) = ([row(0), row(1)], [plain(0), plain(1)]);
        check(L::split2(two), split(&expected));
        check(L::join2(L::split2(two)), expected);
        let (four, expected) = (std::array::from_fn(row), std::array::from_fn(plain));
        check(L::split4(four), split(&expected));
        check(L::join4(L::split4(four)), expected);
        for numbers in [[0, 5, 15, 8], [17, 7, 31, 9]] {
            let numbers: [u32; LANES] = std::array::from_fn(|lane| numbers[lane % 4]);
            let found = row(1).permute(L::further(L::places(&numbers), 3));
            let expected = numbers.map(|number| (number + 3) % LANES as u32 + LANES as u32);
            assert_eq!(found.array(), expected.map(|number| number as f32));
        }
        for bits in [0, 1, 0x8000, 0x1234, 0xffff] {
            let from = |lane: usize| if bits >> lane & 1 == 1 { 0 } else { LANES };
            let expected: [f32; LANES] = std::array::from_fn(|lane| (lane + from(lane)) as f32);
            assert_eq!(row(0).choose(bits, row(1)).array(), expected);
        }
        for count in 0..=LANES {
            let part = L::load_part(flat[1..].as_ptr(), count).array();
            assert_eq!(L::load_pieces(flat[1..].as_ptr(), count).array(), part);
            let (mut to, mut pieces) = ([-1.0; LANES + 1], [-1.0; LANES + 1]);
            row(1).store_part(to.as_mut_ptr(), count);
            row(1).store_pieces(pieces.as_mut_ptr(), count);
            for lane in 0..LANES {
                assert_eq!(part[lane], if lane < count { lane as f32 + 1.0 } else { 0.0 });
                assert_eq!(to[lane], if lane < count { lane as f32 + 16.0 } else { -1.0 });
            }
            assert_eq!((to[LANES], pieces), (-1.0, to));
        }
    }
}

fn check<L: Lanes, const N: usize>(found: [L; N], expected: [Plain; N]) {
    assert_eq!(found.map(L::array), expected.map(Plain::array));
}

#[allow(unsafe_code)]
unsafe fn arithmetic<L: Lanes>() {
    let classes: [i64; LANES] =
        std::array::from_fn(|i| [3, -100, i as i64, i64::from(i32::MAX), 1 << 23][i % 5]);
    for ignored in [-100, 3, 7, (1 << 32) + 3] {
        // SAFETY: the caller's promise; 16 numbers.
        let (found, expected) = unsafe {
            let from = classes.as_ptr();
            (L::load_classes(from, ignored), Plain::load_classes(from, ignored))
        };
        assert_eq!(found.array(), expected.0);
    }
    let numbers = [0.0, -0.0, 1.0, -1.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-40, 3e38];
    for a in numbers {
        for b in numbers {
            // SAFETY: the caller's promise.
            let (la, lb, lc) = unsafe { (L::splat(a), L::splat(b), L::splat(0.3)) };
            let bits = |x: f32| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() };
            let same = |found: L, expected: f32| {
                assert_eq!(found.array().map(bits), [bits(expected); LANES], "{a:?}, {b:?}");
            };
            same(la.plus(lb), a + b);
            same(la.minus(lb), a - b);
            same(la.times(lb), a * b);
            same(la.over(lb), a / b);
            same(la.mul_add(lb, lc), a.mul_add(b, 0.3));
            same(la.negative(), -a);
            same(la.larger(lb), if a > b || a.is_nan() { a } else { b });
            same(la.select_equal(lb, lc, la), if a == b { 0.3 } else { a });
            same(la.gated(lb), if b <= 0.0 { 0.0 } else { a });
            same(
                la.map(
                    #[inline(always)]
                    |x| x + 1.0,
                ),
                a + 1.0,
            );
        }
    }
}

#[test]
fn every_level_has_the_bits_of_plain_arithmetic() {
    Level::supported().for_each(|level| dispatch_lanes(level, Case));
}
