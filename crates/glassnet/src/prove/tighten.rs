//! Bounds of every unit, tightened by substituting backwards.

use super::crown::Bounds;
use super::{Interval, Network, Semantics};
use crate::error::{Error, Result};

/// For every layer the interval of each of its units, for all inputs in `domain`: those of
/// [`interval_bounds`](super::interval_bounds), tightened by CROWN where a function or the result needs it.
///
/// # Errors
/// When `domain` has another number of intervals than the network has inputs.
///
/// ```
/// use glassnet::graph::Shape;
/// use glassnet::nn::{self, Mode, Network};
/// use glassnet::prove::{self, Interval, Semantics, Weight};
/// let net = Network::new(nn::parse("2-8-8-1")?, 0)?;
/// let graph = net.module().graph(Shape::batch([2]), Mode::Eval)?;
/// let net = prove::lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed))?;
/// let domain = [Interval::new(0.0, 1.0)?; 2];
/// let coarse = prove::interval_bounds(&net, &domain, Semantics::Real)?;
/// let fine = prove::bounds(&net, &domain, Semantics::Real)?;
/// let width = |bounds: &[Vec<Interval>]| bounds[net.output()][0].hi() - bounds[net.output()][0].lo();
/// assert!(width(&fine) < width(&coarse));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn bounds(
    network: &Network,
    domain: &[Interval],
    semantics: Semantics,
) -> Result<Vec<Vec<Interval>>> {
    if domain.len() != network.inputs() {
        return Err(Error::data(format!(
            "the domain has {} intervals, the network {} inputs",
            domain.len(),
            network.inputs()
        )));
    }
    let mut found = Bounds::new(network, domain, &[], None, semantics)
        .and_then(|mut bounds| bounds.refine_all(network, network.output()).map(|()| bounds))
        .ok_or_else(|| Error::data("the domain has no input"))?;
    Ok(std::mem::take(&mut found.units))
}
