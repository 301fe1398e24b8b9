//! Variants of the tasks: fifty seeds each, their solutions against computations of the test's own.

use glassnet::lesson::exercise::{Exercise, Numbers};

use super::*;

/// The variants of a task with what the solution's command answers.
fn solved(task: &str) -> impl Iterator<Item = (Numbers, Value)> {
    (0..50).map(move |seed| {
        let exercise = Exercise::new(task, seed).unwrap();
        let command = &exercise.commands()[0];
        let words: Vec<&str> = command.words[1..].iter().map(String::as_str).collect();
        (exercise.numbers.clone(), json(&words))
    })
}

#[test]
fn collapse() {
    for (numbers, answer) in solved("1.1") {
        let Numbers::Collapse(of) = numbers else { panic!("another task's numbers") };
        let collapsed = &answer["runs"][0]["collapsed"];
        let inputs = of.first[0].len();
        let (weight, bias) = (rows(&collapsed["weight"]), super::numbers(&collapsed["bias"]));
        for (at, weights) in of.second.iter().enumerate() {
            for j in 0..inputs {
                let product: f64 = weights.iter().zip(&of.first).map(|(w, unit)| w * unit[j]).sum();
                assert_eq!(weight[at][j], product);
            }
            let sum: f64 = weights.iter().zip(&of.first_bias).map(|(w, b)| w * b).sum();
            assert_eq!(bias[at], sum + of.second_bias[at]);
        }
    }
}

#[test]
fn softmax() {
    for (numbers, answer) in solved("1.4") {
        let Numbers::Softmax(of) = numbers else { panic!("another task's numbers") };
        let sum: f64 = of.logits.iter().map(|(_, z)| z.exp()).sum();
        let p: Vec<f64> = of.logits.iter().map(|(_, z)| z.exp() / sum).collect();
        all_close(&super::numbers(&answer["p"]), &p, 1e-12);
        close(number(&answer["loss"]), -p[of.truth].ln(), 1e-12);
        let best = (0..p.len()).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap();
        assert_eq!(answer["predicted"], of.logits[best].0.as_str());
    }
}

#[test]
fn count() {
    for (numbers, answer) in solved("2.2") {
        let Numbers::Count(of) = numbers else { panic!("another task's numbers") };
        let mut total = 0;
        let mut before = of.features;
        for width in of.hidden.iter().copied().chain([of.labels.len()]) {
            total += before * width + width;
            before = width;
        }
        assert_eq!(answer["parameters"], total);
    }
}

#[test]
fn the_statement_and_the_solution_are_typeset() {
    for (task, format) in [("2.2", "latex"), ("1.4", "html"), ("2.2", "markdown"), ("1.4", "text")]
    {
        let statement = text(&["exercise", task, "--seed", "7", "--format", format]);
        let solution = text(&["exercise", task, "--seed", "7", "--solution", "--format", format]);
        assert!(
            !statement.contains("Solution") && solution.contains("Solution"),
            "{task} {format}"
        );
        assert!(solution.len() > statement.len() + 200, "{task} {format}");
    }
}

#[test]
fn the_json_holds_numbers_statement_and_results() {
    let answer = json(&["exercise", "1.4", "--seed", "2", "--solution"]);
    assert_eq!(answer["schema"], "glassnet.exercise/1");
    assert_eq!((&answer["task"], &answer["seed"]), (&"1.4".into(), &2.into()));
    assert!(answer["numbers"]["logits"].is_object() && answer["numbers"]["true"].is_string());
    assert!(answer["statement"].as_str().unwrap().contains("variant 2"));
    let step = &answer["solution"][0];
    assert!(step["command"].as_str().unwrap().starts_with("glassnet worked softmax"));
    assert!(number(&step["result"]["loss"]) > 0.0);
    assert_eq!(json(&["exercise", "1.4", "--seed", "2"])["solution"], Value::Null);
}

#[test]
fn unknown_tasks_and_lessons_are_usage_errors() {
    let folder = Folder::new();
    folder.refused(&["exercise", "2.33"], 2, "usage").names(&["did you mean 2.3?"]);
    folder.refused(&["exercise", "2.4"], 2, "usage").names(&["no numbers to vary"]);
    folder.refused(&["exercise", "2.3", "--seed", "-1"], 2, "usage");
    folder.refused(&["lesson", "2.33"], 2, "usage").names(&["did you mean 2.3?"]);
    folder.refused(&["lesson", "softmax"], 2, "usage").names(&["choose one of 1.1"]);
}
