//! Right lines are right, wrong lines are wrong, and one slip is one wrong line.

use super::*;
use crate::derive::{Reading, read_lines};

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
    let Judgement::Wrong { at, expected, found } = &marked.lines[2].judgement else { panic!("right") };
    assert_eq!(at[0].0, "z");
    assert_eq!(expected - found, 2.0);
    assert_eq!((&marked.lines[3].judgement, marked.lines[3].after_wrong), (&Judgement::Exact, true));
    // The way back is a second slip.
    assert!(marked.lines[4].judgement.is_wrong());
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
fn approximations_are_only_near() {
    let marked = marked("d/dz z^2 = 2z ≈ 2.01z\n ≈ 3z");
    assert_eq!(marked.lines[2].judgement, Judgement::Near);
    assert_eq!(marked.first_wrong, Some(3));
}
