//! Mathematics over several lines, as SymPy's printer would set it.

use super::super::math::{BigOperator, Fence, Math, Operator};
use super::super::parse;

fn check(math: &Math, width: usize, expected: &[&str]) {
    let lines = math.lines(width);
    assert_eq!(lines, expected, "\n{}", lines.join("\n"));
}

fn formula(text: &str) -> Math {
    parse(text).unwrap().math()
}

#[test]
fn what_reads_well_in_a_line_stays_there() {
    check(&formula("1 - tanh(z)^2"), 80, &["1 − tanh²(z)"]);
    check(&formula("exp(2*z)"), 80, &["e²ᶻ"]);
    check(&formula("3/2*(1 - f^2)"), 80, &["3/2·(1 − f²)"]);
    check(&formula("z^2/2"), 80, &["z²/2"]);
}

#[test]
fn a_factor_behind_a_fraction_or_a_bare_root_is_no_part_of_it() {
    check(&formula("1/2*z^(-1/2)"), 80, &["     −1/2", "1/2·z"]);
    check(&formula("sqrt(2)"), 80, &["√2"]);
    check(&formula("sqrt(2)*z"), 80, &["√2·z"]);
    check(&formula("2*sqrt(z)"), 80, &["2√z"]);
    check(&formula("sqrt(2*pi)*z"), 80, &["√(2π)z"]);
    check(&formula("sqrt(z)^2"), 80, &["(√z)²"]);
}

#[test]
fn fractions_stack_and_brackets_grow() {
    check(
        &formula("1 - ((exp(2*z) - 1)/(exp(2*z) + 1))^2"),
        80,
        &["    ⎛e²ᶻ − 1⎞²", "1 − ⎜───────⎟", "    ⎝e²ᶻ + 1⎠"],
    );
    check(
        &formula("1/(1 + 1/(1 + x))"),
        80,
        &["     1", "───────────", "       1", " 1 + ─────", "     1 + x"],
    );
    check(&formula("-1/x"), 80, &["  1", "− ─", "  x"]);
    check(&Math::partial(Math::name("J"), Math::name("w1")), 80, &["∂J", "───", "∂w₁"]);
}

#[test]
fn an_exponent_that_has_no_raised_letters_stands_a_line_higher() {
    let tall = Math::name("e").raised(Math::name("Q").negative());
    check(&tall, 80, &[" −Q", "e"]);
    let power = formula("x + 1").power(Math::fraction(Math::name("a"), Math::name("b")));
    check(&power, 80, &["       a", "       ─", "       b", "(x + 1)"]);
}

#[test]
fn matrices_cases_sums_and_roots() {
    let matrix = Math::Matrix(vec![
        vec![Math::f64(1.0), Math::f64(-20.5)],
        vec![Math::f64(-3.0), Math::f64(4.0)],
    ]);
    check(&matrix, 80, &["⎡ 1  −20.5⎤", "⎣−3      4⎦"]);
    check(&formula("piecewise(z > 0, z, 0)"), 80, &["⎧ z  if z > 0", "⎨", "⎩ 0  otherwise"]);
    let sum = Math::row([
        Math::Big(
            BigOperator::Sum,
            Some(Box::new(Math::name("i").equals(Math::f64(1.0)))),
            Some(Box::new(Math::name("N"))),
        ),
        Math::name("x_i"),
    ]);
    check(&sum, 80, &[" N", " Σ  xᵢ", "i=1"]);
    check(&formula("sqrt(1/x)"), 80, &["    __", "   ╱ 1", "  ╱  ─", "╲╱   x"]);
    let tall = Math::Fence(Fence::Bars, Box::new(matrix));
    check(&tall, 80, &["│⎡ 1  −20.5⎤│", "│⎣−3      4⎦│"]);
}

#[test]
fn wide_lines_break_before_relations_then_signs_then_dots() {
    let sum = formula("a + b + c").equals(formula("d + g*h"));
    check(&sum, 14, &["a + b + c", "  = d + gh"]);
    let short = Math::name("y").equals(formula("b + c + d + g"));
    check(&short, 13, &["y = b + c + d", "      + g"]);
    let long = Math::name("alpha").equals(formula("b + c + d + g"));
    check(&long, 13, &["alpha", "  = b + c + d", "      + g"]);
    let product = Math::product(
        (1..5).map(|i| Math::fraction(Math::name("a"), Math::name(&format!("b{i}0")))),
    );
    check(
        &product,
        14,
        &[
            " a     a",
            "─── · ───",
            "b₁₀   b₂₀",
            "",
            "     a     a",
            "  · ─── · ───",
            "    b₃₀   b₄₀",
        ],
    );
}

#[test]
fn what_cannot_be_broken_is_written_in_a_line_and_wrapped() {
    let wide = Math::fraction(formula("a + b + c + d + g + h"), formula("z"));
    check(&wide, 12, &["(a + b + c", "  + d + g", "  + h)/z"]);
    let word = Math::text("immeasurable");
    check(&word, 5, &["immea", "surab", "le"]);
    assert_eq!(Math::Operator(Operator::Equals).lines(1), ["="]);
}

#[test]
fn wide_pieces_are_broken_within() {
    let wide = Math::fraction(formula("a + b + c + d + g + h"), formula("z"));
    check(&wide, 20, &[" a + b + c + d + g", "   + h", "───────────────────", "         z"]);
    let row: Vec<Math> = (1..=6).map(|i| Math::f64(f64::from(i) * -1.25)).collect();
    check(
        &Math::name("W").equals(Math::Matrix(vec![row.clone(), row])),
        30,
        &[
            "W = columns 1 to 4",
            "    ⎡−1.25  −2.5  −3.75  −5⎤",
            "    ⎣−1.25  −2.5  −3.75  −5⎦",
            "    columns 5 to 6",
            "    ⎡−6.25  −7.5⎤",
            "    ⎣−6.25  −7.5⎦",
        ],
    );
    check(
        &formula("piecewise(z < 0, a + b + c + d + g + h, 0)"),
        24,
        &["⎧ a + b + c + d + g + h", "⎨   if z < 0", "⎪", "⎩ 0  otherwise"],
    );
}
