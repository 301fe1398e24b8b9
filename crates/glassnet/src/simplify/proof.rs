//! From what the prover recorded to a proof that the checker reads.

use crate::checker::proof::{Case, Constraint, Evidence, Node, SCHEMA};
use crate::checker::{self, Parameters, Proof};
use crate::error::{Error, Result};
use crate::graph;
use crate::prove::{Property, Recorded, Recording, Semantics, Then, Verdict};

/// The proof of a verdict about `property`, from what a search with [`Config::records`](crate::prove::Config::records)
/// gave; `None` for an unknown verdict.
///
/// # Errors
/// When weights are missing, or a property holds and no recording is given.
///
/// ```
/// use glassnet::checker::{Judgement, verify_proof};
/// use glassnet::graph::Shape;
/// use glassnet::nn::{self, Mode, Network};
/// use glassnet::prove::{self, Case, Config, Constraint, Interval, Property, Search, Weight};
/// use glassnet::simplify::{cases, proof};
/// let net = Network::new(nn::parse("2-8-1")?, 0)?;
/// let graph = net.module().graph(Shape::batch([2]), Mode::Eval)?;
/// let lowered = prove::lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed))?;
/// let constraint = Constraint { outputs: vec![(0, -1.0)], constant: 3.0, ..Constraint::default() };
/// let domain = vec![Interval::new(-1.0, 1.0)?; 2];
/// let property = Property { cases: vec![Case { domain, constraints: vec![constraint] }] };
/// let config = Config { records: true, ..Config::default() };
/// let search = Search::new(&lowered, &property, &config)?;
/// search.work(&mut |_| true);
/// let (outcome, recording) = search.finish();
/// let weights = |key: &str| net.state_dict().floats(key).ok();
/// let network = (&graph, &weights as _);
/// let proof = proof(network, &property, config.semantics, &outcome.verdict, recording)?.expect("it is decided");
/// assert_eq!(verify_proof(network, &cases(&property), &proof)?, Judgement::Shown);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn proof(
    network: (&graph::Checked, Parameters<'_>),
    property: &Property,
    semantics: Semantics,
    verdict: &Verdict,
    recording: Option<Recording>,
) -> Result<Option<Proof>> {
    let evidence = match verdict {
        Verdict::Unknown => return Ok(None),
        Verdict::Violated(witness) => {
            Evidence::Violated { case: witness.case, input: witness.input.clone() }
        }
        Verdict::Holds => {
            let recording =
                recording.ok_or_else(|| Error::usage("the search recorded nothing to prove by"))?;
            let tree = |nodes: Vec<Recorded>| nodes.into_iter().map(node).collect();
            Evidence::Holds(recording.cases.into_iter().map(tree).collect())
        }
    };
    Ok(Some(Proof {
        schema: SCHEMA.to_owned(),
        network: checker::digest(network.0, network.1)?,
        semantics: semantics.name().to_owned(),
        property: cases(property),
        evidence,
    }))
}

pub(super) fn node(recorded: Recorded) -> Node {
    let rounds = recorded.rounds;
    match recorded.then {
        Then::Free(last) => Node::Free(rounds, last),
        Then::Input { input, at } => Node::Input(input, at, rounds),
        Then::Kink { kink, unit } => Node::Kink(kink, unit, rounds),
    }
}

/// A property as the checker reads it.
pub fn cases(property: &Property) -> Vec<Case> {
    let end = |end: f64| end.is_finite().then_some(end);
    property
        .cases
        .iter()
        .map(|case| Case {
            domain: case.domain.iter().map(|x| (end(x.lo()), end(x.hi()))).collect(),
            constraints: case
                .constraints
                .iter()
                .map(|constraint| Constraint {
                    inputs: constraint.inputs.clone(),
                    outputs: constraint.outputs.clone(),
                    constant: constraint.constant,
                })
                .collect(),
        })
        .collect()
}
