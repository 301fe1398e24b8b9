//! Proofs of properties: those that a search gives are accepted, and none is accepted of what isn't so.

use glassnet::checker::proof::{Case, Evidence, Node};
use glassnet::checker::{Judgement, Proof, verify_proof};
use glassnet::graph::Checked;
use glassnet::math::random::Stream;
use glassnet::nn::{self, Mode, Network};
use glassnet::prove::{
    self, Config, Constraint, Interval, Property, Search, Semantics, Verdict, Weight, lower,
};
use glassnet::simplify::{cases, proof};

struct Subject {
    network: Network,
    graph: Checked,
    lowered: prove::Network,
}

impl Subject {
    fn new(notation: &str, seed: u64) -> Self {
        let network = Network::new(nn::parse(notation).unwrap(), seed).unwrap();
        let inputs = network.module().input_shape().unwrap();
        let graph = network.module().graph(inputs, Mode::Eval).unwrap();
        let state = network.state_dict();
        let lowered = lower(&graph, "x", "y", &|key| state.floats(key).map(Weight::Fixed)).unwrap();
        Subject { network, graph, lowered }
    }

    /// Output 0 at a point, roughly.
    fn at(&self, x: &[f64]) -> f64 {
        let outputs = prove::exact::evaluate(&self.lowered, x).unwrap();
        outputs[0].lo.to_f64()
    }

    /// The proof of a property, if the search decides it.
    fn proof(&self, property: &Property, semantics: Semantics) -> Option<(Proof, Verdict)> {
        let config = Config { semantics, records: true, ..Config::default() };
        let search = Search::new(&self.lowered, property, &config).unwrap();
        search.work(&mut |at| at.parts < 3000);
        let (outcome, recording) = search.finish();
        let weights = |key: &str| self.network.state_dict().floats(key).ok();
        let network = (&self.graph, &weights as _);
        let proof = proof(network, property, semantics, &outcome.verdict, recording).unwrap()?;
        Some((proof, outcome.verdict))
    }

    fn judge(&self, property: &[Case], proof: &Proof) -> Judgement {
        let weights = |key: &str| self.network.state_dict().floats(key).ok();
        verify_proof((&self.graph, &weights), property, proof).unwrap()
    }
}

/// No output 0 of at least `limit` where every input lies in ±`radius`.
fn below(limit: f64, inputs: usize, radius: f64) -> Property {
    let constraint =
        Constraint { outputs: vec![(0, -1.0)], constant: limit, ..Constraint::default() };
    let domain = vec![Interval::new(-radius, radius).unwrap(); inputs];
    Property { cases: vec![prove::Case { domain, constraints: vec![constraint] }] }
}

/// The greatest output 0 at some points of the box.
fn greatest(subject: &Subject, inputs: usize, radius: f64) -> f64 {
    let mut stream = Stream::new(5, 0);
    let mut point = || -> Vec<f64> {
        (0..inputs).map(|_| ((stream.below(2001) as f64) / 1000.0 - 1.0) * radius).collect()
    };
    (0..100).map(|_| subject.at(&point())).fold(f64::NEG_INFINITY, f64::max)
}

const NOTATIONS: [(&str, usize); 8] = [
    ("3-12-12-2", 3),
    ("Sequential(Linear(3, 8), LeakyReLU(0.1), Linear(8, 8), LeakyReLU(0.3), Linear(8, 2))", 3),
    ("Sequential(Linear(3, 8), PReLU(), Linear(8, 6), Hardtanh(-0.5, 0.75), Linear(6, 2))", 3),
    ("Sequential(Linear(3, 8), ReLU6(), Linear(8, 8), ReLU(), Linear(8, 1), ReLU())", 3),
    // With so many inputs kinks are split, not inputs.
    ("24-10-10-2", 24),
    ("24-16-2", 24),
    (
        "Sequential(Linear(3, 8), ReLU(), Residual(Linear(8, 6), ReLU(), Linear(6, 8)), Linear(8, 2))",
        3,
    ),
    (
        "Sequential(Linear(24, 8), ReLU(), Residual(Linear(8, 6), ReLU(), Linear(6, 8)), ReLU(), Linear(8, 2))",
        24,
    ),
];

fn proofs(seeds: u64) -> Vec<(Subject, Property, Proof)> {
    let mut found = vec![];
    for (notation, inputs) in NOTATIONS {
        for seed in 0..seeds {
            let subject = Subject::new(notation, seed);
            let radius = if inputs > 20 { 0.3 } else { 2.0 };
            let near = greatest(&subject, inputs, radius);
            for semantics in [Semantics::Real, Semantics::F32AnyOrder] {
                let property = below(near + 0.25 * near.abs() + 0.03, inputs, radius);
                if let Some((proof, _)) = subject.proof(&property, semantics) {
                    found.push((Subject::new(notation, seed), property, proof));
                }
            }
        }
    }
    found
}

#[test]
fn proofs_of_a_search_are_accepted() {
    let (mut holding, mut inputs, mut kinks) = (0, 0, 0);
    for (subject, property, proof) in proofs(2) {
        let printed = subject.network.module().notation();
        assert_eq!(subject.judge(&cases(&property), &proof), Judgement::Shown, "{printed}");
        let read = Proof::from_json(&proof.to_json()).unwrap();
        assert_eq!(read, proof);
        if let Evidence::Holds(trees) = &proof.evidence {
            holding += 1;
            let nodes = || trees.iter().flatten();
            inputs += nodes().filter(|node| matches!(node, Node::Input(..))).count();
            kinks += nodes().filter(|node| matches!(node, Node::Kink(..))).count();
        }
    }
    assert!(holding >= 10, "{holding} of 24 hold");
    assert!(inputs > 10 && kinks > 10, "{inputs} inputs and {kinks} kinks were split");
}

/// Changes something of the evidence.
fn tamper(nodes: &mut Vec<Node>, stream: &mut Stream) {
    if nodes.is_empty() {
        return;
    }
    let at = stream.below(nodes.len() as u64) as usize;
    match stream.below(6) {
        0 => drop(nodes.remove(at)),
        1 => nodes.insert(at, Node::Free(vec![], vec![(0, 1.0)])),
        2 => nodes[at] = Node::Free(vec![], vec![]),
        3 => nodes.truncate(at.max(1)),
        4 => match &mut nodes[at] {
            Node::Free(_, sum) => match sum.first_mut() {
                Some((_, weight)) => *weight = -*weight,
                None => sum.push((0, -1.0)),
            },
            Node::Input(_, value, _) => *value = (stream.below(2000) as f64) / 500.0 - 2.0,
            Node::Kink(_, unit, _) => *unit = (*unit + 1) % 8,
        },
        _ => match &mut nodes[at] {
            // not operations: the last sort of change
            Node::Free(rounds, sum) => {
                rounds.clear();
                sum.push((stream.below(7) as usize, (stream.below(9) as f64) / 3.0));
            }
            Node::Input(input, _, rounds) => {
                *input = (*input + 1) % 3;
                rounds.push(vec![(0, 1e6)]);
            }
            Node::Kink(kink, _, rounds) => {
                *kink += 1;
                rounds.push(vec![(0, 1e6)]);
            }
        },
    }
}

#[test]
fn no_tampered_proof_of_what_is_not_so_is_accepted() {
    let mut stream = Stream::new(11, 0);
    let (mut tried, mut accepted) = (0, 0);
    let all: Vec<(Subject, Property, Proof, Vec<Case>)> = proofs(2)
        .into_iter()
        .filter(|(_, _, proof)| (1..60).contains(&proof.nodes()))
        .map(|(subject, property, proof)| {
            // A property that an output contradicts.
            let (inputs, radius) =
                (property.cases[0].domain.len(), property.cases[0].domain[0].hi());
            let reached = greatest(&subject, inputs, radius);
            let wrong = cases(&below(reached - 1e-9 * reached.abs(), inputs, radius));
            (subject, property, proof, wrong)
        })
        .collect();
    while tried < 1000 {
        for (subject, property, proof, wrong) in &all {
            let mut other = proof.clone();
            if let Evidence::Holds(trees) = &mut other.evidence {
                (0..=stream.below(3)).for_each(|_| tamper(&mut trees[0], &mut stream));
            }
            // Of the property that holds, a tree that is still good enough may be accepted.
            accepted += usize::from(subject.judge(&cases(property), &other) == Judgement::Shown);
            other.property.clone_from(wrong);
            assert_ne!(subject.judge(wrong, &other), Judgement::Shown);
            tried += 1;
        }
    }
    // Of a part that is free by a wide margin, other multipliers show it as well.
    assert!(accepted < tried / 2, "{accepted} of {tried} still prove what holds");
}

#[test]
fn a_proof_is_of_its_network_property_and_semantics_alone() {
    let all = proofs(2);
    let (subject, property, proof) =
        all.iter().find(|(_, _, proof)| proof.nodes() > 3).expect("one is split");
    let known = cases(property);
    let refused = |change: &dyn Fn(&mut Proof)| {
        let mut other = proof.clone();
        change(&mut other);
        assert_ne!(subject.judge(&known, &other), Judgement::Shown);
    };
    refused(&|other| other.network.replace_range(0..1, "x"));
    refused(&|other| other.semantics = "f32".into());
    refused(&|other| other.property[0].domain[0].1 = Some(100.0));
    refused(&|other| other.property[0].constraints[0].constant += 1.0);
    refused(&|other| other.property.clear());
    refused(&|other| other.evidence = Evidence::Holds(vec![]));
    refused(&|other| other.evidence = Evidence::Holds(vec![vec![]]));
    refused(&|other| other.evidence = Evidence::Violated { case: 0, input: vec![0.0; 3] });
    // The right tree of another network.
    let mut other = Subject::new("3-12-12-2", 77);
    std::mem::swap(&mut other.network, &mut Subject::new("3-12-12-2", 78).network);
    assert_ne!(other.judge(&known, proof), Judgement::Shown);
    // Every single node is needed.
    if let Evidence::Holds(trees) = &proof.evidence {
        for at in 0..trees[0].len() {
            refused(&|other| {
                if let Evidence::Holds(trees) = &mut other.evidence {
                    trees[0].remove(at);
                }
            });
        }
    }
}

#[test]
fn an_input_that_shows_a_violation_is_evaluated_exactly() {
    let subject = Subject::new("3-12-12-2", 4);
    let property = below(greatest(&subject, 3, 2.0) - 0.1, 3, 2.0);
    let (proof, verdict) = subject.proof(&property, Semantics::F32AnyOrder).unwrap();
    assert!(matches!(verdict, Verdict::Violated(_)));
    let known = cases(&property);
    assert_eq!(subject.judge(&known, &proof), Judgement::Shown);
    let Evidence::Violated { input, .. } = &proof.evidence else { panic!("{proof:?}") };
    for (case, input) in [(1, input.clone()), (0, vec![9.0; 3]), (0, vec![f64::NAN; 3])] {
        let evidence = Evidence::Violated { case, input };
        let other = Proof { evidence, ..proof.clone() };
        assert_ne!(subject.judge(&known, &other), Judgement::Shown);
    }
}
