//! The pieces of a network of two inputs.

use std::collections::BTreeSet;

use num_rational::BigRational;
use num_traits::Zero;

use super::form::bends;
use super::polygon::{Cut, Polygon};
use super::{Form, Forms, check, too_many};
use crate::error::{Error, Result};
use crate::prove::network::{Network, Step};

/// A network of two inputs on a rectangle.
#[derive(Clone, Debug)]
pub struct Plane {
    /// The pieces; together they are the rectangle, and they share borders only.
    pub regions: Vec<Region>,
}

/// A polygon on which a network is affine.
#[derive(Clone, Debug)]
pub struct Region {
    /// Where it is.
    pub polygon: Polygon,
    /// What each output is on it.
    pub outputs: Vec<Form>,
}

/// A polygon on which one class has the largest output.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Where it is.
    pub polygon: Polygon,
    /// The first of the classes whose output is largest.
    pub class: usize,
}

/// Where a function of the outputs is 0.
#[derive(Clone, Debug)]
pub struct LevelSet {
    /// The ends of the segments on which it is.
    pub segments: Vec<[[BigRational; 2]; 2]>,
    /// The polygons on which it is, everywhere.
    pub polygons: Vec<Polygon>,
}

/// The pieces of `network` on the rectangle between the corners `low` and `high`.
///
/// ```
/// use glassnet::{graph::Shape, nn::{self, Mode, Network}, prove::{self, Weight, regions}};
/// use num_rational::BigRational;
/// let net = Network::new(nn::parse("2-6-6-2")?, 1)?;
/// let graph = net.module().graph(Shape::batch([2]), Mode::Eval)?;
/// let network = prove::lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed))?;
/// let plane = regions::plane(&network, [-1.0, -1.0], [1.0, 1.0], 10_000)?;
/// assert_eq!(plane.area(), BigRational::from_integer(4.into()));
/// # Ok::<(), glassnet::Error>(())
/// ```
///
/// # Errors
/// Kind `usage` for a network of other than two inputs and for a rectangle without inside; kind `unsupported` for one that is
/// not piecewise linear; kind `limit` for more than `most` pieces.
pub fn plane(network: &Network, low: [f64; 2], high: [f64; 2], most: usize) -> Result<Plane> {
    check(network, 2)?;
    let whole = (low[0] < high[0] && low[1] < high[1]).then(|| Polygon::rectangle(low, high));
    let Some(whole) = whole.flatten() else {
        return Err(Error::usage(format!("there is nothing inside {low:?} to {high:?}"))
            .help("give two corners of finite numbers, the lower left one first"));
    };
    let mut open = vec![(whole, Forms::inputs(2))];
    for layer in &network.layers()[1..=network.output()] {
        let mut next = vec![];
        for (polygon, mut forms) in open {
            match &layer.step {
                Step::Input | Step::Smooth { .. } | Step::Product { .. } => {}
                Step::Affine(affine) => {
                    let behind = forms.affine(affine, layer.size)?;
                    forms.push(behind);
                    next.push((polygon, forms));
                }
                Step::Kink { of, below, above } => {
                    let slopes = (*below, *above);
                    for (polygon, sides) in cut(polygon, forms.layer(*of), bends(&layer.step)) {
                        let mut behind = forms.clone();
                        behind.push(forms.kink(*of, slopes, &sides)?);
                        next.push((polygon, behind));
                    }
                }
            }
            if next.len() > most {
                return Err(too_many(most));
            }
        }
        open = next;
    }
    let region =
        |(polygon, forms): (Polygon, Forms)| Region { polygon, outputs: forms.outputs(network) };
    Ok(Plane { regions: open.into_iter().map(region).collect() })
}

/// The parts of a polygon on which no form changes its sign, and for each form whether it isn't negative there.
fn cut(polygon: Polygon, forms: &[Form], bends: bool) -> Vec<(Polygon, Vec<bool>)> {
    let mut parts = vec![(polygon, vec![])];
    for form in forms {
        let mut next = Vec::with_capacity(parts.len());
        for (polygon, sides) in parts {
            let with = |side: bool| sides.iter().copied().chain([side]).collect::<Vec<bool>>();
            if !bends {
                next.push((polygon, with(true)));
                continue;
            }
            match polygon.cut(form) {
                Cut::Above(polygon) => next.push((polygon, with(true))),
                Cut::Below(polygon) => next.push((polygon, with(false))),
                Cut::Both(below, above) => {
                    next.push((below, with(false)));
                    next.push((above, with(true)));
                }
            }
        }
        parts = next;
    }
    parts
}

impl Plane {
    /// The area of all pieces together: exactly that of the rectangle.
    pub fn area(&self) -> BigRational {
        let areas = self.regions.iter().map(|region| region.polygon.area());
        areas.fold(BigRational::zero(), |sum, area| sum + area)
    }

    /// Where each class has the largest output; of several the first one. A network of one output has the classes 0, where it is
    /// negative, and 1.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = vec![];
        for region in &self.regions {
            if let [only] = &region.outputs[..] {
                let single = std::slice::from_ref(only);
                let parts = cut(region.polygon.clone(), single, true);
                cells.extend(
                    parts
                        .into_iter()
                        .map(|(polygon, sides)| Cell { polygon, class: usize::from(sides[0]) }),
                );
                continue;
            }
            // Each class in turn wins against those before it, or doesn't.
            let mut parts = vec![(region.polygon.clone(), 0)];
            for class in 1..region.outputs.len() {
                let mut next = vec![];
                for (polygon, best) in parts {
                    let lead = region.outputs[best].minus(&region.outputs[class]);
                    match polygon.cut(&lead) {
                        Cut::Above(polygon) => next.push((polygon, best)),
                        Cut::Below(polygon) => next.push((polygon, class)),
                        Cut::Both(below, above) => next.extend([(below, class), (above, best)]),
                    }
                }
                parts = next;
            }
            cells.extend(parts.into_iter().map(|(polygon, class)| Cell { polygon, class }));
        }
        cells
    }

    /// Where `function` of the outputs is 0, such as one output, or the difference of two: the border between classes.
    pub fn level_set(&self, function: impl Fn(&[Form]) -> Form) -> LevelSet {
        let (mut segments, mut polygons) = (BTreeSet::new(), vec![]);
        for region in &self.regions {
            let form = function(&region.outputs);
            if form.is_zero() {
                polygons.push(region.polygon.clone());
                continue;
            }
            let edge = match region.polygon.clone().cut(&form) {
                Cut::Above(polygon) | Cut::Below(polygon) => polygon.zero_edge(&form),
                Cut::Both(_, above) => above.zero_edge(&form),
            };
            if let Some([from, to]) = edge {
                // Along a border of two pieces both have it.
                segments.insert(if from <= to { [from, to] } else { [to, from] });
            }
        }
        LevelSet { segments: segments.into_iter().collect(), polygons }
    }
}
