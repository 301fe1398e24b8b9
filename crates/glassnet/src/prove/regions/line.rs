//! The pieces of a network of one input.

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::form::{bends, rational};
use super::{Form, Forms, check, too_many};
use crate::error::{Error, Result};
use crate::prove::network::{Network, Step};

/// A network of one input as a function of pieces.
#[derive(Clone, Debug)]
pub struct Line {
    /// The pieces from left to right; each begins where the one before it ends, and is another function.
    pub pieces: Vec<Piece>,
}

/// An interval on which a network is affine.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Where it begins; `None` is −∞.
    pub from: Option<BigRational>,
    /// Where it ends; `None` is ∞.
    pub to: Option<BigRational>,
    /// What each output is on it.
    pub outputs: Vec<Form>,
}

impl Line {
    /// Where the function bends, in ascending order.
    pub fn breakpoints(&self) -> impl Iterator<Item = &BigRational> {
        self.pieces.iter().skip(1).filter_map(|piece| piece.from.as_ref())
    }
}

/// The network as a function of its one input between `from` and `to`, of which an infinite one is everything on that side.
///
/// ```
/// use glassnet::{graph::Shape, nn::{self, Mode, Network}, prove::{self, Weight, regions}};
/// let net = Network::new(nn::parse("1-8-8-1")?, 3)?;
/// let graph = net.module().graph(Shape::batch([1]), Mode::Eval)?;
/// let network = prove::lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed))?;
/// let line = regions::line(&network, f64::NEG_INFINITY, f64::INFINITY, 10_000)?;
/// assert_eq!(line.breakpoints().count() + 1, line.pieces.len());
/// # Ok::<(), glassnet::Error>(())
/// ```
///
/// # Errors
/// Kind `usage` for a network of several inputs and for a domain without inside; kind `unsupported` for one that is not
/// piecewise linear; kind `limit` for more than `most` pieces.
pub fn line(network: &Network, from: f64, to: f64, most: usize) -> Result<Line> {
    check(network, 1)?;
    if from.is_nan() || to.is_nan() || from >= to {
        return Err(Error::usage(format!("between {from} and {to} lies nothing"))
            .help("give two numbers, the smaller one first"));
    }
    let whole = Open {
        from: BigRational::from_float(from),
        to: BigRational::from_float(to),
        forms: Forms::inputs(1),
    };
    let mut open = vec![whole];
    for layer in &network.layers()[1..=network.output()] {
        let mut next = vec![];
        for mut piece in open {
            match &layer.step {
                Step::Input | Step::Smooth { .. } | Step::Product { .. } => {}
                Step::Affine(affine) => {
                    let forms = piece.forms.affine(affine, layer.size)?;
                    piece.forms.push(forms);
                    next.push(piece);
                }
                Step::Kink { of, below, above } => {
                    piece.cut(*of, (*below, *above), bends(&layer.step), &mut next)?;
                }
            }
            if next.len() > most {
                return Err(too_many(most));
            }
        }
        open = next;
    }
    let mut pieces: Vec<Piece> = vec![];
    for piece in open {
        let outputs = piece.forms.outputs(network);
        match pieces.last_mut() {
            // A kink of a unit that no output hears of.
            Some(last) if last.outputs == outputs => last.to = piece.to,
            Some(_) | None => pieces.push(Piece { from: piece.from, to: piece.to, outputs }),
        }
    }
    Ok(Line { pieces })
}

/// A piece that later layers may cut.
struct Open {
    from: Option<BigRational>,
    to: Option<BigRational>,
    forms: Forms,
}

impl Open {
    /// Cuts at every 0 of the units of layer `of`, and appends the parts with the layer behind them.
    fn cut(self, of: usize, slopes: (f64, f64), bends: bool, parts: &mut Vec<Open>) -> Result<()> {
        let mut borders: Vec<BigRational> = vec![];
        for form in self.forms.layer(of).iter().filter(|form| bends && !form.is_constant()) {
            let root = -rational(&form.constant) / rational(&form.slopes[0]);
            let inside = self.from.as_ref().is_none_or(|from| *from < root)
                && self.to.as_ref().is_none_or(|to| root < *to);
            if inside {
                borders.push(root);
            }
        }
        borders.sort_unstable();
        borders.dedup();
        let mut from = self.from;
        for to in borders.into_iter().map(Some).chain([self.to]) {
            let middle = inside(from.as_ref(), to.as_ref());
            let side = |form: &Form| !form.at(std::slice::from_ref(&middle)).is_negative();
            let sides: Vec<bool> = self.forms.layer(of).iter().map(side).collect();
            let mut forms = self.forms.clone();
            forms.push(self.forms.kink(of, slopes, &sides)?);
            parts.push(Open { from: std::mem::replace(&mut from, to.clone()), to, forms });
        }
        Ok(())
    }
}

/// A point between two.
fn inside(from: Option<&BigRational>, to: Option<&BigRational>) -> BigRational {
    let one = || BigRational::from_integer(1.into());
    match (from, to) {
        (Some(from), Some(to)) => (from + to) / BigRational::from_integer(2.into()),
        (Some(from), None) => from + one(),
        (None, Some(to)) => to - one(),
        (None, None) => BigRational::zero(),
    }
}
