//! One pass against the rule spelled out: number by number, value and derivative apart.

use super::*;
use crate::engine::broadcast::maximum;
use crate::engine::rows::BLOCK;
use crate::math::elementary::{exp, log};

/// The mean's denominator, the losses of the rows, and the derivative: plain loops over one row after the other.
fn by_the_rule(
    loss: CrossEntropy,
    dy: &[f32],
    operands: &Operands<'_>,
) -> (f32, Vec<f32>, Vec<f32>) {
    let classes = operands.classes;
    let ignored = |row: usize| operands.by_index() && operands.indices[row] == loss.ignore_index;
    let mut denominator = 0.0_f32;
    for row in 0..operands.rows() {
        if !ignored(row) {
            let weight = |row: usize| operands.weight(operands.indices[row] as usize);
            denominator += if operands.by_index() { weight(row) } else { 1.0 };
        }
    }
    let denominator = if loss.reduction == LossReduction::Mean { denominator } else { 1.0 };
    let (mut losses, mut gradient) = (vec![], vec![]);
    for (row, z) in operands.scores.chunks_exact(classes).enumerate() {
        let logits = loss.scores == Scores::Logits;
        let largest = z.iter().fold(f32::NEG_INFINITY, |m, &z| maximum(z, m));
        let largest = if logits { largest } else { 0.0 };
        let e: Vec<f32> = z.iter().map(|z| exp(z - largest)).collect();
        let sum = e.chunks(BLOCK).fold(0.0, |total, block| total + block.iter().sum::<f32>());
        let logarithm = if logits { log(sum) } else { 0.0 };
        if ignored(row) {
            losses.push(0.0);
            gradient.extend(vec![0.0; classes]);
            continue;
        }
        let weight = |class: usize| target::at(loss, operands, row, class).unwrap_or(0.0);
        let logp = |class: usize| (z[class] - largest) - logarithm;
        losses.push(if operands.by_index() && loss.label_smoothing == 0.0 {
            let class = operands.indices[row] as usize;
            -operands.weight(class) * logp(class)
        } else {
            (0..classes)
                .filter(|&class| weight(class) != 0.0)
                .fold(0.0, |total, class| (-weight(class)).mul_add(logp(class), total))
        });
        let upper = dy[if loss.reduction == LossReduction::None { row } else { 0 }];
        let scale = upper * (1.0 / denominator);
        let share = 1.0 / sum;
        let total = (0..classes).fold(0.0, |total, class| total + weight(class));
        gradient.extend((0..classes).map(|class| match loss.scores {
            Scores::Logits => (e[class] * share).mul_add(total, -weight(class)) * scale,
            Scores::LogProbabilities => -scale * weight(class),
        }));
    }
    (denominator, losses, gradient)
}

/// PyTorch's cascade as its loop is written, a row at a time.
fn cascade(losses: &[f32]) -> f32 {
    let bits = (losses.len().next_power_of_two().ilog2() as usize / 8).max(4);
    let mut levels = [0.0_f32; 8];
    for (row, loss) in losses.iter().enumerate() {
        levels[0] += loss;
        for level in 0..7 {
            if row & (((1 << bits) - 1) << (level * bits)) != 0 {
                break;
            }
            levels[level + 1] += std::mem::take(&mut levels[level]);
        }
    }
    levels.iter().fold(0.0, |total, level| total + level)
}

fn bits(values: &[f32]) -> Vec<u32> {
    // Which NaN it is depends on the order of operands that the compiler chose.
    values.iter().map(|v| if v.is_nan() { f32::NAN.to_bits() } else { v.to_bits() }).collect()
}

fn check(case: &str, loss: CrossEntropy, operands: &Operands<'_>) {
    let rows = operands.rows();
    let none = loss.reduction == LossReduction::None;
    let dy: Vec<f32> = (0..if none { rows } else { 1 }).map(|i| 0.75 - i as f32 / 64.0).collect();
    let (denominator, losses, gradient) = by_the_rule(loss, &dy, operands);
    let value = if none { losses } else { vec![cascade(&losses) / denominator] };
    for level in Level::supported() {
        let case = format!("{case}, {loss:?}, {level}");
        let mut out = vec![7.0; value.len()];
        let mut out_gradient = vec![7.0; gradient.len()];
        run(level, loss, operands, Some(&mut out), Some((&dy, &mut out_gradient))).unwrap();
        assert_eq!(bits(&out), bits(&value), "value: {case}");
        assert_eq!(bits(&out_gradient), bits(&gradient), "derivative: {case}");
        out.fill(7.0);
        run(level, loss, operands, Some(&mut out), None).unwrap();
        assert_eq!(bits(&out), bits(&value), "value alone: {case}");
        out_gradient.fill(7.0);
        run(level, loss, operands, None, Some((&dy, &mut out_gradient))).unwrap();
        assert_eq!(bits(&out_gradient), bits(&gradient), "derivative alone: {case}");
    }
}

/// Numbers that look random.
struct Source(u64);

impl Source {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((self.0 >> 33) as usize) % end
    }

    fn number(&mut self) -> f32 {
        self.below(1 << 16) as f32 / 4096.0 - 8.0
    }
}

/// All options, over shapes on every path; `special` scores stand among the others.
fn check_shapes(shapes: &[(usize, usize)], special: &[f32]) {
    let mut source = Source(1);
    for &(rows, classes) in shapes {
        let mut scores: Vec<f32> = (0..rows * classes).map(|_| source.number()).collect();
        for &special in special {
            let place = source.below(scores.len().max(1));
            scores.iter_mut().skip(place).take(1).for_each(|z| *z = special);
        }
        let mut indices: Vec<i64> = (0..rows).map(|_| source.below(classes) as i64).collect();
        indices.iter_mut().step_by(5).for_each(|class| *class = -100);
        let probabilities: Vec<f32> =
            (0..rows * classes).map(|_| source.below(4) as f32 / 4.0).collect();
        let weights: Vec<f32> = (0..classes).map(|_| source.below(9) as f32 / 3.0).collect();
        for options in 0..48 {
            let loss = CrossEntropy {
                scores: [Scores::Logits, Scores::LogProbabilities][options % 2],
                reduction: [LossReduction::Mean, LossReduction::Sum, LossReduction::None]
                    [options / 2 % 3],
                label_smoothing: [0.0, 0.1][options / 6 % 2],
                ..CrossEntropy::default()
            };
            let by_index = options / 12 % 2 == 0;
            let operands = Operands {
                scores: &scores,
                indices: if by_index { &indices } else { &[] },
                probabilities: if by_index { &[] } else { &probabilities },
                weights: (options / 24 == 0).then_some(&weights[..]),
                classes,
            };
            check(&format!("{rows} × {classes}, by index: {by_index}"), loss, &operands);
        }
    }
}

#[test]
fn one_pass_has_the_bits_of_the_rule() {
    let narrow = [(1, 1), (4, 2), (16, 2), (33, 2), (5, 3), (17, 3), (48, 4), (31, 4), (300, 5)];
    let middle = [(2, 10), (64, 10), (19, 13), (33, 15), (16, 16), (40, 16)];
    let wide = [(1, 17), (3, 18), (20, 31), (32, 32), (17, 40), (5, 300), (2, 512), (18, 530)];
    check_shapes(&narrow, &[]);
    check_shapes(&middle, &[]);
    check_shapes(&wide, &[]);
}

#[test]
fn many_rows_add_up_in_the_cascade() {
    check_shapes(&[(256, 2), (257, 2), (289, 1), (4099, 1)], &[]);
}

#[test]
fn scores_that_are_no_numbers_go_the_same_way() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    for special in [&[nan][..], &[inf], &[-inf], &[-inf, -inf, -inf, 1e30, -1e30], &[inf, nan]] {
        check_shapes(&[(3, 2), (7, 4), (18, 7), (6, 21)], special);
    }
    check_shapes(&[(2, 1), (1, 3), (1, 18)], &[-inf; 200]);
}

#[test]
fn an_ignored_class_may_be_one_of_the_classes() {
    let (scores, indices) = ([0.5, 1.0, -1.0, 2.0, 0.0, 3.0], [1, 0, 1]);
    let operands = Operands {
        scores: &scores,
        indices: &indices,
        probabilities: &[],
        weights: None,
        classes: 2,
    };
    check("ignoring 1", CrossEntropy { ignore_index: 1, ..CrossEntropy::default() }, &operands);
}

#[test]
fn no_rows_give_zero_over_zero() {
    let operands =
        Operands { scores: &[], indices: &[], probabilities: &[], weights: None, classes: 3 };
    check("no rows", CrossEntropy::default(), &operands);
    let sum = CrossEntropy { reduction: LossReduction::Sum, ..CrossEntropy::default() };
    check("no rows", sum, &operands);
}

#[test]
fn a_class_that_does_not_exist_is_named_with_its_row() {
    let scores = [0.0; 40];
    for (classes, wrong) in [(2, 2), (2, -1), (4, i64::MAX), (20, 1 << 32), (20, i64::MIN)] {
        let mut indices = vec![1; 40 / classes];
        *indices.last_mut().unwrap() = wrong;
        let row = indices.len() - 1;
        let operands = Operands {
            scores: &scores,
            indices: &indices,
            probabilities: &[],
            weights: None,
            classes,
        };
        let (mut out, mut gradient) = ([7.0], [7.0; 40]);
        for level in Level::supported() {
            let loss = CrossEntropy { reduction: LossReduction::Sum, ..CrossEntropy::default() };
            let gradient = Some((&[1.0][..], &mut gradient[..]));
            let error = run(level, loss, &operands, Some(&mut out), gradient).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains(&format!("class index {wrong} is outside 0..{classes}")),
                "{text}"
            );
            assert!(text.contains(&format!("row {row} of the batch")), "{text}");
        }
        assert_eq!((out, gradient), ([7.0], [7.0; 40]));
    }
}
