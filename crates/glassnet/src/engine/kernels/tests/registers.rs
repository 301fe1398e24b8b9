//! Loads and stores of parts of a register, each from and to memory that ends with the part.

use std::marker::PhantomData;

use super::*;

/// Every part of one register type.
struct Parts<V>(PhantomData<V>);

impl<V: Few> Kernel for Parts<V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for len in 1..=V::LANES {
            let from: Box<[f32]> = values(len as u64, len).into();
            let reach = Reach::exactly(len, V::LANES);
            let mut all = vec![7.0; V::LANES].into_boxed_slice();
            let mut exact = vec![7.0; len].into_boxed_slice();
            let mut part = vec![7.0; len].into_boxed_slice();
            let mut turned = vec![7.0; V::LANES].into_boxed_slice();
            // SAFETY: run inside the level of `V`; the arrays are as long as what is read and written.
            #[allow(unsafe_code)]
            unsafe {
                let register = V::load_reach(from.as_ptr(), reach);
                register.store(all.as_mut_ptr());
                register.store_reach(exact.as_mut_ptr(), reach);
                V::load_part(from.as_ptr(), len).store_part(part.as_mut_ptr(), len);
                let backwards = std::array::from_fn(|lane| (len - 1 - lane.min(len - 1)) as u32);
                let lanes = V::further(V::lanes(&backwards), 0);
                register.permute(lanes).store(turned.as_mut_ptr());
            }
            assert_same(&all[..len], &from, format_args!("{len} elements loaded"));
            assert_same(&exact, &from, format_args!("{len} elements stored"));
            assert_same(&part, &from, format_args!("a part of {len}"));
            let expected: Vec<f32> = from.iter().rev().copied().collect();
            assert_same(&turned[..len], &expected, format_args!("{len} elements turned"));
        }
        quads::<V>();
    }
}

/// Rows of at most four columns that lie `stride` apart, as quads.
#[inline(always)]
fn quads<V: Few>() {
    for rows in 1..=V::QUADS {
        for columns in 1..=4 {
            for stride in [columns, columns + 3] {
                // The last row ends the array.
                let from: Box<[f32]> = values(3, (rows - 1) * stride + columns).into();
                let mut to = vec![7.0; from.len()].into_boxed_slice();
                // SAFETY: as above: the last row is the longest reach.
                #[allow(unsafe_code)]
                unsafe {
                    let quads = V::quad_load(from.as_ptr(), stride, rows, columns);
                    quads.quad_store(to.as_mut_ptr(), stride, rows, columns);
                }
                for (i, &value) in to.iter().enumerate() {
                    let expected = if i % stride < columns { from[i] } else { 7.0 };
                    assert_eq!(value.to_bits(), expected.to_bits(), "{rows} × {columns}, {i}");
                }
            }
        }
    }
}

#[test]
fn parts_of_registers_touch_nothing_else() {
    for level in Level::supported() {
        match level.set() {
            Set::Portable => dispatch(level, Parts::<Lanes8>(PhantomData)),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => dispatch(level, Parts::<std::arch::x86_64::__m256>(PhantomData)),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => dispatch(level, Parts::<std::arch::x86_64::__m512>(PhantomData)),
        }
    }
}
