//! Right lines are right, wrong lines are wrong, and one slip is one wrong line.

use super::*;
use crate::derive::{Reading, Rule, read_lines};

fn marked(text: &str) -> Marked {
    let lines = read_lines(text, &Reading::default()).unwrap_or_else(|error| panic!("{error}"));
    check_lines(&lines, None).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn right(text: &str) -> Marked {
    let marked = marked(text);
    for line in &marked.lines {
        assert!(
            matches!(line.judgement, Judgement::Given | Judgement::Exact),
            "{} {:?}\n{text}",
            line.line.text,
            line.judgement
        );
    }
    marked
}

#[test]
fn right_lines_are_right() {
    right("d/dz (e^2z-1)/(e^2z+1) = 1-[(e^2z-1)/(e^2z+1)]² = 1-tanh²(z)");
    right("d/dz 1/(1+e^-z) = -1·(1+e^-z)^-2·(-e^-z) = e^-z/(1+e^-z)² = (1-σ)/σ·σ² = (1-σ)σ");
    right("1 + e^-z = 1/σ, e^-z = (1-σ)/σ");
    right("f(x) = x*exp(x)\nf'(x) = x'·exp(x) + x·(exp(x))' = (1+x)exp(x)\nf''(x) = (2+x)exp(x)");
}

#[test]
fn a_slip_is_one_wrong_line_with_a_point() {
    let marked = marked("d/dz z^3 + z\n = 3z^2 + 1\n = 3z^2 - 1\n = -1 + 3z^2\n = 1 + 3*z^2");
    assert_eq!(marked.first_wrong, Some(2));
    let Judgement::Wrong { at, expected, found } = &marked.lines[2].judgement else {
        panic!("right")
    };
    assert_eq!(at[0].0, "z");
    assert_eq!(expected - found, 2.0);
    assert_eq!(
        (&marked.lines[3].judgement, marked.lines[3].after_wrong),
        (&Judgement::Exact, true)
    );
    // A slip that is not carried on is no second one.
    assert_eq!(
        (&marked.lines[4].judgement, marked.lines[4].after_wrong),
        (&Judgement::Exact, false)
    );
}

#[test]
fn at_a_kink_conventions_may_differ() {
    for (text, here) in [
        ("d/dz relu(z) = piecewise(z >= 0, 1, 0)", Some(1.0)),
        ("d/dz relu(z) = 1 for z > 0, 0 for z < 0", None),
        (
            r"$$\frac{\partial \text{ReLU}(z)}{\partial z} = \begin{cases} 1 & z > 0 \\ 0 & z < 0 \end{cases}$$",
            None,
        ),
    ] {
        let marked = right(text);
        assert_eq!(
            marked.lines[1].kinks,
            [Kink { at: Rational::ZERO, above: Some(0.0), here }],
            "{text}"
        );
    }
    // Where the function has none, a line must have the value.
    assert!(marked("d/dz z^2 = piecewise(z > 1, 2z, z < 1, 2z, 3)").lines[1].judgement.is_wrong());
    assert!(marked("d/dz relu(z) = 1 for z > 0, z for z < 0").lines[1].judgement.is_wrong());
}

#[test]
fn strange_letters_and_other_functions_are_wrong() {
    let marked = marked("d/dz z^2 = 2q");
    assert_eq!(marked.lines[1].judgement, Judgement::Unexplained { names: vec!["q".into()] });
    let lines = read_lines("d/dz z^2 = 2z", &Reading::default()).expect("lines");
    let formula = crate::formula::parse("tanh(z)").expect("a formula");
    let marked = check_lines(&lines, Some(&formula)).expect("marked");
    assert_eq!(marked.first_wrong, Some(0));
}

#[test]
fn the_second_derivative_may_be_asked_about() {
    let text = "f(x) = x^3\nf''(x) = 6x";
    let lines = read_lines(text, &Reading::default()).expect("lines");
    for formula in ["x^3", "3x^2"] {
        let formula = crate::formula::parse(formula).expect("a formula");
        let marked = check_lines(&lines, Some(&formula)).expect("marked");
        assert_eq!(marked.first_wrong, None, "{formula}");
    }
}

#[test]
fn approximations_are_only_near() {
    let marked = marked("d/dz z^2 = 2z ≈ 2.01z\n ≈ 3z");
    assert_eq!(marked.lines[2].judgement, Judgement::Near);
    assert_eq!(marked.first_wrong, Some(3));
}

#[test]
fn a_line_without_any_value_is_wrong_and_one_not_compared_is_not_right() {
    for line in ["-1/z^2 + 1/(z-z)", "log(-1)", "1/(sin(z)^2 + cos(z)^2 - 1)", "|z|/(z-z)"] {
        let marked = marked(&format!("d/dz 1/z\n= {line}\n= -1/z^2"));
        assert_eq!(marked.lines[1].judgement, Judgement::NoValue, "{line}");
        assert_eq!(marked.is_right(), Some(false));
        // The line below is compared with the last right one.
        assert_eq!(marked.lines[2].judgement, Judgement::Exact, "{line}");
        assert_eq!(marked.lines[2].compared_with, Some(0));
    }
    // What has a value somewhere is not called so.
    for line in ["1/z", "sqrt(z - 1)", "log(-z)", "1/(z - 1)"] {
        let marked = marked(&format!("d/dz z^2/2\n= {line}"));
        assert!(matches!(marked.lines[1].judgement, Judgement::Wrong { .. }), "{line}");
    }
    // Where the line above has no value nothing can be said.
    let marked = marked("1/(z-z)\n= 1");
    assert_eq!(marked.is_right(), None);
    assert!(marked.document().plain().contains("1 line could not be compared"));
}

#[test]
fn a_difference_is_shown_with_the_digits_that_it_takes() {
    for (line, shown) in [
        ("1 + 1e-9", "line 2, column 3: the line above is 1, this one is 1.000000001."),
        ("1 + 1e-15", "the line above is 1, this one is 1.000000000000001."),
        ("1 + 1e-30", "the line above and this one differ, but both round to 1"),
    ] {
        let marked = marked(&format!("d/dz z\n= {line}"));
        let text = marked.document().plain();
        assert!(text.contains(shown), "{text}");
    }
}

#[test]
fn with_which_line_each_was_compared_is_told() {
    let marked = marked("d/dz z^3\n= 3z^2\n= 2z^2\n= 2z*z\n= 3z*z");
    let references: Vec<_> = marked.lines.iter().map(|line| line.compared_with).collect();
    assert_eq!(references, [None, Some(0), Some(1), Some(2), Some(1)]);
    let again: Vec<_> = marked.right_again().map(|(line, _)| line.line.number).collect();
    assert_eq!(again, [5]);
    let text = marked.document().plain();
    assert!(text.contains("equals the last right line, line 2"), "{text}");
}

#[test]
fn left_sides_are_shown_as_they_were_written() {
    let text = marked("d^2/dz^2 z^3\n= 6z\ny = z^2\nd/dz y = 2z").document().plain();
    assert!(text.contains("d²/dz² (z³)\n =6z"), "{text}");
    assert!(text.contains("y = z²"), "{text}");
    let text = marked("f(x) = x^2\nf'(x) = 2x").document().plain();
    assert!(text.contains("f(x) = x²"), "{text}");
}

const SHEET: &str = r"$$\begin{aligned}\tanh(z) &= \frac{e^{2z}-1}{e^{2z}+1} & \frac{\partial \tanh(z)}{\partial z} &= \frac{\partial}{\partial z} \left(\frac{e^{2z}-1}{e^{2z}+1} \right) && \text{apply quotient rule} \\ && &= \frac{2e^{2z} \cdot (e^{2z}+1) - (e^{2z}-1) \cdot 2e^{2z}}{(e^{2z}+1)^2} && \text{multiply out} \\ && &= \frac{2e^{4z} + 2e^{2z} - 2e^{4z} + 2e^{2z}}{(e^{2z}+1)^2} && \text{subtract } e^{4z} \text{ and expand by } +/-1 \\ && &= \frac{e^{4z} + 2e^{2z} + 1 - e^{4z} + 2e^{2z} - 1}{(e^{2z}+1)^2} && \text{separate} \\ && &= \frac{(e^{4z} + 2e^{2z} + 1) - (e^{4z} - 2e^{2z} + 1)}{(e^{2z}+1)^2} && \text{apply square rule} \\ && &= \frac{(e^{2z}+1)^2 - (e^{2z}-1)^2}{(e^{2z}+1)^2} = 1 - \tanh^2(z)\end{aligned}$$";

fn labels(marked: &Marked) -> Vec<(String, Option<Rule>)> {
    let own = marked.lines.iter().filter_map(|line| line.label.as_ref());
    own.map(|own| {
        let rule = match &own.judgement {
            LabelJudgement::Fits(rule) => Some(*rule),
            LabelJudgement::Wrong { .. } | LabelJudgement::NoRule | LabelJudgement::NoStep => None,
        };
        (own.label.words.clone(), rule)
    })
    .collect()
}

#[test]
fn labels_fit_in_both_conventions() {
    let rules = [Rule::Quotient, Rule::MultiplyOut, Rule::Expand, Rule::Separate, Rule::Square];
    let sheet = right(SHEET);
    assert_eq!(sheet.convention, Convention::OnSource);
    assert_eq!(labels(&sheet).iter().map(|(_, rule)| *rule).collect::<Vec<_>>(), rules.map(Some));
    let own = right(
        "d/dz (e^2z - 1)/(e^2z + 1)
         = [2e^2z(e^2z+1) - (e^2z-1)2e^2z]/(e^2z+1)²      quotient rule
         = [2e^4z+2e^2z-2e^4z+2e^2z]/(e^2z+1)²            multiply out
         = [e^4z+2e^2z+1-e^4z+2e^2z-1]/(e^2z+1)²          subtract e^4z and expand by +1 -1
         = [(e^4z+2e^2z+1)-(e^4z-2e^2z+1)]/(e^2z+1)²      separate
         = [(e^2z+1)²-(e^2z-1)²]/(e^2z+1)²                square rule
         = 1-[(e^2z-1)/(e^2z+1)]²                         divide
         = 1-tanh²(z)                                     definition",
    );
    assert_eq!(own.convention, Convention::OnResult);
    assert_eq!(
        labels(&own).iter().filter(|(_, rule)| rule.is_none()).count(),
        0,
        "{:?}",
        labels(&own)
    );
    assert_eq!(own.first_wrong, None);
    assert!(own.document().plain().contains("All lines are right: 7 checked exactly."));
}

#[test]
fn a_label_beside_a_wrong_line_is_not_blamed_for_it() {
    let marked = marked(&SHEET.replace("- 2e^{4z} + 2e^{2z}}", "- 2e^{4z} - 2e^{2z}}"));
    let wrong: Vec<usize> =
        (0..marked.lines.len()).filter(|i| marked.lines[*i].is_wrong()).collect();
    assert_eq!(wrong, [5], "{}", marked.document().plain());
    assert_eq!(
        marked.lines[5].label.as_ref().map(|own| &own.judgement),
        Some(&LabelJudgement::NoStep)
    );
}
