//! Every lesson runs, and its live answers hold the sheet's numbers.

use super::*;

#[track_caller]
fn holds(number: &str, expected: &[&str]) {
    let text = text(&["lesson", number]);
    // Lines are broken for 80 columns, and notes have a bar before each.
    let words = text.split_whitespace().filter(|word| *word != "│");
    let flowing = words.collect::<Vec<_>>().join(" ");
    for piece in expected {
        assert!(flowing.contains(piece), "lesson {number} lacks {piece}:\n{text}");
    }
}

/// Commands keep their own lines: nothing breaks a line that a reader wants to copy.
#[test]
fn commands_fit_a_terminal() {
    let mut lines: Vec<Vec<&str>> = vec![];
    for lesson in ["1.1", "1.2", "1.3", "1.4", "2.1", "2.2", "2.3", "2.5"] {
        lines.push(vec!["lesson", lesson]);
        if lesson != "1.3" {
            lines.extend(
                ["0", "1", "2", "3", "4", "5"]
                    .map(|seed| vec!["exercise", lesson, "--seed", seed, "--solution"]),
            );
        }
    }
    for args in &lines {
        let shown = text(args);
        let mut commands = 0;
        let mut rest = shown.lines();
        while let Some(line) = rest.next() {
            let Some(first) = line.strip_prefix("    $ ") else { continue };
            let mut command = first.to_owned();
            let mut widest = line.chars().count();
            // A command ends with the line that closes its quotes and has no backslash at its end.
            while command.ends_with('\\') || command.matches('\'').count() % 2 == 1 {
                let next = rest.next().unwrap_or_else(|| panic!("{args:?}: {command}"));
                assert_ne!(next.trim(), "\\", "{args:?}:\n{shown}");
                assert!(next.starts_with("      "), "{args:?}: {next:?}\n{shown}");
                widest = widest.max(next.chars().count());
                command = format!("{command}\n{}", next.trim_start());
            }
            assert!(widest <= 80, "{args:?}: {widest} columns\n{command}");
            assert!(glassnet::lesson::Command::parse(&command).is_ok(), "{args:?}: {command}");
            commands += 1;
        }
        assert!(commands > 0, "{args:?}: {shown}");
    }
}

#[test]
fn lesson_1_1() {
    holds("1.1", &["multiply out", "−0.6177", "−0.5532", "−3.4623", "4.9732", "2 of 4", "4 of 4"]);
}

#[test]
fn lesson_1_2() {
    holds(
        "1.2",
        &[
            "quotient rule",
            "square rule",
            "= 1 − tanh²(z)",
            "= (1 − σ(z))σ(z)",
            "undefined",
            "checked exactly",
        ],
    );
}

#[test]
fn lesson_1_3() {
    holds(
        "1.3",
        &["0.00665", "4.54·10⁻⁵", "1.82·10⁻⁴", "8.24·10⁻⁹", "Measured now", "PReLU", "LSTM, GRU"],
    );
}

#[test]
fn lesson_1_4() {
    holds(
        "1.4",
        &["1096.633", "1108.376", "98.940 %", "0.245 %", "0.814 %", "0.010652", "0.01106"],
    );
}

#[test]
fn lesson_2_1() {
    holds(
        "2.1",
        &["0.25", "x₁ + x₂ − 2x₁x₂", "1 − 0.31153r₁ − 0.42735r₂", "learning basis functions"],
    );
}

#[test]
fn lesson_2_2() {
    holds(
        "2.2",
        &["6·32 + 32 = 224", "32·32 + 32 = 1056", "32·4 + 4 = 132", "2468", "2368", "100"],
    );
}

#[test]
fn lesson_2_3() {
    holds(
        "2.3",
        &[
            "109/300",
            "7/20·w₁² − 53/75·w₁ + 109/300",
            "106/105",
            "209/31500",
            "−0.66667",
            "That is the sum of the three squares",
            "70.69",
            "0.0283",
            "Proven for every data set whose inputs are not negative",
            "dead ReLU",
        ],
    );
}

#[test]
fn lesson_2_4() {
    holds("2.4", &["pip install torch", "cargo install", "processor features", "agree with f64"]);
}

#[test]
fn lesson_2_5() {
    holds(
        "2.5",
        &[
            "[[ 6.7775993 -3.6295996]",
            "[9.9996781e-01 3.2226122e-05]]",
            "Loss: 0.00011732114",
            "0.000117333929",
            "on the kink",
            "−4.72602·10⁻⁵",
            "Not proven here",
        ],
    );
}

#[test]
fn the_list_names_every_lesson_and_what_it_shows() {
    let answer = json(&["lesson"]);
    assert_eq!(answer["schema"], "glassnet.lessons/1");
    let numbers: Vec<&str> = answer["lessons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lesson| lesson["number"].as_str().unwrap())
        .collect();
    assert_eq!(numbers, ["1.1", "1.2", "1.3", "1.4", "2.1", "2.2", "2.3", "2.4", "2.5"]);
    let text = text(&["lesson"]);
    assert!(numbers.iter().all(|number| text.contains(number)), "{text}");
}
