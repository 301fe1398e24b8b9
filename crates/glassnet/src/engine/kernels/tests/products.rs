//! Products against the rule in three loops, against f64, and their parts against the whole.

use std::ops::Range;
use std::ptr;

use super::*;

/// One product with everything that it reads, and what C held before.
struct Case {
    shape: Product,
    a: Vec<f32>,
    /// Plain or transposed, as `layout` says.
    b: Vec<f32>,
    layout: Right,
    bias: Option<Vec<f32>>,
    from: Vec<f32>,
    before: Vec<f32>,
}

impl Case {
    /// `shape.b` may be [`Right::Panels`]; B is given in `layout` and packed then.
    fn new(shape: Product, layout: Right, with_bias: bool) -> Case {
        let Product { m, k, n, .. } = shape;
        Case {
            shape,
            a: values(1, m * k),
            b: values(2, k * n),
            layout,
            bias: with_bias.then(|| values(3, n)),
            from: values(5, m * n),
            before: values(4, m * n),
        }
    }

    fn at(&self, i: usize, p: usize, j: usize) -> (f32, f32) {
        let Product { m, k, n, .. } = self.shape;
        let left = match self.shape.a {
            Left::Plain => self.a[i * k + p],
            Left::Transposed => self.a[p * m + i],
        };
        let right = match self.layout {
            Right::Plain => self.b[p * n + j],
            Right::Transposed => self.b[j * k + p],
            Right::Panels => unreachable!("the layout before packing"),
        };
        (left, right)
    }

    /// The rule itself.
    fn expected(&self) -> Vec<f32> {
        let Product { m, k, n, .. } = self.shape;
        let mut c = self.before.clone();
        for i in 0..m {
            for j in 0..n {
                let mut total = self.shape.accumulate.then_some(c[i * n + j]);
                for block in (0..k).step_by(KC) {
                    let chain = (block..k.min(block + KC)).fold(0.0_f32, |chain, p| {
                        let (left, right) = self.at(i, p, j);
                        left.mul_add(right, chain)
                    });
                    total = Some(total.map_or(chain, |total| total + chain));
                }
                let mut value = total.unwrap_or(0.0);
                if let Some(bias) = &self.bias {
                    value += bias[j];
                }
                let stopped = match self.shape.epilogue {
                    Epilogue::None => false,
                    Epilogue::Relu => value <= 0.0,
                    Epilogue::Stop => self.from[i * n + j] <= 0.0,
                };
                c[i * n + j] = if stopped { 0.0 } else { value };
            }
        }
        c
    }

    /// B as the shape wants it on this level.
    fn right(&self, level: Level) -> Vec<f32> {
        if self.shape.b != Right::Panels {
            return self.b.clone();
        }
        let source = Product { b: self.layout, ..self.shape };
        let mut panels = vec![f32::NAN; source.panels_len(level)];
        pack_right(level, &source, &self.b, &mut panels);
        panels
    }

    fn whole(&self, level: Level) -> Vec<f32> {
        let b = self.right(level);
        let mut operands = Operands::new(&self.a, &b);
        if let Some(bias) = &self.bias {
            operands = operands.with_bias(bias);
        }
        if self.shape.epilogue == Epilogue::Stop {
            operands = operands.with_from(&self.from);
        }
        let mut c = self.before.clone();
        let mut scratch = vec![f32::NAN; self.shape.scratch_len(level)];
        product(level, &self.shape, &operands, &mut c, &mut scratch);
        c
    }

    /// One part, into `c`, with a scratch of exactly its size between guards.
    fn part(
        &self,
        level: Level,
        b: &[f32],
        rows: Range<usize>,
        columns: Range<usize>,
        c: &mut [f32],
    ) {
        const GUARD: f32 = 77.25;
        let len = self.shape.part_scratch_len(level, rows.len(), columns.len());
        assert!(len <= self.shape.scratch_len(level));
        let mut scratch = vec![f32::NAN; len + 32];
        scratch[..16].fill(GUARD);
        scratch[len + 16..].fill(GUARD);
        let pointers = Pointers {
            a: self.a.as_ptr(),
            b: b.as_ptr(),
            bias: self.bias.as_ref().map_or(ptr::null(), |bias| bias.as_ptr()),
            from: self.from.as_ptr(),
            c: c.as_mut_ptr(),
        };
        // SAFETY: the operands have the shape's sizes, the scratch the part's.
        #[allow(unsafe_code)]
        unsafe {
            let scratch = scratch.as_mut_ptr().add(16);
            product_part(level, &self.shape, rows, columns, &pointers, scratch);
        }
        let guards = scratch[..16].iter().chain(&scratch[len + 16..]);
        assert!(guards.clone().all(|&guard| guard == GUARD), "{level} {:?}", self.shape);
    }
}

fn check(shape: Product, layout: Right, with_bias: bool) {
    let case = Case::new(shape, layout, with_bias);
    let expected = case.expected();
    for level in Level::supported() {
        let c = case.whole(level);
        assert_same(&c, &expected, format_args!("{level} {shape:?} {layout:?} bias {with_bias}"));
    }
}

/// Every layout of both factors; accumulation, bias and epilogue take turns.
fn check_all_layouts(m: usize, k: usize, n: usize) {
    const EPILOGUES: [Epilogue; 3] = [Epilogue::None, Epilogue::Relu, Epilogue::Stop];
    let mut turn = m + k + n;
    for layout in [Right::Plain, Right::Transposed] {
        for shape in [Product::new(m, k, n, layout), Product::with_a_transposed(m, k, n, layout)] {
            for shape in [shape, shape.with_panels()] {
                for accumulate in [false, true] {
                    let shape = Product { accumulate, ..shape };
                    check(shape.with_epilogue(EPILOGUES[turn % 3]), layout, turn.is_multiple_of(2));
                    turn += 1;
                }
            }
        }
    }
}

#[test]
fn products_have_the_bits_of_the_rule() {
    let sides = [0, 1, 2, 3, 4, 5, 7, 13, 17, 31, 33];
    for m in sides {
        for n in sides {
            for k in [0, 1, 2, 7] {
                check_all_layouts(m, k, n);
            }
        }
    }
}

#[test]
fn products_of_networks_sizes_have_the_bits_of_the_rule() {
    for (m, k, n) in
        [(80, 6, 32), (80, 32, 32), (80, 32, 4), (32, 80, 32), (5, 256, 10), (3, 257, 129)]
    {
        check_all_layouts(m, k, n);
    }
    for (m, k, n) in [(13, 513, 65), (29, 784, 131), (1, 600, 300), (250, 3, 40), (26, 300, 1030)] {
        check(Product::new(m, k, n, Right::Plain), Right::Plain, true);
        let transposed = Product::new(m, k, n, Right::Transposed).accumulating();
        check(transposed, Right::Transposed, false);
        check(transposed.with_panels(), Right::Transposed, true);
    }
}

/// A stream of sizes that is the same everywhere.
fn sizes(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |bound| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    }
}

#[test]
fn products_of_random_shapes_have_the_bits_of_the_rule() {
    let mut size = sizes(7);
    for _ in 0..60 {
        // Small numbers are as likely as large ones.
        let mut side = |bound: usize| {
            let bound = size(bound) + 1;
            size(bound + 1)
        };
        let (m, k, n) = (side(70), side(600), side(150));
        check_all_layouts(m, k, n);
    }
}

#[test]
fn parts_in_any_cut_have_the_bits_of_the_whole_and_touch_nothing_else() {
    let mut size = sizes(11);
    for round in 0..60 {
        let (m, k, n) = (1 + size(60), size(300), 1 + size(140));
        let layout = [Right::Plain, Right::Transposed][size(2)];
        let mut shape = Product::new(m, k, n, layout);
        shape.a = [Left::Plain, Left::Transposed][size(2)];
        shape.accumulate = size(2) == 1;
        shape.epilogue = [Epilogue::None, Epilogue::Relu, Epilogue::Stop][size(3)];
        if size(3) == 0 {
            shape = shape.with_panels();
        }
        let case = Case::new(shape, layout, round % 2 == 0);
        let expected = case.expected();
        let (row, column) = (size(m + 1), size(n + 1));
        for level in Level::supported() {
            let b = case.right(level);
            let mut c = case.before.clone();
            for rows in [0..row, row..m] {
                for columns in [0..column, column..n] {
                    let mut after = c.clone();
                    for i in rows.clone() {
                        for j in columns.clone() {
                            after[i * n + j] = expected[i * n + j];
                        }
                    }
                    case.part(level, &b, rows.clone(), columns, &mut c);
                    assert_same(
                        &c,
                        &after,
                        format_args!("{level} {shape:?} cut at {row} {column}"),
                    );
                }
            }
        }
    }
}

#[test]
fn panels_may_be_packed_in_parts() {
    for layout in [Right::Plain, Right::Transposed] {
        let shape = Product::new(1, 70, 150, layout);
        let b = values(2, shape.k * shape.n);
        for level in Level::supported() {
            let mut whole = vec![0.0; shape.panels_len(level)];
            pack_right(level, &shape, &b, &mut whole);
            let mut parts = vec![0.0; shape.panels_len(level)];
            let (_, grain) = Product::grain(level);
            for start in (0..shape.n).step_by(grain) {
                let columns = start..shape.n.min(start + grain);
                // SAFETY: the slices have the sizes that the shape asks for.
                #[allow(unsafe_code)]
                unsafe {
                    pack_right_part(level, &shape, columns, b.as_ptr(), parts.as_mut_ptr());
                }
            }
            assert_same(&parts, &whole, format_args!("{level} {layout:?}"));
        }
    }
}

#[test]
fn the_first_block_is_stored_as_it_is() {
    // A negative product that underflows gives −0; 0 + (−0) would be +0.
    let shape = Product::new(1, 1, 1, Right::Plain);
    for level in Level::supported() {
        let mut c = [1.0];
        let mut scratch = vec![0.0; shape.scratch_len(level)];
        product(level, &shape, &Operands::new(&[-1e-30], &[1e-30]), &mut c, &mut scratch);
        assert_eq!(c[0].to_bits(), (-0.0_f32).to_bits());
    }
}

#[test]
fn the_relu_gives_positive_zeros_and_keeps_what_is_no_number() {
    let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.0, -1.0, 1.0];
    let one = [1.0];
    for level in Level::supported() {
        let shape = Product::new(7, 1, 1, Right::Plain).with_epilogue(Epilogue::Relu);
        let mut c = [9.0; 7];
        let mut scratch = vec![0.0; shape.scratch_len(level)];
        product(level, &shape, &Operands::new(&x, &one), &mut c, &mut scratch);
        assert!(c[0].is_nan(), "{level}");
        assert_eq!(bits(&c[1..]), bits(&[f32::INFINITY, 0.0, 0.0, 0.0, 0.0, 1.0]), "{level}");

        // The gradient is stopped whatever it is, and passes where the output is no number.
        let shape = Product::new(7, 1, 1, Right::Plain).with_epilogue(Epilogue::Stop);
        let from = [0.0, -0.0, -1.0, 1.0, f32::NAN, 2.0, 3.0];
        product(level, &shape, &Operands::new(&x, &one).with_from(&from), &mut c, &mut scratch);
        assert_eq!(bits(&c), bits(&[0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 1.0]), "{level}");
    }
}

#[test]
fn products_agree_with_f64() {
    let mut size = sizes(13);
    for _ in 0..40 {
        let (m, k, n) = (1 + size(20), 1 + size(700), 1 + size(50));
        let case = Case::new(Product::new(m, k, n, Right::Transposed), Right::Transposed, true);
        let c = case.whole(Level::detect());
        for i in 0..m {
            for j in 0..n {
                let bias = f64::from(case.bias.as_ref().map_or(0.0, |bias| bias[j]));
                let (mut truth, mut size) = (bias, bias.abs());
                for p in 0..k {
                    let (left, right) = case.at(i, p, j);
                    truth += f64::from(left) * f64::from(right);
                    size += (f64::from(left) * f64::from(right)).abs();
                }
                // A term is rounded once in its chain and once per later block; the bias once.
                let roundings = (k.min(KC) + k.div_ceil(KC) + 1) as f64;
                let bound = roundings * f64::from(f32::EPSILON) / 2.0 * size;
                assert!((f64::from(c[i * n + j]) - truth).abs() <= bound, "{m} {k} {n}");
            }
        }
    }
}

#[test]
fn rows_are_summed_as_a_product_with_ones() {
    for (m, n) in [(0, 3), (1, 1), (80, 32), (80, 4), (513, 37), (600, 70)] {
        let mut case = Case::new(Product::new(1, m, n, Right::Plain), Right::Plain, false);
        case.a.fill(1.0);
        let expected = case.expected();
        for level in Level::supported() {
            let mut out = vec![f32::NAN; n];
            sum_rows(level, m, n, n, &case.b, &mut out);
            assert_same(&out, &expected, format_args!("{level} {m} {n}"));
        }
    }
}
