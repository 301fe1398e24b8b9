//! Variants are the same for ever, and sane.

use super::*;

/// What seed 7 draws, which another way of drawing would change for everybody who has noted a seed.
const GOLDEN: &[&str] = &[
    "Collapse(Collapse { first: [[0.0, -3.0], [3.0, -4.0]], first_bias: [2.0, 2.0], second: [[1.0, -1.0], [4.0, 2.0]], second_bias: [3.0, 3.0] })",
    r#"Derivative(Derivative { formula: "1/(1 + exp(-6*z))", kinked: false })"#,
    r#"Compare(Compare { activations: ["elu", "softsign", "silu"] })"#,
    r#"Softmax(Softmax { logits: [("cat", 3.2), ("dog", 1.1), ("fox", -0.3)], truth: 1 })"#,
    "Basis(Basis { data: [([0.0, 0.0], 0.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], 1.0)] })",
    r#"Count(Count { examples: 260, features: 10, labels: ["1", "2", "3", "4", "5", "6"], hidden: [64, 20, 24, 64] })"#,
    "Manual(Manual { data: [(1.0, 0.7), (4.0, 0.6), (8.0, 1.2), (10.0, 0.6)], first: 0.6, second: 0.3, state: Alive })",
    "Network(Network { first: [[3.28, 3.28], [-0.89, -0.89], [6.56, 6.56]], first_bias: [-3.28, 0.89, -6.56], second: [[-0.3, 2.73, -0.15], [-0.21, -4.03, -0.11]], second_bias: [-1.39, 2.3], classes: [0, 1, 1, 1], on_kinks: true, redundant: Some(Double) })",
];

fn all() -> impl Iterator<Item = Exercise> {
    TASKS.iter().flat_map(|task| (0..50).map(|seed| Exercise::new(task, seed).unwrap()))
}

#[test]
fn fifty_variants_of_every_task_read() {
    for exercise in all() {
        let mut commands = vec![];
        let document = exercise.document(true, &mut |command| {
            commands.push(command.clone());
            Ok(Document::new("An answer"))
        });
        let document = document.unwrap_or_else(|error| panic!("{error}"));
        assert!(document.blocks.len() >= 3, "{exercise:?}");
        assert_eq!(commands, exercise.commands(), "{exercise:?}");
    }
}

#[test]
fn the_statement_alone_runs_nothing() {
    for exercise in all() {
        let document = exercise.document(false, &mut |_| panic!("a command was run")).unwrap();
        assert!(!document.plain().contains("Solution"), "{exercise:?}");
    }
}

#[test]
fn variants_differ_from_seed_to_seed() {
    for task in TASKS {
        let first = Exercise::new(task, 0).unwrap().statement();
        let others = (1..20).map(|seed| Exercise::new(task, seed).unwrap().statement());
        let body = |text: &str| text.split_once("\n\n").unwrap().1.to_owned();
        assert!(others.filter(|other| body(other) == body(&first)).count() < 8, "{task}");
    }
}

#[test]
fn variants_never_change() {
    let numbers = |task: &&str| format!("{:?}", Exercise::new(task, 7).unwrap().numbers);
    assert_eq!(TASKS.iter().map(numbers).collect::<Vec<_>>(), GOLDEN);
}

#[test]
fn derivatives_vary_in_kind() {
    let shape = |seed: u64| {
        let Numbers::Derivative(of) = Exercise::new("1.2", seed).unwrap().numbers else { panic!() };
        of.formula.chars().filter(|c| !c.is_ascii_digit()).collect::<String>()
    };
    for first in 0..10 {
        let shapes: std::collections::BTreeSet<String> = (first..first + 10).map(shape).collect();
        assert_eq!(shapes.len(), 10, "{shapes:?}");
    }
}

#[test]
fn weights_are_two_decimals() {
    let readable = |number: f64| {
        let text = number.to_string();
        text.len() <= 6 && text.split_once('.').is_none_or(|(_, decimals)| decimals.len() <= 2)
    };
    for seed in 0..200 {
        let Numbers::Network(network) = Exercise::new("2.5", seed).unwrap().numbers else {
            panic!()
        };
        let all = [&network.first, &network.second].into_iter().flatten().flatten();
        let all: Vec<f64> =
            all.chain(&network.first_bias).chain(&network.second_bias).copied().collect();
        assert!(all.iter().all(|weight| readable(*weight)), "{seed}: {all:?}");
    }
}

#[test]
fn networks_compute_their_gate_and_lie_on_kinks_as_they_say() {
    let rows = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let (mut kinked, mut thirds) = (0, 0);
    for seed in 0..200 {
        let Numbers::Network(network) = Exercise::new("2.5", seed).unwrap().numbers else {
            panic!()
        };
        let mut on_both = 0;
        for (row, class) in rows.iter().zip(network.classes) {
            let unit = |(w, b): (&Vec<f64>, &f64)| w[0] * row[0] + w[1] * row[1] + b;
            let before: Vec<f64> =
                network.first.iter().zip(&network.first_bias).map(unit).collect();
            on_both += usize::from(before[..2].iter().all(|a| a.abs() < 1e-12));
            let logit = |(w, b): (&Vec<f64>, &f64)| {
                b + w.iter().zip(&before).map(|(w, a)| w * a.max(0.0)).sum::<f64>()
            };
            let logits: Vec<f64> =
                network.second.iter().zip(&network.second_bias).map(logit).collect();
            let margin = logits[class] - logits[1 - class];
            assert!((1.8..4.8).contains(&margin), "{seed}: {margin} {network:?}");
        }
        assert_eq!(on_both, if network.on_kinks { 2 } else { 0 }, "{network:?}");
        kinked += usize::from(network.on_kinks);
        thirds += usize::from(network.redundant.is_some());
    }
    assert!((60..140).contains(&kinked) && (80..160).contains(&thirds), "{kinked} {thirds}");
}

#[test]
fn tasks_are_found_and_slips_are_guessed() {
    assert_eq!(Exercise::new(" Task 2.3", 0).unwrap().task, "2.3");
    let error = Exercise::new("2.33", 0).unwrap_err();
    assert!(error.help_text().unwrap().contains("2.3"), "{error}");
    assert!(Exercise::new("2.4", 0).unwrap_err().to_string().contains("no numbers"));
}
