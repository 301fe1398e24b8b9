//! How sharply the loss bends, and which learning rates that allows.
//!
//! Near a point the loss is a quadratic with the Hessian's curvatures, and plain gradient descent on a quadratic
//! diverges along the direction of curvature λ once `lr > 2/λ`. The largest eigenvalue of the Hessian at the current
//! weights over the given rows is computed in f64 from the gradient graph: its products with directions are central
//! differences of gradients. Units are held on the piece on which they are, so that no difference crosses a kink.

use super::frozen::frozen;
use super::setting::Setting;
use super::units::{kinked, pattern};
use crate::document::{Block, Document, NoteKind, Text};
use crate::error::{Error, ErrorKind, Result};
use crate::formula::{Math, Operator, Relation};
use crate::grad::grad;
use crate::graph::{Checked, NodeId};
use crate::reference::{Feeds, evaluate};
use crate::tensor::Tensor;

/// Up to so many parameters the whole Hessian is computed.
const FULL: usize = 150;
/// Steps of the iteration for larger networks.
const ITERATIONS: usize = 60;
/// How many products of numbers the iteration may take.
const MAX_PRODUCTS: usize = 400_000_000;

/// The curvature of the loss at the current weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Sharpness {
    /// The number of parameters.
    pub parameters: usize,
    /// The largest eigenvalue of the Hessian.
    pub largest: f64,
    /// All eigenvalues, descending, where the whole Hessian was computed.
    pub eigenvalues: Option<Vec<f64>>,
    /// For an iteration: how much the last step changed the value, relative to it.
    pub change: Option<f64>,
    /// The direction of the largest curvature: one number for each parameter, of length 1.
    pub direction: Vec<f64>,
    /// Below this rate plain gradient descent does not diverge on the quadratic that the loss is here; `None` where the
    /// loss bends upwards in no direction.
    pub highest_rate: Option<f64>,
    /// The loss.
    pub loss: f64,
    /// The length of the gradient.
    pub gradient_length: f64,
    /// How many values lie exactly on a kink: there the Hessian is that of the piece whose slope training takes.
    pub on_kinks: usize,
    /// How many values cross a kink within one step of gradient descent at the highest rate: beyond it the loss is
    /// another quadratic.
    pub crossed: usize,
}

/// The sharpness of the loss of `setting`.
///
/// # Errors
/// A network that is too large for the rows (kind `Limit`); a derivative that is not finite.
///
/// ```
/// use glassnet::explain::{Setting, sharpness::sharpness};
/// use glassnet::nn::{self, Network, loss::Criterion};
/// use glassnet::train::{Dataset, Features, Target};
/// use glassnet::Tensor;
/// let network = Network::new(nn::parse("Linear(1, 1, bias=False)")?, 0)?;
/// let data = Dataset::new(
///     Features::Floats(Tensor::new([2, 1], vec![1.0, 3.0])?),
///     Target::Values(Tensor::new([2, 1], vec![2.0, 5.0])?),
/// )?;
/// // J = ((w − 2)² + (3w − 5)²)/2 bends by 1 + 9.
/// let found = sharpness(&Setting::new(&network, &data, &Criterion::parse("mse")?)?)?;
/// assert!((found.largest - 10.0).abs() < 1e-9);
/// assert!((found.highest_rate.unwrap() - 0.2).abs() < 1e-9);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn sharpness(setting: &Setting) -> Result<Sharpness> {
    let slopes = Slopes::new(setting)?;
    let here = slopes.at(&vec![0.0; slopes.length])?;
    let (largest, eigenvalues, change, direction) = if slopes.length <= FULL {
        let (values, vectors) = eigen(slopes.hessian()?);
        let top = (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b]));
        let top = top.ok_or_else(|| Error::network("the network has no parameter"))?;
        let direction = vectors.iter().map(|row| row[top]).collect();
        let mut sorted = values.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        (values[top], Some(sorted), None, direction)
    } else {
        let products = slopes.length.saturating_mul(setting.rows()).saturating_mul(3);
        let steps = ITERATIONS.min(MAX_PRODUCTS / (2 * products.max(1)));
        if steps < 8 {
            return Err(Error::new(
                ErrorKind::Limit,
                format!(
                    "the sharpness of {} parameters over {} rows takes too long",
                    slopes.length,
                    setting.rows()
                ),
            )
            .help("give fewer rows"));
        }
        let (value, direction, change) = slopes.iterate(steps)?;
        (value, None, Some(change), direction)
    };
    // Rounding leaves curvatures of about this size where there is none.
    let noise = 1e-9 * here.iter().fold(1.0_f64, |most, slope| most.max(slope.abs()));
    let highest_rate = (largest > noise).then(|| 2.0 / largest);
    let (on_kinks, crossed) = slopes.kinks(&here, highest_rate)?;
    Ok(Sharpness {
        parameters: slopes.length,
        largest,
        eigenvalues,
        change,
        direction,
        highest_rate,
        loss: setting.values()[setting.loss()].floats()?.data()[0],
        gradient_length: here.iter().map(|slope| slope * slope).sum::<f64>().sqrt(),
        on_kinks,
        crossed,
    })
}

/// The gradient at places around the current weights, units held on their pieces.
struct Slopes<'a> {
    setting: &'a Setting,
    graph: Checked,
    feeds: Feeds,
    /// Key, values and gradient of each parameter.
    parameters: Vec<(String, Tensor<f64>, NodeId)>,
    length: usize,
    /// How far differences reach.
    step: f64,
}

impl<'a> Slopes<'a> {
    fn new(setting: &'a Setting) -> Result<Self> {
        let held = frozen(setting.forward(), setting.feeds(), setting.values())?;
        let towards: Vec<NodeId> =
            setting.parameters().iter().map(|parameter| held.ids[parameter.node]).collect();
        let gradient = grad(&held.graph, held.ids[setting.loss()], &towards)?;
        let mut parameters = vec![];
        let mut largest = 0.0_f64;
        for (parameter, &node) in setting.parameters().iter().zip(&gradient.gradients) {
            let values = setting.values()[parameter.node].floats()?.clone();
            largest = values.data().iter().fold(largest, |most, value| most.max(value.abs()));
            parameters.push((parameter.key.clone(), values, node));
        }
        let length = parameters.iter().map(|(_, values, _)| values.len()).sum();
        // The cube root of f64's precision balances truncation and rounding of central differences.
        let step = f64::EPSILON.cbrt() * largest.clamp(0.1, 1e6);
        Ok(Slopes { setting, graph: gradient.graph, feeds: held.feeds, parameters, length, step })
    }

    /// `feeds` with the weights moved by `offset`.
    fn moved(&self, feeds: &mut Feeds, offset: &[f64]) {
        let mut start = 0;
        for (key, values, _) in &self.parameters {
            let mut moved = values.clone();
            for (value, offset) in moved.data_mut().iter_mut().zip(&offset[start..]) {
                *value += offset;
            }
            start += values.len();
            feeds.set_state(key, moved);
        }
    }

    fn at(&self, offset: &[f64]) -> Result<Vec<f64>> {
        let mut feeds = self.feeds.clone();
        self.moved(&mut feeds, offset);
        let values = evaluate(&self.graph, &feeds, self.setting.rows())?;
        let mut gradient = Vec::with_capacity(self.length);
        for (key, _, node) in &self.parameters {
            let slopes = values[*node].floats()?;
            if slopes.data().iter().any(|slope| !slope.is_finite()) {
                return Err(Error::new(ErrorKind::Numeric, "a derivative is not finite")
                    .at(format!("the gradient of {key}")));
            }
            gradient.extend_from_slice(slopes.data());
        }
        Ok(gradient)
    }

    /// The Hessian times a direction of length 1.
    fn times(&self, direction: &[f64]) -> Result<Vec<f64>> {
        let offset = |sign: f64| direction.iter().map(|part| sign * self.step * part).collect();
        let ahead: Vec<f64> = offset(1.0);
        let behind: Vec<f64> = offset(-1.0);
        let (ahead, behind) = (self.at(&ahead)?, self.at(&behind)?);
        Ok(ahead.iter().zip(&behind).map(|(a, b)| (a - b) / (2.0 * self.step)).collect())
    }

    fn hessian(&self) -> Result<Vec<Vec<f64>>> {
        let mut rows = Vec::with_capacity(self.length);
        for index in 0..self.length {
            let mut unit = vec![0.0; self.length];
            unit[index] = 1.0;
            rows.push(self.times(&unit)?);
        }
        // Differences leave a trace of asymmetry.
        for i in 0..self.length {
            for j in 0..i {
                let mean = 0.5 * (rows[i][j] + rows[j][i]);
                (rows[i][j], rows[j][i]) = (mean, mean);
            }
        }
        Ok(rows)
    }

    /// Lanczos with full reorthogonalisation: the largest eigenvalue, its direction, and its last relative change.
    fn iterate(&self, steps: usize) -> Result<(f64, Vec<f64>, f64)> {
        let mut basis: Vec<Vec<f64>> = vec![];
        let (mut diagonal, mut beside): (Vec<f64>, Vec<f64>) = (vec![], vec![]);
        // A fixed start that is orthogonal to nothing in particular.
        let mut next: Vec<f64> =
            (0..self.length).map(|i| 1.0 + 0.5 * libm::sin(1.7 * i as f64)).collect();
        let (mut value, mut change) = (0.0_f64, f64::INFINITY);
        let mut weights = vec![1.0];
        for _ in 0..steps.min(self.length) {
            let length = norm(&next);
            if length <= 1e-10 * value.abs().max(1e-10) && !basis.is_empty() {
                change = 0.0;
                break;
            }
            if !basis.is_empty() {
                beside.push(length);
            }
            next.iter_mut().for_each(|part| *part /= length);
            let mut product = self.times(&next)?;
            diagonal.push(dot(&product, &next));
            basis.push(next);
            for _ in 0..2 {
                for known in &basis {
                    let along = dot(&product, known);
                    product.iter_mut().zip(known).for_each(|(part, own)| *part -= along * own);
                }
            }
            next = product;
            let (values, vectors) = eigen(tridiagonal(&diagonal, &beside));
            let top = (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b]));
            let top = top.unwrap_or(0);
            change = ((values[top] - value) / values[top].abs().max(f64::MIN_POSITIVE)).abs();
            value = values[top];
            weights = vectors.iter().map(|row| row[top]).collect();
            if change < 1e-9 && basis.len() > 4 {
                break;
            }
        }
        let mut direction = vec![0.0; self.length];
        for (weight, known) in weights.iter().zip(&basis) {
            direction.iter_mut().zip(known).for_each(|(part, own)| *part += weight * own);
        }
        Ok((value, direction, change))
    }

    /// How many values lie on kinks, and how many cross one within a step of gradient descent.
    fn kinks(&self, gradient: &[f64], rate: Option<f64>) -> Result<(usize, usize)> {
        let setting = self.setting;
        let places = kinked(setting.forward());
        let mut on_kinks = 0;
        for place in &places {
            let kinks = place.activation.kinks();
            let z = setting.values()[place.argument].floats()?;
            on_kinks += z.data().iter().filter(|z| kinks.contains(z)).count();
        }
        let Some(rate) = rate else { return Ok((on_kinks, 0)) };
        let before = pattern(&places, setting.values());
        let mut feeds = setting.feeds().clone();
        let offset: Vec<f64> = gradient.iter().map(|slope| -rate * slope).collect();
        self.moved(&mut feeds, &offset);
        let after = pattern(&places, &evaluate(setting.forward(), &feeds, setting.rows())?);
        Ok((on_kinks, before.iter().zip(&after).filter(|(a, b)| a != b).count()))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

fn tridiagonal(diagonal: &[f64], beside: &[f64]) -> Vec<Vec<f64>> {
    let size = diagonal.len();
    let mut matrix = vec![vec![0.0; size]; size];
    for i in 0..size {
        matrix[i][i] = diagonal[i];
        if i > 0 {
            (matrix[i][i - 1], matrix[i - 1][i]) = (beside[i - 1], beside[i - 1]);
        }
    }
    matrix
}

/// Eigenvalues of a symmetric matrix and the matrix whose columns are the eigenvectors, by Jacobi's rotations.
fn eigen(mut matrix: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let size = matrix.len();
    let mut vectors = vec![vec![0.0; size]; size];
    for (i, row) in vectors.iter_mut().enumerate() {
        row[i] = 1.0;
    }
    let total: f64 = matrix.iter().flatten().map(|entry| entry * entry).sum();
    for _ in 0..60 {
        let mut off = 0.0;
        for i in 0..size {
            for j in 0..i {
                off += matrix[i][j] * matrix[i][j];
            }
        }
        if off <= 1e-28 * total {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                rotate(&mut matrix, &mut vectors, p, q);
            }
        }
    }
    ((0..size).map(|i| matrix[i][i]).collect(), vectors)
}

/// The rotation that makes `matrix[p][q]` 0.
fn rotate(matrix: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    let entry = matrix[p][q];
    if entry == 0.0 {
        return;
    }
    let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * entry);
    let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    for row in matrix.iter_mut() {
        let (a, b) = (row[p], row[q]);
        (row[p], row[q]) = (cosine * a - sine * b, sine * a + cosine * b);
    }
    for k in 0..matrix.len() {
        let (a, b) = (matrix[p][k], matrix[q][k]);
        (matrix[p][k], matrix[q][k]) = (cosine * a - sine * b, sine * a + cosine * b);
    }
    for row in vectors.iter_mut() {
        let (a, b) = (row[p], row[q]);
        (row[p], row[q]) = (cosine * a - sine * b, sine * a + cosine * b);
    }
}

impl Sharpness {
    /// The curvature, the rate it allows, and what that rests on.
    pub fn blocks(&self) -> Vec<Block> {
        let mut document = Document::default();
        let largest = Math::name("λ").lowered(Math::text("max"));
        let about = |value: f64| Math::number(&four_digits(value));
        let approximately = || Math::Operator(Operator::Approximately);
        match self.highest_rate {
            Some(rate) => {
                document.say(
                    Text::from("The loss bends most by ")
                        .math(Math::row([largest.clone(), approximately(), about(self.largest)]))
                        .plain(" (the largest eigenvalue of its Hessian at these weights and rows). Plain gradient descent diverges along that direction unless"),
                );
                document.formula(Math::row([
                    Math::text("lr"),
                    Math::Operator(Operator::Relation(Relation::Less)),
                    Math::fraction(Math::number("2"), largest),
                    approximately(),
                    about(rate),
                ]));
            }
            None => document.say(
                "The loss bends upwards in no direction at these weights, so curvature sets no limit to the learning rate here.",
            ),
        }
        if let Some(change) = self.change.filter(|change| *change > 1e-6) {
            document.note(
                NoteKind::Remark,
                format!(
                    "The eigenvalue was found by iteration; the last step changed it by {change:.1e} of itself, and it can only be larger."
                ),
            );
        }
        let mut limits = match self.highest_rate {
            Some(_) => "The limit is that of the quadratic that the loss is at this point; as the weights move, so does the curvature.",
            None => "This is the curvature at this point; as the weights move, so does it.",
        }
        .to_owned();
        if self.crossed > 0 {
            let (values, cross) =
                if self.crossed == 1 { ("value", "crosses") } else { ("values", "cross") };
            limits.push_str(&format!(
                " Within one step at that rate {} {values} {cross} a kink, beyond which the loss is another one.",
                self.crossed
            ));
        }
        if self.on_kinks > 0 {
            let values = if self.on_kinks == 1 { "value lies" } else { "values lie" };
            limits.push_str(&format!(
                " {} {values} exactly on a kink: the curvature is that of the piece whose slope training takes.",
                self.on_kinks
            ));
        }
        document.note(NoteKind::NotProven, limits);
        document.blocks
    }
}

/// `70.69`, `0.02829`, `1.234e7`: four significant digits.
fn four_digits(value: f64) -> String {
    let rounded: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    let text = format!("{rounded:?}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::samples::{manual, random, two_units};

    #[test]
    fn the_exercise_s_sharpness() {
        let found = sharpness(&manual(1.0, 0.1).setting()).unwrap();
        assert_eq!(format!("{:.2}", found.largest), "70.69");
        assert_eq!(format!("{:.4}", found.highest_rate.unwrap()), "0.0283");
        assert_eq!(found.eigenvalues.as_ref().unwrap().len(), 2);
        let words = Document { title: Text::default(), blocks: found.blocks() }.plain();
        assert!(words.contains("70.69") && words.contains("0.02829"), "{words}");
    }

    #[test]
    fn a_dead_network_has_no_limit() {
        let found = sharpness(&manual(-0.1, 0.1).setting()).unwrap();
        assert_eq!(found.highest_rate, None);
        assert_eq!(found.largest, 0.0);
    }

    #[test]
    fn rows_on_kinks_are_counted() {
        let found = sharpness(&two_units().setting()).unwrap();
        assert_eq!(found.on_kinks, 4);
        // With the pieces held, curvature stays moderate: no difference crosses a kink.
        assert!(found.largest < 10.0, "{}", found.largest);
    }

    #[test]
    fn the_hessian_is_the_second_difference_of_the_loss() {
        let setting =
            random("Sequential(Linear(2, 3), Tanh(), Linear(3, 1))", 5, "mse", 8).setting();
        let slopes = Slopes::new(&setting).unwrap();
        let hessian = slopes.hessian().unwrap();
        let loss = |offset: &[f64]| {
            let mut feeds = setting.feeds().clone();
            slopes.moved(&mut feeds, offset);
            let values = evaluate(setting.forward(), &feeds, setting.rows()).unwrap();
            values[setting.loss()].floats().unwrap().data()[0]
        };
        let step = 1e-4;
        for (i, j) in [(0, 0), (1, 4), (7, 2), (9, 12)] {
            let at = |a: f64, b: f64| {
                let mut offset = vec![0.0; slopes.length];
                offset[i] += a * step;
                offset[j] += b * step;
                loss(&offset)
            };
            let second = (at(1.0, 1.0) - at(1.0, -1.0) - at(-1.0, 1.0) + at(-1.0, -1.0))
                / (4.0 * step * step);
            assert!((hessian[i][j] - second).abs() < 1e-5 * second.abs().max(1.0), "{i} {j}");
        }
    }

    #[test]
    fn iteration_and_full_hessian_agree() {
        for seed in 0..4 {
            let setting = random("3-6t-4r-2", 8, "mse", seed).setting();
            let slopes = Slopes::new(&setting).unwrap();
            let (values, _) = eigen(slopes.hessian().unwrap());
            let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let (found, direction, change) = slopes.iterate(60).unwrap();
            assert!((found - largest).abs() < 1e-6 * largest, "{found} against {largest}");
            assert!(change < 1e-6);
            assert!((norm(&direction) - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn eigenvectors_are_eigenvectors() {
        let matrix = vec![vec![2.0, -1.0, 0.5], vec![-1.0, 3.0, 0.25], vec![0.5, 0.25, -1.0]];
        let (values, vectors) = eigen(matrix.clone());
        for (k, value) in values.iter().enumerate() {
            for i in 0..3 {
                let product: f64 = (0..3).map(|j| matrix[i][j] * vectors[j][k]).sum();
                assert!((product - value * vectors[i][k]).abs() < 1e-12);
            }
        }
    }
}
