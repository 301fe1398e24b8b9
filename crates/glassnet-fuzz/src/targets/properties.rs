//! Properties, certificates and proofs.

use std::sync::OnceLock;

use glassnet::checker::proof::Case;
use glassnet::checker::{Certificate, Judgement, Proof, Verdict, verify_proof};
use glassnet::graph::Checked;
use glassnet::nn::{self, Mode, Network};
use glassnet::prove::{self, Config, Property, Search, Weight, lower};
use glassnet::{Error, Result, simplify};
use glassnet_formats::vnnlib;

/// The network that proofs are read for.
const NOTATION: &str = "2-4-2";
/// The property of which a proof must show nothing: the middle of its box is a solution.
const FALSE: &str = "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)
(assert (<= X_0 1))(assert (>= X_0 -1))(assert (<= X_1 1))(assert (>= X_1 -1))(assert (<= Y_0 1e6))";
/// One that holds.
pub(crate) const TRUE: &str = "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)
(assert (<= X_0 1))(assert (>= X_0 -1))(assert (<= X_1 1))(assert (>= X_1 -1))(assert (>= Y_0 0.9))";

fn refused(error: &Error) -> bool {
    let text = error.to_string();
    assert!(!text.is_empty() && text.len() < 20_000, "{} bytes of message", text.len());
    false
}

pub(super) fn vnnlib(bytes: &[u8]) -> bool {
    let read = match vnnlib::read(bytes, "p.vnnlib") {
        Ok(read) => read,
        Err(error) => return refused(&error),
    };
    for case in &read.property.cases {
        assert_eq!(case.domain.len(), read.inputs);
        assert!(case.domain.iter().all(|x| x.lo() <= x.hi()));
        for constraint in &case.constraints {
            assert!(constraint.constant.is_finite());
            assert!(constraint.inputs.iter().all(|(at, a)| *at < read.inputs && a.is_finite()));
            assert!(constraint.outputs.iter().all(|(at, a)| *at < read.outputs && a.is_finite()));
        }
    }
    true
}

/// Two networks that compute the same, the second with `units` instead of 4, and the certificate of it.
pub(crate) fn certified(units: usize) -> Result<(Network, Network, Certificate)> {
    let network = Network::new(nn::parse(NOTATION)?, 0)?;
    let wider = simplify::widen(&network, &[units])?;
    Ok((network, wider.network, wider.certificate))
}

pub(super) fn certificate(bytes: &[u8]) -> bool {
    static NETWORKS: OnceLock<Option<(Network, Network, Certificate)>> = OnceLock::new();
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut certificate = match Certificate::from_json(text) {
        Ok(certificate) => certificate,
        Err(error) => return refused(&error),
    };
    let again = Certificate::from_json(&certificate.to_json());
    assert_eq!(again.as_ref().ok(), Some(&certificate));
    let Some((a, b, right)) = NETWORKS.get_or_init(|| certified(6).ok()) else { return true };
    // Its steps are looked at even where it names another network.
    certificate.a.clone_from(&right.a);
    certificate.b.clone_from(&right.b);
    match simplify::verify(a, b, &certificate) {
        Ok(Verdict::Valid(checked)) => {
            assert!(checked.bound <= certificate.claim.bound.max(f64::MIN_POSITIVE));
        }
        Ok(Verdict::Invalid(why)) => assert!(!why.is_empty()),
        Err(error) => drop(refused(&error)),
    }
    true
}

struct Subject {
    network: Network,
    graph: Checked,
}

fn subject() -> Result<Subject> {
    let network = Network::new(nn::parse(NOTATION)?, 0)?;
    let shape = network.module().input_shape().ok_or_else(|| Error::usage("no inputs"))?;
    let graph = network.module().graph(shape, Mode::Eval)?;
    Ok(Subject { network, graph })
}

fn property(text: &str) -> Result<Property> {
    Ok(vnnlib::read(text.as_bytes(), "p.vnnlib")?.property)
}

/// What shows the verdict on [`TRUE`] with another threshold.
pub(crate) fn shown(threshold: f64) -> Result<Option<Proof>> {
    let subject = subject()?;
    let state = subject.network.state_dict();
    let lowered = lower(&subject.graph, "x", "y", &|key| state.floats(key).map(Weight::Fixed))?;
    let text = TRUE.replace("0.9", &threshold.to_string());
    let (property, config) = (property(&text)?, Config { records: true, ..Config::default() });
    let search = Search::new(&lowered, &property, &config)?;
    search.work(&mut |_: &prove::Progress| true);
    let (outcome, recording) = search.finish();
    let weights = |key: &str| state.floats(key).ok();
    let network = (&subject.graph, &weights as _);
    simplify::proof(network, &property, config.semantics, &outcome.verdict, recording)
}

pub(super) fn proof(bytes: &[u8]) -> bool {
    static SUBJECT: OnceLock<Option<(Subject, Vec<Case>)>> = OnceLock::new();
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut proof = match Proof::from_json(text) {
        Ok(proof) => proof,
        Err(error) => return refused(&error),
    };
    assert_eq!(Proof::from_json(&proof.to_json()).as_ref().ok(), Some(&proof));
    let made = || Some((subject().ok()?, simplify::cases(&property(FALSE).ok()?)));
    let Some((subject, cases)) = SUBJECT.get_or_init(made) else { return true };
    let weights = |key: &str| subject.network.state_dict().floats(key).ok();
    let network = (&subject.graph, &weights as _);
    let Ok(digest) = glassnet::checker::digest(network.0, network.1) else { return true };
    proof.network = digest;
    let own = proof.property.clone();
    if let Err(error) = verify_proof(network, &own, &proof) {
        refused(&error);
    }
    proof.property.clone_from(cases);
    if proof.verdict() == "holds" {
        let judged = verify_proof(network, cases, &proof);
        assert!(!matches!(judged, Ok(Judgement::Shown)), "what isn't so was shown");
    }
    true
}
