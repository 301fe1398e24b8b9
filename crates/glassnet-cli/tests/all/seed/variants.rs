//! Variants of the tasks: fifty seeds each, their solutions against computations of the test's own.

use glassnet::lesson::exercise::{Exercise, Numbers, State};

use super::*;

/// The variants of a task with what the solution's command answers.
fn solved(task: &str) -> impl Iterator<Item = (Numbers, Value)> {
    solved_of(task, (0..50).collect())
}

/// As [`solved`], of some seeds: for commands that train or measure.
fn solved_of(task: &str, seeds: Vec<u64>) -> impl Iterator<Item = (Numbers, Value)> {
    seeds.into_iter().map(move |seed| {
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
fn derivative() {
    for (numbers, answer) in solved("1.2") {
        let Numbers::Derivative(of) = numbers else { panic!("another task's numbers") };
        assert_eq!(answer["exact"], true, "{of:?}");
        super::derivative::derives(&of.formula, &answer);
        let joints = answer["joints"].as_array().unwrap();
        assert_eq!(joints.iter().any(|joint| joint["kind"] == "kink"), of.kinked, "{of:?}");
    }
}

/// What stands under **Why** agrees with the table above it.
#[test]
fn manual_says_why_by_its_samples() {
    for seed in 0..60_u64 {
        let number = seed.to_string();
        let shown = text(&["exercise", "2.3", "--seed", &number, "--solution"]);
        let words = shown.split_whitespace().filter(|word| *word != "│");
        let words = words.collect::<Vec<_>>().join(" ");
        let (_, why) = words.split_once(" Why ").unwrap_or_else(|| panic!("{shown}"));
        let (why, _) = why.split_once(" go up or down?").unwrap_or_else(|| panic!("{shown}"));
        let exercise = Exercise::new("2.3", seed).unwrap();
        let Numbers::Manual(of) = &exercise.numbers else { panic!("another task's numbers") };
        let rows = of.data.len();
        let active = |a: fn(f64, f64, f64) -> f64| {
            of.data.iter().filter(|(x, _)| a(of.first, of.second, *x) > 0.0).count()
        };
        let units = [
            ("a₁", active(|first, _, x| first * x)),
            ("a₂", active(|first, second, x| second * (first * x).max(0.0))),
        ];
        for (name, active) in units {
            let sentence = match active {
                0 => format!(
                    "The derivative at {name} is exactly 0 in all {rows} samples: the unit is dead"
                ),
                _ if active == rows => {
                    format!(
                        "The derivative at {name} is not 0 in any of {rows} samples: the unit is active"
                    )
                }
                _ => format!("the other {active} the unit is active"),
            };
            assert!(why.contains(&sentence), "{seed}: {sentence:?}\n{shown}");
        }
        let (first, second) = (units[0].1, units[1].1);
        // The argument by signs is for inputs that are not negative, and only where the table has a dead unit.
        assert_eq!(
            why.contains("Proven for every data set whose inputs are not negative"),
            of.first < 0.0 && first == 0,
            "{seed}: {shown}"
        );
        assert_eq!(
            why.contains("because inputs are negative there"),
            of.first < 0.0 && first > 0,
            "{seed}: {shown}"
        );
        assert_eq!(
            why.contains("Had 2.weight[0, 0] been negative"),
            of.second > 0.0,
            "{seed}: {shown}"
        );
        assert_eq!(why.contains("a₂ is dead whatever"), of.second < 0.0, "{seed}: {shown}");
        assert_eq!(why.contains("zero for every sample"), first * second == 0, "{seed}: {shown}");
        let slope: f64 = of
            .data
            .iter()
            .filter(|(x, _)| of.first * x > 0.0 && of.second > 0.0)
            .map(|(x, y)| (of.second * of.first * x - y) * of.second * x)
            .sum();
        assert_eq!(why.contains("descent lowers"), slope > 0.0, "{seed}: {shown}");
        assert_eq!(why.contains("descent raises"), slope < 0.0, "{seed}: {shown}");
    }
}

#[test]
fn manual() {
    for (numbers, answer) in solved("2.3") {
        let Numbers::Manual(of) = numbers else { panic!("another task's numbers") };
        let n = of.data.len() as f64;
        let (mut loss, mut gradient) = (0.0, 0.0);
        for (x, y) in &of.data {
            let alive = of.first * x > 0.0 && of.second > 0.0;
            let out = if alive { of.second * of.first * x } else { 0.0 };
            loss += (out - y).powi(2) / n;
            gradient += if alive { 2.0 / n * (out - y) * of.second * x } else { 0.0 };
        }
        close(number(&answer["loss"]), loss, 1e-6);
        close(number(&answer["gradient"]), gradient, 1e-6);
        assert_eq!(of.state == State::Alive, gradient != 0.0, "{of:?}");
        let dead = |unit: usize| answer["units"][unit]["zero_derivative"] == of.data.len();
        match of.state {
            State::Alive => {}
            State::FirstDead => assert!(dead(0), "{of:?} {answer}"),
            State::SecondDead => assert!(
                answer["units"].as_array().unwrap().iter().any(|unit| {
                    unit["name"] == "a₂" && unit["zero_derivative"] == of.data.len()
                }),
                "{of:?} {answer}"
            ),
        }
    }
}

#[test]
fn compare() {
    for (numbers, answer) in solved_of("1.3", vec![0, 20, 40]) {
        let Numbers::Compare(of) = numbers else { panic!("another task's numbers") };
        let found = answer["activations"].as_array().unwrap();
        assert_eq!(found.len(), of.activations.len());
        let steepest = |name: &str| match name {
            "sigmoid" => 0.25,
            "gelu" => 1.1289,
            "silu" => 1.0998,
            "mish" => 1.0885,
            _ => 1.0,
        };
        for (name, found) in of.activations.iter().zip(found) {
            close(number(&found["max_slope"]), steepest(name), 1e-3);
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
fn basis() {
    for (numbers, answer) in solved_of("2.1", vec![0, 10, 20, 30, 40]) {
        let Numbers::Basis(of) = numbers else { panic!("another task's numbers") };
        // Least squares of 1, x1, x2 on the corners leaves the part along x1·x2's sign pattern.
        let y: Vec<f64> = of.data.iter().map(|(_, y)| *y).collect();
        let interaction = (y[0] - y[1] - y[2] + y[3]) / 4.0;
        let bases = answer["bases"].as_array().unwrap();
        close(number(&bases[0]["mse"]), interaction * interaction, 1e-12);
        assert_eq!(bases[1]["basis"], "linear with product");
        close(number(&bases[1]["mse"]), 0.0, 1e-12);
    }
}

#[test]
fn network() {
    for (numbers, answer) in solved("2.5") {
        let Numbers::Network(of) = numbers else { panic!("another task's numbers") };
        let mut loss = 0.0;
        let corners = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
        for ((x, class), row) in
            corners.iter().zip(of.classes).zip(answer["rows"].as_array().unwrap())
        {
            let unit = |(w, b): (&Vec<f64>, &f64)| (w[0] * x[0] + w[1] * x[1] + b).max(0.0);
            let h: Vec<f64> = of.first.iter().zip(&of.first_bias).map(unit).collect();
            let logit =
                |(w, b): (&Vec<f64>, &f64)| b + w.iter().zip(&h).map(|(w, h)| w * h).sum::<f64>();
            let z: Vec<f64> = of.second.iter().zip(&of.second_bias).map(logit).collect();
            all_close(&super::numbers(&row["output"]), &z, 1e-5);
            assert!(z[class] > z[1 - class], "the gate is computed: {of:?}");
            loss += (1.0 + (z[1 - class] - z[class]).exp()).ln() / 4.0;
            let on_kink = row["layers"][1]["kink"].as_array().unwrap();
            let both = [0, 1].iter().all(|unit| on_kink.contains(&(*unit).into()));
            assert_eq!(
                both,
                of.on_kinks && (x[0] + x[1] == 1.0) == is_symmetric(&of.first),
                "{of:?}"
            );
        }
        close(number(&answer["loss"]), loss, 1e-5);
    }
}

/// Whether neither input is counted the other way round, or both are.
fn is_symmetric(first: &[Vec<f64>]) -> bool {
    (first[0][0] > 0.0) == (first[0][1] > 0.0)
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
